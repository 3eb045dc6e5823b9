"""The ladder of currents of `critical-current` as one schedule that a cycler runs by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from daq.errors import AnalysisRefused
from drivers.schedule import Current, CyclerRecord, End, Protection, Record, Schedule

FALSE_ALARM = 1e-5
JUDGED_EVERY = 500  # records of a step that has not ended


def ladder_schedule(
    label: str, halves: Sequence[tuple[float, float]], voltage_limit_V: float, record_s: float
) -> Schedule:
    """`halves`: (current in A with its sign, seconds) in order; nothing else ends a half."""
    steps = tuple(Current(amps, (End("time_s", "above", time_s),), Record(record_s)) for amps, time_s in halves)
    most = max(abs(amps) for amps, _ in halves)
    return Schedule(f"critical-current {label}", steps, Protection(-voltage_limit_V, voltage_limit_V, 1.2 * most))


class LadderJudge:
    """Looks for a short in the records of one cell, at the end of each step and within long ones; what it returns ends
    the cell's ladder."""

    def __init__(self, ends_at: Callable[[str], bool]) -> None:
        self._ends_at = ends_at
        self._judged = 0  # rows
        self._step = 0  # the latest that has records
        self._rows: list[tuple[float, float, float, int]] = []

    def recover(self, rows: Mapping[str, np.ndarray]) -> None:
        """With the rows that the run has of this cell."""
        columns = (rows["time_s"], rows["current_A"], rows["voltage_V"], rows["schedule_step"])
        self._rows = [(float(t), float(i), float(v), int(n)) for t, i, v, n in zip(*columns, strict=True)]

    def __call__(self, records: Sequence[CyclerRecord]) -> str:
        from procedures.analysis.short_circuit import find_short_circuit, polarisation_of

        self._rows += [(one.time_s, one.current_A, one.voltage_V, one.step) for one in records]
        latest, rows = self._rows[-1][3], self._rows
        if latest != self._step:  # what has ended is judged whole; a step's first records rise to their voltage yet
            self._step, rows = latest, [row for row in rows if row[3] != latest]
        elif len(rows) - self._judged < JUDGED_EVERY:
            return ""
        if not rows:
            return ""
        self._judged = len(rows)
        time_s, current, voltage, step = (np.array(column) for column in zip(*rows, strict=True))
        try:
            short = find_short_circuit(polarisation_of(time_s, current, voltage, step), FALSE_ALARM)
        except AnalysisRefused:
            return ""  # too few rows yet
        return f"{short.worst} short circuit" if short.found and self._ends_at(str(short.worst)) else ""
