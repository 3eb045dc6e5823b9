"""The direct-current records of a run as exports need them: one per technique and cell, rows in the order taken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from daq.runfile.reader import RunFile
from daq.sample import Sample, samples_of
from procedures.dc_taking import last_attempts
from procedures.interchange.run_spectra import file_name
from procedures.off_times import off_before

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Kind = Literal[
    "cyclic-voltammetry", "linear-sweep", "open-circuit", "constant-current", "constant-potential", "cycling"
]
_JUST_S = 1e-3  # so long after its last row a cell is at rest in an export
VOLTAMMOGRAMS: tuple[Kind, ...] = ("cyclic-voltammetry", "linear-sweep")
_SHORT: Mapping[Kind, str] = {
    "cyclic-voltammetry": "CV", "linear-sweep": "LSV", "open-circuit": "OCV", "constant-current": "CP",
    "constant-potential": "CA",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class DcRecord:
    """Arrays (n,); charge or oxidation is positive current, `time_s` counts from `began_unix` and never runs back.

    `unix_s` is the calendar's time of each row: where a potentiostat cycled, `time_s` stood still over a break.
    `step` counts every change of stage or of the schedule's step from 1. `cycle` is what the instrument counted, else
    a charge and a discharge each. `temperature_C` None: not in the record.
    """

    kind: Kind
    sample: Sample
    stem: str
    began_unix: float
    time_s: Floats
    unix_s: Floats
    voltage_V: Floats
    current_A: Floats
    cycle: Ints
    step: Ints
    temperature_C: Floats | None = None

    @property
    def charge_C(self) -> Floats:
        """Signed, since the first row: trapezoid."""
        return passed(self.time_s, self.current_A)

    @property
    def half_cycle(self) -> Ints:
        """From 0; rests belong to the half before them."""
        return half_cycles_of(self.current_A)


def passed(time_s: Floats, rate: Floats) -> Floats:
    """Integral up to every row, trapezoid: C of A, J of W."""
    part = 0.5 * (rate[1:] + rate[:-1]) * np.diff(time_s)
    return np.concatenate([[0.0], np.cumsum(part)])


def half_cycles_of(current_A: Floats) -> Ints:
    """How often the current has changed its sign until each row; zeros do not count."""
    sign = np.sign(current_A)
    row = np.maximum.accumulate(np.where(sign != 0, np.arange(len(sign)), -1))
    held = np.where(row >= 0, sign[np.maximum(row, 0)], sign[np.argmax(sign != 0)] if len(sign) else 0.0)
    return np.cumsum(np.diff(held, prepend=held[:1]) != 0).astype(np.int64)


def dc_records(run: RunFile) -> list[DcRecord]:
    """Of the streams `voltammetry`, `polarisation` and `cycling`, in this order; empty for a run without rows in them.

    Of a sweep that was taken anew after a break the last attempt is given, of all else every row. Where the
    potentiostat was off between two rows (a break of the run, a spectrum) stand two of no current, at the potentials
    before and after: nobody counts charge there.
    """
    there = {one.name for one in run.streams() if one.rows}
    found: list[DcRecord] = []
    if "voltammetry" in there:
        rows = run.table("voltammetry")
        mine = last_attempts(rows)
        kind: Kind = "linear-sweep" if run.procedure == "linear-sweep" else "cyclic-voltammetry"
        found += _records(run, {name: values[mine] for name, values in rows.items()}, kind, "cycle")
    if "polarisation" in there:
        rows = run.table("polarisation")
        kind = "constant-potential" if run.procedure == "dc-polarisation" else "constant-current"
        found += _records(run, rows, "open-circuit" if not np.any(rows["stage"]) else kind, "stage")
    if "cycling" in there:
        found += _records(run, run.table("cycling"), "cycling", "schedule_step")
    return found


def _on_the_run_s_time(rows: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Rows of stages, each with a time of its own, on the run's, which goes on; at rest where the cell was off."""
    off_s = off_before(rows)
    after = np.flatnonzero(off_s)
    time_s, place = rows["t_s"], np.repeat(after, 2)
    began_s = time_s[after] - rows["time_s"][after]
    rests_s = np.stack([np.minimum(began_s - off_s[after] + _JUST_S, began_s), began_s], axis=1).ravel()
    source = place - np.tile([1, 0], len(after))  # the row before, the row after
    found = {key: np.insert(values, place, values[source]) for key, values in rows.items()}
    found["time_s"] = np.insert(time_s, place, rests_s)
    found["t_s"] = found["time_s"]
    found["current_A"] = np.insert(rows["current_A"], place, 0.0)
    return found


def _records(run: RunFile, rows: dict[str, np.ndarray], kind: Kind, stage: str) -> list[DcRecord]:
    samples = {one.label: one for one in samples_of(run.sample)}
    found = []
    for name in dict.fromkeys(rows["sample"].tolist()):
        mine = (rows["sample"] == name) & np.isfinite(rows["voltage_V"]) & np.isfinite(rows["current_A"])
        if not np.any(mine):
            continue
        one = {key: values[mine] for key, values in rows.items()}
        if "stage" in one:
            one = _on_the_run_s_time(one)
        time_s = np.asarray(one["time_s"], np.float64)
        began = run.unix_of(float(one["t_s"][0])) - time_s[0]
        if kind != "cycling":  # a sweep or a stage begins at its first row
            began, time_s = began + time_s[0], time_s - time_s[0]
        unix_s = run.unix_of_all(one["t_s"]) if kind == "cycling" else began + time_s
        current = np.asarray(one["current_A"], np.float64)
        counted = one["cycle"] if "cycle" in one else half_cycles_of(current) // 2 + 1
        end = "" if kind == "cycling" else f"_{_SHORT[kind]}"
        found.append(
            DcRecord(
                kind, samples.get(name, Sample(name=name or "sample")),
                file_name(f"{run.id}_{name}" if name else run.id) + end, began, time_s, unix_s,
                np.asarray(one["voltage_V"], np.float64), current, np.asarray(counted).astype(np.int64),
                (1 + np.cumsum(np.diff(one[stage], prepend=one[stage][:1]) != 0)).astype(np.int64),
                np.asarray(one["temperature_C"], np.float64) if "temperature_C" in one else None,
            )
        )  # fmt: skip
    return found
