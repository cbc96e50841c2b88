#!/usr/bin/env python3
"""Runs Gristmill over every CSV below some folders and checks that nothing is lost.

    git clone https://github.com/maxogden/csv-spectrum
    git clone https://github.com/w3c/csvw
    git clone https://github.com/frictionlessdata/frictionless-py
    cargo build --release -p gristmill
    python3 scripts/corpora.py csv-spectrum csvw frictionless-py/data

Each file goes through `check`, `split` and `run`, without a contract. Whatever the file is, the program must neither
fail nor panic, all three must say the same, and the file must reconcile: as many records as the manifest counts stand
in the two outputs, and merged by row they are the records of the file, cell by cell, as a simple parser reads it. Or
the whole file has one coded verdict and no outputs.

Where a folder has `csvs/` and `json/` (csv-spectrum), the records are also compared with the JSON.
Exit codes: 0 all hold; 1 one does not; 2 wrong use.
"""

import argparse
import collections
import gzip
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

import reading

ROOT = pathlib.Path(__file__).resolve().parent.parent
ENDINGS = {".csv", ".tsv", ".tab"}
# A record over this limit is not kept whole, in bytes.
MAX_RECORD = 1024 * 1024


class Broken(Exception):
    """A file that does not hold."""


def gristmill(program, place, command, path):
    arguments = [program, command, str(path), "--json", "--contracts", "none"]
    if command != "check":
        arguments += ["--out", command]
    done = subprocess.run(arguments, cwd=place, capture_output=True)
    words = done.stderr.decode(errors="replace")
    if done.returncode not in (0, 1) or "panicked" in words:
        raise Broken(f"{command} ended with {done.returncode}: {words.strip()[-300:]}")
    lines = done.stdout.decode().splitlines()
    if len(lines) != 1:
        raise Broken(f"{command} printed {len(lines)} lines")
    return json.loads(lines[0])


def examine(program, path):
    """What Gristmill says of a file, and its outputs unless it was refused."""
    with tempfile.TemporaryDirectory() as place:
        (pathlib.Path(place) / "none").mkdir()
        answers = {command: gristmill(program, place, command, path) for command in ("check", "split", "run")}
        said = {(a["status"], a["code"], *a["rows"].values()) for a in answers.values()}
        if len(said) != 1:
            raise Broken(f"the commands differ: {said}")
        answer = answers["split"]
        if answer["status"] == "rejected":
            if not answer["code"] or not answer["reason"]:
                raise Broken("refused without a code or a reason")
            if any(answer["paths"][output] for output in ("processed", "rejected", "errors")):
                raise Broken("refused, and outputs were written")
            return answer, None
        try:
            outputs = reading.Outputs(answer, place)
        except AssertionError as error:
            raise Broken(str(error)) from None
        compare(path, outputs)
        return answer, outputs


def compare(path, outputs):
    """The outputs, merged by row, are the records of the file."""
    data = path.read_bytes()
    if data.startswith(b"\x1f\x8b"):
        data = gzip.decompress(data)
    text = reading.decoded(data, outputs.read_as["encoding"])
    expected = list(reading.records(text, **outputs.dialect()))
    found = outputs.in_order()
    above = len(expected) - len(found)
    if above != 1 and not outputs.read_as["notes"]:
        raise Broken(f"{len(expected)} records in the file with its header, {len(found)} in the outputs")
    for number, (record, wanted) in enumerate(zip(found, expected[above:]), start=1):
        if record != wanted and sum(len(cell.encode(errors="surrogateescape")) for cell in wanted) < MAX_RECORD:
            raise Broken(f"row {number} is {record!r} in the outputs and {wanted!r} in the file")


def spectrum(path, outputs):
    """Whether the records are those of the JSON that lies beside."""
    beside = path.parent.parent / "json" / f"{path.stem}.json"
    if path.parent.name != "csvs" or not beside.exists():
        return None
    records = [dict(zip(outputs.columns, record)) for record in outputs.in_order()] if outputs else []
    return records == json.loads(beside.read_text(encoding="utf-8"))


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folder", type=pathlib.Path, nargs="+")
    arguments.add_argument("--gristmill", default=str(ROOT / "target" / "release" / "gristmill"), metavar="PROGRAM")
    arguments.add_argument("--list", action="store_true", help="says what each file got")
    arguments = arguments.parse_args()
    program = shutil.which(arguments.gristmill)
    if not program:
        print(f"there is no {arguments.gristmill}", file=sys.stderr)
        return 2
    broken = 0
    for folder in arguments.folder:
        paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in ENDINGS and path.is_file())
        if not paths:
            print(f"there is no CSV below {folder}", file=sys.stderr)
            return 2
        verdicts, rows, equal = collections.Counter(), collections.Counter(), collections.Counter()
        for path in paths:
            try:
                answer, outputs = examine(program, path.resolve())
            except Broken as trouble:
                broken += 1
                print(f"BROKEN {path}: {trouble}")
                continue
            verdict = answer["code"] or answer["status"]
            verdicts[verdict] += 1
            rows.update(answer["rows"])
            same = spectrum(path, outputs)
            if same is not None:
                equal[same] += 1
                if not same:
                    broken += 1
                    print(f"DIFFERS {path}: not the records of its JSON")
            if arguments.list:
                print(f"  {verdict:20} {answer['rows']['valid']:8} {answer['rows']['rejected']:6}  {path}")
        counts = ", ".join(f"{count} {verdict}" for verdict, count in verdicts.most_common())
        print(f"{folder}: {len(paths)} files: {counts}")
        print(f"  {rows['total']} rows: {rows['valid']} valid, {rows['rejected']} rejected")
        if equal:
            print(f"  {equal[True]} of {sum(equal.values())} equal to their JSON")
    print("everything reconciles" if not broken else f"{broken} do not hold")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
