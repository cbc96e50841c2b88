#!/usr/bin/env python3
"""Measures Gristmill's peak memory under files that were made to use it up.

    cargo build --release -p gristmill
    python3 scripts/memory.py                      small files of 20 MB, large ones of 2 GB
    python3 scripts/memory.py --large 100MB --only bomb

Each kind of file is made small and large, and split; the memory for the large one must be that for the small one. Files
and outputs lie in a temporary directory (--folder), which needs about four times the large size, and are removed at once.

The peak is the kernel's own high-water mark of the process (VmHWM), read every few milliseconds: it needs Linux.
Exit codes: 0 flat; 1 the large file took more than 1.1 times the memory of the small one and more than 2 MB on top, or
the program failed; 2 wrong use.
"""

import argparse
import json
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import zlib

ROOT = pathlib.Path(__file__).resolve().parent.parent
MEGA = 1000 * 1000
UNITS = {"KB": 1000, "MB": MEGA, "GB": 1000 * MEGA}
CONTRACT = {
    "name": "attack",
    "schema": {
        "fields": [
            {"name": "id", "type": "integer", "constraints": {"required": True}},
            {"name": "note", "type": "string", "constraints": {"maxLength": 3}},
        ]
    },
}
PIECE = 4 * MEGA


def repeated(path, start, piece, size, end=b""):
    """Writes a start, a piece as often as the size asks for, and an end."""
    block = piece * max(1, PIECE // len(piece))
    with open(path, "wb") as file:
        left = size - file.write(start)
        while left > 0:
            left -= file.write(block[: max(len(piece), left - left % len(piece))])
        file.write(end)


def gzipped(path, start, piece, size):
    """Writes one gzip stream that unpacks to so many bytes: the same deflated block again and again."""
    block = piece * max(1, PIECE // len(piece))

    def deflated(data):
        deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
        return deflate.compress(data) + deflate.flush(zlib.Z_FULL_FLUSH)

    packed, crc, total = deflated(block), zlib.crc32(start), len(start)
    with open(path, "wb") as file:
        file.write(b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + deflated(start))
        while total < size:
            file.write(packed)
            crc = zlib.crc32(block, crc)
            total += len(block)
        file.write(b"\x03\0" + struct.pack("<II", crc, total & 0xFFFFFFFF))


HEADER = b"id,note\n"
# Each kind: what is in it, how it is made, and how many bytes of table stand behind one of --small and --large.
KINDS = {
    "no line end": lambda path, size: repeated(path, b"", b"x", size),
    "endless record": lambda path, size: repeated(path, HEADER + b"1,", b"x", size),
    "endless quoted cell": lambda path, size: repeated(path, HEADER + b'1,"', b"x\n", size),
    "endless row of cells": lambda path, size: repeated(path, HEADER, b"1,", size),
    "endless quotes": lambda path, size: repeated(path, HEADER + b"1,", b'"a', size),
    "all rows bad": lambda path, size: repeated(path, HEADER, b"x," + b"too long " * 20 + b"\n", size),
    # Short rows, and so the most of them; outputs are many times as large, so there are fewer.
    "no row bad": lambda path, size: repeated(path, HEADER, b"1,abc\n", size // 10),
    "empty lines": lambda path, size: repeated(path, HEADER, b"\n", size),
    "gzip bomb of zeros": lambda path, size: gzipped(path, b"", b"\0", 5 * size),
    "gzip bomb of rows": lambda path, size: gzipped(path, HEADER, b"1,abc\n", 5 * size),
    "gzip bomb of a line": lambda path, size: gzipped(path, HEADER + b"1,", b"x", 5 * size),
}


def peak_of(process):
    """The most memory that the process has had, in bytes, once it has ended."""
    status, peak = pathlib.Path(f"/proc/{process.pid}/status"), 0
    while process.poll() is None:
        try:
            for line in status.read_text().splitlines():
                if line.startswith("VmHWM:"):
                    peak = int(line.split()[1]) * 1024
        except (FileNotFoundError, ProcessLookupError):
            pass
        time.sleep(0.002)
    return peak


def measure(program, folder, make, size):
    place = pathlib.Path(tempfile.mkdtemp(prefix="gristmill-memory-", dir=folder))
    try:
        (place / "contract.json").write_text(json.dumps(CONTRACT))
        make(place / "file.csv", size)
        stored = (place / "file.csv").stat().st_size
        peak = seconds = 0
        # A process that is soon over may end between two looks.
        for _ in range(10):
            shutil.rmtree(place / "out", ignore_errors=True)
            begun = time.monotonic()
            with open(place / "answer", "wb") as answer, open(place / "words", "wb") as words:
                process = subprocess.Popen(
                    [program, "split", "file.csv", "--contract", "contract.json", "--json"],
                    cwd=place,
                    stdout=answer,
                    stderr=words,
                )
                peak = max(peak, peak_of(process))
            seconds = time.monotonic() - begun
            if seconds > 0.5:
                break
        words = (place / "words").read_text(errors="replace")
        if process.returncode not in (0, 1):
            return None, f"ended with {process.returncode}: {words[-300:]}"
        said = json.loads((place / "answer").read_text())
        rows = said["rows"]
        verdict = said["code"] or f"{said['status']}: {rows['valid']} valid, {rows['rejected']} rejected"
        return peak, f"{stored / MEGA:9.1f} MB {seconds:7.1f} s  {peak / MEGA:6.1f} MB  {verdict}"
    finally:
        shutil.rmtree(place)


def bytes_of(text):
    for unit, factor in UNITS.items():
        if text.upper().endswith(unit):
            return int(float(text[: -len(unit)]) * factor)
    raise argparse.ArgumentTypeError(f"{text} is no size: write one such as 20MB or 2GB")


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--small", type=bytes_of, default=20 * MEGA)
    arguments.add_argument("--large", type=bytes_of, default=2000 * MEGA)
    arguments.add_argument("--only", default="", metavar="TEXT", help="only kinds with this in their name")
    arguments.add_argument("--folder", type=pathlib.Path, help="where files and outputs go for a while")
    arguments.add_argument("--gristmill", default=str(ROOT / "target" / "release" / "gristmill"), metavar="PROGRAM")
    arguments = arguments.parse_args()
    program = shutil.which(arguments.gristmill)
    if not program:
        print(f"there is no {arguments.gristmill}", file=sys.stderr)
        return 2
    program, good = str(pathlib.Path(program).resolve()), True
    for name, make in KINDS.items():
        if arguments.only not in name:
            continue
        peaks = []
        for size in (arguments.small, arguments.large):
            peak, words = measure(program, arguments.folder, make, size)
            print(f"{name:21} {words}", flush=True)
            peaks.append(peak)
        if None in peaks or peaks[1] > 1.1 * peaks[0] and peaks[1] > peaks[0] + 2 * MEGA:
            print(f"{name:21} NOT FLAT")
            good = False
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
