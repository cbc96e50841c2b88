#!/usr/bin/env python3
"""Builds the three functions and packs each as Lambda takes it: <function>/bootstrap.zip.

    python3 scripts/package.py                           for arm64, to target/lambda
    python3 scripts/package.py --architecture x86_64     for x86-64
    python3 scripts/package.py --twice                   builds all of it two more times, apart, and compares

The same source gives the same bytes, wherever and whenever it is built: the paths of the machine are replaced, flags of
its environment are not looked at, the linker and the compressor are pinned with their checksums (requirements/package.txt),
and an archive has one entry with a fixed time and mode. `--twice` proves it with two copies of the project in folders of
different names, each with a target folder, a cargo home and caches of its own.

A package is refused if it is larger than --limit, if it is for another machine than asked, if it needs a newer C library than
Lambda has, or if a path of this machine is in it. GRISTMILL_ARCHITECTURE says the architecture where the option does not. Needs rustup and Python 3.11 or
later; `bash scripts/deploy/tools.sh rust package` installs all that is needed. Exit codes: 0 done; 1 a build failed,
a package was refused, or two differ; 2 wrong use.
"""

import argparse
import hashlib
import io
import json
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import zipfile
import zlib

import checkout

FUNCTIONS = ["processor", "analyzer", "notifier"]
# By Lambda's names: the target of the compiler, and the machine in an ELF header.
ARCHITECTURES = {
    "arm64": ("--arm64", "aarch64-unknown-linux-gnu", 183),
    "x86_64": ("--x86-64", "x86_64-unknown-linux-gnu", 62),
}
# A function pays for its size at each cold start.
LIMIT = 6_000_000
# Amazon Linux 2023, which provided.al2023 is, has glibc 2.34 (docs.aws.amazon.com/linux/al2023/ug/compare-with-al2.html).
GLIBC = (2, 34)
# What changes the bytes from outside. The repository alone is to decide them.
OUTSIDE = re.compile(
    r"(CARGO_ENCODED_|CARGO_BUILD_)?RUSTFLAGS|CARGO_TARGET_.*_(RUSTFLAGS|LINKER)|CARGO_PROFILE_.*|CARGO_LAMBDA_.*"
    r"|((HOST|TARGET)_)?(CC|CXX|AR|(C|CXX|CPP|LD|AS)FLAGS)(_.*)?|AWS_LC_.*|CARGO_BUILD_TARGET"
)
# libdeflate's best.
LEVEL = 12
# What stands in a program for the folders of the machine that built it.
SOURCE, TARGET, HOME = "/source", "/target", "/cargo"
# The oldest time that an archive can tell, and a program that all may run.
TIME = (1980, 1, 1, 0, 0, 0)
MODE = 0o100755


class Refused(Exception):
    """A package that must not be deployed."""


def build(source, architecture, target, home, caches=None):
    """Builds the functions from a copy of the project and says in which folder they lie."""
    flag, triple, _ = ARCHITECTURES[architecture]
    environment = {name: value for name, value in os.environ.items() if not OUTSIDE.fullmatch(name)}
    environment |= {
        "CARGO_HOME": str(home),
        "CARGO_INCREMENTAL": "0",
        "CARGO_TARGET_DIR": str(target),
        # zig is found by the Python that stands first.
        "PATH": os.pathsep.join([str(pathlib.Path(sys.prefix) / "bin"), str(home / "bin"), os.environ["PATH"]]),
    }
    if caches:
        # zig compiles what its programs start with once, and remembers it here.
        environment["XDG_CACHE_HOME"] = str(caches)
    # A panic tells the file that it is in, and some code is generated below the target folder. The last one that
    # matches counts, so the folder that may lie in another comes after it.
    replaced = {source: SOURCE, target: TARGET, home: HOME}
    flags = [f"--remap-path-prefix={path}={word}" for path, word in replaced.items()]
    built = target / "functions" / architecture
    packages = [word for name in FUNCTIONS for word in ("--package", name)]
    # Joined by cargo with the target-cpu that cargo-lambda chooses; RUSTFLAGS would replace it.
    config = f"build.rustflags={json.dumps(flags)}"
    command = ["cargo-lambda", "lambda", "build", "--release", flag, "--locked", *packages, "--features", "lambda"]
    command += ["--config", config, "--lambda-dir", str(built)]
    print(f"building for {triple} in {source}", file=sys.stderr)
    subprocess.run(command, cwd=source, env=environment, check=True, stdout=sys.stderr)
    return built


def archive(program):
    """A zip archive with one entry, `bootstrap`: a function of the program's bytes and of nothing else."""
    import deflate  # libdeflate, from requirements/package.txt.

    # Some percent smaller than zlib's best, and the same on every machine: Python's zlib is the system's, and there are
    # several that compress differently.
    deflated = bytes(deflate.deflate_compress(program, LEVEL))
    name = b"bootstrap"
    year, month, day, *_ = TIME
    stamp = (0, (year - 1980) << 9 | month << 5 | day)
    # Version 2.0 needed, no flags, deflate, time, checksum, both sizes, lengths of the name and of no extra field.
    entry = struct.pack("<HHHHHIIIHH", 20, 0, 8, *stamp, zlib.crc32(program), len(deflated), len(program), len(name), 0)
    local = b"PK\x03\x04" + entry + name
    # Made on Unix, so that the upper half of the attributes is a mode.
    made_on_unix = 3 << 8 | 20
    central = b"PK\x01\x02" + struct.pack("<H", made_on_unix) + entry
    central += struct.pack("<HHHII", 0, 0, 0, MODE << 16, 0) + name
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(central), len(local) + len(deflated), 0)
    return local + deflated + central + end


def check_program(name, program, architecture, folders=()):
    """Refuses what would not start on Lambda, and what tells where it was built."""
    if program[:4] != b"\x7fELF":
        raise Refused(f"{name}: this is no program for Linux")
    machine = int.from_bytes(program[18:20], "little")
    if machine != ARCHITECTURES[architecture][2]:
        raise Refused(f"{name}: built for machine {machine} of the ELF standard, which is not {architecture}")
    needed = max(tuple(map(int, found)) for found in re.findall(rb"GLIBC_(\d+)\.(\d+)", program))
    if needed > GLIBC:
        raise Refused(f"{name}: needs glibc {needed[0]}.{needed[1]}; Lambda has {GLIBC[0]}.{GLIBC[1]}")
    for folder in map(str, folders):
        # A checkout in /source has the name that is written anyway.
        if folder not in (SOURCE, TARGET, HOME) and f"{folder}/".encode() in program:
            raise Refused(f"{name}: has the path {folder}/ in it: another folder would give other bytes")
    return "{}.{}".format(*needed)


def check_archive(name, packed, program, limit):
    """Refuses what Lambda could not unpack, or would unpack for too long."""
    with zipfile.ZipFile(io.BytesIO(packed)) as opened:
        (entry,) = opened.infolist()
        if (entry.filename, entry.external_attr >> 16) != ("bootstrap", MODE) or opened.read(entry) != program:
            raise Refused(f"{name}: the archive does not give the program back")
    if len(packed) > limit:
        raise Refused(
            f"{name}: the package has {len(packed):,} bytes, {len(packed) - limit:,} more than the {limit:,} allowed. "
            "See [profile.release] in Cargo.toml for what is built for speed and what for size, "
            "and `cargo tree` for what came with a dependency."
        )


def package(built, architecture, limit, folders):
    """Packs the built programs and returns the archives, by function."""
    packed, refused = {}, []
    print(f"{'function':<10} {'program':>10} {'package':>9}  {'glibc':<5}  sha256 of the package ({architecture})")
    for name in FUNCTIONS:
        program = (built / name / "bootstrap").read_bytes()
        try:
            needed = check_program(name, program, architecture, folders)
            packed[name] = archive(program)
            digest = hashlib.sha256(packed[name]).hexdigest()
            print(f"{name:<10} {len(program):>10,} {len(packed[name]):>9,}  {needed:<5}  {digest}", flush=True)
            check_archive(name, packed[name], program, limit)
        except Refused as reason:
            refused.append(str(reason))
    if refused:
        raise Refused("\n".join(refused))
    return packed


def write(packed, out):
    """Puts the archives in place, each whole or not at all."""
    for name, content in packed.items():
        to = out / name / "bootstrap.zip"
        to.parent.mkdir(parents=True, exist_ok=True)
        part = to.with_suffix(".part")
        part.write_bytes(content)
        part.replace(to)
        print(f"wrote {to}")


def twice(architecture, limit, scratch, keep):
    """Builds two copies of the project, as far apart as one machine allows, and compares what comes out."""
    found = []
    # Names of different lengths: an embedded path would move everything behind it.
    folders = [scratch / "a", scratch / "another-folder" / "with a longer name"]
    # Both before the first build, which takes minutes: the project may be worked on meanwhile.
    for folder in folders:
        checkout.copy(folder / "source")
    for folder in folders:
        source, home = folder / "source", folder / "cargo"
        # What was downloaded is not downloaded again; it only has another path.
        home.mkdir()
        registry = cargo_home() / "registry"
        registry.mkdir(parents=True, exist_ok=True)
        (home / "registry").symlink_to(registry)
        started = time.monotonic()
        built = build(source, architecture, folder / "target", home, caches=folder / "caches")
        print(f"\nbuilt in {folder} in {time.monotonic() - started:.0f} s")
        found.append(package(built, architecture, limit, (folder,)))
        if not keep:
            shutil.rmtree(folder)
    different = [name for name in FUNCTIONS if found[0][name] != found[1][name]]
    if different:
        raise Refused(f"two builds of the same source differ: {', '.join(different)}")
    print("\ntwo builds, in different folders and with different cargo homes: the packages are the same, byte for byte")
    return found[0]


def cargo_home():
    return pathlib.Path(os.environ.get("CARGO_HOME", pathlib.Path.home() / ".cargo"))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--architecture", choices=ARCHITECTURES, default=os.environ.get("GRISTMILL_ARCHITECTURE", "arm64"))
    parser.add_argument("--out", type=pathlib.Path, default=checkout.ROOT / "target" / "lambda", help="where packages go")
    parser.add_argument("--limit", type=int, default=LIMIT, help="the most bytes of a package (default: %(default)s)")
    parser.add_argument("--twice", action="store_true", help="build two copies of the project, and compare")
    parser.add_argument("--scratch", type=pathlib.Path, help="where --twice builds, and leaves what it built")
    options = parser.parse_args()
    if options.architecture not in ARCHITECTURES:
        parser.error(f"GRISTMILL_ARCHITECTURE is {options.architecture!r}, not one of {', '.join(ARCHITECTURES)}")
    if options.scratch and options.scratch.exists() and any(options.scratch.iterdir()):
        parser.error(f"{options.scratch} is not empty: what lies there could pass for what is built now")
    return options


def main():
    options = arguments()
    checkout.enter("package")
    try:
        if options.twice:
            with tempfile.TemporaryDirectory(prefix="package-") as temporary:
                scratch = (options.scratch or pathlib.Path(temporary)).resolve()
                packed = twice(options.architecture, options.limit, scratch, bool(options.scratch))
        else:
            target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", checkout.ROOT / "target")).resolve()
            folders = (checkout.ROOT, target, cargo_home())
            built = build(checkout.ROOT, options.architecture, target, cargo_home())
            packed = package(built, options.architecture, options.limit, folders)
    except Refused as reason:
        print(reason, file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as failed:
        print(f"the build failed: {failed.cmd[0]} ended with {failed.returncode}", file=sys.stderr)
        return 1
    write(packed, options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
