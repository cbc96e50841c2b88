#!/usr/bin/env python3
"""Gristmill's cloud on this machine, without an account: the project's own Terraform applied to an emulator of AWS, and the
functions' real binaries fed by its queues.

    python3 localcloud up                                   builds what is missing, starts it, says where everything is
    python3 localcloud drop samples/smartphone_sales.csv    puts a file into the bucket and waits for its mail
    python3 localcloud look                                 mails, records, queues, functions, logs
    python3 localcloud down                                 ends it

    python3 localcloud try                                  all of it once, with everything checked: what CI runs
    python3 localcloud chaos --help                         the same under faults

Needs Linux, Python 3.11 or later with its venv module, and Terraform; and Rust, where the functions are not built yet. All it
writes lies below target/localcloud/ (below $CARGO_TARGET_DIR, where that is set). Exit codes: 0 all went well; 1 something did
not; 2 wrong use, or something that it needs is missing.
"""

import sys

# An older Python reads the whole of this file before it does this: the file has no newer words than it knows.
if sys.version_info < (3, 11):
    sys.exit("Python 3.11 or later is needed, and this is %s; try python3.11 localcloud" % sys.version.split()[0])

import argparse
import json
import os
import pathlib
import platform
import shutil
import subprocess
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path[:0] = [str(HERE), str(ROOT / "scripts")]

import checkout  # noqa: E402
import daemon  # noqa: E402
import stack  # noqa: E402
import telling  # noqa: E402

FUNCTIONS = ("processor", "analyzer", "notifier")
# What a package is made of.
SOURCES = ("crates", "Cargo.toml", "Cargo.lock", "rust-toolchain.toml")


class Missing(Exception):
    """Something that this machine lacks; says how to get it."""


def needs():
    """Everything that is missing, together."""
    missing = []
    if platform.system() != "Linux" or stack.this_machine() not in stack.MACHINES.values():
        missing.append(f"Linux on x86-64 or arm64: the functions are programs for it, and this is {platform.platform()}")
    try:
        import ensurepip
        import venv
    except ImportError:
        missing.append("Python's venv module: on Debian and Ubuntu, apt-get install python3-venv")
    if not terraform():
        missing.append(
            "Terraform 1.10 or later: bash scripts/deploy/tools.sh terraform puts it below target/tools, "
            "or see https://developer.hashicorp.com/terraform/install"
        )
    return missing


def terraform():
    """Terraform on the PATH, or where scripts/deploy/tools.sh puts it."""
    tools = str(checkout.tools() / "bin")
    if tools not in os.environ["PATH"].split(os.pathsep):
        os.environ["PATH"] += os.pathsep + tools
    return shutil.which("terraform")


def say(line=""):
    """Progress and remarks; results go to the standard output."""
    print(line, file=sys.stderr, flush=True)


# Packages --------------------------------------------------------------------------------------------------------------


def usable(folder):
    """The instruction set of the packages in a folder, or None."""
    try:
        return stack.architecture(folder)
    except stack.Unusable:
        return None


def outdated(folder):
    """A source that is younger than the packages, if there is one."""
    built = min((folder / name / "bootstrap.zip").stat().st_mtime for name in FUNCTIONS)
    for name in checkout.files():
        if name.split("/")[0] in SOURCES and (ROOT / name).stat().st_mtime > built:
            return name
    return None


def packages(base, options):
    """The folder of packages to run: the one that is named; or the project's own, where they are for this machine; or those
    that an earlier `up` built; or new ones."""
    if options.packages:
        try:
            stack.architecture(options.packages)
        except stack.Unusable as error:
            raise Missing(f"usable packages: {error}") from None
        return options.packages.resolve()
    own = base.folder / "packages"
    for folder in () if options.build else (ROOT / "target" / "lambda", own):
        if usable(folder) == stack.this_machine():
            say(f"packages: {folder}")
            younger = outdated(folder)
            if younger:
                say(f"          {younger} was changed after they were built; --build builds them anew")
            return folder
    if not shutil.which("cargo"):
        raise Missing("Rust, to build the functions: https://rustup.rs, or bash scripts/deploy/tools.sh rust")
    say("building the functions' packages: ten minutes or more the first time on two cores, some minutes after a change")
    command = [sys.executable, str(ROOT / "scripts" / "package.py"), "--architecture", stack.this_machine(), "--out", str(own)]
    if subprocess.run(command, cwd=ROOT, check=False, stdout=sys.stderr).returncode:
        raise Missing("packages: their build failed, as told above")
    return own


# Commands --------------------------------------------------------------------------------------------------------------


def up(base, options):
    if base.is_up():
        return follow(base, None, already=True)
    clean_up(base)
    missing = needs()
    if missing:
        raise Missing("\n  ".join(missing))
    folder = packages(base, options)
    python = checkout.installed("moto") / "bin" / "python"
    say("starting: Terraform takes one to two minutes, most of which it waits")
    return follow(base, daemon.start(base, python, folder, options.hours))


def clean_up(base):
    """Takes away what an earlier one left that did not end in order."""
    state = base.state()
    if state.get("phase") in ("starting", "ready"):
        ended = daemon.clean(state.get("mark"), base.folder)
        base.tell(phase="down", why="it broke off")
        say(f"an earlier local cloud had broken off; {processes(ended)} left of it, and nothing is now")


def processes(count):
    return "no process was" if not count else "1 process was" if count == 1 else f"{count} processes were"


def follow(base, process, already=False):
    """Shows progress until a local cloud is ready."""
    shown, state = 0, base.state()
    if already and state.get("phase") == "ready":
        say(f"it is up already, since {telling.clock(state['ready'])}")
        print(telling.where(base, state))
        return 0
    if already:
        say(f"it is being started already, by process {state.get('pid')}")
    while True:
        # In this order: what is told before the end is shown.
        over = process.poll() is not None if process else not base.is_up()
        state = base.state()
        lines = base.progress_file.read_text().splitlines() if base.progress_file.exists() else []
        for line in lines[shown:]:
            say(f"  {line}")
        shown = len(lines)
        if state.get("phase") == "ready":
            print(telling.where(base, state))
            return 0
        if over:
            log = base.folder / "logs" / "local-cloud.log"
            say("it did not start; the end of " + str(log) + ":")
            say("\n".join(log.read_text("utf-8", "replace").splitlines()[-30:]))
            return 1
        time.sleep(0.2)


def must_be_up(base):
    state = base.state()
    if not base.is_up():
        clean_up(base)
        ended = f" (the last one ended because {state['why']})" if state.get("why") else ""
        say(f"no local cloud is up{ended}: python3 localcloud up")
        raise SystemExit(1)
    if state.get("phase") != "ready":
        say("the local cloud is being started: python3 localcloud up shows how far it is")
        raise SystemExit(1)
    return state


def drop(base, options):
    must_be_up(base)
    worst = 0
    for file in options.files:
        if not file.is_file():
            say(f"{file}: there is no such file")
            worst = 1
            continue
        try:
            asked = {"path": str(file.resolve()), "dataset": options.dataset, "seconds": options.seconds}
            told = daemon.ask(base, "/drop", asked, wait=options.seconds + 60)
        except daemon.Refused as refused:
            say(f"{file}: {refused}")
            worst = 1
            continue
        told["file"] = str(file)
        print(json.dumps(told) if options.json else telling.dropped(told), flush=True)
    return worst


def look(base, options):
    state = must_be_up(base)
    told = daemon.ask(base, "/look", {"what": options.what, "lines": options.lines})
    print(json.dumps(told) if options.json else telling.looked(told, state))
    return 0


def down(base, options):
    state, was_up = base.state(), base.is_up()
    if was_up:
        try:
            daemon.ask(base, "/down", wait=10)
        except (KeyError, OSError):
            # It is not ready, or does not answer. The lock says that it runs, its mark which process it is.
            for process in daemon.left(state.get("mark"), base.folder):
                if process == state.get("pid"):
                    os.kill(process, 15)
        end = time.monotonic() + 30
        while base.is_up() and time.monotonic() < end:
            time.sleep(0.1)
    if base.is_up():
        say("it did not end by itself within 30 s, and is ended now")
    # It lets its lock go a moment before it is gone.
    end = time.monotonic() + 5
    while any(daemon.left(state.get("mark"), base.folder)) and time.monotonic() < end:
        time.sleep(0.1)
    ended = daemon.clean(state.get("mark"), base.folder)
    if base.is_up():
        say(f"something that is not its own holds its lock: see which process has {base.folder / 'lock'} open")
        return 1
    if not was_up:
        say("no local cloud was up" + (f"; {processes(ended)} left of an earlier one, and nothing is now" if ended else ""))
    elif ended:
        say(f"{processes(ended)} left of it, and nothing is now")
    if state:
        base.tell(phase="down", why="it was asked to")
    base.clear(but=daemon.KEPT)
    if options.purge:
        shutil.rmtree(base.folder, ignore_errors=True)
        print(f"down; {base.folder} is gone")
    elif (base.folder / "logs").exists():
        print(f"down; until the next `up`, its mails lie in {base.folder / 'mails'} and its logs in {base.folder / 'logs'}")
    else:
        print("down")
    return 0


def serve(base, options):
    daemon.serve(base, options.packages, options.hours)
    return 0


def keep(_base, options):
    daemon.keep(options.mark, options.folder)
    return 0


def once(base, options):
    import trial

    missing = needs()
    if missing:
        raise Missing("\n  ".join(missing))
    folder = packages(base, options)
    checkout.enter("moto")
    return trial.run(folder, options)


def chaos(arguments):
    import chaos as driver

    terraform()
    return driver.main(arguments)


def arguments():
    parser = argparse.ArgumentParser(
        prog="localcloud", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="up | drop | look | down | try | chaos")

    def command(name, does, about=None):
        made = commands.add_parser(name, help=about, description=about) if about else commands.add_parser(name)
        made.set_defaults(does=does)
        return made

    def building(made):
        made.add_argument("--packages", type=pathlib.Path, help="folder with <function>/bootstrap.zip, instead of building")
        made.add_argument("--build", action="store_true", help="build the packages, also when there are some")

    made = command("up", up, "start a local cloud")
    building(made)
    made.add_argument("--hours", type=float, default=4, help="it ends by itself after so long (%(default)s)")
    made = command("drop", drop, "put files into the bucket, and follow each to its mail")
    made.add_argument("files", nargs="+", type=pathlib.Path, metavar="FILE")
    made.add_argument("--dataset", help="put it below input/<dataset>/; by default that of the contract with the file's name")
    made.add_argument("--seconds", type=float, default=120, help="how long to wait for a file (%(default)s)")
    made.add_argument("--json", action="store_true", help="one line of JSON a file")
    made = command("look", look, "show what there is: all, or what belongs to a file's key or to a run")
    made.add_argument("what", nargs="?", metavar="KEY|RUN")
    made.add_argument("--lines", type=int, default=3, help="how many of a log's last lines (%(default)s)")
    made.add_argument("--json", action="store_true")
    made = command("down", down, "end it")
    made.add_argument("--purge", action="store_true", help="mails, logs and packages go as well")
    made = command("try", once, "start one, drop a good file, a refused one and a duplicate, check everything, end it")
    building(made)
    made.add_argument("--json", action="store_true", help="the figures as one object, after the transcript on standard error")
    made.add_argument("--keep", type=pathlib.Path, metavar="FOLDER", help="leave mails and logs in this folder")
    commands.add_parser("chaos", help="drop many files while calls fail and functions are killed")
    made = command("serve", serve)
    made.add_argument("--folder", type=pathlib.Path)
    made.add_argument("--packages", type=pathlib.Path)
    made.add_argument("--hours", type=float)
    made = command("keep", keep)
    made.add_argument("mark")
    made.add_argument("folder", type=pathlib.Path)
    return parser.parse_args()


def main():
    # It has options of its own.
    if sys.argv[1:2] == ["chaos"]:
        return chaos(sys.argv[2:])
    options = arguments()
    base = daemon.Base(getattr(options, "folder", None))
    try:
        code = options.does(base, options)
        sys.stdout.flush()
        return code
    except Missing as missing:
        say(f"this is missing:\n  {missing}")
        return 2
    except BrokenPipeError:
        # Who reads has seen enough. What is left in the buffer has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except KeyboardInterrupt:
        say("broken off; a local cloud in the background goes on: python3 localcloud down ends it")
        return 130


if __name__ == "__main__":
    sys.exit(main())
