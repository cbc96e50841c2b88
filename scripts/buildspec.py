#!/usr/bin/env python3
"""Runs the phases of buildspec.yml on this machine, as AWS CodeBuild does, so that the file cannot rot.

    python3 scripts/buildspec.py --check                     reads it and those of the later steps, and runs nothing
    python3 scripts/buildspec.py                             all phases, in a clean copy of the project
    python3 scripts/buildspec.py --only build --set GRISTMILL_ARCHITECTURE=x86_64
    python3 scripts/buildspec.py --skip install,pre_build --here

The copy has no git and none of what was built here, like the archive that CodePipeline hands over. It lies below
target/buildspec (below $CARGO_TARGET_DIR/buildspec, where that is set) with a target folder of its own, and stays there;
--here takes the project itself. --set gives a variable another value, as a CodeBuild project may. The artifacts are
collected in --artifacts, below target/buildspec if it is not given.

What is done as in CodeBuild: all commands run in one shell, so that what one sets is there for the next; a command that
fails ends its phase's `commands`, and `finally` runs all the same; after a failed install or pre_build nothing more runs,
after a failed build post_build does; an artifact that is not there is an error. What is not: `runtime-versions` (this
machine's Python is taken), and what needs an account. A key that this script does not know is an error.

Exit codes: 0 all good; 1 the file is wrong, a phase failed or an artifact is missing; 2 wrong use.
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

import checkout

PHASES = ["install", "pre_build", "build", "post_build"]
# docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html
KEYS = {"version", "env", "phases", "artifacts"}
ENV_KEYS = {"shell", "variables", "exported-variables"}
PHASE_KEYS = {"commands", "finally"}
ARTIFACT_KEYS = {"files", "base-directory"}
# The project's scripts are called, with plain words, and that is all: logic in here is tested nowhere else. What CodeBuild
# hands over under a name of its own may be given a name of ours, and a variable for the next step may be read from a file.
COMMAND = re.compile(
    r'(?:[A-Z_]+="\$CODEBUILD_[A-Za-z_]+" )*(?:\.|bash|python3) (?P<script>[A-Za-z0-9._/-]+)(?: [A-Za-z0-9._/=-]+)*'
)
EXPORT = re.compile(r'export (?P<name>[A-Z_]+)="\$\(cat [A-Za-z0-9._/-]+\)"')
# The pipeline's later steps: read here, and not run, because what they do needs an account.
STEPS = sorted(checkout.ROOT.glob("codepipeline/buildspecs/*.yml"))


class Wrong(Exception):
    """What is wrong with the file, in words for its author."""


def known(what, found, keys):
    if not isinstance(found, dict):
        raise Wrong(f"{what} is not a mapping")
    if unknown := sorted(set(found) - keys):
        raise Wrong(f"{what} has {', '.join(unknown)}, which cannot be tried here; known are {', '.join(sorted(keys))}")
    return found


def texts(what, found):
    if not isinstance(found, list) or not found or not all(isinstance(text, str) and text.strip() for text in found):
        raise Wrong(f"{what} is not a list of texts; quote what YAML takes for something else")
    return found


def read(path):
    """Reads the file and says everything that can be said without running it."""
    import yaml  # From requirements/pyyaml.txt.

    try:
        spec = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise Wrong(f"this is not YAML: {error}") from None
    known("the file", spec, KEYS)
    # Read as a number, as CodeBuild's own examples write it.
    if str(spec.get("version")) != "0.2":
        raise Wrong(f"version is {spec.get('version')}, not 0.2: each command would run in a shell of its own")
    env = known("env", spec.setdefault("env", {}), ENV_KEYS)
    if env.get("shell", "sh") != "bash":
        raise Wrong("env.shell is not bash, which the project's scripts are written for")
    for name, value in known("env.variables", env.setdefault("variables", {}), set(env["variables"])).items():
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) or name.startswith("CODEBUILD_"):
            raise Wrong(f"env.variables has {name}, which is no name that a build may set")
        if not isinstance(value, str):
            raise Wrong(f"env.variables.{name} is {value!r}, not a text: quote it")
    phases = known("phases", spec.get("phases"), set(PHASES))
    for name, phase in phases.items():
        known(f"phases.{name}", phase, PHASE_KEYS | ({"runtime-versions"} if name == "install" else set()))
        texts(f"phases.{name}.commands", phase.get("commands"))
        if "finally" in phase:
            texts(f"phases.{name}.finally", phase["finally"])
    if "artifacts" in spec:
        texts("artifacts.files", known("artifacts", spec["artifacts"], ARTIFACT_KEYS).get("files"))
    if "exported-variables" in env:
        texts("env.exported-variables", env["exported-variables"])
    return spec


def commands(spec):
    """Each command, with the name of its phase."""
    return [(name, text) for name, phase in spec["phases"].items() for text in phase["commands"] + phase.get("finally", [])]


def check_scripts(spec):
    """Each command calls a script of the project, and nothing else; what the next step is told is set by one."""
    tracked = set(checkout.files())
    exported = set(spec["env"]["variables"])
    for name, command in commands(spec):
        if told := EXPORT.fullmatch(command):
            exported.add(told["name"])
            continue
        called = COMMAND.fullmatch(command)
        if not called:
            raise Wrong(f"phases.{name}: {command!r} is more than a call of one of the project's scripts")
        if called["script"] not in tracked:
            raise Wrong(f"phases.{name}: {command!r} calls {called['script']}, which the project does not have")
    if unset := sorted(set(spec["env"].get("exported-variables", [])) - exported):
        raise Wrong(f"env.exported-variables has {unset[0]}, which no command sets")


def check_artifacts(spec):
    """The artifacts are what the packaging script makes, no less and no more."""
    import package

    if "artifacts" not in spec:
        raise Wrong("there are no artifacts")
    made = {f"target/lambda/{name}/bootstrap.zip" for name in package.FUNCTIONS}
    named = {os.path.join(spec["artifacts"].get("base-directory", ""), name) for name in spec["artifacts"]["files"]}
    if made != named:
        raise Wrong(f"artifacts.files and scripts/package.py differ in {', '.join(sorted(made ^ named))}")


# One shell runs everything, as in CodeBuild. It is given the commands one by one, and tells each one's outcome on
# file descriptor 3.
SHELL = r"""
while IFS= read -r -d '' command <&4; do
    eval "$command" 4<&- 3>&-
    printf '%s\n' "$?" >&3
done
"""


class Shell:
    """One bash, fed with commands."""

    def __init__(self, folder, environment):
        outcome_in, self.outcome_out = os.pipe()
        self.commands_in, commands_out = os.pipe()
        self.outcomes = os.fdopen(outcome_in, "r", encoding="utf-8")
        self.commands = os.fdopen(commands_out, "w", encoding="utf-8")
        arguments = f"exec 3>&{self.outcome_out} 4<&{self.commands_in}\n{SHELL}"
        inherited = (self.outcome_out, self.commands_in)
        self.process = subprocess.Popen(
            ["bash", "-c", arguments], cwd=folder, env=environment, stdin=subprocess.DEVNULL, pass_fds=inherited
        )
        for descriptor in inherited:
            os.close(descriptor)

    def run(self, command):
        """Runs a command and says whether it succeeded. One that ends the shell has failed."""
        print(f"+ {command}", flush=True)
        try:
            self.commands.write(command + "\0")
            self.commands.flush()
        except BrokenPipeError:
            return False
        status = self.outcomes.readline().strip()
        if status != "0":
            print(f"ended with {status or 'the shell'}: {command}", flush=True)
        return status == "0"

    def close(self):
        try:
            self.commands.close()
        except BrokenPipeError:
            pass
        self.outcomes.close()
        self.process.wait()


def run(spec, wanted, folder, environment):
    """Runs the wanted phases and returns the names of those that failed."""
    failed = []
    shell = Shell(folder, environment)
    try:
        for name in PHASES:
            phase = spec["phases"].get(name)
            if not phase or name not in wanted:
                continue
            # A failed build is cleaned up after; nothing follows a failed preparation.
            if failed and (name != "post_build" or failed != ["build"]):
                print(f"\n== {name}: not run")
                continue
            started = time.monotonic()
            print(f"\n== {name}", flush=True)
            good = all(shell.run(command) for command in phase["commands"])
            # All of them run, whatever happened before.
            good &= all([shell.run(command) for command in phase.get("finally", [])])
            print(f"== {name}: {'succeeded' if good else 'failed'}, {time.monotonic() - started:.0f} s", flush=True)
            if not good:
                failed.append(name)
    finally:
        shell.close()
    return failed


def collect(spec, folder, to):
    """Copies the artifacts, and returns which of them are not there."""
    missing = []
    base = folder / spec["artifacts"].get("base-directory", "")
    shutil.rmtree(to, ignore_errors=True)
    for pattern in spec["artifacts"]["files"]:
        found = sorted(path for path in base.glob(pattern) if path.is_file())
        if not found:
            missing.append(pattern)
        for path in found:
            target = to / path.relative_to(base)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, target)
            print(f"artifact {path.stat().st_size:>10,} bytes  {path.relative_to(base)}")
    return missing


def names(text):
    chosen = [name for name in text.split(",") if name]
    if unknown := [name for name in chosen if name not in PHASES]:
        raise argparse.ArgumentTypeError(f"there is no phase {unknown[0]}; there are: {', '.join(PHASES)}")
    return chosen


def setting(text):
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="read all buildspecs of the project and run nothing")
    parser.add_argument("--only", type=names, default=PHASES, metavar="PHASE,…", help="run these phases")
    parser.add_argument("--skip", type=names, default=[], metavar="PHASE,…", help="do not run these phases")
    parser.add_argument("--set", type=setting, action="append", default=[], metavar="NAME=VALUE", help="set a variable")
    parser.add_argument("--here", action="store_true", help="run in the project itself, not in a copy")
    parser.add_argument("--artifacts", type=pathlib.Path, metavar="FOLDER", help="where the artifacts go")
    return parser.parse_args()


def checked(path):
    """Reads a buildspec, and says what it holds."""
    spec = read(path)
    check_scripts(spec)
    print(f"{path.relative_to(checkout.ROOT)}: good; phases: {', '.join(spec['phases'])}; commands: {len(commands(spec))}")
    return spec


def main():
    options = arguments()
    checkout.enter("pyyaml")
    try:
        path = checkout.ROOT / "buildspec.yml"
        spec = checked(path)
        check_artifacts(spec)
        variables = spec["env"]["variables"]
        if unknown := [name for name, _ in options.set if name not in variables]:
            raise Wrong(f"env.variables has no {unknown[0]} to set")
        if options.check:
            for path in STEPS:
                checked(path)
    except Wrong as wrong:
        print(f"{path.relative_to(checkout.ROOT)}: {wrong}", file=sys.stderr)
        return 1
    if options.check:
        return 0
    wanted = [name for name in PHASES if name in options.only and name not in options.skip]
    place = checkout.tools().parent / "buildspec"
    environment = os.environ | variables | dict(options.set)
    # What Python was entered for this script is no matter of the build's.
    environment.pop("VIRTUAL_ENV", None)
    folder = checkout.ROOT
    if not options.here:
        folder = place / "source"
        checkout.copy(folder)
        # CodeBuild has nothing that this machine has built.
        environment.pop("CARGO_TARGET_DIR", None)
        # A copy's own target folder goes with the copy, and what was built stays for the next time.
        (place / "target").mkdir(exist_ok=True)
        (folder / "target").symlink_to(place / "target", target_is_directory=True)
        # Nor does it have git: the copy must not be taken for a part of what it lies in.
        environment["GIT_CEILING_DIRECTORIES"] = str(place)
    environment["CODEBUILD_SRC_DIR"] = str(folder)
    if "build" in wanted:
        # What an earlier run left must not be taken for this one's.
        shutil.rmtree(folder / "target" / "lambda", ignore_errors=True)
    failed = run(spec, wanted, folder, environment)
    print()
    missing = collect(spec, folder, options.artifacts or place / "artifacts") if "build" in wanted else []
    for pattern in missing:
        print(f"artifact missing: {pattern}", file=sys.stderr)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed or missing else 0


if __name__ == "__main__":
    sys.exit(main())
