"""Is this export of the test that was typed in? Currents, limits, ends and number of steps against the schedule."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivers.exported import ExportedTable
from drivers.land.legs import Planned, Seen, Working, parts_of_rows, planned_legs, seen_legs, without_lead
from drivers.schedule import Current, CurrentThenVoltage, End, Loop, Rest, Schedule, Voltage

CURRENT_TOLERANCE = 0.02
END_TOLERANCE = 0.02
VOLTAGE_TOLERANCE_V = 0.02
WAYS = {1: "a charge", -1: "a discharge", 0: "a rest"}


@dataclass(frozen=True, eq=False)
class Verdict:
    """`reason` is empty when the export fits; then `step` and `cycle` say what each row belongs to, arrays (n,).

    `is_done`: the last step of the schedule has met its end.
    """

    reason: str
    step: NDArray[np.int64]
    cycle: NDArray[np.int64]
    is_done: bool = False


class _Misfit(Exception):
    """Raised and caught here: the first thing that does not fit, in words."""


def judge(table: ExportedTable, schedule: Schedule) -> Verdict:
    step, cycle = np.zeros(len(table), dtype=np.int64), np.zeros(len(table), dtype=np.int64)
    try:
        is_done = _walk(table, schedule, step, cycle)
    except _Misfit as misfit:
        return Verdict(str(misfit), step, cycle)
    return Verdict("", step, cycle, is_done)


def _walk(table: ExportedTable, schedule: Schedule, step: NDArray[np.int64], cycle: NDArray[np.int64]) -> bool:
    """Leg by leg. A step is looked at where it comes first; later passes of a loop are the same."""
    coming: Iterator[Planned] = planned_legs(schedule)
    first = next(coming)
    legs = without_lead(seen_legs(table), table, first)
    looked_at: set[tuple[int, ...]] = set()
    planned: Planned | None = first
    for number, leg in enumerate(legs, 1):
        if planned is None:
            raise _Misfit(f"it has more steps than the sheet: {len(legs)} changes of direction, the sheet {number - 1}")
        if leg.direction != planned.direction:
            at = f"{table.time_s[leg.start] / 3600:.4g} h"
            told = f"{WAYS[leg.direction]} begins at {at} where the sheet has {WAYS[planned.direction]}"
            raise _Misfit(f"{told} (step {planned.steps[0]})")
        rows = slice(leg.start, leg.stop)
        parts = parts_of_rows(leg, planned, table.step_marks)
        step[rows], cycle[rows] = np.array(planned.steps)[parts], np.array(planned.cycles)[parts]
        following = next(coming, None)
        is_last = number == len(legs)
        met = not (is_last and following is None) or _met(table, leg, schedule, planned)
        if planned.steps not in looked_at:
            _look(table, leg, schedule, planned, is_over=not is_last)
            if not is_last:
                looked_at.add(planned.steps)
        if is_last:
            return following is None and met
        planned = following
    return False


def _look(table: ExportedTable, leg: Seen, schedule: Schedule, planned: Planned, is_over: bool) -> None:
    _check_voltages(table, leg, schedule)
    first = _step(schedule, planned.steps[0])
    if not isinstance(first, Rest):
        _check_current(table, leg, first, planned.steps[0])
    if is_over and not _met(table, leg, schedule, planned):
        lasted_h = (table.time_s[leg.stop - 1] - table.time_s[leg.start]) / 3600
        told = f"step {planned.steps[-1]} ended at {table.voltage_V[leg.stop - 1]:.4g} V after {lasted_h:.4g} h"
        raise _Misfit(f"{told}, where the sheet has no end for it")


def _step(schedule: Schedule, number: int) -> Working:
    step = schedule.steps[number - 1]
    assert not isinstance(step, Loop)
    return step


def _check_voltages(table: ExportedTable, leg: Seen, schedule: Schedule) -> None:
    guard, volts = schedule.protection, table.voltage_V[leg.start : leg.stop]
    low, high = float(volts.min()), float(volts.max())
    if low < guard.voltage_min_V - VOLTAGE_TOLERANCE_V or high > guard.voltage_max_V + VOLTAGE_TOLERANCE_V:
        limits = f"{guard.voltage_min_V:g} to {guard.voltage_max_V:g} V"
        raise _Misfit(f"it goes from {low:.4g} to {high:.4g} V, the sheet's protection leaves {limits}")


def _check_current(table: ExportedTable, leg: Seen, step: Working, number: int) -> None:
    if not isinstance(step, Current | CurrentThenVoltage):
        return
    flowing = np.abs(table.current_A[leg.start : leg.stop])
    found, asked = float(np.quantile(flowing, 0.9)), abs(step.current_A)
    if abs(found - asked) <= max(CURRENT_TOLERANCE * asked, 0.51 * table.current_digit_A):
        return
    told = f"step {number} has {1e6 * found:.5g} uA, the sheet {1e6 * asked:.5g} uA"
    ratio = found / asked if found else 0.0
    if 900 < ratio < 1100 or 1 / 1100 < ratio < 1 / 900:
        told += f": a factor of a thousand; is the unit of {table.units.get('current_A', 'the current')!r} right?"
    raise _Misfit(told)


def _met(table: ExportedTable, leg: Seen, schedule: Schedule, planned: Planned) -> bool:
    """Whether a leg that is over met one of its last step's ends, as far as its last rows can tell."""
    step = _step(schedule, planned.steps[-1])
    ends = (End("time_s", "above", step.duration_s),) if isinstance(step, Rest) else step.ends
    if len(planned.steps) > 1 and not isinstance(step, Voltage):
        ends = tuple(end for end in ends if end.quantity in ("voltage_V", "current_A")) or ends
    return any(_is_met(table, leg, end) for end in ends)


def _is_met(table: ExportedTable, leg: Seen, end: End) -> bool:
    rows = slice(leg.start, leg.stop)
    time_s, volts, amps = table.time_s[rows], table.voltage_V[rows], np.abs(table.current_A[rows])
    interval_s = float(np.median(np.diff(time_s))) if len(time_s) > 1 else 0.0
    if end.quantity == "time_s":
        return float(time_s[-1] - time_s[0]) >= (1 - END_TOLERANCE) * end.value - 2 * interval_s
    if end.quantity == "voltage_V":
        slope = float(np.abs(np.diff(volts[-3:])).max()) if len(volts) > 2 else 0.0
        short = end.value - float(volts[-1]) if end.direction == "above" else float(volts[-1]) - end.value
        return short <= max(VOLTAGE_TOLERANCE_V, 1.5 * slope)
    if end.quantity == "current_A":
        return float(amps[-1]) <= (1 + 5 * END_TOLERANCE) * end.value + table.current_digit_A
    passed_Ah = float(np.sum(0.5 * (amps[1:] + amps[:-1]) * np.diff(time_s)) + amps[-1] * interval_s) / 3600
    return passed_Ah >= (1 - END_TOLERANCE) * end.value
