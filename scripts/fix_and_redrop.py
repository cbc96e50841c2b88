#!/usr/bin/env python3
"""Corrects exactly the cells that the errors file lists, drops the rejected file again, and expects no rejects.

    cargo build --release -p gristmill
    python3 scripts/fix_and_redrop.py orders.csv contracts/customer_orders.json --damage 200 --seed 1
    python3 scripts/fix_and_redrop.py clean.csv contract.json --bad sent.csv

The first file is right. The bad one is made from it by damaging so many cells, or is given: the same rows in the same
order, some of them wrong. It is split; in the rejected file each cell that the errors file names, by row and column,
gets the value of the clean file, and nothing else is touched, the added columns included. A violation that names no
column is about the form of the whole record, whose cells are replaced then.

Exit codes: 0 no rejects; 1 something was rejected again, or lost; 2 wrong use.
"""

import argparse
import collections
import csv
import json
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

import reading

ROOT = pathlib.Path(__file__).resolve().parent.parent
ADDED = ["source_row", "rejection_codes", "rejection_reasons"]
WRONG = ["", "x", "-1", "$5", "1,299", "2024-02-30", "20/05/2024", "nan", "=1+1", "two\nlines", 'a "quote"', "\x07", "0" * 70000]


def write(path, records, delimiter, quote):
    with open(path, "w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=delimiter, quotechar=quote, lineterminator="\n").writerows(records)


def damaged(clean, count, seed):
    """The clean table with so many wrong cells; a record may have several."""
    choose = random.Random(seed)
    bad = [list(record) for record in clean]
    for _ in range(count):
        record = choose.choice(bad[1:])
        record[choose.randrange(len(record))] = choose.choice(WRONG)
    for _ in range(count // 20):
        record = choose.choice(bad[1:])
        choose.choice([record.pop, lambda: record.append("more"), lambda: record.__setitem__(slice(None), ["  "])])()
    return bad


def split(program, place, path, contract):
    arguments = [program, "split", str(path), "--contract", str(contract), "--out", str(place / "out"), "--json"]
    done = subprocess.run(arguments, capture_output=True, text=True)
    if done.returncode not in (0, 1):
        sys.exit(f"split ended with {done.returncode}: {done.stderr}")
    answer = json.loads(done.stdout)
    if answer["status"] == "rejected":
        sys.exit(f"{path.name} was refused: {answer['code']}: {answer['reason']}")
    return answer


def corrected(answer, clean):
    """The rejected file with the cells that are listed taken from the clean table."""
    outputs = reading.Outputs(answer)
    with open(answer["paths"]["errors"], encoding="utf-8", newline="") as file:
        listed = collections.defaultdict(set)
        for violation in csv.DictReader(file):
            listed[int(violation["source_row"])].add(violation["column"])
    text = pathlib.Path(answer["paths"]["rejected"]).read_text(encoding="utf-8")
    header, *records = reading.records(text, **outputs.dialect())
    assert header[-3:] == ADDED, header
    own, cells = len(header) - 3, 0
    for index, record in enumerate(records):
        row = int(record[-3])
        right = dict(zip(clean[0], clean[row]))
        values, added = record[:-3], record[-3:]
        columns = listed.pop(row)
        if "" in columns:
            values = [right[name] for name in header[:own]]
            cells += own
        values += [""] * (own - len(values))
        for name in (name for column in columns for name in column.split(", ") if name):
            values[header.index(name)] = right[name]
            cells += 1
        records[index] = values + added
    assert not listed, f"rows {sorted(listed)} are in the errors file and not in the rejected file"
    return [header, *records], cells, outputs


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("clean", type=pathlib.Path)
    arguments.add_argument("contract", type=pathlib.Path)
    source = arguments.add_mutually_exclusive_group(required=True)
    source.add_argument("--bad", type=pathlib.Path, help="the same table with mistakes")
    source.add_argument("--damage", type=int, metavar="N", help="makes N mistakes")
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--gristmill", default=str(ROOT / "target" / "release" / "gristmill"), metavar="PROGRAM")
    arguments = arguments.parse_args()
    program = shutil.which(arguments.gristmill)
    if not program:
        print(f"there is no {arguments.gristmill}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as place:
        place = pathlib.Path(place)
        clean = list(reading.records(reading.decoded(arguments.clean.read_bytes())))
        checked = split(program, place, arguments.clean.resolve(), arguments.contract)
        if checked["rows"]["rejected"]:
            print(f"{arguments.clean} is not clean: {checked['rows']['rejected']} rejects", file=sys.stderr)
            return 2
        bad = arguments.bad
        if not bad:
            bad = place / "bad.csv"
            write(bad, damaged(clean, arguments.damage, arguments.seed), ",", '"')
        first = split(program, place, bad.resolve(), arguments.contract)
        print(f"sent:      {first['rows']['total']} rows, {first['rows']['rejected']} rejected")
        if not first["rows"]["rejected"]:
            print("nothing to correct", file=sys.stderr)
            return 2
        records, cells, outputs = corrected(first, clean)
        fixed = place / "fixed.csv"
        write(fixed, records, outputs.read_as["delimiter"], outputs.dialect()["quote"])
        again = split(program, place, fixed, arguments.contract)
        print(f"corrected: {cells} cells in {len(records) - 1} rows")
        print(f"sent back: {again['rows']['total']} rows, {again['rows']['rejected']} rejected")
        return 0 if again["rows"]["rejected"] == 0 and again["rows"]["valid"] == first["rows"]["rejected"] else 1


if __name__ == "__main__":
    sys.exit(main())
