#!/usr/bin/env python3
"""Starts packaged functions as Lambda does, until each asks for its first event.

    python3 scripts/first_poll.py target/lambda/*/bootstrap.zip
    python3 scripts/first_poll.py --rounds 20 target/lambda/processor/bootstrap.zip

The program is taken out of its package, started in an empty folder with the environment that Lambda and the stack give
it, and pointed at a Runtime API on this machine that never answers. A function that reaches it has found its C library,
read its settings, and made its AWS clients. A package for another machine is started under qemu-user, where that is
installed with the machine's C library (`apt-get install qemu-user libc6-arm64-cross`).

Exit codes: 0 every function asked for an event; 1 one did not; 2 wrong use, or the machine cannot run the program.
"""

import argparse
import http.server
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import zipfile

NEXT = "/2018-06-01/runtime/invocation/next"
# The machine in an ELF header: its name, and how a program for it is run elsewhere.
MACHINES = {
    62: ("x86_64", ["qemu-x86_64", "-L", "/usr/x86_64-linux-gnu"]),
    183: ("aarch64", ["qemu-aarch64", "-L", "/usr/aarch64-linux-gnu"]),
}
SETTINGS = {
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
    "AWS_REGION": "eu-central-1",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
    "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
    "GRISTMILL_EVENT_BUS": "gristmill",
    "GRISTMILL_RECIPIENTS": "people@example.com",
    "GRISTMILL_SENDER": "reports@example.com",
    "GRISTMILL_TABLE": "gristmill-analyses",
}


class RuntimeApi(http.server.ThreadingHTTPServer):
    """Remembers what it was asked, and when. The first poll is not answered: no event ever comes."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Asked)
        self.changed = threading.Condition()
        self.asked = []

    def wait(self, seconds):
        """The first request after the last call: its method, path and time."""
        with self.changed:
            self.changed.wait_for(lambda: self.asked, timeout=seconds)
            return self.asked.pop(0) if self.asked else None


class Asked(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.remember()
        # Until the function is ended, which closes the connection.
        self.rfile.read(1)

    def do_POST(self):
        self.remember()
        self.send_response(202)
        self.end_headers()

    def remember(self):
        with self.server.changed:
            self.server.asked.append((self.command, self.path, time.monotonic()))
            self.server.changed.notify_all()

    def log_message(self, *_):
        pass


def runner(program):
    """The words to start a program with: none where it is at home."""
    machine = int.from_bytes(program[18:20], "little")
    if machine not in MACHINES:
        sys.exit(f"a program for machine {machine} of the ELF standard cannot be started here")
    name, emulator = MACHINES[machine]
    if name == platform.machine():
        return name, []
    if not shutil.which(emulator[0]):
        print(f"this is a program for {name}: {emulator[0]} is needed to start it", file=sys.stderr)
        sys.exit(2)
    return name, emulator


def start(api, command, folder, function, seconds):
    """Starts a function and returns the milliseconds until it asked for an event, or what went wrong."""
    host, port = api.server_address[:2]
    environment = SETTINGS | {"AWS_LAMBDA_RUNTIME_API": f"{host}:{port}", "AWS_LAMBDA_FUNCTION_NAME": function}
    # To a file: a pipe that nobody reads could stop the function.
    with (folder / "said").open("w+b") as said:
        started = time.monotonic()
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=said, stderr=subprocess.STDOUT)
        try:
            # Early enough to see a function that ends at once.
            while (first := api.wait(0.2)) is None:
                if process.poll() is not None or time.monotonic() - started > seconds:
                    break
        finally:
            process.kill()
            status = process.wait()
        if first and first[:2] == ("GET", NEXT):
            return (first[2] - started) * 1000, None
        said.seek(0)
        told = said.read().decode(errors="replace").strip() or "it said nothing"
        what = f"asked for {first[0]} {first[1]}" if first else f"asked for nothing and ended with {status}"
        return None, f"{what}; {told}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("packages", nargs="+", type=pathlib.Path, metavar="FUNCTION/bootstrap.zip")
    parser.add_argument("--rounds", type=int, default=1, help="start each this often and tell the median")
    parser.add_argument("--seconds", type=float, default=30, help="the most time until the first poll")
    options = parser.parse_args()
    api = RuntimeApi()
    threading.Thread(target=api.serve_forever, daemon=True).start()
    failed = 0
    for package in options.packages:
        function = package.resolve().parent.name
        with tempfile.TemporaryDirectory() as scratch:
            folder = pathlib.Path(scratch)
            program = folder / "bootstrap"
            with zipfile.ZipFile(package) as opened:
                program.write_bytes(opened.read("bootstrap"))
                # Lambda gives the file the mode that the archive says.
                program.chmod(opened.getinfo("bootstrap").external_attr >> 16 & 0o777)
            machine, emulator = runner(program.read_bytes())
            took = []
            for _ in range(options.rounds):
                milliseconds, wrong = start(api, [*emulator, str(program)], folder, function, options.seconds)
                if wrong:
                    print(f"{function} ({machine}): {wrong}", file=sys.stderr)
                    failed += 1
                    break
                took.append(milliseconds)
            else:
                how = "under qemu-user" if emulator else "natively"
                median, least = statistics.median(took), min(took)
                print(f"{function} ({machine}, {how}): first poll after {median:.1f} ms (least {least:.1f}, {len(took)} starts)")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
