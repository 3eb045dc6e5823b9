"""VersaStudio `.par`: segments between <SegmentN> tags, columns named by a `Definition=` line, ohm and Hz."""

from __future__ import annotations

import re

from procedures.interchange.columns import Columns, Quantity
from procedures.interchange.spectrum import RawSpectrum
from procedures.interchange.table import rows_between, spectra_from_rows
from procedures.interchange.text import SourceText, split_cells

PROGRAM = "VersaStudio par"
_OPENS = re.compile(r"<Segment(\d+)>")


def recognise(head: str) -> bool:
    return head.startswith("<Application>") and "VersaStudio" in head[:400]


def read(source: SourceText) -> list[RawSpectrum]:
    """One spectrum per segment that measured a frequency. Raises BadInput when a segment is not closed."""
    spectra: dict[int, RawSpectrum] = {}
    for number, line in enumerate(source.lines, start=1):
        if match := _OPENS.fullmatch(line.strip()):
            raw = _read_segment(source, number, int(match.group(1)))
            if raw is not None:
                spectra[int(match.group(1))] = raw
    if not spectra:
        raise source.refuse("no segment of the file holds an impedance", len(source.lines))
    if len(spectra) == 1:
        return list(spectra.values())
    return [raw.as_loop(segment) for segment, raw in spectra.items()]


def _read_segment(source: SourceText, opens: int, segment: int) -> RawSpectrum | None:
    closes = f"</Segment{segment}>"
    end = next((n for n in range(opens, len(source.lines) + 1) if source.lines[n - 1].strip() == closes), None)
    if end is None:
        raise source.refuse(
            f"segment {segment}, begun in line {opens}, has no end: the file was cut", len(source.lines)
        )
    definition = next((n for n in range(opens, end) if source.lines[n - 1].startswith("Definition=")), None)
    if definition is None:
        return None
    names = split_cells(source.lines[definition - 1].removeprefix("Definition="), ",")
    wanted = ("Frequency(Hz)", "Z Real", "Z Imag")
    if not set(wanted) <= set(names):
        return None
    frequency, real, imag = (Quantity(names.index(name), 1.0, name) for name in wanted)
    columns = Columns(frequency, real, imag)
    rows = rows_between(source, definition + 1, end - 1, ",")
    if not rows:
        return None
    # The definition names one column more than the rows have, so the rows say how wide they are.
    raw = spectra_from_rows(source, rows, columns, width=max(len(row.cells) for row in rows))[0]
    return None if (raw.frequency_Hz == 0).all() else raw
