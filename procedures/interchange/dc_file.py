"""Direct-current records of other programs, cycling and voltammograms: BDF (both spellings), LAND's exports as text and
as Excel, EC-Lab's and NOVA's text, tables like them, and Neware's `.ndax` and `.nda` through fastnda.

Columns are found by their names, units by what stands behind the name (`Current/mA`, `Current / A`, `current_A`,
`current_ampere`); a column without a unit is refused, never guessed. BDF: https://github.com/battery-data-alliance;
the LAND shapes are those that its export makes (csv with lines of metadata, rows one field longer than the header).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from daq.errors import BadInput
from drivers.exported import ExportedTable, read_export, recognises, resolution_of
from procedures.interchange.neware_file import is_neware, read_neware

Floats = NDArray[np.float64]
Technique = Literal["cyclic-voltammetry", "linear-sweep", "open-circuit", "cycling", ""]
_ECLAB_TECHNIQUES: tuple[tuple[str, Technique], ...] = (
    ("cyclic voltammetry", "cyclic-voltammetry"),
    ("linear sweep voltammetry", "linear-sweep"),
    ("open circuit voltage", "open-circuit"),
    ("galvanostatic cycling", "cycling"),
    ("constant current", "cycling"),
    ("modulo bat", "cycling"),
    ("battery capacity determination", "cycling"),
)
_ECLAB_AREA = re.compile(r"^Electrode surface area : (\S+ cm.?)\s*$", re.MULTILINE)


@dataclass(frozen=True, eq=False)
class DcFile:
    """One cell's record, arrays (n,); charge or oxidation is positive current.

    `technique`: what the file calls itself, empty where it does not say. `current_resolution_A` is the last digit that
    the file has of a current, `cycle` and `step` what the file counts (None: it does not), `area_told` what it says of
    the electrode's area (a default of the program as like as not), `notes` what a person should know. `has_current`:
    False for a cell at open circuit, whose file leaves the current out.
    """

    path: Path
    program: str
    technique: Technique
    time_s: Floats
    voltage_V: Floats
    current_A: Floats
    cycle: NDArray[np.int64] | None
    step: NDArray[np.int64] | None
    current_resolution_A: float
    area_told: str = ""
    notes: tuple[str, ...] = ()
    has_current: bool = True


def is_dc_file(path: Path) -> bool:
    """Whether a file's header names time, voltage and current (but for EC-Lab's open circuit), and no frequency; or it
    is Neware's."""
    return is_neware(path) or recognises(path)


def read_dc_file(path: Path) -> DcFile:
    """Raises BadInput, naming file and line, for anything that can't be read without guessing."""
    if is_neware(path):
        return _neware(path)
    table = read_export(path, unended_is_cut=True)
    return DcFile(
        path,
        _program(table),
        _technique(table),
        table.time_s,
        table.voltage_V,
        table.current_A,
        table.cycle,
        table.step_marks,
        resolution_of(table.current_A),
        _area_told(table),
        (*table.notes, *_set_point_told(table)),
        "current_A" in table.units,
    )


def _neware(path: Path) -> DcFile:
    found, notes = read_neware(path)
    cycle = found["cycle"].astype(np.int64) if "cycle" in found else None
    current = found["current_A"]
    digit = resolution_of(current)
    told = tuple(notes)
    return DcFile(
        path, "Neware", "cycling", found["time_s"], found["voltage_V"], current, cycle, None, digit, notes=told
    )


def _program(table: ExportedTable) -> str:
    if table.dialect in ("EC-Lab text", "NOVA text"):
        return table.dialect.removesuffix(" text")
    if table.dialect == "BDF":
        return "BDF"
    return "LAND" if table.status is not None or "Excel" in table.dialect else "a cycler"


def _technique(table: ExportedTable) -> Technique:
    """EC-Lab writes it in the fourth line; several techniques linked in one file have no one name."""
    if "current_A" not in table.units:
        return "open-circuit"
    lines = table.around.split("\n")
    if table.dialect != "EC-Lab text" or len(lines) < 4:
        return ""
    named = lines[3].strip().lower()
    for name, kind in _ECLAB_TECHNIQUES:
        if named.startswith(name):
            return kind
    return ""


def _set_point_told(table: ExportedTable) -> list[str]:
    """NOVA's export may have left out what was measured."""
    if not table.units["voltage_V"].lower().startswith("potential applied"):
        return []
    return ["the potential is the one that was applied; the file has no measured one"]


def _area_told(table: ExportedTable) -> str:
    found = _ECLAB_AREA.search(table.around) if table.dialect == "EC-Lab text" else None
    return found.group(1) if found else ""


def refuse_spectrum(path: Path) -> None:
    """Raises BadInput for a file that holds no direct-current record."""
    if not is_dc_file(path):
        read_dc_file(path)  # says what is missing, or reads a table that names a frequency as well
        raise BadInput("is a table of impedances, not of direct current", place=str(path),
                       allowed="spectra are analysed without cycling data or voltammograms beside them")  # fmt: skip
