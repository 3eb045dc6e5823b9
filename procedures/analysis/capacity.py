"""Capacity by integration of the current, per half cycle and per cycle.

Q = integral of I dt by the trapezoid rule over the rows of a half cycle (a half cycle: a run of one sign of the
current, rests inside it included; a step of the schedule counts as one however few rows it left), not the cycler's own
counter. Before its first and after its last row a half cycle
has, of the time to the neighbour's row, the half: the switch lies anywhere in it, hence an error of I dt / sqrt(12).
Where the record itself begins or ends, as much as lies at the switches inside it, but nothing before time 0.
Coulombic efficiency: charge of the cycle's second half over that of its first (discharge over charge when the record
begins with a charge).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from daq.errors import AnalysisRefused, BadInput
from procedures.analysis.current_segments import (
    Floats,
    Ints,
    Record,
    Segments,
    checked_record,
    gap_limit_s,
    half_cycles,
    running_integral,
)
from procedures.analysis.estimate import NORMAL_95, Estimate, short_number
from procedures.analysis.quantiles import student_95
from procedures.analysis.tester_counts import Flags, believed, kept_rows, step_edges

METHOD = "integral of the current (trapezoid) over each half cycle"
_AT_ONCE = 0.05  # of the usual interval between rows: no interval at all
NO_CURRENT = "no current flows in this record: there is nothing to integrate"
_NEGLIGIBLE = 0.001  # of the median half cycle's charge: no half cycle, an artefact of switching


@dataclass(frozen=True)
class HalfCycles:
    """One value per half cycle in every array. `charge_Ah` and `energy_Wh` are magnitudes.

    `uncertainty_Ah` is one standard error from the unknown moments of switching and from gaps. `cumulative_Ah` has one
    value per row: the signed charge passed until then.
    """

    record: Record
    segments: Segments
    cycle: Ints
    charge_Ah: Floats
    uncertainty_Ah: Floats
    energy_Wh: Floats
    duration_s: Floats
    gap_s: Floats
    cumulative_Ah: Floats

    def __len__(self) -> int:
        return len(self.segments)


def integrate_half_cycles(
    time_s: ArrayLike,
    current_A: ArrayLike,
    voltage_V: ArrayLike,
    cycle: ArrayLike | None = None,
    first: Literal["charge", "discharge"] | None = None,
    gap_s: float | None = None,
    current_resolution_A: float = 0.0,
    step: ArrayLike | None = None,
) -> HalfCycles:
    """Integrate a record of cycling, rows (n,); 4 million rows take about a second.

    Cycles are those of the column `cycle` where it counts cycles, see `tester_counts`, else counted: a cycle begins
    with each half cycle of the direction `first` (None: that of the record's first half cycle); what comes before it
    is cycle 0. Times between rows above `gap_s` (None: 10 times the usual longest) are gaps, see `running_integral`.
    `step` (numbers of the schedule's steps, in any order) tells a step of one row from an odd row.
    `current_resolution_A` is the last digit of the current as it was recorded: a constant current is wrong by the same
    part of it all along, resolution / sqrt(12) times the duration. Raises AnalysisRefused when no current flows,
    BadInput for columns that do not fit together or a resolution below 0.
    """
    if not (current_resolution_A >= 0 and np.isfinite(current_resolution_A)):
        raise BadInput(f"{current_resolution_A!r} A is no resolution", place="current_resolution_A",
                       allowed="a number from 0 upwards, in A")  # fmt: skip
    record = checked_record(time_s, current_A, voltage_V)
    limit = gap_limit_s(record.time_s) if gap_s is None else gap_s
    coulomb, doubt = running_integral(record.time_s, record.current_A, limit)
    rows = np.isfinite(time_s) & np.isfinite(current_A) & np.isfinite(voltage_V)
    steps = kept_rows(step, time_s, rows, "step")
    edges = step_edges(steps)
    told = kept_rows(cycle, time_s, rows, "cycle")
    found, numbers = _told_apart(record, coulomb, edges, told, first, steps)
    last = found.stop - 1
    edge, edge_error, edge_energy = _edges(record, found, limit)
    charge = np.abs(coulomb[last] - coulomb[found.start]) + edge
    duration = record.time_s[last] - record.time_s[found.start]
    rounding = current_resolution_A / np.sqrt(12) * duration
    error = np.sqrt((doubt[last] - doubt[found.start]) ** 2 + edge_error**2 + rounding**2)
    joule, _ = running_integral(record.time_s, record.current_A * record.voltage_V, limit)
    energy = np.abs(joule[last] - joule[found.start]) + edge_energy
    step = np.diff(record.time_s)
    lost = np.concatenate(([0.0], np.cumsum(np.where(step > limit, step, 0.0))))
    gaps = lost[last] - lost[found.start]
    return HalfCycles(
        record, found, numbers, charge / 3600, error / 3600, energy / 3600, duration, gaps, coulomb / 3600
    )


def integrate_cycling(rows: Mapping[str, np.ndarray]) -> HalfCycles:
    """Of one cell's rows in a run's table `cycling`; its plans begin with a charge. Errors as above."""
    return integrate_half_cycles(
        rows["time_s"], rows["current_A"], rows["voltage_V"], rows["cycle"], "charge", step=rows["schedule_step"]
    )


def _told_apart(
    record: Record,
    coulomb: Floats,
    edges: Flags | None,
    cycle: Floats | None,
    first: Literal["charge", "discharge"] | None,
    step: Floats | None,
) -> tuple[Segments, Ints]:
    """The half cycles and their cycles: as the record counts them where that can be believed, else as counted here."""
    if cycle is not None:
        found = _without_artefacts(record, coulomb, edges, cycle)
        numbers = believed(cycle, found, edges, step)
        if numbers is not None:
            return found, numbers
    found = _without_artefacts(record, coulomb, edges, None)
    return found, _cycle_numbers(found, first)


def _without_artefacts(record: Record, coulomb: Floats, edges: Flags | None, cycle: Floats | None) -> Segments:
    """Half cycles of next to no charge that are no step of the schedule are dropped and their neighbours joined."""
    found = half_cycles(record.current_A, edges, cycle)
    if not len(found):
        raise AnalysisRefused(NO_CURRENT)
    charge = np.abs(coulomb[found.stop - 1] - coulomb[found.start])
    small = (charge < _NEGLIGIBLE * np.median(charge)) & ~found.are_steps(edges)
    if not small.any():
        return found
    current = record.current_A.copy()
    for start, stop in zip(found.start[small], found.stop[small], strict=True):
        current[start:stop] = 0.0
    return half_cycles(current, edges, cycle)


def _edges(record: Record, found: Segments, gap_s: float) -> tuple[Floats, Floats, Floats]:
    """Charge and its error (C) and energy (J) between a half cycle's outer rows and its neighbours' rows."""
    time, current, voltage = record.time_s, np.abs(record.current_A), np.abs(record.voltage_V)
    usual = np.median(np.diff(time)) if len(found) else 0.0
    charge, error, energy = np.zeros(len(found)), np.zeros(len(found)), np.zeros(len(found))
    last = found.stop - 1
    before_s, after_s = np.diff(time, prepend=np.nan)[found.start], np.diff(time, append=np.nan)[last]
    switches = np.concatenate((before_s, after_s))
    switches = switches[np.isfinite(switches) & (switches <= gap_s)]
    outer_s = float(np.median(switches)) if len(switches) else 0.0
    before_s[np.isnan(before_s)] = min(outer_s, float(time[0])) if time[0] >= 0 else outer_s
    after_s[np.isnan(after_s)] = outer_s
    # A row right at the end of a step, and the next one of what follows at the same moment: then all steps end with a
    # row, and the time before a half cycle's first row is all its own.
    of_first = np.where(after_s < _AT_ONCE * usual, 1.0, 0.5)
    for row, apart_s, share in ((found.start, before_s, of_first), (last, after_s, 0.5)):
        wait = np.where(apart_s > gap_s, usual, apart_s)  # unrecorded rest: the switch was not long after the row
        part = share * wait * current[row]
        charge += part
        energy += part * voltage[row]
        error = np.hypot(error, wait * current[row] / np.sqrt(12))
    return charge, error, energy


def _cycle_numbers(found: Segments, first: Literal["charge", "discharge"] | None) -> Ints:
    lead = int(found.direction[0]) if first is None else (1 if first == "charge" else -1)
    return np.cumsum(found.direction == lead).astype(np.int64)


def coarse_current_note(halves: HalfCycles, current_resolution_A: float) -> str | None:
    """A warning when the last digit recorded is more than 1 % of the mean current of some half cycle, else None."""
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = halves.charge_Ah * 3600 / halves.duration_s
    mean = mean[np.isfinite(mean) & (mean > 0)]
    if not len(mean) or current_resolution_A <= 0.01 * mean.min():
        return None
    return (
        f"the current was written with a last digit of {short_number(current_resolution_A)}A for currents down to "
        f"{short_number(float(mean.min()))}A: capacities by integration are uncertain by "
        f"{100 * current_resolution_A / float(np.sqrt(12)) / float(mean.min()):.0f} %; export in mA or µA"
    )


@dataclass(frozen=True)
class Cycles:
    """One value per cycle in every array; NaN where the cycle lacks that half, `complete` where both were recorded.

    A record's last half cycle may have been cut off: a last cycle whose second half is under 0.9 of what the cycle
    before would let expect is not `complete`, its coulombic efficiency is NaN.
    """

    cycle: Ints
    charge_Ah: Floats
    charge_uncertainty_Ah: Floats
    discharge_Ah: Floats
    discharge_uncertainty_Ah: Floats
    coulombic_efficiency_percent: Floats
    efficiency_uncertainty_percent: Floats
    energy_efficiency_percent: Floats
    complete: np.ndarray


def cycles_of(halves: HalfCycles) -> Cycles:
    """Sum the half cycles of every cycle."""
    numbers, place = np.unique(halves.cycle, return_inverse=True)
    sums: dict[int, tuple[Floats, Floats, Floats]] = {}
    for direction in (1, -1):
        mine = halves.segments.direction == direction
        where, count = place[mine], len(numbers)
        present = np.bincount(where, minlength=count) > 0
        charge = np.bincount(where, halves.charge_Ah[mine], count)
        error = np.sqrt(np.bincount(where, halves.uncertainty_Ah[mine] ** 2, count))
        energy = np.bincount(where, halves.energy_Wh[mine], count)
        sums[direction] = (
            np.where(present, charge, np.nan), np.where(present, error, np.nan), np.where(present, energy, np.nan),
        )  # fmt: skip
    begins = int(np.sign(np.sum(halves.segments.direction[_first_of_each(halves.cycle)]))) or 1
    in_Ah, in_error, in_Wh = sums[begins]
    out_Ah, out_error, out_Wh = sums[-begins]
    ratio = _over(out_Ah, in_Ah)
    complete = np.isfinite(ratio)
    if complete.sum() > 1 and complete[-1]:
        # A cell that was half charged when its record began gives back more than it took; no later cycle does.
        expected = min(float(np.median(ratio[complete][:-1])), 1.0)
        complete[-1] = ratio[-1] >= 0.9 * expected
    ratio = np.where(complete, ratio, np.nan)
    # What the unknown moment of the switch between the halves gives to one it takes from the other.
    error = ratio * np.hypot(_over(out_error, out_Ah), _over(in_error, in_Ah)) * np.sqrt(1.5)
    return Cycles(
        numbers, sums[1][0], sums[1][1], sums[-1][0], sums[-1][1], 100 * ratio, 100 * error,
        np.where(complete, 100 * (_over(out_Wh, in_Wh) if begins > 0 else _over(in_Wh, out_Wh)), np.nan), complete,
    )  # fmt: skip


def _over(above: Floats, below: Floats) -> Floats:
    """Their ratio, NaN where there is nothing to divide by."""
    return np.divide(above, below, out=np.full(len(above), np.nan), where=below > 0)


def _first_of_each(cycle: Ints) -> Ints:
    return np.unique(cycle, return_index=True)[1]


@dataclass(frozen=True)
class Retention:
    """Discharge capacity of `cycle` over that of `reference_cycle` (%), and the loss per cycle of the whole line."""

    cycle: int
    reference_cycle: int
    retention_percent: Estimate
    fade_percent_per_cycle: Estimate


def retention_of(cycles: Cycles, reference_cycle: int | None = None, cycle: int | None = None) -> Retention:
    """Retention at `cycle` (None: the last complete one) against `reference_cycle` (None: the first complete one).

    The fade is a constant share lost per cycle: a straight line through ln(capacity) from the reference cycle on.
    Raises AnalysisRefused when a cycle is not there or not whole.
    """
    usable = cycles.cycle[cycles.complete]
    if len(usable) < 2:
        raise AnalysisRefused(f"{len(usable)} complete cycles: a retention needs two")
    base = int(usable[0]) if reference_cycle is None else reference_cycle
    at = int(usable[-1]) if cycle is None else cycle
    for name in (base, at):
        if name not in usable:
            raise AnalysisRefused(f"cycle {name} was not recorded whole; whole are {usable[0]} to {usable[-1]}")
    if base == at:
        raise AnalysisRefused(f"there is no whole cycle but the reference, cycle {base}: a retention needs two")
    i, k = int(np.flatnonzero(cycles.cycle == base)[0]), int(np.flatnonzero(cycles.cycle == at)[0])
    q, error = cycles.discharge_Ah, cycles.discharge_uncertainty_Ah
    value = 100 * float(q[k] / q[i])
    spread = value * float(np.hypot(error[k] / q[k], error[i] / q[i]))
    method = f"discharge capacity of cycle {at} over that of cycle {base}; {METHOD}"
    span = (value - NORMAL_95 * spread, value + NORMAL_95 * spread)
    keep = cycles.complete & (cycles.cycle >= base)
    fade = _fade(cycles.cycle[keep] - base, q[keep], error[keep])
    return Retention(at, base, Estimate(value, spread, span, method), fade)


def _fade(number: Ints, capacity_Ah: Floats, error_Ah: Floats) -> Estimate:
    method = "1 - exp(slope) of a straight line through ln(discharge capacity) against cycle (least squares)"
    if len(number) < 4:
        return Estimate.refused(f"{len(number)} whole cycles: a fade needs 4", method)
    x, y = number.astype(np.float64), np.log(capacity_Ah)
    centre = x.mean()
    sxx = float(np.sum((x - centre) ** 2))
    slope = float(np.sum((x - centre) * y)) / sxx
    residual = y - y.mean() - slope * (x - centre)
    scatter = float(np.sqrt(np.sum(residual**2) / (len(x) - 2)))
    sigma = 100 * max(scatter, 0.1 * float(np.median(error_Ah / capacity_Ah))) / float(np.sqrt(sxx))
    value = 100 * (1 - float(np.exp(slope)))
    half = student_95(len(x) - 2) * sigma
    return Estimate(value, sigma, (value - half, value + half), method)
