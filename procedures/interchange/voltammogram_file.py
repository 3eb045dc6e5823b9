"""Voltammograms without a time: a text table that names a potential and a current, each with its unit, to be looked at.

`Potential/V, Current/A` (CH Instruments), `Ewe/V <I>/mA`, `voltage_V,current_mA_cm2`; what has a time as well is read
by `dc_file`, and analysed. The sign of the current is the file's: programs differ in whether oxidation is positive, and
few of them say so. A column without a unit is refused, never guessed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from daq.errors import BadInput
from procedures.interchange.table import rows_between
from procedures.interchange.text import SourceText, decimal_mark, load_text, split_cells, to_number

Floats = NDArray[np.float64]
HEADER_WITHIN_LINES = 400
FEWEST_POINTS = 10
_DELIMITERS = (";", "\t", ",", None)
_CELL = re.compile(r"^(?P<name>.*?\S)\s*(?:/\s*|\(|\[|_| )(?P<unit>[µuμm]?[VA](?:/cm2|/cm²|_cm2)?)\s*[)\]]?$")
_NAMES = {
    "voltage": ("potential", "voltage", "ewe", "<ewe>", "e", "vf", "we potential", "potential applied"),
    "current": ("current", "i", "<i>", "im", "we current"),
    "density": ("current density", "j", "<j>"),
}
_FACTORS = {"V": 1.0, "mV": 1e-3, "A": 1.0, "mA": 1e-3, "uA": 1e-6}
_CYCLE = ("cycle", "cycle number", "scan", "cycle index")


@dataclass(frozen=True, eq=False)
class VoltammogramFile:
    """Arrays (n,). `current_A` and `density_mA_cm2` are NaN where the file does not have them; `cycle` counts from 1,
    0 where the file does not count."""

    path: Path
    voltage_V: Floats
    current_A: Floats
    density_mA_cm2: Floats
    cycle: NDArray[np.int64]


@dataclass(frozen=True)
class _Header:
    line: int
    delimiter: str | None
    columns: dict[str, tuple[int, float]]  # quantity: (place, factor)


def is_voltammogram(path: Path) -> bool:
    """Whether a line of it names a potential and a current with their units, and no frequency."""
    try:
        return _find_header(load_text(path)) is not None
    except BadInput:
        return False


def read_voltammogram(path: Path) -> VoltammogramFile:
    """Raises BadInput naming file and line."""
    source = load_text(path)
    header = _find_header(source)
    if header is None:
        raise source.refuse(
            "no line names a potential and a current with their units", allowed="a header like Potential/V, Current/A"
        )
    rows = [row for row in rows_between(source, header.line + 1, len(source.lines), header.delimiter) if any(row.cells)]
    if len(rows) < FEWEST_POINTS:
        raise source.refuse(f"holds {len(rows)} points", allowed=f"a voltammogram has {FEWEST_POINTS} at least")
    mark = decimal_mark(source, rows, [place for place, _ in header.columns.values()])

    def column(what: str) -> Floats:
        if what not in header.columns:
            return np.full(len(rows), np.nan)
        place, factor = header.columns[what]
        return factor * np.array([to_number(source, row, place, mark, what) for row in rows])

    cycle = column("cycle")
    return VoltammogramFile(
        path, column("voltage"), column("current"), column("density"), np.nan_to_num(cycle).astype(np.int64)
    )


def _find_header(source: SourceText) -> _Header | None:
    for number, line in enumerate(source.lines[:HEADER_WITHIN_LINES], start=1):
        for delimiter in _DELIMITERS:
            if delimiter is not None and delimiter not in line:
                continue
            cells = split_cells(line.lstrip("#"), delimiter)
            columns = _columns(cells)
            if "voltage" in columns and ("current" in columns or "density" in columns):
                return _Header(number, delimiter, columns)
    return None


def _columns(cells: tuple[str, ...]) -> dict[str, tuple[int, float]]:
    """Empty for the header of a spectrum."""
    found: dict[str, tuple[int, float]] = {}
    is_measured = "we potential" in [_plain(match["name"]) for cell in cells if (match := _CELL.match(cell.strip()))]
    for place, cell in enumerate(cells):
        if re.match(r"f(req|requency)?\b", cell.strip().lower()):
            return {}
        if _plain(cell) in _CYCLE:
            found.setdefault("cycle", (place, 1.0))
        match = _CELL.match(cell.strip())
        if match is None:
            continue
        unit = match["unit"].replace("µ", "u").replace("μ", "u").replace("²", "2").replace("_", "/")
        base, _, area = unit.partition("/")
        for what, names in _NAMES.items():
            right = (
                base.endswith("V") if what == "voltage" else base.endswith("A") and (area != "") == (what == "density")
            )
            if is_measured and _plain(match["name"]) == "potential applied":
                continue  # NOVA's set-point of a stair, beside what was measured
            if _plain(match["name"]) in names and right and base in _FACTORS:
                found.setdefault(what, (place, _FACTORS[base] * (1e3 if what == "density" else 1.0)))
    return found


def _plain(name: str) -> str:
    """`WE(1).Potential` as `we potential`, `Current_Density` as `current density`."""
    return " ".join(re.sub(r"\(\d+\)|[._]", " ", name).lower().split())
