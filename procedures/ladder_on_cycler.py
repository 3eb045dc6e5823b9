"""The ladder of currents of `critical-current` as one schedule that a cycler runs by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from daq.contracts import Rig, RunReader
from daq.errors import AnalysisRefused
from daq.sample import Sample
from drivers.roles import BatteryCycler, OperatorRunCycler
from drivers.schedule import Current, CyclerRecord, End, Protection, Record, Schedule
from procedures.cycler_run import CyclerRun, last_record
from procedures.dc_streams import CYCLED

FALSE_ALARM = 1e-5
JUDGED_EVERY = 500  # records


def ladder_schedule(
    label: str, halves: Sequence[tuple[float, float]], voltage_limit_V: float, record_s: float
) -> Schedule:
    """`halves`: (current in A with its sign, seconds) in order; nothing else ends a half."""
    steps = tuple(Current(amps, (End("time_s", "above", time_s),), Record(record_s)) for amps, time_s in halves)
    most = max(abs(amps) for amps, _ in halves)
    return Schedule(f"critical-current {label}", steps, Protection(-voltage_limit_V, voltage_limit_V, 1.2 * most))


class LadderOnCycler:
    """Runs it, looks for a short in the records as they come, and stops the channel at one that ends the ladder."""

    def __init__(
        self, cycler: BatteryCycler | OperatorRunCycler, sample: Sample, ends_at: Callable[[str], bool]
    ) -> None:
        self._cycler = cycler
        self._sample = sample
        self._ends_at = ends_at
        self._after = 0
        self._judged = 0
        self._rows: list[tuple[float, float, float, int]] = []

    def recover(self, run: RunReader) -> None:
        rows = run.table("cycling", columns=(*CYCLED, "schedule_step"))
        self._after = last_record(run)
        columns = (rows["time_s"], rows["current_A"], rows["voltage_V"], rows["schedule_step"])
        self._rows = [(float(t), float(i), float(v), int(n)) for t, i, v, n in zip(*columns, strict=True)]

    def run(self, rig: Rig, schedule: Schedule, seconds: float, watch: Callable[[Rig], None]) -> None:
        CyclerRun(rig, self._cycler, self._sample, watch).run(schedule, seconds, self._after, self._judge)

    def _judge(self, records: Sequence[CyclerRecord]) -> str:
        from procedures.analysis.short_circuit import find_short_circuit, polarisation_of

        self._rows += [(one.time_s, one.current_A, one.voltage_V, one.step) for one in records]
        if len(self._rows) - self._judged < JUDGED_EVERY:
            return ""
        self._judged = len(self._rows)
        time_s, current, voltage, step = (np.array(column) for column in zip(*self._rows, strict=True))
        try:
            short = find_short_circuit(polarisation_of(time_s, current, voltage, step), FALSE_ALARM)
        except AnalysisRefused:
            return ""  # too few rows yet
        return f"{short.kind} short circuit" if short.found and self._ends_at(str(short.kind)) else ""
