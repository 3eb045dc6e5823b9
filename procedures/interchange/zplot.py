"""ZPlot / ZView text: `.z` (ZPLOT2 ASCII) and the older Z60W form that Autolab's FRA program exports.

Columns Freq, Ampl, Bias, Time, Z'(a), Z''(b), GD, Err, Range; Z'' with its true sign, in ohm.
"""

from __future__ import annotations

import re

from procedures.interchange.columns import Columns, Quantity
from procedures.interchange.spectrum import RawSpectrum
from procedures.interchange.table import rows_between, spectra_from_rows
from procedures.interchange.text import SourceText

PROGRAM = "ZPlot text"
_COLUMNS = Columns(Quantity(0, 1.0, "Freq(Hz)"), Quantity(4, 1.0, "Z'(a)"), Quantity(5, 1.0, "Z''(b)"))
_HEADER = re.compile(r"freq\s*\(hz\).*z'\s*\(a\).*z''\s*\(b\)", re.IGNORECASE)
_ANNOUNCED = re.compile(r"\s*Data Points:\s*(\d+)")


def recognise(head: str) -> bool:
    return head.lstrip('"').startswith(("ZPLOT2 ASCII", "Z60W Data File"))


def read(source: SourceText) -> list[RawSpectrum]:
    """Raises BadInput when the table header is missing or a row is cut."""
    header = next((n for n, line in enumerate(source.lines, start=1) if _HEADER.search(line)), None)
    if header is None:
        raise source.refuse(
            "no line `Freq(Hz) .. Z'(a) Z''(b)`: the file was cut or is no impedance", len(source.lines)
        )
    first = header + 1
    for number in range(header, min(header + 5, len(source.lines)) + 1):
        if source.lines[number - 1].strip().strip('"') == "End Comments":
            first = number + 1
    delimiter = "," if first <= len(source.lines) and "\t" not in source.lines[first - 1] else "\t"
    rows = rows_between(source, first, len(source.lines), delimiter)
    width = max((len(row.cells) for row in rows), default=6)
    notes = ()
    announced = _announced(source, header)
    if announced is not None and announced != len(rows):
        notes = (f"{len(rows)} of {announced} announced points",)
    return spectra_from_rows(source, rows, _COLUMNS, width=width, notes=notes)


def _announced(source: SourceText, header: int) -> int | None:
    for line in source.lines[:header]:
        if match := _ANNOUNCED.match(line):
            return int(match.group(1))
    before = source.lines[header - 2].strip() if header > 1 else ""
    return int(before) if before.isdigit() else None  # the Z60W form: the count stands alone above the header
