"""Plain tables: CSV of many programs, NOVA text, P00, and what people type; the last format to be tried.

The first line that names a frequency and an impedance is the header (text above it is skipped); a `#` before it
is allowed. Without any header the file must be exactly three columns: f, Re, Im with its true sign, Hz and ohm,
as impedance.py writes and reads them.
"""

from __future__ import annotations

import re

from procedures.interchange.columns import Columns, Quantity, columns_from_header, is_header
from procedures.interchange.spectrum import RawSpectrum
from procedures.interchange.table import rows_between, spectra_from_rows
from procedures.interchange.text import SourceText, split_cells

PROGRAM = "table"
_DELIMITERS = (";", "\t", ",", None)
_STARTS_WITH_NUMBER = re.compile(r"\s*\"?[+-]?[.,]?\d")
_HEADER_WITHIN_LINES = 400


def recognise(head: str) -> bool:
    return True  # tried last: what is no table is refused by `read`


def read(source: SourceText) -> list[RawSpectrum]:
    """Raises BadInput when no header is found and the file is not f, Re, Im."""
    found = _find_header(source)
    if found is None:
        return _read_headerless(source)
    line, delimiter, names = found
    columns = columns_from_header(names, source, line)
    rows = rows_between(source, line + 1, len(source.lines), delimiter, comment="#")
    rows = [row for row in rows if any(row.cells)]
    if rows and _is_units_row(rows[0].cells, columns):
        rows = rows[1:]
    return spectra_from_rows(source, rows, columns, width=len(names) - _trailing_empty(names))


def _find_header(source: SourceText) -> tuple[int, str | None, tuple[str, ...]] | None:
    for number, line in enumerate(source.lines[:_HEADER_WITHIN_LINES], start=1):
        text = line.lstrip().lstrip("#")
        for delimiter in _DELIMITERS:
            if delimiter is not None and delimiter not in text:
                continue
            # Between blanks a name may hold one blank itself: "Frequency (Hz)   Z' (Ohm)   -Z'' (Ohm)".
            wide = tuple(re.split(r"\s{2,}", text.strip())) if delimiter is None else ()
            for names in (wide, split_cells(text, delimiter)):
                if len(names) >= 3 and is_header(names):
                    return number, delimiter, names
    return None


def _trailing_empty(names: tuple[str, ...]) -> int:
    return len(names) - len("".join("x" if name else " " for name in names).rstrip())


def _is_units_row(cells: tuple[str, ...], columns: Columns) -> bool:
    """A second header line with the units, as spreadsheets have it: only Hz and ohm are taken, unscaled."""
    units = [cells[quantity.index].lower() for quantity in columns.needed if quantity.index < len(cells)]
    return columns.unitless and units[:1] == ["hz"] and all(unit in ("ohm", "ohms", "ω") for unit in units[1:])


def _read_headerless(source: SourceText) -> list[RawSpectrum]:
    number = next(
        (n for n, line in enumerate(source.lines, start=1) if line.strip() and not line.lstrip().startswith("#")), None
    )
    if number is None:
        raise source.refuse("the file holds nothing but comments and blanks")
    line = source.lines[number - 1]
    if not _STARTS_WITH_NUMBER.match(line):
        raise source.refuse(
            "this is no spectrum that cellrig can read: no line names a frequency and an impedance",
            number,
            "text files of EC-Lab, Gamry, ZPlot, NOVA, Autolab, VersaStudio, Parstat, CH Instruments, Ivium, or a "
            "table with a header such as \"Frequency (Hz),Z' (Ohm),-Z'' (Ohm)\"",
        )
    delimiter = next(d for d in _DELIMITERS if d is None or d in line)
    rows = rows_between(source, number, len(source.lines), delimiter, comment="#")
    if len(rows[0].cells) != 3:
        raise source.refuse(
            f"there is no header, and {len(rows[0].cells)} columns; without a header only three are understood: "
            "frequency in Hz, Re(Z) and Im(Z) in ohm; write a header line that names the columns",
            number,
        )
    columns = Columns(
        Quantity(0, 1.0, "frequency"), Quantity(1, 1.0, "Re(Z)"), Quantity(2, 1.0, "Im(Z)"), unitless=True
    )
    return spectra_from_rows(source, rows, columns, width=3)
