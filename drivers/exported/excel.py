"""Exported workbooks. The sheet of the records is found by its header and its name; sheets that follow it without a
header go on where it ended (a sheet of the older Excel holds 65 536 rows). All other text is kept.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from daq.errors import BadInput
from drivers.exported.headers import Header, is_header_line, read_header
from drivers.exported.table import ExportedTable, make_table

HEADER_WITHIN = 60
AROUND_ROWS = 400  # of a sheet that holds no records
RECORDS = re.compile(r"record|\*?defaultgroup", re.IGNORECASE)


@dataclass
class Sheet:
    name: str
    header: Header | None = None
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    around: list[str] = field(default_factory=list)


def read_workbook(path: Path) -> ExportedTable:
    """Raises BadInput, among others for a workbook that is not whole (it may still be written)."""
    sheets = _sheets(path)
    headed = [sheet for sheet in sheets if sheet.header is not None and sheet.rows]
    if not headed:
        raise BadInput("no sheet names a time, a voltage and a current", place=str(path))
    chosen = max(headed, key=lambda sheet: (RECORDS.search(sheet.name) is not None, len(sheet.rows)))
    assert chosen.header is not None
    rows, numbers = list(chosen.rows), list(chosen.numbers)
    for sheet in sheets[sheets.index(chosen) + 1 :]:
        goes_on = sheet.header is None or sheet.header.cells == chosen.header.cells
        if not goes_on or not RECORDS.search(sheet.name) or not sheet.rows:
            continue
        rows += sheet.rows
        numbers += sheet.numbers
    width = len(chosen.header.cells)
    frame = pd.DataFrame([(*row[:width], *[None] * (width - len(row))) for row in rows])
    around = "\n".join(text for sheet in sheets for text in (sheet.name, *sheet.around))
    dialect = "LANHE Excel" if "defaultgroup" in chosen.name.lower() else "LANDdt Excel"
    return make_table(path, dialect, chosen.header, frame, np.array(numbers), around, f"sheet {chosen.name}, row")


def recognises_workbook(path: Path) -> bool:
    try:
        return any(sheet.header is not None for sheet in _sheets(path, HEADER_WITHIN))
    except BadInput:
        return False


def _sheets(path: Path, most_rows: int | None = None) -> list[Sheet]:
    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except (zipfile.BadZipFile, InvalidFileException, KeyError, EOFError, ValueError) as error:
        text = "is no whole workbook: still being written, damaged, or of an older kind than .xlsx"
        raise BadInput(text, place=str(path), allowed=".xlsx, or the export as text") from error
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror or error}", place=str(path)) from error
    try:
        return [_sheet(page.title, page.iter_rows(values_only=True), most_rows) for page in book.worksheets]
    except (zipfile.BadZipFile, KeyError, EOFError, ValueError, SyntaxError) as error:
        raise BadInput("is no whole workbook: it may still be written", place=str(path)) from error
    finally:
        book.close()


def _sheet(name: str, rows: Iterator[tuple[Any, ...]], most_rows: int | None) -> Sheet:
    sheet = Sheet(name)
    headless: list[tuple[Any, ...]] = []
    is_record = RECORDS.search(name) is not None
    for number, row in enumerate(rows, 1):
        if most_rows is not None and number > most_rows:
            break
        if sheet.header is None:
            cells = _texts(row)
            sheet.header = read_header(cells) if number <= HEADER_WITHIN else None
            if sheet.header is not None:
                sheet.around += [" ".join(filter(None, _texts(one))) for one in headless]
                headless, sheet.numbers = [], []
            elif is_record or number <= AROUND_ROWS:
                headless.append(row)
                sheet.numbers.append(number)
            continue
        if isinstance(row[0], str) and is_header_line(_texts(row), sheet.header):
            continue
        sheet.rows.append(row)
        sheet.numbers.append(number)
    if sheet.header is None:
        sheet.around += [" ".join(filter(None, _texts(one))) for one in headless[:AROUND_ROWS]]
        sheet.rows = headless
    return sheet


def _texts(row: Sequence[Any]) -> list[str]:
    return ["" if cell is None else str(cell).strip() for cell in row]
