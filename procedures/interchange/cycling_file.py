"""Cycling data of other programs: BDF (both spellings), LAND's exports as text and as Excel, tables like them, and
Neware's `.ndax` and `.nda` through fastnda.

Columns are found by their names, units by what stands behind the name (`Current/mA`, `Current / A`, `current_A`,
`current_ampere`); a column without a unit is refused, never guessed. BDF: https://github.com/battery-data-alliance;
the LAND shapes are those that its export makes (csv with lines of metadata, rows one field longer than the header).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from drivers.exported import ExportedTable, read_export, recognises, resolution_of
from procedures.interchange.neware_file import is_neware, read_neware

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CyclingFile:
    """One cell's record, arrays (n,); charge is positive current. `current_resolution_A` is the last digit that the
    file has of a current, `cycle` what the file counts (None: it does not), `notes` what a person should know."""

    path: Path
    program: str
    time_s: Floats
    voltage_V: Floats
    current_A: Floats
    cycle: NDArray[np.int64] | None
    current_resolution_A: float
    notes: tuple[str, ...] = ()


def is_cycling(path: Path) -> bool:
    """Whether a file's header names time, voltage and current, and no frequency; or it is Neware's."""
    return is_neware(path) or recognises(path)


def read_cycling(path: Path) -> CyclingFile:
    """Raises BadInput, naming file and line, for anything that can't be read without guessing."""
    if is_neware(path):
        return _neware(path)
    table = read_export(path)
    return CyclingFile(
        path,
        _program(table),
        table.time_s,
        table.voltage_V,
        table.current_A,
        table.cycle,
        resolution_of(table.current_A),
        table.notes,
    )


def _neware(path: Path) -> CyclingFile:
    found, notes = read_neware(path)
    cycle = found["cycle"].astype(np.int64) if "cycle" in found else None
    current = found["current_A"]
    return CyclingFile(
        path, "Neware", found["time_s"], found["voltage_V"], current, cycle, resolution_of(current), tuple(notes)
    )


def _program(table: ExportedTable) -> str:
    if table.dialect == "BDF":
        return "BDF"
    return "LAND" if table.status is not None or "Excel" in table.dialect else "a cycler"
