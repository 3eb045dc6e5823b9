"""An exported table, read: what both a driver that watches a folder and `cellrig analyse` work on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daq.errors import BadInput
from drivers.exported.cells import clock_seconds, numbers, unix_of
from drivers.exported.headers import OPTIONAL, Header

Floats = NDArray[np.float64]
FEWEST_ROWS = 3
MOST_COUNTED = 1e15
NO_CURRENT = "there is no current in this file: the cell is taken to have been at open circuit"
DISCHARGE = re.compile(r"d|.*(dchg|disch|放)", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class ExportedTable:
    """One cell's record, arrays (n,) in s, V, A, Ah; charge is positive current. None: the file has no such column;
    without a current (EC-Lab's open circuit) `units` has none, and `current_A` is zero.

    `units`: what the file calls each column. `around`: all other text of the file, where an id may stand.
    `status`: words of the steps. `first_unix`, `last_unix`: of the first and last row, where the file has dates.
    `record`, `step_marks`: the file's own numbers of rows and steps. `current_digit_A`: the last digit that a current
    is written with (of a workbook the largest power of ten that all are multiples of). `notes`: for a person.
    """

    path: Path
    dialect: str
    units: dict[str, str]
    around: str
    time_s: Floats
    voltage_V: Floats
    current_A: Floats
    charge_Ah: Floats | None
    discharge_Ah: Floats | None
    capacity_Ah: Floats | None
    temperature_C: Floats | None
    record: NDArray[np.int64] | None
    cycle: NDArray[np.int64] | None
    step_marks: NDArray[np.int64] | None
    status: NDArray[np.str_] | None
    first_unix: float | None
    last_unix: float | None
    current_digit_A: float
    notes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.time_s)


def resolution_of(values: Floats) -> float:
    """The smallest step between values that occur: the last digit of what was written down."""
    steps = np.diff(np.unique(np.abs(values)))
    steps = steps[steps > 1e-12]
    return float(steps.min()) if len(steps) else 0.0


def _power_of_ten(values: Floats) -> float:
    """The largest power of ten that all values are multiples of; 0 where that is beyond what a double shows."""
    some = np.unique(np.abs(values))
    for power in range(3, -13, -1):
        times = some / 10.0**power
        if np.all(np.abs(times - np.round(times)) <= 1e-6 * times):
            return 10.0**power
    return 0.0


def make_table(
    path: Path,
    dialect: str,
    header: Header,
    frame: Any,
    places: NDArray[np.int64],
    around: str,
    where: str = "line",
    current_digit: float | None = None,
) -> ExportedTable:
    """`frame`: columns by place, one row per line of `places` (as a person counts them). `current_digit`: the last
    digit of a current in the file's unit, where its text shows it.

    Raises BadInput naming file and line for a number that is missing or none, for a time that runs backwards and for
    too few rows. A last row that is cut off is left out with a note.
    """
    refuse_without_unit(header, path)
    found = {name: _column(frame, header, name) for name in header.columns}
    whole = {what: _counts(frame[header.words[what]]) for what in ("record", "cycle", "step") if what in header.words}
    keep, notes = _kept_rows(path, {**found, **whole}, frame, places, where)
    found = {name: values[keep] for name, values in found.items()}
    whole = {name: values[keep].astype(np.int64) for name, values in whole.items()}
    status = None
    if "status" in header.words:
        status = np.asarray(frame[header.words["status"]].astype(str))[keep].astype(np.str_)
    current, told = np.zeros(int(keep.sum())), [NO_CURRENT]
    if not header.is_at_rest:
        current, told = _signed(found["current_A"], status)
    _refuse_time(found["time_s"], places[keep], path, where)
    dates = list(frame[header.words["date"]][keep]) if "date" in header.words else []
    return ExportedTable(
        path=path,
        dialect=dialect,
        units=header.units(),
        around=around,
        time_s=found["time_s"],
        voltage_V=found["voltage_V"],
        current_A=current,
        charge_Ah=found.get("charge_Ah"),
        discharge_Ah=found.get("discharge_Ah"),
        capacity_Ah=found.get("capacity_Ah"),
        temperature_C=found.get("temperature_C"),
        record=whole.get("record"),
        cycle=whole.get("cycle"),
        step_marks=whole.get("step"),
        status=status,
        first_unix=unix_of(dates[0]) if len(dates) else None,
        last_unix=unix_of(dates[-1]) if len(dates) else None,
        current_digit_A=_digit_A(header, current, current_digit),
        notes=(*notes, *told),
    )


def _digit_A(header: Header, current_A: Floats, written: float | None) -> float:
    if header.is_at_rest:
        return 0.0
    return _power_of_ten(current_A) if written is None else header.columns["current_A"][1] * written


def refuse_without_unit(header: Header, path: Path) -> None:
    """Raises BadInput for a time, a voltage or a current whose unit the header does not say."""
    if header.missing_unit():
        raise BadInput(
            f"{header.missing_unit()} has no unit (found: {', '.join(header.without_unit)})",
            place=str(path),
            allowed="units behind the name, as Current/mA",
        )


def _counts(column: Any) -> Floats:
    """Numbers of records, cycles or steps; nan for what no counter reaches."""
    found = numbers(column)
    return np.where(np.abs(found) < MOST_COUNTED, found, np.nan)


def _column(frame: Any, header: Header, name: str) -> Floats:
    place, factor = header.columns[name]
    return factor * numbers(frame[place]) if factor else clock_seconds(frame[place])


def _kept_rows(
    path: Path, columns: dict[str, Floats], frame: Any, places: NDArray[np.int64], where: str
) -> tuple[NDArray[np.bool_], list[str]]:
    optional = set(OPTIONAL)
    bad = np.any([~np.isfinite(values) for name, values in columns.items() if name not in optional], axis=0)
    empty = np.array(frame.isna().all(axis=1))
    notes = []
    if len(bad) and (bad & ~empty)[-1]:
        bad[-1], empty[-1] = False, True
        notes.append(f"{path.name}: {where} {places[-1]} is cut off and left out; the file may still be growing")
    if (bad & ~empty).any():
        first = int(np.argmax(bad & ~empty))
        raise BadInput("a number is missing or is none", place=f"{path}, {where} {places[first]}")
    if (~empty).sum() < FEWEST_ROWS:
        raise BadInput(f"has {int((~empty).sum())} rows, too few", place=str(path))
    return ~empty, notes


def _signed(current_A: Floats, status: NDArray[np.str_] | None) -> tuple[Floats, list[str]]:
    """Where the file has magnitudes, the sign is that of the step's name."""
    if status is None or (current_A < 0).any() or not (current_A > 0).any():
        return current_A, []
    names, place = np.unique(status, return_inverse=True)
    discharging = np.array([DISCHARGE.match(name.strip()) is not None for name in names.tolist()])[place]
    told = "currents are magnitudes in this file; their sign is that of the step's name"
    return np.where(discharging, -current_A, current_A), [told] if discharging.any() else []


def _refuse_time(time_s: Floats, places: NDArray[np.int64], path: Path, where: str) -> None:
    back = np.diff(time_s) < 0
    if back.any():
        line = int(places[int(np.argmax(back)) + 1])
        text = "the test time runs backwards here: are these two tests in one file?"
        raise BadInput(text, place=f"{path}, {where} {line}")
