"""EC-Lab and BT-Lab text (.mpt, .txt): a counted header, then a table with -Im(Z).

Layout as seen in files of EC-Lab 11.18 and 11.61; windows-1252, points or commas as decimals.
"""

from __future__ import annotations

import re

from procedures.interchange.columns import columns_from_header
from procedures.interchange.spectrum import RawSpectrum
from procedures.interchange.table import rows_between, spectra_from_rows
from procedures.interchange.text import SourceText, split_cells

PROGRAM = "EC-Lab text"
_COUNT = re.compile(r"Nb header lines\s*:\s*(\d+)")


def recognise(head: str) -> bool:
    return head.startswith(("EC-Lab ASCII FILE", "BT-Lab ASCII FILE"))


def read(source: SourceText) -> list[RawSpectrum]:
    """Raises BadInput when the header is cut or the technique was no impedance."""
    match = _COUNT.match(source.lines[1]) if len(source.lines) > 1 else None
    if match is None:
        raise source.refuse("the second line should say 'Nb header lines : n'", 2)
    header_line = int(match.group(1))
    if header_line < 3 or header_line > len(source.lines):
        raise source.refuse(
            f"the header is announced with {header_line} lines, the file has {len(source.lines)}: it was cut or "
            "is still being written",
            2,
        )
    names = split_cells(source.lines[header_line - 1].rstrip("\t"), "\t")
    columns = columns_from_header(names, source, header_line)
    rows = rows_between(source, header_line + 1, len(source.lines), "\t")
    return spectra_from_rows(source, rows, columns, width=len(names))
