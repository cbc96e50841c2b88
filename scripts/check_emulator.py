#!/usr/bin/env python3
"""Holds docs/EMULATOR.md, the list of the differences between moto and AWS, to the code that it tells of.

    python3 scripts/check_emulator.py            checks
    python3 scripts/check_emulator.py --list     prints each difference with what is done about it

- Every function of scripts/emulator_*.py that changes moto (`@replaces`, `@adds`) stands in a row as supplied, and every
  function that a row says is supplied is there.
- The pages of AWS that the rows name are those that these modules name, and more for what is not supplied; no row is without.
- Every row says what is done: supplied, tolerated, stubbed, not modelled, or that there is nothing to do.
- Every file that a row names is there, and every test is one that is run (or it is a script that the CI runs).

Exit codes: 0 nothing found; 1 something is wrong.
"""

import ast
import pathlib
import re
import sys

import check_delivery

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = "docs/EMULATOR.md"
MODULES = "scripts/emulator_*.py"
HEAD = "| what | AWS | moto 5.2.5 | here | test |"
WAYS = ("supplied: ", "tolerated", "stubbed in ", "not modelled", "nothing to do")
AWS_PAGE = re.compile(r"https://docs\.aws\.amazon\.com/[^\s),]+")
NAMED = re.compile(r"`([^`]+)`")
PROOF = re.compile(r"\[`(?P<name>[^`]+)`\]\((?P<path>[^)]+)\)")
# A case of the conformance suite is a function that its list names.
CASES = "crates/conformance/src/cases/"


def rows_of(text):
    """The rows of the page's tables, each with the number of its line."""
    found, inside = [], False
    for number, line in enumerate(text.splitlines(), 1):
        if line == HEAD:
            inside = True
        elif not line.startswith("|"):
            inside = False
        elif inside and not line.startswith("|---"):
            found.append((number, [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]))
    return found


def code_of(root):
    """What the modules hold: functions that change moto, all functions, and the pages that they name."""
    changing, functions, pages = set(), set(), set()
    for path in sorted(root.glob(MODULES)):
        text = path.read_text(encoding="utf-8")
        pages |= set(AWS_PAGE.findall(text))
        for node in ast.walk(ast.parse(text)):
            if not isinstance(node, ast.FunctionDef):
                continue
            functions.add(node.name)
            called = [decorator.func for decorator in node.decorator_list if isinstance(decorator, ast.Call)]
            if any(isinstance(name, ast.Name) and name.id in ("replaces", "adds") for name in called):
                changing.add(node.name)
    return changing, functions, pages


def is_proof(path, name, where):
    """Whether this is a test that is run, a case of the suite that is listed, or a script of the CI."""
    if path.name == name:
        return True
    if CASES in where:
        return bool(re.search(rf"^\s+{re.escape(name)},?$|cases!\[.*\b{re.escape(name)}\b", path.read_text("utf-8"), re.MULTILINE))
    return check_delivery.is_test(path, name)


def problems_of_row(number, cells, functions, root):
    """What is wrong with a row, and the functions that it says are supplied."""
    at, problems, supplied = f"{PAGE}:{number}", [], set()
    if len(cells) != 5:
        return [f"{at}: not five cells"], supplied
    what, aws, _, here, test = cells
    if not AWS_PAGE.search(aws):
        problems.append(f"{at}: {what}: no page of AWS")
    if not here.startswith(WAYS):
        problems.append(f"{at}: {what}: does not say what is done: {here}")
    if here.startswith("supplied: "):
        supplied = {name for name in NAMED.findall(here) if re.fullmatch(r"[a-z_0-9]+", name)}
        problems += [f"{at}: there is no function {name}" for name in sorted(supplied - functions)]
    for name in NAMED.findall(here):
        if re.fullmatch(r"[\w./-]+/[\w.-]+\.\w+", name) and not (root / name).is_file():
            problems.append(f"{at}: there is no file {name}")
    proofs = list(PROOF.finditer(test))
    if not proofs:
        problems.append(f"{at}: {what}: no test")
    for proof in proofs:
        path = (root / PAGE).parent / proof["path"]
        if not path.is_file():
            problems.append(f"{at}: there is no file {proof['path']}")
        elif not is_proof(path, proof["name"], proof["path"]):
            problems.append(f"{at}: {proof['path']} has no test {proof['name']} that is run")
    return problems, supplied


def problems_of(root):
    """What is wrong, and the rows."""
    rows = rows_of((root / PAGE).read_text(encoding="utf-8"))
    changing, functions, pages = code_of(root)
    problems, supplied, named = [], set(), set()
    for number, cells in rows:
        wrong, names = problems_of_row(number, cells, functions, root)
        problems += wrong
        supplied |= names
        named |= set(AWS_PAGE.findall(" ".join(cells)))
    problems += [f"{PAGE}: {name} changes moto and stands in no row" for name in sorted(changing - supplied)]
    problems += [f"{PAGE}: no row names {page}, which the code does" for page in sorted(pages - named)]
    if not rows:
        problems.append(f"{PAGE}: there is no table")
    return problems, rows


def main():
    problems, rows = problems_of(ROOT)
    if "--list" in sys.argv[1:]:
        for _, cells in rows:
            print(f"{cells[0]}: {cells[3]}")
    for problem in problems:
        print(problem, file=sys.stderr)
    ways = {way.strip(": "): sum(cells[3].startswith(way) for _, cells in rows if len(cells) == 5) for way in WAYS}
    print(f"{PAGE}: {len(rows)} differences ({', '.join(f'{count} {way}' for way, count in ways.items())}), {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
