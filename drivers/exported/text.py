"""Exported tables as text: comma, semicolon or tab; lines before the header are kept; rows may be longer than it."""

from __future__ import annotations

import re
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd

from daq.errors import BadInput
from drivers.exported.headers import REQUIRED, Header, read_header
from drivers.exported.table import ExportedTable, make_table, refuse_without_unit

ENCODINGS = ("utf-8-sig", "gb18030")  # and UTF-16, which says so at its beginning
HEADER_WITHIN = 60
LOOKED_AT = 5000  # rows, for the last digit of a current


def text_of(path: Path, head: int | None = None) -> str:
    """Decoded; of the first `head` bytes only, where given. Raises BadInput."""
    try:
        with path.open("rb") as file:
            raw = file.read() if head is None else file.read(head)
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror or error}", place=str(path)) from error
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw[: len(raw) // 2 * 2].decode("utf-16", errors="strict" if head is None else "ignore")
    if b"\x00" in raw[:200]:
        raise BadInput("is no text file", place=str(path))
    for encoding in ENCODINGS:
        try:
            return raw.decode(encoding, errors="strict" if head is None else "ignore")
        except UnicodeError:
            continue
    raise BadInput("is in no encoding that is known", place=str(path), allowed=", ".join(ENCODINGS))


def find_header(text: str) -> tuple[int, str, Header] | None:
    """Line number from 0, separator, header."""
    for number, line in enumerate(text.splitlines()[:HEADER_WITHIN]):
        for separator in ("\t", ";", ","):
            cells = [cell.strip().strip('"') for cell in line.split(separator)]
            if len(cells) < len(REQUIRED):
                continue
            found = read_header(cells)
            if found is not None:
                return number, separator, found
    return None


def read_text_table(path: Path, unended_is_cut: bool) -> ExportedTable:
    """Raises BadInput. `unended_is_cut`: a last line without its line break is not trusted and left out."""
    text = text_of(path)
    found = find_header(text)
    if found is None:
        raise BadInput("no line names a time, a voltage and a current", place=str(path))
    line, separator, header = found
    refuse_without_unit(header, path)
    lines = text.splitlines()
    notes: tuple[str, ...] = ()
    if unended_is_cut and not text.endswith(("\n", "\r")):
        notes = (f"{path.name}: line {len(lines)} is not ended and left out; the file may still be growing",)
        lines = lines[:-1]
    body, kept = _without_headers(lines[line + 1 :], header, line + 2)
    wanted = sorted({place for place, _ in header.columns.values()} | set(header.words.values()))
    spoken = {header.words[what]: str for what in ("status", "date") if what in header.words}
    is_comma = separator != "," and re.search(r"\d,\d", "\n".join(body)) is not None
    try:
        frame = pd.read_csv(
            StringIO("\n".join(body)),
            sep=separator,
            header=None,
            index_col=False,
            usecols=wanted,
            skip_blank_lines=False,
            dtype=cast(Any, str if is_comma else spoken),
            low_memory=False,
            on_bad_lines="error",
        )
    except (ValueError, pd.errors.ParserError) as error:
        raise BadInput(f"its rows can't be read: {error}", place=f"{path}, from line {line + 2}") from None
    around = "\n".join(lines[:line])
    dialect = "BDF" if separator == "," and not header.words.get("status") else "text"
    if re.search(r"^cell (model|id):", around, re.IGNORECASE | re.MULTILINE):
        dialect = "Landt csv"
    table = make_table(path, dialect, header, frame, kept[: len(frame)], around,
                       current_digit=_digit(body[:LOOKED_AT], separator, header.columns["current_A"][0]))  # fmt: skip
    return table if not notes else _with_notes(table, notes)


def _digit(lines: list[str], separator: str, place: int) -> float:
    """The last digit that numbers of a column are written with: 0.0001 for 2.9215; 0 for numbers with an exponent."""
    cells = [cells[place].strip() for line in lines if len(cells := line.split(separator)) > place]
    if any("e" in cell.lower() for cell in cells):
        return 0.0
    return 10.0 ** -max(
        (len(re.split(r"[.,]", cell)[-1]) if re.search(r"[.,]", cell) else 0 for cell in cells), default=0
    )


def _without_headers(lines: list[str], header: Header, first: int) -> tuple[list[str], np.ndarray]:
    """The rows, without repetitions of the header, and the number that each has in the file."""
    begins = header.cells[0]
    numbered = [
        (number, line)
        for number, line in enumerate(lines, first)
        if not (begins and line.lstrip().startswith(begins) and all(cell in line for cell in header.units().values()))
    ]
    return [line for _, line in numbered], np.array([number for number, _ in numbered], dtype=np.int64)


def _with_notes(table: ExportedTable, notes: tuple[str, ...]) -> ExportedTable:
    return replace(table, notes=(*table.notes, *notes))
