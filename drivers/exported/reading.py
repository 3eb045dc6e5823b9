"""Which reader a file wants, told by what is in it."""

from __future__ import annotations

import re
from pathlib import Path

from daq.errors import BadInput
from drivers.exported.excel import read_workbook, recognises_workbook
from drivers.exported.table import ExportedTable
from drivers.exported.text import find_header, read_text_table, text_of

HEAD = 20_000


def is_workbook(path: Path) -> bool:
    """By its first bytes: a zip archive, as .xlsx is one, or an Office file of the older kind."""
    try:
        with path.open("rb") as file:
            return file.read(4) in (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
    except OSError:
        return False


def read_export(path: Path, unended_is_cut: bool = False) -> ExportedTable:
    """Raises BadInput, naming file and line, for anything that can't be read without guessing."""
    return read_workbook(path) if is_workbook(path) else read_text_table(path, unended_is_cut)


def recognises(path: Path) -> bool:
    """Whether a file's header names time, voltage and current, and no frequency."""
    if is_workbook(path):
        return path.suffix.lower() in (".xlsx", ".xlsm") and recognises_workbook(path)
    try:
        text = text_of(path, head=HEAD)
    except BadInput:
        return False
    found = find_header(text)
    return found is not None and not re.search(r"frequency|freq\b", " ".join(found.header.cells), re.IGNORECASE)
