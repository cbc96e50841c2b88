#!/usr/bin/env python3
"""Checks that each sentence of docs/DELIVERY.md about a failure stands above a test that proves it.

    python3 scripts/check_delivery.py            checks
    python3 scripts/check_delivery.py --list     prints each sentence with its tests

Between the marks `<!-- proven: begin -->` and `<!-- proven: end -->` of the page every paragraph is one sentence, followed by one
line or several of the form

    - [`name_of_the_test`](../path/of/the/file.rs)

The file must be there and must hold a test of that name that is run: in Rust a `#[test]` or `#[tokio::test]` that is not ignored, in
Terraform a `run "name"`, in Python a method `test_…`. Headings and links in the text are not looked at here.

Exit codes: 0 nothing found; 1 something is wrong.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = "docs/DELIVERY.md"
BEGIN, END = "<!-- proven: begin -->", "<!-- proven: end -->"
PROOF = re.compile(r"^- \[`(?P<name>[^`]+)`\]\((?P<path>[^)]+)\)$")
# A sentence ends where a stop is followed by a space and something that begins a new one.
ENDS = re.compile(r"[.!?]\s+(?=[A-Z`*])")


def parts(text):
    """The paragraphs between the marks, each with the number of its first line."""
    inside, found, block, start = False, [], [], 0
    for number, line in enumerate(text.splitlines() + [""], 1):
        if line.strip() == BEGIN:
            inside = True
        elif line.strip() == END:
            inside = False
        elif inside and line.strip() and not line.startswith("#"):
            if not block:
                start = number
            block.append(line.strip())
        elif block:
            found.append((start, block))
            block = []
    return found


def is_test(path, name):
    """Whether the file holds a test of this name that is run."""
    text = path.read_text(encoding="utf-8")
    escaped = re.escape(name)
    if path.suffix == ".rs":
        found = re.search(rf"((?:^\s*#\[[^\n]*\]\n)+)\s*(?:async )?fn {escaped}\(", text, re.MULTILINE)
        if not found:
            return False
        attributes = found[1]
        return bool(re.search(r"#\[(?:tokio::)?test\b", attributes)) and "#[ignore" not in attributes
    if path.name.endswith(".tftest.hcl"):
        return bool(re.search(rf'^run "{escaped}"', text, re.MULTILINE))
    if path.suffix == ".py":
        return bool(re.search(rf"^\s+def {escaped}\(self\)", text, re.MULTILINE))
    return False


def problems_of(page, root):
    """What is wrong with the page, and the sentences with their tests."""
    text = (root / page).read_text(encoding="utf-8")
    problems, sentences = [], []
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        return [f"{page}: there is not one part between {BEGIN} and {END}"], []
    for number, block in parts(text):
        words = " ".join(line for line in block if not line.startswith("- ["))
        proofs = [line for line in block if line.startswith("- [")]
        if proofs and not block[-1].startswith("- ["):
            problems.append(f"{page}:{number}: a sentence goes on below its tests")
        if not words.endswith(".") or ENDS.search(words):
            problems.append(f"{page}:{number}: not one sentence: {words}")
        if not proofs:
            problems.append(f"{page}:{number}: no test is named below: {words}")
        names = []
        for line in proofs:
            proof = PROOF.match(line)
            if not proof:
                problems.append(f"{page}:{number}: not of the form - [`name`](path): {line}")
                continue
            path = (root / page).parent / proof["path"]
            if not path.is_file():
                problems.append(f"{page}:{number}: there is no file {proof['path']}")
            elif not is_test(path, proof["name"]):
                problems.append(f"{page}:{number}: {proof['path']} has no test {proof['name']} that is run")
            names.append(proof["name"])
        sentences.append((words, names))
    if not sentences:
        problems.append(f"{page}: there is no sentence between the marks")
    return problems, sentences


def main():
    problems, sentences = problems_of(PAGE, ROOT)
    if "--list" in sys.argv[1:]:
        for words, names in sentences:
            print(words)
            for name in names:
                print(f"    {name}")
    for problem in problems:
        print(problem, file=sys.stderr)
    tests = {name for _, names in sentences for name in names}
    print(f"{PAGE}: {len(sentences)} sentences, {len(tests)} tests, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
