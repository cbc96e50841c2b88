#!/usr/bin/env python3
"""Scores Gristmill by Pollock, a benchmark of loading dirty CSV files.

    git clone https://github.com/HPI-Information-Systems/Pollock    (its files are in Git LFS)
    cargo build --release -p gristmill
    python3 scripts/pollock.py POLLOCK                        all modes
    python3 scripts/pollock.py POLLOCK --mode given --worst 20

Each of the 2,290 files is split by Gristmill. What it loaded is the header and all records in order: processed and
rejected, merged by source_row, without the columns that Gristmill adds. That is written where the benchmark looks for
it, and scored by the benchmark's own code, with the formulas of its evaluate.py.

Modes:
    given      a contract is written for each file from its parameters: the dialect, and a text field for each column
    detected   neither a contract nor a dialect is given
    inferred   `gristmill infer` drafts the contract from the file itself, and the file is split by it
    python     no Gristmill: Python's csv module with the given dialect, to show what a reader can reach
    sniffer    no Gristmill: Python's csv.Sniffer, as the benchmark runs it

A file that Gristmill refuses counts as not loaded. Exit codes: 0 done; 1 a program failed on a file (its exit code
was 3, or it was ended by a signal), or a score is below --at-least; 2 wrong use.
"""

import argparse
import collections
import concurrent.futures
import csv
import functools
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import venv

import reading

ROOT = pathlib.Path(__file__).resolve().parent.parent
DATASET = "polluted_files"
# The benchmark's own requirements, at the versions that it was scored with.
PINS = """
attrs==26.1.0 chardet==7.7.0 joblib==1.6.0 multiset==3.2.0 numpy==2.4.6 price-parser==0.5.1 python-dateutil==4.0.0
""".split()
MEASURES = [
    "success",
    *(f"{part}_{kind}" for part in ("header", "record", "cell") for kind in ("precision", "recall", "f1")),
]
csv.field_size_limit(64 * 1024 * 1024)


def enter_environment():
    """Runs the rest of the script in an environment that has what the benchmark needs."""
    home = ROOT / "target" / "pollock"
    python = home / "bin" / "python"
    if pathlib.Path(sys.prefix).resolve() == home.resolve():
        return
    pins = home / "pins.txt"
    if not pins.exists() or pins.read_text().split() != PINS:
        print("installing what the benchmark needs …", file=sys.stderr)
        venv.create(home, with_pip=True, clear=True)
        subprocess.run(
            [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PINS], check=True
        )
        pins.write_text("\n".join(PINS) + "\n")
    os.execv(python, [str(python), str(pathlib.Path(__file__).resolve()), *sys.argv[1:]])


# What the benchmark says about a file ------------------------------------------------------------------------------


def parameters(folder, name):
    return json.loads((folder / DATASET / "parameters" / f"{name}_parameters.json").read_text())


def contract(given):
    """The contract that says what the benchmark's parameters say, in the words of Table Dialect.

    The columns have the given names, so that the lines above the records (a preamble, one header or several) are
    passed over, and there is no header to match. DuckDB and others are run in this way too.
    """
    delimiter = given["delimiter"] or ","
    dialect = {"delimiter": delimiter[0], "quoteChar": given["quotechar"] or '"'}
    if delimiter[1:].strip(" ") == "" and len(delimiter) > 1:
        dialect["skipInitialSpace"] = True
    escape = given["escapechar"]
    if escape and escape not in (dialect["quoteChar"], '"'):
        dialect["escapeChar"] = escape
    above = int(given["preamble_lines"]) + int(given["header_lines"])
    dialect["header"] = False
    if above:
        dialect["commentRows"] = list(range(1, above + 1))
    names = given["column_names"] or [f"col_{index}" for index in range(max(1, int(given["n_columns"])))]
    fields = [{"name": name, "type": "string"} for name in names]
    return {"name": "pollock", "dialect": dialect, "schema": {"fields": fields}}


# Loading -----------------------------------------------------------------------------------------------------------


class Refused(Exception):
    """The file was refused, with a code."""


class Failed(Exception):
    """The program failed."""


def gristmill(command, *arguments, cwd):
    done = subprocess.run(
        [command, *arguments], capture_output=True, text=True, cwd=cwd, env={**os.environ, "NO_COLOR": "1"}
    )
    if done.returncode == 1 and arguments[0] == "infer":
        raise Refused(done.stderr.strip())
    if done.returncode not in (0, 1):
        raise Failed(f"exit {done.returncode}: {done.stderr.strip()[-400:]}")
    return done.stdout


def load_given(command, folder, name, place):
    given = parameters(folder, name)
    path = place / "contract.json"
    path.write_text(json.dumps(contract(given)))
    header, rows = split(command, folder, name, place, "--contract", str(path))
    # The names of a file without a header are ours, not the file's.
    return ([header] if int(given["header_lines"]) else []) + rows


def load_detected(command, folder, name, place):
    (place / "none").mkdir()
    header, rows = split(command, folder, name, place, "--contracts", "none")
    return [header, *rows]


def load_inferred(command, folder, name, place):
    path = place / "contract.json"
    path.write_text(gristmill(command, "infer", str(folder / DATASET / "csv" / name), cwd=place))
    header, rows = split(command, folder, name, place, "--contract", str(path))
    without = json.loads(path.read_text()).get("dialect", {}).get("header") is False
    return ([] if without else [header]) + rows


def split(command, folder, name, place, *arguments):
    """The header and the records that Gristmill read, in the file's order."""
    source = folder / DATASET / "csv" / name
    answer = json.loads(gristmill(command, "split", str(source), "--json", "--out", "out", *arguments, cwd=place))
    if answer["status"] == "rejected":
        raise Refused(f"{answer['code']}: {answer['reason']}")
    outputs = reading.Outputs(answer, place)
    return outputs.columns, outputs.in_order()


def load_python(_command, folder, name, _place):
    given = parameters(folder, name)
    delimiter = given["delimiter"] or ","
    quote = given["quotechar"] or '"'
    escape = given["escapechar"] if given["escapechar"] not in ("", quote, '"') else None
    above = int(given["preamble_lines"]) + int(given["header_lines"])
    with open(folder / DATASET / "csv" / name, encoding="utf-8", newline="") as file:
        text = file.read()
    lines = re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+$", text)[above:]
    rows = csv.reader(
        lines, delimiter=delimiter[0], quotechar=quote, escapechar=escape, skipinitialspace=len(delimiter) > 1
    )
    header = [given["column_names"]] if int(given["header_lines"]) else []
    return header + [row for row in rows if row]


def load_sniffer(_command, folder, name, _place):
    with open(folder / DATASET / "csv" / name, newline="", encoding=parameters(folder, name)["encoding"]) as file:
        dialect = csv.Sniffer().sniff(file.read())
        file.seek(0)
        return list(csv.reader(file, dialect))


MODES = {
    "given": load_given,
    "detected": load_detected,
    "inferred": load_inferred,
    "python": load_python,
    "sniffer": load_sniffer,
}


def load(mode, command, folder, name, target):
    """Loads a file and writes what was loaded for the benchmark; answers with what went wrong."""
    with tempfile.TemporaryDirectory() as place:
        try:
            rows, trouble = MODES[mode](command, folder, name, pathlib.Path(place)), None
        except Refused as refusal:
            rows, trouble = None, ("refused", str(refusal))
        except Failed as failure:
            rows, trouble = None, ("failed", str(failure))
        except csv.Error as failure:
            rows, trouble = None, ("refused", str(failure))
    with open(target / f"{name}_converted.csv", "w", encoding="utf-8", newline="") as file:
        if rows is None:
            file.write(f"Application Error\n{trouble[1]}")
        else:
            csv.writer(file).writerows(rows)
    return name, trouble


# Scoring -----------------------------------------------------------------------------------------------------------


def measure(folder, system, name):
    """The ten measures of a file, by the benchmark's own code."""
    os.chdir(folder)
    metrics = benchmark(folder)
    loaded = f"results/{system}/{DATASET}/loading/{name}_converted.csv"
    if not metrics.successful_csv(loaded):
        return name, [0.0] * 10
    return name, [1.0, *map(float, metrics.header_record_cell_measures_csv(f"{DATASET}/clean/{name}", loaded))]


@functools.cache
def benchmark(folder):
    sys.path.insert(0, str(folder))
    from pollock import metrics

    # The same answers, sooner: most cells stand in every file.
    metrics.normalize_cell = functools.lru_cache(maxsize=None)(metrics.normalize_cell)
    return metrics


def scores(folder, measures):
    """The simple and the weighted score, as evaluate.py has them."""
    simple = sum(sum(column) / len(measures) for column in zip(*measures.values()))
    weights = json.loads((folder / "pollock_weights.json").read_text())
    weight = {name: weights.get(name, -1) for name in measures}
    total = sum(weight.values())
    weighted = sum(sum(values) * weight[name] / total for name, values in measures.items())
    return simple, weighted, {name: weight[name] / total for name in measures}


def kind(name):
    """The class of a file: its name without positions."""
    found = re.match(r"row_(?:less_sep|more_sep|extra_quote|field_delimiter)", name)
    if not found:
        return name.removesuffix(".csv")
    return found[0] + (" (header)" if re.match(r"_?(?:row)?0_", name[found.end() :]) else "")


def report(mode, folder, measures, troubles, worst):
    simple, weighted, share = scores(folder, measures)
    print(f"\n{mode}: simple {simple:.4f}, weighted {weighted:.4f}, {len(measures)} files, {len(troubles)} not loaded")
    groups = collections.defaultdict(list)
    for name in measures:
        groups[kind(name)].append(name)
    print(f"  {'class':34}{'files':>6}{'score':>9}{'simple lost':>13}{'weighted lost':>15}  header record cell")
    for group, names in sorted(groups.items()):
        lost = {name: 10 - sum(measures[name]) for name in names}
        parts = [sum(measures[name][index] for name in names) / len(names) for index in (3, 6, 9)]
        print(
            f"  {group:34}{len(names):6}{10 - sum(lost.values()) / len(names):9.4f}"
            f"{sum(lost.values()) / len(measures):13.4f}{sum(lost[name] * share[name] for name in names):15.4f}"
            f"  {parts[0]:.3f}  {parts[1]:.3f}  {parts[2]:.3f}"
        )
    reasons = collections.Counter(f"{what}: {why[:110]}" for what, why in troubles.values())
    for reason, count in reasons.most_common(15):
        print(f"  {count:5} {reason}")
    for name in sorted(measures, key=lambda name: sum(measures[name]))[:worst]:
        print(f"    {sum(measures[name]):7.4f} {name} {troubles.get(name, ('',))[0]}")
    return simple, weighted


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folder", type=pathlib.Path, help="the benchmark's repository")
    arguments.add_argument("--mode", choices=MODES, action="append", help="may be repeated; all of them when left out")
    arguments.add_argument("--gristmill", default=str(ROOT / "target" / "release" / "gristmill"), metavar="PROGRAM")
    arguments.add_argument("--only", default="", metavar="TEXT", help="only files with this in their name")
    arguments.add_argument("--worst", type=int, default=0, metavar="N", help="list the N files with the lowest scores")
    arguments.add_argument(
        "--at-least", nargs=2, type=float, metavar=("SIMPLE", "WEIGHTED"), help="ends with 1 when a score is below"
    )
    arguments = arguments.parse_args()
    folder = arguments.folder.resolve()
    names = sorted(path.name for path in (folder / DATASET / "csv").iterdir() if arguments.only in path.name)
    if not names:
        print(f"there are no files in {folder / DATASET / 'csv'}", file=sys.stderr)
        return 2
    good = True
    for mode in arguments.mode or MODES:
        system = f"gristmill-{mode}" if mode in ("given", "detected", "inferred") else f"probe-{mode}"
        target = folder / "results" / system / DATASET / "loading"
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        with concurrent.futures.ProcessPoolExecutor(max_workers=2) as workers:
            command = shutil.which(arguments.gristmill) or arguments.gristmill
            loaded = workers.map(
                functools.partial(load, mode, command, folder, target=target), names, chunksize=32
            )
            troubles = {name: trouble for name, trouble in loaded if trouble}
            measured = workers.map(functools.partial(measure, folder, system), names, chunksize=32)
            measures = dict(measured)
        result = report(mode, folder, measures, troubles, arguments.worst)
        failed = any(what == "failed" for what, _ in troubles.values())
        below = arguments.at_least and any(got < least for got, least in zip(result, arguments.at_least))
        good = good and not failed and not below
    return 0 if good else 1


if __name__ == "__main__":
    enter_environment()
    sys.exit(main())
