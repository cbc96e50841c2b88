#!/usr/bin/env python3
"""Checks the commands, the names and the links of the deploy guide, without an account and without the network.

    python3 scripts/check_docs.py                     docs/DEPLOY.md and the pages beside it
    python3 scripts/check_docs.py docs/DEPLOY.md      one page
    python3 scripts/check_docs.py --list              prints the commands that are checked, too

What is checked of a fenced block marked `sh`:

- Every command is one of those that this script knows how to check. A new one needs a check first.
- `aws …` runs, with the AWS CLI of requirements/awscli.txt, against a server on loopback that refuses everything. A command
  whose service, operation, parameters, their types or its `--query` are wrong never gets as far as a request.
- `terraform …`: the folder, the subcommand, its flags (as `terraform <subcommand> -help` lists them), the variables of `-var`,
  the files of `-var-file` and `-backend-config`, the outputs of `output`.
- Scripts are there, and know the flags that they are called with. Other files that are named are there, unless a command before
  writes them.
- A shell variable is set, in this page, before it is used.

And of the rest:

- A block marked `hcl` sets variables that one of the roots has.
- A word in code style such as `reserved_concurrency` is a name of one of the roots.
- A file that is named in code style, such as `environments/dev.tfvars`, is there, in the repository or in one of the roots.
- A link to a file of the repository leads to a file, and one to a heading leads to a heading.

GRISTMILL_AWS_CLI names another AWS CLI to check by; else it is installed below the target folder. Version 1 of the CLI checks what is written for either version.

Exit codes: 0 nothing found; 1 something is wrong; 2 wrong use.
"""

import argparse
import http.server
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import threading

import checkout

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGES = ["docs/DEPLOY.md", "docs/OPERATE.md", "docs/COST.md", "infrastructure/README.md", "codepipeline/README.md"]
STACKS = ["infrastructure", "codepipeline"]

PLACEHOLDER = "placeholder"
OBJECTS = '{\\"Objects\\": [{\\"Key\\": \\"placeholder\\"}]}'
# Of Terraform's S3 backend (developer.hashicorp.com/terraform/language/backend/s3).
BACKEND_KEYS = {"bucket", "key", "region", "use_lockfile", "encrypt", "kms_key_id"}
GIT = {"clone", "remote", "fetch", "checkout", "switch", "push", "pull", "log", "revert", "branch", "add", "commit", "merge"}
# Without a check of their own: they touch nothing but what stands on their line.
SHELL = {"cd", "echo", "cp", "mkdir", "rm", "sleep", "cat", "head"}
# Flags that stand before Terraform's subcommand, and what `terraform output -help` and others do not list.
TERRAFORM_COMMANDS = {"init", "plan", "apply", "destroy", "output", "validate", "fmt", "test", "state", "show", "import"}


class Bad(Exception):
    """Something in a page that is not so."""


# --- The page ------------------------------------------------------------------------------------------------------


def blocks(text):
    """Fenced blocks, as (line of the first content line, language, content)."""
    found, language, start, lines = [], None, 0, []
    for number, line in enumerate(text.splitlines(), 1):
        if fence := re.match(r"^\s*```(\S*)\s*$", line):
            if language is None:
                language, start, lines = fence[1], number + 1, []
            else:
                found.append((start, language, "\n".join(lines)))
                language = None
        elif language is not None:
            lines.append(line.strip() if line.startswith("   ") else line)
    if language is not None:
        raise Bad("a fenced block is not closed")
    return found


def prose(text):
    """The page without its fenced blocks; lines keep their numbers."""
    inside, lines = False, []
    for line in text.splitlines():
        if re.match(r"^\s*```", line):
            inside = not inside
            lines.append("")
        else:
            lines.append("" if inside else line)
    return lines


def anchors(text):
    """The headings as GitHub addresses them."""
    found = set()
    for line in prose(text):
        if heading := re.match(r"^#+ +(.*)$", line):
            plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading[1]).replace("`", "")
            found.add(re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-"))
    return found


def check_links(page, text):
    for number, line in enumerate(prose(text), 1):
        for target in re.findall(r"\]\(([^)\s]+)\)", line):
            if re.match(r"^[a-z]+:", target):
                continue
            path, _, anchor = target.partition("#")
            file = (page.parent / path).resolve() if path else page
            if not file.exists():
                yield number, f"the link {target} leads to no file"
            elif anchor and file.suffix == ".md" and anchor not in anchors(file.read_text(encoding="utf-8")):
                yield number, f"the link {target} leads to no heading"


# --- Terraform -----------------------------------------------------------------------------------------------------


class Stack:
    """The names of a root."""

    def __init__(self, folder):
        self.folder = folder
        text = "\n".join(file.read_text(encoding="utf-8") for file in sorted(folder.rglob("*.tf")))
        own = "\n".join(file.read_text(encoding="utf-8") for file in sorted(folder.glob("*.tf")))
        self.variables = set(re.findall(r'^variable "([^"]+)"', own, re.MULTILINE))
        self.outputs = set(re.findall(r'^output "([^"]+)"', own, re.MULTILINE))
        # Attributes of variables and of resources, and the types of resources.
        self.words = set(re.findall(r"^\s*([a-z][a-z0-9_]*)\s*=", text, re.MULTILINE))
        self.words |= set(re.findall(r'^(?:resource|data) "([a-z0-9_]+)"', text, re.MULTILINE))


def terraform_flags(subcommand, known={}):
    if subcommand not in known:
        # Options common to all subcommands that have a plan are listed by `plan`.
        text = ""
        for one in {subcommand, "plan"} if subcommand in ("apply", "destroy") else {subcommand}:
            text += subprocess.run(["terraform", one, "-help"], capture_output=True, text=True, check=False).stdout
        known[subcommand] = set(re.findall(r"^\s+(-[a-z][a-z-]*)", text, re.MULTILINE))
        if not known[subcommand]:
            raise Bad(f"terraform has no subcommand {subcommand}")
    return known[subcommand]


def check_terraform(words, stacks, written):
    arguments, folder = words[1:], None
    while arguments and arguments[0].startswith("-"):
        if not (found := re.fullmatch(r"-chdir=(.+)", arguments[0])):
            raise Bad(f"{arguments[0]} does not stand before a subcommand")
        folder, arguments = found[1], arguments[1:]
    if not arguments:
        raise Bad("terraform without a subcommand")
    subcommand, arguments = arguments[0], arguments[1:]
    if subcommand not in TERRAFORM_COMMANDS:
        raise Bad(f"terraform {subcommand} is not one of those that are checked")
    if folder not in stacks:
        raise Bad(f"-chdir={folder} is none of {', '.join(stacks)}")
    stack = stacks[folder]
    position = 0
    while position < len(arguments):
        word = arguments[position]
        position += 1
        if not word.startswith("-"):
            check_terraform_operand(subcommand, word, stack, written)
            continue
        flag, _, value = word.partition("=")
        flag = "-" + flag.lstrip("-")
        if flag not in terraform_flags(subcommand):
            raise Bad(f"terraform {subcommand} has no flag {flag}")
        if flag == "-var" and not value:
            value, position = arguments[position], position + 1
        if flag == "-var" and value.partition("=")[0] not in stack.variables:
            raise Bad(f"{folder} has no variable {value.partition('=')[0]}")
        if flag == "-var-file" and not (stack.folder / value).is_file():
            raise Bad(f"there is no {folder}/{value}")
        if flag == "-backend-config":
            name = value.partition("=")[0]
            if "=" in value and name not in BACKEND_KEYS:
                raise Bad(f"the S3 backend has no setting {name}")
            if "=" not in value and not (stack.folder / value).is_file() and f"{folder}/{value}" not in written:
                raise Bad(f"there is no {folder}/{value}")
        if flag == "-out":
            written.add(f"{folder}/{value}")


def check_terraform_operand(subcommand, word, stack, written):
    if subcommand == "output" and word not in stack.outputs:
        raise Bad(f"{stack.folder.name} has no output {word}")
    if subcommand == "apply" and f"{stack.folder.name}/{word}" not in written:
        raise Bad(f"no command before writes the plan {word}")


# --- AWS -----------------------------------------------------------------------------------------------------------


class Refusing(http.server.BaseHTTPRequestHandler):
    """Refuses every request, and counts them."""

    requests = 0

    def refuse(self):
        type(self).requests += 1
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b"<Error><Code>Refused</Code><Message>refused</Message></Error>"
        self.send_response(400)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = refuse

    def log_message(self, *_):
        pass


class Aws:
    """The AWS CLI, and a server that refuses."""

    def __init__(self):
        self.program = self.install()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @staticmethod
    def install():
        return os.environ.get("GRISTMILL_AWS_CLI") or str(checkout.installed("awscli") / "bin" / "aws")

    def check(self, words):
        before = Refusing.requests
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": tempfile.gettempdir(),
            "AWS_ACCESS_KEY_ID": "nobody",
            "AWS_SECRET_ACCESS_KEY": "nothing",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_MAX_ATTEMPTS": "1",
            # Whatever finds its own way to AWS nevertheless ends here.
            "HTTPS_PROXY": "http://127.0.0.1:9",
            "NO_PROXY": "127.0.0.1",
        }
        done = subprocess.run(
            [self.program, *words[1:], "--endpoint-url", f"http://127.0.0.1:{self.server.server_port}"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        if Refusing.requests == before:
            said = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
            raise Bad(f"the AWS CLI does not understand it: {said[-1] if said else 'it said nothing'}")


# --- Commands ------------------------------------------------------------------------------------------------------


def without_substitutions(text):
    """The text with each `$(…)` replaced by a placeholder, and what stood in them."""
    inner = []
    while (start := text.find("$(")) >= 0:
        depth, end = 1, start + 2
        while depth:
            if end >= len(text):
                raise Bad("a $( is not closed")
            depth += {"(": 1, ")": -1}.get(text[end], 0)
            end += 1
        inner.append(text[start + 2 : end - 1])
        # The one answer in JSON that is handed on is a list of objects in S3.
        answer = OBJECTS if "--output json" in inner[-1] else PLACEHOLDER
        text = text[:start] + answer + text[end:]
    return text, inner


def commands(script):
    """The simple commands of a block, with their line, in the order in which they run: lists of words."""
    joined = re.sub(r"\\\n\s*", lambda found: " " + "\x00" * found[0].count("\n"), script)
    number = 0
    for line in joined.split("\n"):
        yield from commands_of_line(line.replace("\x00", ""), number)
        number += 1 + line.count("\x00")


def commands_of_line(line, number):
    text, inner = without_substitutions(line)
    for one in inner:
        yield from commands_of_line(one, number)
    lexer = shlex.shlex(text, posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split = True
    lexer.commenters = "#"
    words = []
    for word in [*lexer, ";"]:
        if word and set(word) <= set("|&;"):
            if words:
                yield number, words
            words = []
        else:
            words.append(word)


def substituted(word, variables):
    def value(found):
        name = found[1] or found[2]
        if name not in variables:
            raise Bad(f"${name} is not set in this page before")
        return variables[name]

    return re.sub(r"\$(?:\{(\w+)\}|(\w+))", value, word)


def check_command(words, variables, stacks, aws, written):
    while words and (assigned := re.fullmatch(r"(\w+)=(.*)", words[0])):
        variables[assigned[1]] = substituted(assigned[2], variables)
        words = words[1:]
    if words[:1] == ["export"]:
        for word in words[1:]:
            name, _, value = word.partition("=")
            variables[name] = substituted(value, variables)
        return
    # What is written to a file is there for later commands.
    while any(set(word) <= {"<", ">"} and word for word in words):
        place = next(index for index, word in enumerate(words) if word and set(word) <= {"<", ">"})
        if words[place].startswith(">"):
            written.add(words[place + 1])
        words = words[:place] + words[place + 2 :]
    if not words:
        return
    words = [substituted(word, variables) for word in words]
    program = words[0]
    if program in ("bash", "python3", ".") and len(words) > 1:
        words, program = words[1:], words[1]
    if program == "terraform":
        check_terraform(words, stacks, written)
    elif program == "aws":
        aws.check(words)
    elif program == "cargo":
        if words[1] != "run" or "--" not in words:
            raise Bad("of cargo, `cargo run … -- …` is checked")
        for word in words[words.index("--") + 1 :]:
            if "/" in word and not (ROOT / word).exists():
                raise Bad(f"there is no {word}")
    elif program == "git":
        if words[1] not in GIT:
            raise Bad(f"git {words[1]} is not one of those that are checked")
    elif "/" in program:
        check_script(words)
    elif program in SHELL:
        check_files(words, written)
    else:
        raise Bad(f"{program} is not a command that is checked")


def check_files(words, written):
    """What a command of the shell reads is there; what it removes was written by a command before."""
    program, files = words[0], words[1:]
    if program == "rm" and not set(files) <= written:
        raise Bad("only what a command before has written is removed")
    if program == "cp":
        *files, target = files
        written.update(target + pathlib.Path(one).name if target.endswith("/") else target for one in files)
    for file in files if program in ("cp", "cat", "head") else []:
        if not file.startswith("-") and not (ROOT / file).exists() and file not in written:
            raise Bad(f"there is no {file}")


def check_script(words):
    file = ROOT / words[0]
    if not file.is_file():
        raise Bad(f"there is no {words[0]}")
    text = file.read_text(encoding="utf-8")
    for word in words[1:]:
        flag = word.partition("=")[0]
        if flag.startswith("-") and not re.search(rf"{re.escape(flag)}(?![\w-])", text):
            raise Bad(f"{words[0]} knows no flag {flag}")
        if words[0] == ".ci/run" and not word.startswith("-") and f"step_{word}()" not in text:
            raise Bad(f".ci/run has no step {word}")


# --- All of it -----------------------------------------------------------------------------------------------------


def check_page(page, stacks, aws, listed):
    text = page.read_text(encoding="utf-8")
    yield from check_links(page, text)
    variables, written = {}, set()
    for start, language, content in blocks(text):
        if language == "sh":
            try:
                for offset, words in commands(content):
                    try:
                        listed.append((start + offset, " ".join(words)))
                        check_command(words, variables, stacks, aws, written)
                    except Bad as bad:
                        yield start + offset, f"{' '.join(words)}: {bad}"
            except (Bad, ValueError) as bad:
                yield start, f"cannot be read as commands: {bad}"
        elif language == "hcl":
            for offset, line in enumerate(content.splitlines()):
                known = set().union(*(stack.variables for stack in stacks.values()))
                if (name := re.match(r"^([a-z_]+)\s*=", line)) and name[1] not in known:
                    yield start + offset, f"no root has a variable {name[1]}"
        elif language not in ("", "text", "json"):
            yield start, f"a block is marked sh, hcl, json, text or not at all, not '{language}'"
    names = set().union(*(stack.variables | stack.outputs | stack.words for stack in stacks.values()))
    for number, line in enumerate(prose(text), 1):
        for word in re.findall(r"`([a-z][a-z0-9]*(?:_[a-z0-9]+)+)`", line):
            if word not in names:
                yield number, f"`{word}` is no name of {' or '.join(stacks)}"
        for path in re.findall(r"`([\w.-]+(?:/[\w.-]+)*\.(?:tf|tfvars|sh|py|yml|json|md|csv|rs))`", line):
            if not any((ROOT / base / path).exists() for base in ("", "docs", *stacks)):
                yield number, f"there is no {path}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", nargs="*", default=PAGES, metavar="PAGE")
    parser.add_argument("--list", action="store_true")
    arguments = parser.parse_args()
    stacks = {name: Stack(ROOT / name) for name in STACKS}
    aws, checked, wrong = Aws(), 0, 0
    for name in arguments.pages:
        page = (ROOT / name).resolve()
        if not page.is_file():
            print(f"there is no {name}", file=sys.stderr)
            return 2
        listed = []
        try:
            for number, message in check_page(page, stacks, aws, listed):
                print(f"{name}:{number}: {message}")
                wrong += 1
        except Bad as bad:
            print(f"{name}: {bad}")
            wrong += 1
        checked += len(listed)
        for number, command in listed if arguments.list else []:
            print(f"{name}:{number}: checked: {command}")
    print(f"{checked} commands in {len(arguments.pages)} pages, {wrong} findings")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
