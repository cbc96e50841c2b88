"""Reads CSV as Gristmill does, and what Gristmill wrote; used by the other scripts.

The parser is slow and simple on purpose: it shares nothing with the engine that it is held against.
"""

import json
import pathlib

REJECTION_COLUMNS = 3


def records(text, delimiter=",", quote='"', skip_initial_space=False, escape=None):
    """The records of a text as lists of cells; the header is the first. An open quote is a ValueError."""
    at, end = 0, len(text)
    while True:
        while at < end and text[at] in "\r\n":
            at += 1
        if at == end:
            return
        cells = []
        while True:
            while skip_initial_space and at < end and text[at] == " ":
                at += 1
            cell, at = _cell(text, at, delimiter, quote, escape)
            cells.append(cell)
            if at == end or text[at] != delimiter:
                break
            at += 1
        yield cells


def _cell(text, at, delimiter, quote, escape):
    """A cell and where it ends. A quote that is closed before more text opens nothing: it is text itself."""
    if quote and text[at : at + 1] == quote:
        cell, behind = _quoted(text, at + 1, quote, escape)
        if text[behind : behind + 1] in ("", delimiter, "\r", "\n"):
            return cell, behind
        cell, behind = _unquoted(text, at + 1, delimiter, escape)
        return quote + cell, behind
    return _unquoted(text, at, delimiter, escape)


def _quoted(text, at, quote, escape):
    parts = []
    while True:
        letter = text[at : at + 1]
        if not letter:
            raise ValueError("a quote is never closed")
        if letter == escape:
            parts.append(text[at + 1 : at + 2])
            at += 2
        elif letter != quote:
            parts.append(letter)
            at += 1
        elif text[at + 1 : at + 2] == quote:
            parts.append(quote)
            at += 2
        else:
            return "".join(parts), at + 1


def _unquoted(text, at, delimiter, escape):
    parts = []
    while text[at : at + 1] not in ("", delimiter, "\r", "\n"):
        if text[at] == escape:
            at += 1
        parts.append(text[at : at + 1])
        at += 1
    return "".join(parts), min(at, len(text))


def decoded(data, encoding="utf-8"):
    """The text of a file without its byte order marks; bytes that are no text stay what they are."""
    text = data.decode(encoding, errors="surrogateescape")
    for _ in range(2):
        text = text.removeprefix("\ufeff")
    return text


class Outputs:
    """What Gristmill read: the columns, and the records of both outputs by row number."""

    def __init__(self, answer, place="."):
        place = pathlib.Path(place)
        self.manifest = json.loads((place / answer["paths"]["manifest"]).read_text(encoding="utf-8"))
        self.read_as = self.manifest["read_as"]
        self.columns = self.read_as["columns"]
        descriptor = self.manifest["contract"]["descriptor"] or {}
        ours = descriptor.get("gristmill", {})
        provenance = ours.get("provenance", ["source_file", "source_row", "received_at", "run_id"])
        added = len(ours.get("derive", [])) + len(provenance)
        self.records, self.rejected = {}, set()
        for output, count, row in (
            ("processed", added, len(provenance) - provenance.index("source_row")),
            ("rejected", REJECTION_COLUMNS, REJECTION_COLUMNS),
        ):
            path = answer["paths"][output]
            for cells in self._cells(place / path, output) if path else ():
                number = int(cells[-row])
                if number in self.records:
                    raise AssertionError(f"row {number} stands in both outputs")
                self.records[number] = cells[: len(cells) - count]
                if output == "rejected":
                    self.rejected.add(number)
        rows = answer["rows"]
        if rows["total"] != rows["valid"] + rows["rejected"] or len(self.rejected) != rows["rejected"]:
            raise AssertionError(f"the counts do not add up: {rows}, {len(self.rejected)} in the rejected file")
        if sorted(self.records) != list(range(1, rows["total"] + 1)):
            raise AssertionError(f"{len(self.records)} records in the outputs, {rows['total']} in the manifest")

    def _cells(self, path, output):
        text = path.read_bytes().decode("utf-8", errors="surrogateescape")
        dialect = {"delimiter": self.read_as["delimiter"]}
        if output == "rejected":
            dialect |= self.dialect()
        lines = records(text, **dialect)
        next(lines)
        return lines

    def dialect(self):
        """How the file itself is laid out."""
        return {
            "delimiter": self.read_as["delimiter"],
            "quote": self.read_as.get("quote", '"') or None,
            "skip_initial_space": self.read_as.get("skip_initial_space", False),
            "escape": self.read_as.get("escape"),
        }

    def in_order(self):
        return [self.records[number] for number in sorted(self.records)]
