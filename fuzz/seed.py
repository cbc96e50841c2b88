#!/usr/bin/env python3
"""Writes the first corpus of each fuzz target below fuzz/corpus/, from samples/, contracts/ and events/."""

import itertools
import pathlib

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
# What is beyond says nothing new and makes the fuzzer slow.
MOST = 4096
# The first eight bytes of an input choose layout, buffer, limits, contract and cuts.
CONTROLS = (bytes(8), bytes([0x22, 3, 1, 1, 0, 6, 0, 40]), bytes([0x13, 200, 0, 2, 63, 1, 9, 2]))


def write(target, name, data):
    folder = HERE / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def main():
    samples = sorted((ROOT / "samples").glob("*.csv"))
    for sample, (index, control) in itertools.product(samples, enumerate(CONTROLS)):
        data = control + sample.read_bytes()[:MOST]
        write("rows", f"{sample.stem}-{index}", data)
        write("split", f"{sample.stem}-{index}", data)
        # The contracts of this target know the columns a, b and c.
        write("split", f"{sample.stem}-{index}-abc", control + b"a,b,c\n" + sample.read_bytes()[:MOST])
    for contract in sorted((ROOT / "contracts").glob("*.json")):
        write("contract", contract.stem, contract.read_bytes())
    for event in sorted((ROOT / "events").glob("*.json")):
        write("event", event.stem, event.read_bytes())


if __name__ == "__main__":
    main()
