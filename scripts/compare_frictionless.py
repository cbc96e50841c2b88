#!/usr/bin/env python3
"""Compares what Gristmill finds wrong with a CSV with what frictionless-py finds, violation by violation.

Both judge the same file by the same contract. Each violation becomes a triple (row, column, code). The two sets
must be equal, except for differences that one of the RULES below explains; each rule names one intended difference
and is only applied where its own look at the cell says so. An unexplained difference ends the script with 1.

    python3 scripts/compare_frictionless.py                              all contracts and all small samples
    python3 scripts/compare_frictionless.py FILE CONTRACT [FILE CONTRACT …]
    python3 scripts/compare_frictionless.py --mutate 200 --seed 1        damaged copies of the samples
    python3 scripts/compare_frictionless.py --forms                      every hostile value in every type and format

frictionless is installed into an environment of its own below `target/`, at the versions in PINS.
Exit codes: 0 equal or explained; 1 an unexplained difference; 2 wrong use; 3 a program failed.
"""

import argparse
import ast
import base64
import codecs
import collections
import csv
import dataclasses
import decimal
import gzip
import io
import json
import os
import pathlib
import random
import re
import shlex
import subprocess
import sys
import tempfile
import venv

ROOT = pathlib.Path(__file__).resolve().parent.parent
SMALL = 2 * 1024 * 1024

# Everything that frictionless needs, so that another release of a dependency cannot change a verdict unnoticed.
PINS = """
annotated-doc==0.0.6 annotated-types==0.8.0 attrs==26.1.0 certifi==2026.10.18 chardet==7.7.0
charset-normalizer==3.5.2 frictionless==5.21.0 humanize==4.17.0 idna==3.20 isodate==0.7.2 Jinja2==3.1.6
jsonschema==4.26.0 jsonschema-specifications==2025.9.1 markdown-it-py==4.3.0 marko==2.2.4 MarkupSafe==3.0.4
mdurl==0.1.2 petl==1.7.30 pydantic==2.14.3 pydantic_core==2.50.4 Pygments==2.21.0 python-dateutil==4.0.0
python-slugify==9.1.3 PyYAML==6.0.3 referencing==0.37.0 requests==2.34.2 rfc3986==2.0.0 rich==15.0.0
rpds-py==2026.9.1 shellingham==1.5.4 simpleeval==1.0.8 tabulate==0.10.0 text-unidecode==1.3 typer==0.29.1
typing-inspection==0.4.5 typing_extensions==4.16.0 tzdata==2026.6 urllib3==2.8.0 validators==0.36.0
""".split()

csv.field_size_limit(64 * 1024 * 1024)


# The environment ------------------------------------------------------------------------------------------------


def enter_environment():
    """Runs the rest of the script in the environment that has frictionless."""
    version = next(pin for pin in PINS if pin.startswith("frictionless==")).replace("==", "-")
    home = ROOT / "target" / version
    python = home / "bin" / "python"
    if pathlib.Path(sys.prefix).resolve() == home.resolve():
        return
    pins = home / "pins.txt"
    if not pins.exists() or pins.read_text().split() != PINS:
        print(f"installing {version} …", file=sys.stderr)
        venv.create(home, with_pip=True, clear=True)
        subprocess.run(
            [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PINS], check=True
        )
        pins.write_text("\n".join(PINS) + "\n")
    os.execv(python, [str(python), str(pathlib.Path(__file__).resolve()), *sys.argv[1:]])


# The file as both see it ----------------------------------------------------------------------------------------


def folded(name):
    return name.strip().lower()


@dataclasses.dataclass
class Table:
    """A file, read once more by Python's csv module: what the rules look at."""

    columns: list  # the contract's name of each column; the file's own where the contract has none
    records: list  # cells, by source_row - 1
    source_rows: list  # for each record of frictionless, its source_row; None for an empty line
    text: str  # the file as frictionless gets it: UTF-8, with the contract's names in the header

    def cell(self, row, column):
        """The cell, or None where the record has none."""
        cells = self.records[row - 1]
        position = self.columns.index(column)
        return cells[position] if position < len(cells) else None


def decoded(data, encoding):
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16")
    # An undecodable byte is Gristmill's encoding-error of one row; frictionless would refuse the file.
    return data.decode(encoding or "utf-8", errors="replace").lstrip("\ufeff")


def read_table(path, contract, delimiter):
    """Reads a file, and binds its columns to the contract by name as Gristmill does.

    frictionless binds columns by their place, so its copy gets the contract's names; how headers are matched is
    not part of the comparison.
    """
    text = decoded(path.read_bytes(), contract.get("encoding"))
    lines = list(io.StringIO(text, newline=""))
    reader = csv.reader(lines, delimiter=delimiter)
    labels = next(record for record in reader if record)
    rest = lines[reader.line_num :]
    names = {folded(field["name"]): field["name"] for field in contract["schema"]["fields"]}
    columns = [names.get(folded(label), label) for label in labels]
    records, source_rows = [], []
    for cells in csv.reader(rest, delimiter=delimiter):
        if cells:
            records.append(cells)
        source_rows.append(len(records) if cells else None)
    header = io.StringIO()
    csv.writer(header, delimiter=delimiter, lineterminator="\n").writerow(columns)
    return Table(columns, records, source_rows, header.getvalue() + "".join(rest))


# The two judges -------------------------------------------------------------------------------------------------


class Failed(Exception):
    """A program did not do its part."""


def ask_gristmill(command, path, contract_path, out):
    """What `gristmill split` says: its JSON object and its errors file."""
    arguments = [*command, "split", "--out", out, "--json", str(path), "--contract", str(contract_path)]
    ran = subprocess.run(arguments, capture_output=True, text=True, check=False)
    if ran.returncode not in (0, 1) or not ran.stdout.strip():
        raise Failed(f"gristmill ended with {ran.returncode}: {ran.stderr.strip()}")
    result = json.loads(ran.stdout)
    errors = result["paths"].get("errors")
    if errors is None:
        return result, []
    with open(errors, newline="", encoding="utf-8") as file:
        return result, list(csv.DictReader(file))


def delimiter_of(result):
    manifest = json.loads(pathlib.Path(result["paths"]["manifest"]).read_text())
    return (manifest.get("read_as") or {}).get("delimiter") or ","


def gristmill_triples(errors, table):
    by_label = {folded(column): column for column in table.columns}
    triples = set()
    for error in errors:
        column = by_label.get(folded(error["column"]), error["column"])
        # A key can have several columns; frictionless names none.
        column = "" if error["code"] in ("primary-key", "foreign-key") else column
        triples.add((int(error["source_row"]), column, error["code"]))
    return triples


@dataclasses.dataclass
class Second:
    """What frictionless found."""

    triples: set
    formulas: dict  # the formulas that each row does not satisfy there
    empty_lines: int  # violations of lines that are no record here
    repeated_extra_cells: int
    file_errors: list


def ask_frictionless(table, contract, delimiter, folder, references):
    from frictionless import Checklist, Package, Resource

    known = {field["name"]: field for field in contract["schema"]["fields"]}
    schema = {key: value for key, value in contract["schema"].items() if key != "fields"}
    schema["fields"] = [known.get(name, {"name": name, "type": "any"}) for name in table.columns]
    (folder / "table.csv").write_text(table.text, encoding="utf-8", newline="")
    descriptor = {
        **{key: value for key, value in contract.items() if key not in ("gristmill", "checks", "dialect")},
        "path": "table.csv",
        "format": "csv",
        "encoding": "utf-8",
        # Said in full, so that nothing is guessed from a sample.
        "dialect": {
            "header": True,
            "headerRows": [1],
            "csv": {
                "delimiter": delimiter,
                "quoteChar": '"',
                "doubleQuote": True,
                "skipInitialSpace": False,
                "lineTerminator": "\r\n",
            }
        },
        "schema": schema,
    }
    resource = Resource.from_descriptor(descriptor, basepath=str(folder))
    # A foreign key refers to another resource of the same package: here a file beside the contract.
    names = {key["reference"]["resource"] for key in schema.get("foreignKeys", [])}
    others = [
        Resource.from_descriptor({"name": name, "path": f"{name}.csv"}, basepath=str(references))
        for name in sorted(names)
    ]
    package = Package(resources=[resource, *others])
    resource = package.resources[0]
    checklist = Checklist.from_descriptor({"checks": contract.get("checks", [])})
    report = resource.validate(checklist, limit_errors=10**9)
    found = Second(set(), collections.defaultdict(set), 0, 0, [])
    for error in [*report.errors, *report.tasks[0].errors]:
        row_number = getattr(error, "row_number", None)
        if row_number is None:
            found.file_errors.append(f"{error.type}: {error.message}")
            continue
        # frictionless counts the header as row 1.
        row = table.source_rows[row_number - 2]
        if row is None:
            found.empty_lines += 1
            continue
        triple = (row, getattr(error, "field_name", "") or "", error.type)
        if error.type == "extra-cell" and triple in found.triples:
            found.repeated_extra_cells += 1
        if error.type == "row-constraint":
            found.formulas[row].add(error.note.split('"', 1)[1].rsplit('"', 1)[0])
        found.triples.add(triple)
    return found


# Intended differences -------------------------------------------------------------------------------------------

OURS, THEIRS = "gristmill", "frictionless"
# Lexical forms of Table Schema (Data Package v2), as this project reads them: ASCII digits, spaces around numbers.
NUMBER = re.compile(r" *[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)? *")
INTEGER = re.compile(r" *[+-]?[0-9]+ *")
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?Z?")
DATETIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?"
    r"(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])?"
)
YEAR = re.compile(r"(?!0000)[0-9]{4}")
YEARMONTH = re.compile(r"(?!0000)[0-9]{4}-(0[1-9]|1[0-2])")
# XML Schema's, with at most nine digits a number.
PART = "[0-9]{1,9}"
DURATION = re.compile(
    rf"-?P(?=[0-9T])({PART}Y)?({PART}M)?({PART}D)?"
    rf"(T(?=[0-9])({PART}H)?({PART}M)?({PART}(\.{PART})?S)?)?"
)
FORMS = {
    "number": NUMBER, "integer": INTEGER, "date": DATE, "time": TIME, "datetime": DATETIME, "year": YEAR,
    "yearmonth": YEARMONTH, "duration": DURATION,
}  # fmt: skip
# RFC 3986, appendix A, but for the inside of an IP literal.
CHARACTER = r"(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})"
AUTHORITY = (
    r"(?:(?:[A-Za-z0-9._~!$&'()*+,;=:-]|%[0-9A-Fa-f]{2})*@)?"
    r"(?:\[(?:[0-9A-Fa-f]*:[0-9A-Fa-f:]+[0-9.]*|v[0-9A-Fa-f]+\.[A-Za-z0-9._~!$&'()*+,;=:-]+)\]"
    r"|(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)(?::[0-9]*)?"
)
URI = re.compile(
    rf"[A-Za-z][A-Za-z0-9+.-]*:(?://{AUTHORITY}(?:/{CHARACTER}*)*|/?(?:{CHARACTER}+(?:/{CHARACTER}*)*)?)"
    rf"(?:\?(?:{CHARACTER}|[/?])*)?(?:#(?:{CHARACTER}|[/?])*)?"
)
UUID = re.compile(r"[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}")
BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")


def is_email(text):
    local, at, domain = text.partition("@")
    word = re.compile(r"(?:[a-zA-Z0-9!#$%&'*+/=?^_`{|}~-]|[^\W_]|(?![\x00-\x7f])\w)+")
    labels = domain.split(".")
    return (
        bool(at)
        and len(text.encode()) <= 254
        and len(local.encode()) <= 64
        and all(word.fullmatch(part) for part in local.split("."))
        and len(labels) > 1
        and all(re.fullmatch(r"(?!-)(?:[^\W_]|-)+(?<!-)", label) and len(label.encode()) <= 63 for label in labels)
        and labels[-1][-1].isalpha()
        and len(labels[-1]) > 1
    )


def is_base64(text):
    """Padded, and without bits that mean nothing."""
    return BASE64.fullmatch(text) is not None and base64.b64encode(base64.b64decode(text)).decode() == text


TEXT_FORMS = {"email": is_email, "uri": URI.fullmatch, "uuid": UUID.fullmatch, "binary": is_base64}


def has_style(field):
    return any(key in field for key in ("decimalChar", "groupChar", "bareNumber"))


def styled(field):
    """The numbers of a field with a decimal or a group character or with units, as this project reads them."""
    point, group = re.escape(field.get("decimalChar", ".")), field.get("groupChar")
    digits = "[0-9]+"
    if group is not None:
        g = re.escape(group)
        digits = f"(?:[0-9]{{1,3}}(?:{g}[0-9]{{3}})+|[0-9]{{1,2}}(?:{g}[0-9]{{2}})*{g}[0-9]{{3}}|[0-9]+)"
    number = digits
    if field["type"] == "number":
        number = f"(?:{digits}(?:{point}[0-9]*)?|{point}[0-9]+)(?:[eE][+-]?[0-9]+)?"
    if field.get("bareNumber", True):
        return re.compile(f" *[+-]?{number} *").fullmatch
    unit = "[^0-9+\u2212-]"
    # A minus belongs to the number; `5,-` is five without cents; `(5)` could mean minus five.
    pattern = re.compile(
        f" *(?P<leading>[+-]?{unit}*|{unit}*[+-] *)(?P<number>{number})(?P<trailing>(?:(?<={point})-*)?{unit}*)"
    )

    def reads(text):
        found = pattern.fullmatch(text)
        if found is None or "(" in found["leading"]:
            return False
        around = found["leading"] + found["trailing"]
        return not any(character.isnumeric() for character in around)

    return reads


def own_form(field):
    """Whether a text is a value of a field by its form alone; None where this script does not know its form."""
    kind, given = field.get("type", "any"), field.get("format", "default")
    if kind == "string":
        return TEXT_FORMS.get(given)
    if kind in ("number", "integer") and has_style(field):
        return styled(field)
    form = FORMS.get(kind) if given == "default" else None
    return form and form.fullmatch


@dataclasses.dataclass
class Difference:
    """A triple that only one side has, with what a rule needs to judge it."""

    side: str
    row: int
    column: str
    code: str
    table: Table
    contract: dict
    ours: set
    theirs: Second

    @property
    def field(self):
        return next((f for f in self.contract["schema"]["fields"] if f["name"] == self.column), {})

    @property
    def kind(self):
        return self.field.get("type", "any")

    @property
    def is_required(self):
        return self.field.get("constraints", {}).get("required", False)

    @property
    def missing_values(self):
        return self.contract["schema"].get("missingValues", [""])

    def is_missing(self, column, cell):
        field = next((f for f in self.contract["schema"]["fields"] if f["name"] == column), {})
        return cell in field.get("missingValues", self.missing_values)

    @property
    def cells(self):
        return self.table.records[self.row - 1]

    @property
    def cell(self):
        return self.table.cell(self.row, self.column) if self.column in self.table.columns else None

    def is_stricter(self, kinds):
        """A type-error here only, or what frictionless finds wrong with the value that it reads there."""
        here = self.side == OURS and self.code == "type-error"
        there = self.side == THEIRS and self.code in ("constraint-error", "unique-error")
        is_ours = (self.row, self.column, "type-error") in self.ours
        return self.kind in kinds and self.cell is not None and is_ours and (here or there)

    def is_looser(self):
        """A type-error there only, or what is found wrong here with the value that is read here."""
        there = self.side == THEIRS and self.code == "type-error"
        here = self.side == OURS and self.code in ("constraint-error", "unique-error")
        is_theirs = (self.row, self.column, "type-error") in self.theirs.triples
        return self.cell is not None and is_theirs and (here or there) and not self.has_foreign_form()

    def has_foreign_form(self):
        form = own_form(self.field)
        return form is not None and not form(self.cell)

    def has_no_value(self, column):
        """Whether a cell has no value here: absent, a missing value, or not of its type."""
        if column not in self.table.columns:
            return True
        cell = self.table.cell(self.row, column)
        if cell is None or self.is_missing(column, cell) or only_spaces(cell):
            return True
        codes = ("type-error", "encoding-error", "field-too-large")
        return any((self.row, column, code) in self.ours for code in codes)


def only_spaces(text):
    return bool(text) and all(character in " \t\n\r\f" for character in text)


def operands(formula):
    return {node.id for node in ast.walk(ast.parse(formula, mode="eval")) if isinstance(node, ast.Name)}


def absent_cell(d):
    return d.side == THEIRS and d.code == "constraint-error" and d.cell is None and d.is_required


def is_line_of_spaces(table, cells):
    return len(cells) == 1 < len(table.columns) and only_spaces(cells[0])


def line_of_spaces(d):
    return is_line_of_spaces(d.table, d.cells)


def key_of_a_line_of_spaces(d):
    if d.side != THEIRS or d.code != "primary-key":
        return False
    places = [d.table.columns.index(name) for name in d.contract["schema"]["primaryKey"]]

    def key(cells):
        values = (cells[place] if place < len(cells) else None for place in places)
        return [None if value in d.missing_values else value for value in values]

    earlier = (cells for cells in d.table.records[: d.row - 1] if is_line_of_spaces(d.table, cells))
    return any(key(cells) == key(d.cells) for cells in earlier)


def blank_row_is_one_finding(d):
    blank = (d.row, "", "blank-row")
    return d.side == THEIRS and d.code == "primary-key" and blank in d.ours and blank in d.theirs.triples


def primary_key_with_a_part_that_has_no_value(d):
    if d.code != "primary-key":
        return False
    key = d.contract["schema"]["primaryKey"]
    return any(d.has_no_value(column) for column in ([key] if isinstance(key, str) else key))


def unique_keys(d):
    keys = d.contract["schema"].get("uniqueKeys", [])
    named = {", ".join([key] if isinstance(key, str) else key) for key in keys}
    return d.side == OURS and d.code == "unique-error" and d.column in named


def row_of_placeholders(d):
    if any(cell not in d.missing_values for cell in d.cells) or not any(d.cells):
        return False
    here = d.side == OURS and d.code in ("constraint-error", "missing-cell", "extra-cell")
    return here or (d.side == THEIRS and d.code == "blank-row")


def required_text_of_spaces(d):
    text = d.kind in ("string", "any") and d.cell is not None and only_spaces(d.cell)
    here = d.side == OURS and d.code == "constraint-error"
    # There it is a text, but none of the field's format.
    there = d.side == THEIRS and d.code == "type-error" and "format" in d.field
    return text and d.is_required and (here or there)


def blank_row_is_empty(d):
    """Nothing but empty cells, in a table of which a field has missing values of its own."""
    if any(d.cells) or not any("missingValues" in field for field in d.contract["schema"]["fields"]):
        return False
    return d.side == THEIRS or d.code == "blank-row"


def text_form(d):
    return d.is_stricter({"string"}) and d.has_foreign_form()


def letters_of_an_address(d):
    return d.field.get("format") == "email" and d.is_looser() and not d.cell.isascii()


def uuid_in_either_case(d):
    return d.field.get("format") == "uuid" and d.side == OURS and d.code == "unique-error"


def number_style(d):
    return has_style(d.field) and d.is_stricter({"number", "integer"}) and d.has_foreign_form()


def first_value_is_broken(d):
    """A value that stands there in an earlier row too, in a form that is a type-error here."""
    if d.side != THEIRS or d.code != "unique-error":
        return False
    earlier = ((row, d.column, "type-error") for row in range(1, d.row))
    return any(error in d.ours and error not in d.theirs.triples for error in earlier)


def duration_in_other_units(d):
    return d.kind == "duration" and d.side == OURS and d.code == "unique-error"


def group_of_an_integer(d):
    return d.kind == "integer" and "groupChar" in d.field and d.is_looser()


def sign_before_a_unit(d):
    signed = d.field.get("bareNumber") is False and re.match(r" *[+-][^0-9]|.*\+ *[0-9]", d.cell or "")
    return bool(signed) and d.is_looser()


def month_or_duration_form(d):
    return d.is_stricter({"yearmonth", "duration"}) and d.has_foreign_form()


def number_form(d):
    return not has_style(d.field) and d.is_stricter({"number", "integer"}) and d.has_foreign_form()


def number_range(d):
    if not d.is_stricter({"number", "integer"}) or d.has_foreign_form():
        return False
    return abs(decimal.Decimal(d.cell.strip())) >= decimal.Decimal(10) ** 28


def long_fraction(d):
    """A number whose digits do not fit into 28 is compared rounded, so a bound or a key may fall out otherwise."""
    if d.cell is None or d.kind not in ("number", "integer") or d.has_foreign_form():
        return False
    try:
        number = decimal.Decimal(d.cell.strip())
    except decimal.InvalidOperation:
        return False
    return -number.as_tuple().exponent > 28 and d.code in ("constraint-error", "unique-error", "primary-key")


def date_form(d):
    return d.is_stricter({"date", "time", "datetime", "year"}) and d.has_foreign_form()


def zone_is_utc(d):
    return d.side == OURS and d.code == "unique-error" and d.kind in ("time", "datetime") and d.cell is not None


def missing_operand(d):
    if d.side != THEIRS or d.code != "row-constraint":
        return False
    formulas = d.theirs.formulas[d.row]
    return all(any(d.has_no_value(column) for column in operands(formula)) for formula in formulas)


def broken_bytes(d):
    codes = ("encoding-error", "control-character", "malformed-quote", "field-too-large")
    return d.side == OURS and d.code in codes


def broken_cell_is_not_guessed_at(d):
    broken = {(d.row, d.column, "encoding-error"), (d.row, d.column, "field-too-large")}
    return d.side == THEIRS and d.code in ("type-error", "constraint-error") and bool(broken & d.ours)


def pattern_of_the_whole_cell(d):
    pattern = d.field.get("constraints", {}).get("pattern")
    if pattern is None or d.cell is None or d.side != OURS or d.code != "constraint-error":
        return False
    return re.fullmatch(pattern, d.cell) is None and re.match(f"^{pattern}$", d.cell) is not None


# Tried in this order. The reasons are printed.
RULES = {
    line_of_spaces: "a line of spaces is one blank row here; there it is a first cell and many missing ones",
    key_of_a_line_of_spaces: "a line of spaces has no key here; there its spaces are one, and can be had twice",
    blank_row_is_one_finding: "a blank row is one finding here; there its empty primary key is a second one",
    unique_keys: "uniqueKeys are judged here only",
    primary_key_with_a_part_that_has_no_value: "each part of a primary key needs a value here, as the standard has "
    "it, and one that is not of its type is not compared; there a key is missing only when all of it is",
    row_of_placeholders: "blank means empty here; there a row of nothing but missing values (N/A) is blank too",
    absent_cell: "a cell that is not there is one missing-cell here; there also an empty required value",
    required_text_of_spaces: "a required text that holds only spaces is missing here; there it is a text",
    blank_row_is_empty: "a row of empty cells is blank here, whatever a field calls missing; there it is not",
    text_form: "e-mail addresses, URIs, UUIDs and base64 are held against their standards here (decision 0016)",
    letters_of_an_address: "an e-mail address may have letters of any script here (RFC 6531); there Latin ones",
    uuid_in_either_case: "a UUID is the same in upper and lower case here; there they are two",
    number_style: "digits grouped elsewhere (1.5 for 15), (5) and 5- are no numbers here; there signs are dropped",
    first_value_is_broken: "an earlier cell of the same value is a type-error here, so this one is the first",
    duration_in_other_units: "P12M and P1Y are one value here, as in XML Schema; there they are two when unique",
    group_of_an_integer: "an integer may have a groupChar here, as in the standard; there it is not read",
    sign_before_a_unit: "a sign may stand in front of a unit here (-€5), and be a plus; there that is no number",
    month_or_duration_form: "a month or duration in another form than XML Schema's (2024-5, P1W, P1.5D): read there",
    number_form: "NaN, Infinity, 1_000, other scripts' digits, tabs around: numbers there, none in Table Schema",
    number_range: "a number of more than 28 digits before the point (1e400) is a type-error here",
    long_fraction: "digits beyond the 28th are rounded before a number is compared here (decision 0011)",
    date_form: "a date, time or year in another form than Table Schema's (2024-5-2, 0000, +0530): read there",
    zone_is_utc: "a time without a zone is in UTC here, so 13:05:00 and 13:05:00Z are one value; there they are two",
    missing_operand: "a formula over a missing or broken value is unknown here, as a CHECK in SQL; there violated",
    broken_bytes: "bytes, control characters, quoting and size of a row are judged here only",
    broken_cell_is_not_guessed_at: "what an undecodable or oversized cell would mean is not judged here",
    pattern_of_the_whole_cell: "a pattern covers the whole cell here; there `^a|b$` anchors but one end of each",
}
EMPTY_LINE = "empty-line"
REPEATED_EXTRA_CELL = "repeated-extra-cell"
COUNTED = {
    EMPTY_LINE: "an empty line is no record here; there it is a blank row",
    REPEATED_EXTRA_CELL: "extra-cell is told once for a row here; there once for each extra cell",
}


def name_of(rule):
    return rule if isinstance(rule, str) else rule.__name__.replace("_", "-")


# The comparison -------------------------------------------------------------------------------------------------


@dataclasses.dataclass
class Comparison:
    """What came of one file."""

    refused: str = ""
    records: int = 0
    ours: set = dataclasses.field(default_factory=set)
    theirs: set = dataclasses.field(default_factory=set)
    explained: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    unexplained: list = dataclasses.field(default_factory=list)


def compare(command, path, contract_path):
    contract = json.loads(contract_path.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as temporary:
        result, errors = ask_gristmill(command, path, contract_path, temporary)
        if result["status"] == "rejected":
            return Comparison(refused=result["code"])
        delimiter = delimiter_of(result)
        table = read_table(path, contract, delimiter)
        theirs = ask_frictionless(table, contract, delimiter, pathlib.Path(temporary), contract_path.parent)
    ours = gristmill_triples(errors, table)
    done = Comparison(records=len(table.records), ours=ours, theirs=theirs.triples)
    if result["rows"]["total"] != len(table.records):
        done.unexplained.append(f"records: gristmill {result['rows']['total']}, csv {len(table.records)}")
    done.unexplained += [f"frictionless only, of the file: {error}" for error in theirs.file_errors]
    done.explained.update({EMPTY_LINE: theirs.empty_lines, REPEATED_EXTRA_CELL: theirs.repeated_extra_cells})
    sides = [(OURS, triple) for triple in ours - theirs.triples]
    sides += [(THEIRS, triple) for triple in theirs.triples - ours]
    for side, triple in sorted(sides, key=lambda pair: pair[1]):
        difference = Difference(side, *triple, table, contract, ours, theirs)
        rule = next((rule for rule in RULES if rule(difference)), None)
        if rule is not None:
            done.explained[name_of(rule)] += 1
            continue
        row, column, code = triple
        shown = difference.cell if column in table.columns else difference.cells
        done.unexplained.append(f"{side} only: row {row}, column {column!r}, {code}, value {shown!r}")
    done.explained = +done.explained
    return done


# Damaged files --------------------------------------------------------------------------------------------------

HOSTILE = [
    "", " ", "   ", "\t", "N/A", "n/a", "NULL", "-", "0", "-0", "-1", "1", "00012", "+5", " 7 ", "899.", ".5", ".",
    "1e3", "1E-3", "1e400", "1e-400", "-1e400", "5e", "9" * 18, "9" * 19, "9" * 27, "9" * 40, "0." + "3" * 40,
    "10000.01", "10000.00", "9999.999999999999999999", "1_000", "1,299", "$899", "12 EUR", "0x10", "nan", "NaN",
    "-nan", "inf", "-Infinity", "１２", "٣", "²", "1\u00a0000", "\u00a05", "5\t", "true", "True", "FALSE", "yes",
    "2024-02-29", "2023-02-29", "2024-02-30", "2024-5-2", "2024-05-20 ", "20240520", "20/05/2024",
    "5/5/2024", "05/05/24", " 05/05/2024", "0000-01-01",
    "0001-01-01", "9999-12-31", "10000-01-01", "2024-13-01", "2024-05-20T13:05:00", "2024-05-20T13:05:00Z",
    "2024-05-20 13:05:00", "2024-05-20T13:05:00.123456Z", "2024-05-20T13:05:00.1234567Z", "2024-05-20T24:00:00",
    "2024-05-20T13:05:60", "2024-05-20T13:05", "2024-05-20T13:05:00+05:30", "2024-05-20T13:05:00+0530",
    "2024-05-20T13:05:00+24:00", "2024-05-20X13:05:00", "2024-02-30T13:05:00", "13:05:00", "13:05", "24:00:00",
    "13:05:00.5", "13:05:01.0", "13:05:00Z", "2024", "0000", "0001", "9999", "10000", " 202", "+202", "2_02", "-001",
    "Europe", "europe", "Europe ", "a@b.c", "a@b", "a b@c.d", "a@b.c\n", "@", "x" * 300, "emoji 📱", "e\u0301",
    "\u200bx", "\u202eabc", "a,b", 'say "hi"', "two\nlines", "two\r\nlines", "\n", "=1+1", "<b>", "\\N", "\\",
    "name@example.org", "NAME@EXAMPLE.ORG", "a@", "@b.cd", "a@b", "a..b@c.de", ".a@b.cd", "a@b..cd", "a@-b.cd", "a@b.c0",
    "a@b_c.de", "a@b.cd.", "zoë@example.org", "名@example.org", "a@exämple.de", "a@例え.jp", '"a b"@example.org', "a@[192.0.2.1]",
    "Jane <jane@example.org>", "a@b@c.de", "o'neil+x@b.cd", "x" * 65 + "@b.cd", "a@" + "b" * 64 + ".de", "a(b)@c.de",
    "https://example.org", "HTTP://EXAMPLE.ORG/", "example.org", "//example.org", "/a/b", "mailto:a@b.cd", "urn:isbn:0451450523",
    "https://example.org/a b", "https://example.org/%zz", "https://example.org/%20", "https://exämple.de", "http://", "a:b",
    "http://[::1]/", "http://[::1/", "http://a:b:c/", "C:\\temp", "https://example.org/{x}", "1http://a", "http://a/#b#c",
    "f81d4fae-7dec-11d0-a765-00a0c91e0001", "F81D4FAE-7DEC-11D0-A765-00A0C91E0001", "f81d4fae7dec11d0a76500a0c91e6bf6",
    "{f81d4fae-7dec-11d0-a765-00a0c91e6bf6}", "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
    "f81d4fae-7dec-11d0-a765-00a0c91e6bfg", "f81d-4fae-7dec-11d0-a765-00a0c91e6bf6", "SGVsbG8=", "SGVsbG8", "SGVs bG8=", "-_-_",
    "QR==", "AAAA", "====", "1.299,50", "1299,50", "1.29,50", "1,299.50", "12,34,567", "12.34.567,8", "1,2,3", "1.5", "1,5", "1.234",
    "1.2345", ".5,5", ",5", "5,", "-1.299,5", "1e3", "1,5e3", "1 299,50", "1 29", "12 13", "$899.50", "899 €", "€899", "-€5", "€-5",
    "- $ 5", "€ -5", "(5)", "($5)", "5-", "5 -", "-5-", "95%", "95 %", "Fr.5", "Fr. 5", "$.50", "5.-", "5,-", "5.–", "5 to 6", "12 x 3",
    "5e3 kg", "5EUR", "EUR", "%", "1.299,50 €", "CHF 1 299,50", "5 m²", "5 (net)", "US-$ 5", "+5 pcs", "5.5 pcs", "5kg", "−5", "1.299 Stk.",
    "Y", "N", "y", "no", "x", "X", "2024-05", "2024-5", "2024-13", "2024-00", "0000-01", "0001-01", "-2024-05", "+2024-05", "12024-05",
    " 2024-05", "2024-05 ", "2024/05", "2029-12", "2030-01", "2019-12", "P1Y", "P12M", "P1Y2M3DT4H5M6.7S", "PT36H", "P1DT12H", "PT30M",
    "PT1800S", "P1W", "P1.5D", "PT1,5H", "P", "PT", "P1YT", "-P1D", "+P1D", "p1d", "P0D", "PT0S", "P1D ", "P2024-05-20T13:05:00", "P20240520",
    "PT1.123456789S", "PT1.1234567890S", "P1234567890D", "PT0.5S", "1:30", "30 min", "-1", "none", "01:05 PM", "1:5 pm", "13:05 PM", "00:05 AM",
    "20.05.24 13:05:00", "20.05.2024 13:05:00", "20.5.24 1:5:0", "20 May 2024", "20 MAY 2024", "20 Mai 2024", "31 Feb 2024", "5 May 2024",
]  # fmt: skip

# A data set with every type and constraint, which the contracts of the project do not have.
EVERY_TYPE = {
    "$schema": "https://datapackage.org/profiles/2.0/dataresource.json",
    "name": "every_type",
    "type": "table",
    "path": "every_type.csv",
    "encoding": "utf-8",
    "schema": {
        "fields": [
            {"name": "key", "type": "string", "constraints": {"required": True}},
            {"name": "part", "type": "string"},
            {"name": "code", "type": "string", "constraints": {"unique": True, "minLength": 2, "maxLength": 5}},
            {"name": "shape", "type": "string", "constraints": {"pattern": "[A-Z]{2}[0-9]+"}},
            {"name": "size", "type": "string", "constraints": {"enum": ["S", "M", "L"]}},
            {"name": "whole", "type": "integer", "constraints": {"minimum": -5, "exclusiveMaximum": 100}},
            {"name": "few", "type": "integer", "constraints": {"enum": ["1", "2", "3"]}},
            {"name": "amount", "type": "number", "constraints": {"exclusiveMinimum": 0, "maximum": 10000}},
            {"name": "share", "type": "number"},
            {"name": "flag", "type": "boolean"},
            {"name": "day", "type": "date", "constraints": {"minimum": "2020-01-01", "maximum": "2030-12-31"}},
            {"name": "british", "type": "date", "format": "%d/%m/%Y", "constraints": {"unique": True}},
            {"name": "clock", "type": "time", "constraints": {"unique": True}},
            {"name": "moment", "type": "datetime", "constraints": {"required": True}},
            {"name": "year", "type": "year", "constraints": {"minimum": "1990"}},
            {"name": "note", "type": "any"},
        ],
        "missingValues": ["", "N/A", "-"],
        "primaryKey": ["key", "part"],
    },
    "checks": [
        {"type": "row-constraint", "formula": "whole <= amount"},
        {"type": "row-constraint", "formula": "amount * 2 > share - 1 or whole == 3"},
    ],
}


def every_type_rows(random_):
    for number in range(40):
        yield [
            f"k{number}", random_.choice("ab"), f"c{number}", f"AB{number}", random_.choice("SML"),
            str(random_.randint(-5, 99)), random_.choice("123"), f"{random_.randint(100, 9999)}.{number:02}",
            f"0.{number}", random_.choice(["true", "false", "1", "0"]), f"2024-05-{number % 28 + 1:02}",
            f"{number % 28 + 1:02}/{number // 28 + 5:02}/2024", f"13:05:{number:02}", f"2024-05-20T13:05:{number:02}Z",
            str(1990 + number), "note",
        ]  # fmt: skip


# A data set with every format and option of fields.
EVERY_FORM = {
    "$schema": "https://datapackage.org/profiles/2.0/dataresource.json",
    "name": "every_form",
    "type": "table",
    "path": "every_form.csv",
    "encoding": "utf-8",
    "schema": {
        "fields": [
            {"name": "contact", "type": "string", "format": "email", "constraints": {"required": True}},
            {"name": "page", "type": "string", "format": "uri", "constraints": {"maxLength": 40}},
            {"name": "id", "type": "string", "format": "uuid", "constraints": {"unique": True}},
            {"name": "bytes", "type": "string", "format": "binary"},
            {"name": "german", "type": "number", "decimalChar": ",", "groupChar": ".",
             "constraints": {"minimum": 0, "maximum": "10.000,00"}},
            {"name": "english", "type": "number", "groupChar": ",", "constraints": {"enum": ["1,299.50", "7", 0.5]}},
            {"name": "comma", "type": "number", "decimalChar": ",", "constraints": {"unique": True}},
            {"name": "price", "type": "number", "bareNumber": False, "constraints": {"exclusiveMaximum": 1300}},
            {"name": "bill", "type": "number", "decimalChar": ",", "groupChar": " ", "bareNumber": False},
            {"name": "pieces", "type": "integer", "bareNumber": False, "constraints": {"minimum": -5}},
            {"name": "grouped", "type": "integer", "groupChar": "."},
            {"name": "agreed", "type": "boolean", "trueValues": ["yes", "Y"], "falseValues": ["no", "-"]},
            {"name": "half", "type": "boolean", "trueValues": ["x"], "constraints": {"required": True}},
            {"name": "month", "type": "yearmonth",
             "constraints": {"minimum": "2020-01", "exclusiveMaximum": "2030-01", "unique": True}},
            {"name": "span", "type": "duration", "constraints": {"enum": ["P1Y", "PT36H", "PT30M"]}},
            {"name": "pause", "type": "duration", "constraints": {"unique": True}},
            {"name": "coded", "type": "integer", "missingValues": ["-1", "none"], "constraints": {"minimum": 1}},
            {"name": "wordy", "type": "time", "format": "%I:%M %p"},
            {"name": "stamp", "type": "datetime", "format": "%d.%m.%y %H:%M:%S"},
            {"name": "monthly", "type": "date", "format": "%d %b %Y"},
        ],
        "missingValues": ["", "N/A"],
    },
    "checks": [{"type": "row-constraint", "formula": "german < 10000 or agreed"}],
}


def every_form_rows(random_):
    for number in range(40):
        yield [
            f"name{number}@example.org", f"https://example.org/{number}?a=b#c",
            f"f81d4fae-7dec-11d0-a765-00a0c91e{number:04x}", "SGVsbG8=", f"{random_.randint(0, 9)}.{number:03},50",
            random_.choice(["1,299.50", "7.0", "0.5", "7"]), f"{number},25", f"${random_.randint(0, 1299)}.5",
            f"1 2{number:02},50 €", f"{number} pcs", f"1.{number:03}", random_.choice(["yes", "Y", "no", "-"]),
            random_.choice(["x", "false", "0"]), f"20{20 + number // 12}-{number % 12 + 1:02}",
            random_.choice(["P1Y", "P12M", "PT36H", "P1DT12H", "PT30M"]), f"PT{number}M30.5S",
            random_.choice(["-1", "none", "5", "77"]), f"{number % 12 + 1:02}:{number:02} PM",
            f"20.05.{number:02} 13:05:{number:02}", f"{number % 28 + 1:02} May 2024",
        ]  # fmt: skip


def damage_row(random_, row, rows):
    """Damages one record, mostly in single cells."""
    what = random_.random()
    if what < 0.72:
        for _ in range(random_.choice([1, 1, 1, 2, 3, 6])):
            row[random_.randrange(len(row))] = random_.choice(HOSTILE)
            if random_.random() < 0.15:
                other = random_.choice(rows)
                at = random_.randrange(min(len(row), len(other)))
                row[at] = other[at]
    elif what < 0.78:
        del row[random_.randrange(1, len(row)) :]
    elif what < 0.84:
        row += random_.choices(["", "x", "1"], k=random_.randint(1, 3))
    elif what < 0.90:
        row[:] = list(random_.choice(rows))
    elif what < 0.92:
        row[:] = [""] * random_.choice([len(row), len(row), len(row) - 1, len(row) + 1, 2])
    elif what < 0.94:
        row[:] = random_.choices(["", "N/A"], k=len(row))
    elif what < 0.96:
        row[0] = ""
    else:
        at = random_.randrange(len(row))
        row[at] = random_.choice([" {} ", "{}0", "-{}", "{}.0", "+{}", "{}\t", "0{}", "{}e0"]).format(row[at])


def damaged(random_, header, rows):
    """A damaged file: some of the rows, damaged or not, in one of several layouts."""
    rows = [list(row) for row in random_.sample(rows, min(len(rows), random_.randint(3, 40)))]
    damage = random_.choice([0.05, 0.3, 0.8])
    for row in rows:
        if random_.random() < damage:
            damage_row(random_, row, rows)
    if random_.random() < 0.1:
        rows.insert(random_.randrange(len(rows)), list(header))
    delimiter = random_.choice(",,,;\t|")
    end = random_.choice(["\n", "\n", "\r\n", "\r"])
    quoting = random_.choice([csv.QUOTE_MINIMAL, csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
    lines = []
    for row in [header, *rows]:
        line = io.StringIO(newline="")
        csv.writer(line, delimiter=delimiter, lineterminator="", quoting=quoting).writerow(row)
        lines.append(line.getvalue())
        lines += random_.choices([[], [""], ["", ""], ["   "]], weights=[95, 3, 1, 1])[0]
    data = end.join(lines).encode("utf-8") + random_.choice([b"", end.encode()])
    if random_.random() < 0.1:
        data = codecs.BOM_UTF8 + data
    if random_.random() < 0.1:
        start = data.index(end.encode()) + 1
        at = random_.randrange(start, len(data) + 1)
        data = data[:at] + random_.choice([b"\xe9", b"\x00", b"\x07", b'"x"y']) + data[at:]
    return data


def damaged_files(count, seed, folder):
    """Writes damaged files; yields the path and the contract of each."""
    random_ = random.Random(seed)
    every_type = folder / "every_type.json"
    every_type.write_text(json.dumps(EVERY_TYPE))
    names = [field["name"] for field in EVERY_TYPE["schema"]["fields"]]
    sources = [(names, list(every_type_rows(random_)), every_type)]
    every_form = folder / "every_form.json"
    every_form.write_text(json.dumps(EVERY_FORM))
    names = [field["name"] for field in EVERY_FORM["schema"]["fields"]]
    sources.append((names, list(every_form_rows(random_)), every_form))
    for contract in sorted((ROOT / "contracts").glob("*.json")):
        sample = ROOT / "samples" / f"{contract.stem}.csv"
        if sample.exists():
            with sample.open(newline="", encoding="utf-8") as file:
                header, *rows = list(csv.reader(file))
            sources.append((header, [row for row in rows if len(row) == len(header)], contract))
    for index in range(count):
        header, rows, contract = sources[index % len(sources)]
        path = folder / f"{contract.stem}-{seed}-{index}.csv"
        path.write_bytes(damaged(random_, header, rows))
        yield path, contract


def form_files(folder):
    """Writes the two made-up data sets with every hostile value once in every column, and never two alike in a row."""
    for contract in (EVERY_TYPE, EVERY_FORM):
        names = [field["name"] for field in contract["schema"]["fields"]]
        path = folder / f"{contract['name']}.json"
        path.write_text(json.dumps(contract))
        table = io.StringIO(newline="")
        writer = csv.writer(table, lineterminator="\n")
        writer.writerow(names)
        for row in range(len(HOSTILE)):
            writer.writerow([HOSTILE[(row + 7 * column) % len(HOSTILE)] for column in range(len(names))])
        data = folder / f"{contract['name']}.csv"
        data.write_bytes(table.getvalue().encode("utf-8"))
        yield data, path


# The command line -----------------------------------------------------------------------------------------------


def default_pairs():
    """All contracts on the samples of their name; every other small sample with the contract that its page names."""
    contracts = {path.stem: path for path in sorted((ROOT / "contracts").glob("*.json"))}
    page = (ROOT / "samples" / "README.md").read_text(encoding="utf-8")
    named = dict(re.findall(r"^\| `([^`]+\.csv)` \(`(\w+)`\)", page, flags=re.MULTILINE))
    for path in sorted((ROOT / "samples").glob("*.csv")):
        if path.stat().st_size <= SMALL:
            name = path.stem if path.stem in contracts else named.get(path.name, "smartphone_sales")
            yield path, contracts[name]


def default_gristmill():
    for profile in ("release", "debug"):
        path = ROOT / "target" / profile / "gristmill"
        if path.exists():
            return str(path)
    return f"cargo run --quiet --manifest-path {shlex.quote(str(ROOT / 'Cargo.toml'))} -p gristmill --"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--gristmill", metavar="COMMAND", default=default_gristmill(), help="the program to compare")
    parser.add_argument("--mutate", metavar="N", type=int, help="compare N damaged copies of the samples")
    parser.add_argument("--forms", action="store_true", help="compare every hostile value in every type and format")
    parser.add_argument("--seed", metavar="S", type=int, default=1, help="what --mutate damages (default 1)")
    parser.add_argument("--keep", metavar="DIR", help="keep the damaged files with an unexplained difference")
    parser.add_argument("--verbose", action="store_true", help="list every file of --mutate")
    parser.add_argument("pairs", nargs="*", metavar="FILE CONTRACT", help="files, each with its contract")
    given = parser.parse_args()
    if len(given.pairs) % 2:
        parser.error("each FILE needs a CONTRACT")
    return given


def explain(counter):
    return ", ".join(f"{name} {count}" for name, count in sorted(counter.items())) or "-"


def report(command, pairs, verbose, keep):
    """Compares and prints; true when everything is equal or explained."""
    total, sizes = collections.Counter(), collections.Counter()
    failures = 0
    print(f"{'file':44} {'records':>7} {OURS:>9} {THEIRS:>12} {'common':>6}  verdict; explained by")
    for path, contract in pairs:
        done = compare(command, path, contract)
        total += done.explained
        common = len(done.ours & done.theirs)
        verdict = "DIFFERENT" if done.unexplained else "equal" if done.ours == done.theirs else "explained"
        if done.refused:
            verdict = f"not compared: refused as a whole ({done.refused})"
        sizes.update({
            "files": 1, "refused": int(bool(done.refused)), "records": done.records, "common": common,
            OURS: len(done.ours), THEIRS: len(done.theirs), verdict.split(":")[0]: 1,
        })  # fmt: skip
        failures += bool(done.unexplained)
        if verbose or done.unexplained:
            print(
                f"{path.name:44} {done.records:7} {len(done.ours):9} {len(done.theirs):12} {common:6}  {verdict}"
                + (f"; {explain(done.explained)}" if done.explained else "")
            )
        for line in done.unexplained:
            print(f"    {line}")
        if done.unexplained and keep:
            pathlib.Path(keep).mkdir(parents=True, exist_ok=True)
            (pathlib.Path(keep) / path.name).write_bytes(path.read_bytes())
    print(
        f"\n{sizes['files'] - sizes['refused']} files compared ({sizes['equal']} equal, {sizes['explained']} "
        f"explained, {sizes['DIFFERENT']} different; {sizes['refused']} refused as a whole), "
        f"{sizes['records']} records; violations: gristmill {sizes[OURS]}, frictionless {sizes[THEIRS]}, "
        f"common {sizes['common']}"
    )
    reasons = {**{name_of(rule): reason for rule, reason in RULES.items()}, **COUNTED}
    for name, count in total.most_common():
        print(f"  {count:5}  {name}: {reasons[name]}")
    return failures == 0


def main():
    if sys.version_info < (3, 11):
        sys.exit("error: Python 3.11 or later is needed: the csv module of earlier ones refuses NUL")
    given = arguments()
    enter_environment()
    command = shlex.split(given.gristmill)
    try:
        if given.mutate is not None:
            with tempfile.TemporaryDirectory() as folder:
                files = damaged_files(given.mutate, given.seed, pathlib.Path(folder))
                good = report(command, files, given.verbose, given.keep)
        elif given.forms:
            with tempfile.TemporaryDirectory() as folder:
                good = report(command, form_files(pathlib.Path(folder)), True, given.keep)
        elif given.pairs:
            paths = [pathlib.Path(path) for path in given.pairs]
            good = report(command, list(zip(paths[::2], paths[1::2])), True, None)
        else:
            good = report(command, list(default_pairs()), True, None)
    except (Failed, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(3)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
