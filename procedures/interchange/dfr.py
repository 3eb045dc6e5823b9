"""Autolab FRA's `.dfr`: VERSION8.0, the number of points, 1, then nine lines a point: f, Z', -Z'', and others."""

from __future__ import annotations

from procedures.interchange.columns import Columns, Quantity
from procedures.interchange.spectrum import RawSpectrum
from procedures.interchange.table import spectra_from_rows
from procedures.interchange.text import Row, SourceText

PROGRAM = "Autolab dfr"
_LINES_PER_POINT = 9
_COLUMNS = Columns(Quantity(0, 1.0, "frequency"), Quantity(1, 1.0, "Z'"), Quantity(2, -1.0, "-Z''"))


def recognise(head: str) -> bool:
    return head.startswith("VERSION8.0")


def read(source: SourceText) -> list[RawSpectrum]:
    """Raises BadInput when the file ends before the announced number of points."""
    count = source.lines[1].strip() if len(source.lines) > 1 else ""
    if not count.isdigit():
        raise source.refuse("the second line should be the number of points", 2)
    needed = 3 + int(count) * _LINES_PER_POINT
    if len(source.lines) < needed:
        raise source.refuse(
            f"{count} points are announced, the file ends after "
            f"{max(0, len(source.lines) - 3) // _LINES_PER_POINT}: it was cut or is still being written",
            len(source.lines),
        )
    rows = []
    for first in range(3, needed, _LINES_PER_POINT):
        cells = tuple(line.strip() for line in source.lines[first : first + _LINES_PER_POINT])
        rows.append(Row(first + 1, cells))
    return spectra_from_rows(source, rows, _COLUMNS)
