"""Time that can be moved on, for processes that know nothing of it.

    with clock.Clock(folder) as time:
        subprocess.Popen(command, env={**os.environ, **time.environment})
        time.move_on(3600)          # it is an hour later in that process, and time() says so here

A message that failed comes back after an hour, a sweep every quarter of one, a mail of which nobody knows waits for 15
minutes. Nothing of that is a setting that a test could shorten, and none is added for one: instead the emulator and the
functions are started with a small library before them (clock.c) that adds an offset to the time of day. They see the same
time, to the nanosecond; how long a sleep or a timeout takes stays as it is.

It is compiled here, by the C compiler that links Rust programs as well. The library that is made for this, libfaketime
0.9.10, was tried and works, but it leaves a semaphore and a piece of shared memory behind for each process that is killed,
and killing processes is what this is for; docs/decisions/0034-chaos-moves-the-clock.md has the rest.
"""

import mmap
import pathlib
import shutil
import struct
import subprocess
import time

SOURCE = pathlib.Path(__file__).resolve().parent / "clock.c"
SECOND = 1_000_000_000


class NoCompiler(Exception):
    """There is no C compiler, or it does not take clock.c."""


def compiled(folder):
    """Compiles the library into a folder, and gives its path."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if not compiler:
        raise NoCompiler("a C compiler is needed (cc, gcc or clang); Rust needs one to link as well")
    library = pathlib.Path(folder).resolve() / "clock.so"
    # Of several that compile at the same time, none loads half a library.
    made = library.with_suffix(".made")
    command = [compiler, "-O2", "-Wall", "-Werror", "-shared", "-fPIC", "-o", made, SOURCE, "-ldl"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode != 0:
        raise NoCompiler(f"{compiler} does not compile {SOURCE.name}:\n{done.stderr}")
    made.replace(library)
    return library


class Clock:
    """A clock that runs as the machine's does, and is moved on by steps. It never goes back."""

    def __init__(self, folder):
        folder = pathlib.Path(folder)
        library, self.path = compiled(folder), folder.resolve() / "clock.offset"
        self.path.write_bytes(struct.pack("q", 0))
        with open(self.path, "r+b") as file:
            self.offset = mmap.mmap(file.fileno(), 8)
        # What a process needs in its environment.
        self.environment = {"LD_PRELOAD": str(library), "GRISTMILL_CLOCK": str(self.path)}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.offset.close()

    def moved(self):
        """By how many seconds it was moved on in all."""
        return struct.unpack("q", self.offset)[0] / SECOND

    def __call__(self):
        """Seconds since 1970."""
        return (time.time_ns() + struct.unpack("q", self.offset)[0]) / SECOND

    def move_on(self, seconds):
        """Makes it so many seconds later, for everybody."""
        if seconds < 0:
            raise ValueError("time does not go back")
        # One store of eight bytes: a reader sees the old offset or the new one.
        struct.pack_into("q", self.offset, 0, struct.unpack("q", self.offset)[0] + round(seconds * SECOND))
