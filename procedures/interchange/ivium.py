"""Ivium `.idf`: the line `primary_data`, the number of columns (3), the number of points, then rows Re, Im, f."""

from __future__ import annotations

from procedures.interchange.columns import Columns, Quantity
from procedures.interchange.spectrum import RawSpectrum
from procedures.interchange.table import rows_between, spectra_from_rows
from procedures.interchange.text import SourceText

PROGRAM = "Ivium idf"
_COLUMNS = Columns(Quantity(2, 1.0, "frequency"), Quantity(0, 1.0, "Re(Z)"), Quantity(1, 1.0, "Im(Z)"))


def recognise(head: str) -> bool:
    # The head holds 400 lines; the method block of an .idf is shorter.
    return any(line.strip() == "primary_data" for line in head.split("\n"))


def read(source: SourceText) -> list[RawSpectrum]:
    """One spectrum per block of data. Raises BadInput when a block is cut or has other columns than three."""
    blocks = [n for n, line in enumerate(source.lines, start=1) if line.strip() == "primary_data"]
    spectra = [_read_block(source, line) for line in blocks]
    if len(spectra) == 1:
        return spectra
    return [raw.as_loop(number) for number, raw in enumerate(spectra, start=1)]


def _read_block(source: SourceText, line: int) -> RawSpectrum:
    counts = [text.strip() for text in source.lines[line : line + 2]]
    if len(counts) < 2 or not all(text.isdigit() for text in counts):
        raise source.refuse("the number of columns and of points should follow `primary_data`", line + 1)
    width, points = map(int, counts)
    if width != 3:
        raise source.refuse(f"the data have {width} columns, an impedance has 3: Re, Im, frequency", line + 1)
    first, last = line + 3, line + 2 + points
    if last > len(source.lines):
        raise source.refuse(
            f"{points} points are announced, the file ends after {len(source.lines) - first + 1}: it was cut",
            len(source.lines),
        )
    return spectra_from_rows(source, rows_between(source, first, last, None), _COLUMNS, width=3)[0]
