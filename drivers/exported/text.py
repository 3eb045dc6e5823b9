"""Exported tables as text: comma, semicolon or tab; lines before the header are kept; rows may be longer than it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from daq.errors import BadInput
from drivers.exported.headers import AT_REST, REQUIRED, Header, read_header
from drivers.exported.table import ExportedTable, make_table, refuse_without_unit

ENCODINGS = ("utf-8-sig", "gb18030")  # and UTF-16, which says so at its beginning
ECLAB = (b"EC-Lab ASCII FILE", b"BT-Lab ASCII FILE")  # in windows-1252
HEADER_WITHIN = 400  # lines; EC-Lab writes every parameter of every technique before it
PIECE = 250_000  # rows that are taken apart at a time: the cells of a long record are several times its size
LOOKED_AT = 5000  # rows, for the last digit of a current


@dataclass(frozen=True)
class Found:
    """A header in a text: its line, counted from 0, and where in the text that begins and the rows after it begin."""

    line: int
    separator: str
    header: Header
    begin: int
    end: int


def text_of(path: Path, head: int | None = None) -> str:
    """Decoded, of the first `head` bytes only where given; carriage returns may stand before line feeds.

    Raises BadInput.
    """
    try:
        with path.open("rb") as file:
            raw = file.read() if head is None else file.read(head)
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror or error}", place=str(path)) from error
    text = _decoded(raw, "strict" if head is None else "ignore", path)
    return text.replace("\r", "\n") if "\r" in text and "\n" not in text else text


def _decoded(raw: bytes, errors: str, path: Path) -> str:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw[: len(raw) // 2 * 2].decode("utf-16", errors=errors)
    if b"\x00" in raw[:200]:
        raise BadInput("is no text file", place=str(path))
    if raw.startswith(ECLAB):
        return raw.decode("cp1252", errors="replace")
    for encoding in ENCODINGS:
        try:
            return raw.decode(encoding, errors=errors)
        except UnicodeError:
            continue
    raise BadInput("is in no encoding that is known", place=str(path), allowed=", ".join(ENCODINGS))


def find_header(text: str) -> Found | None:
    """Of a record with a current; else of EC-Lab's open circuit, which has none."""
    return _find_header(text) or (_find_header(text, at_rest=True) if may_be_at_rest(text) else None)


def may_be_at_rest(text: str) -> bool:
    """EC-Lab names the technique in its fourth line; a table of its columns alone names none."""
    top = text[:4000]
    lines = top.split("\n")
    return not top.encode("ascii", "replace").startswith(ECLAB) or (
        len(lines) > 3 and lines[3].strip().lower().startswith("open circuit voltage")
    )


def _find_header(text: str, at_rest: bool = False) -> Found | None:
    begin = 0
    for number in range(HEADER_WITHIN):
        end = text.find("\n", begin)
        line = text[begin : end if end >= 0 else len(text)]
        for separator in ("\t", ";", ","):
            cells = [cell.strip().strip('"') for cell in line.split(separator)]
            if len(cells) < len(AT_REST if at_rest else REQUIRED):
                continue
            header = read_header(cells, at_rest)
            if header is not None:
                return Found(number, separator, header, begin, end + 1 if end >= 0 else len(text))
        if end < 0:
            return None
        begin = end + 1
    return None


def read_text_table(path: Path, unended_is_cut: bool) -> ExportedTable:
    """Raises BadInput. `unended_is_cut`: a last line without its line break is not trusted and left out."""
    text = text_of(path)
    found = find_header(text)
    if found is None:
        raise BadInput("no line names a time, a voltage and a current", place=str(path))
    header, separator = found.header, found.separator
    refuse_without_unit(header, path)
    around, body = text[: found.begin], text[found.end :]
    del text  # a long record is large
    notes: tuple[str, ...] = ()
    first = found.line + 2
    if unended_is_cut and body and not body.endswith("\n"):
        notes = (f"{path.name}: line {first + body.count(chr(10))} is not ended and left out; the file may still be "
                 "growing",)  # fmt: skip
        body = body[: body.rfind("\n") + 1]
    if not body.strip():
        raise BadInput("has 0 rows, too few: the table ends with its header", place=str(path))
    digit = None
    if not header.is_at_rest:
        digit = _digit(body[: LOOKED_AT * 200].split("\n")[:LOOKED_AT], separator, header.columns["current_A"][0])
    body, kept = _without_headers(body, header, first)
    frame = _frame(body, separator, header, f"{path}, from line {first}")
    places = np.arange(first, first + len(frame)) if kept is None else kept[: len(frame)]
    table = make_table(path, _dialect(around, separator, header), header, frame, places, around, current_digit=digit)
    return replace(table, notes=(*table.notes, *notes)) if notes else table


def _frame(body: str, separator: str, header: Header, place: str) -> Any:
    wanted = sorted({place for place, _ in header.columns.values()} | set(header.words.values()))
    spoken = {header.words[what]: str for what in ("status", "date") if what in header.words}
    is_comma = separator != "," and "," in body and re.search(r"\d,\d", body) is not None
    try:
        pieces = pd.read_csv(
            BytesIO(body.encode("utf-8")),
            sep=separator,
            header=None,
            index_col=False,
            usecols=wanted,
            skip_blank_lines=False,
            dtype=cast(Any, spoken),
            decimal="," if is_comma else ".",
            low_memory=False,
            on_bad_lines="error",
            chunksize=PIECE,
        )
        frame = pd.concat(pieces, ignore_index=True)
    except (ValueError, pd.errors.ParserError) as error:
        raise BadInput(f"its rows can't be read: {error}", place=place) from None
    if list(frame.columns) != wanted:  # counted by the first row, and another column would be taken for the current
        raise BadInput("the first row has fewer columns than the header", place=place)
    return frame


def _dialect(around: str, separator: str, header: Header) -> str:
    if around.encode("ascii", "replace").startswith(ECLAB):
        return "EC-Lab text"
    if header.is_at_rest:
        return "EC-Lab text"
    if any("we(1)." in cell.lower() for cell in header.cells):
        return "NOVA text"
    if re.search(r"^cell (model|id):", around, re.IGNORECASE | re.MULTILINE):
        return "Landt csv"
    return "BDF" if separator == "," and not header.words.get("status") else "text"


def _digit(lines: list[str], separator: str, place: int) -> float:
    """The last digit that numbers of a column are written with: 0.0001 for 2.9215; 0 for numbers with an exponent."""
    cells = [cells[place].strip() for line in lines if len(cells := line.split(separator)) > place]
    if any("e" in cell.lower() for cell in cells):
        return 0.0
    return 10.0 ** -max(
        (len(re.split(r"[.,]", cell)[-1]) if re.search(r"[.,]", cell) else 0 for cell in cells), default=0
    )


def _without_headers(body: str, header: Header, first: int) -> tuple[str, NDArray[np.int64] | None]:
    """The rows, without repetitions of the header, and the number that each has in the file; None: counted on."""
    begins, named = header.cells[0], header.units().values()
    if not begins or not all(cell in body for cell in named):
        return body, None
    numbered = [
        (number, line)
        for number, line in enumerate(body.removesuffix("\n").split("\n"), first)
        if not (line.lstrip().startswith(begins) and all(cell in line for cell in named))
    ]
    return "\n".join(line for _, line in numbered), np.array([number for number, _ in numbered], dtype=np.int64)
