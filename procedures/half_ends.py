"""How half cycles ended: at their cut-off, by their longest time, or broken off. What time ended is no capacity of the
cell, and what was broken off is no whole cycle."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from daq.contracts import Result
from procedures.analysis.capacity import HalfCycles

NEAR_V = 0.002  # a cut-off that was seen by the tester lies this near the last record at most
ROWS = 2.5  # of a half cycle's time may lie before its first record and after its last


@dataclass(frozen=True)
class HalfBounds:
    """What ends the half cycles of a plan: `longest_h` is its `half_max_h`."""

    lower_V: float
    upper_V: float
    longest_h: float
    record_s: float


def ended_by_time(halves: HalfCycles, bounds: HalfBounds) -> tuple[set[int], set[int]]:
    """The numbers of the cycles whose charge, and of those whose discharge, took the longest time and no cut-off."""
    long = halves.duration_s >= 3600 * bounds.longest_h - ROWS * bounds.record_s
    charges, discharges = set[int](), set[int]()
    for place in np.flatnonzero(long).tolist():
        rows = slice(int(halves.segments.start[place]), int(halves.segments.stop[place]))
        volts, cycle = halves.record.voltage_V[rows], int(halves.cycle[place])
        if halves.segments.direction[place] > 0 and volts.max() < bounds.upper_V - NEAR_V:
            charges.add(cycle)
        elif halves.segments.direction[place] < 0 and volts.min() > bounds.lower_V + NEAR_V:
            discharges.add(cycle)
    return charges, discharges


def reason_of(charges: Collection[int], discharges: Collection[int], bounds: HalfBounds) -> str:
    """A sentence for a number that is refused for it; "" where there is no such half cycle."""
    parts = [
        f"the {name} of {_cycles(found)} ended after half_max_h = {bounds.longest_h:g} h, before {cut_V:g} V"
        for name, found, cut_V in (("charge", charges, bounds.upper_V), ("discharge", discharges, bounds.lower_V))
        if found
    ]
    return f"{' and '.join(parts)}: allow more time, or a larger current" if parts else ""


def broken_off(halves: HalfCycles, bounds: HalfBounds) -> int | None:
    """The number of the last cycle, where the record ends in the middle of one of its half cycles; else None."""
    rows = slice(int(halves.segments.start[-1]), int(halves.segments.stop[-1]))
    volts, cycle = halves.record.voltage_V[rows], int(halves.cycle[-1])
    charges = bool(halves.segments.direction[-1] > 0)
    is_at_cut = volts.max() >= bounds.upper_V - NEAR_V if charges else volts.min() <= bounds.lower_V + NEAR_V
    is_long = halves.duration_s[-1] >= 3600 * bounds.longest_h - ROWS * bounds.record_s
    return None if is_at_cut or is_long else cycle


def broken_off_told(results: Sequence[Result], cycle: int) -> list[Result]:
    """The same; of a cycle that was broken off, or still goes on, no efficiency and no polarisation, and nothing that
    rests on it."""
    compared = ("coulombic_efficiency", "polarisation", "capacity_retention", "capacity_fade")

    def told(one: Result) -> Result:
        if one.name not in compared or one.value is None or one.at.get("cycle") != cycle:
            return one
        reason = f"cycle {cycle} has not come to its cut-off"
        return replace(one, value=None, uncertainty=None, interval=None, reason=reason)

    return [told(one) for one in results]


def by_time_told(results: Sequence[Result], halves: HalfCycles, bounds: HalfBounds) -> list[Result]:
    """The same; a capacity that time ended says so in its method, and what compares cycles is refused."""
    charges, discharges = ended_by_time(halves, bounds)
    reason = reason_of(charges, discharges, bounds)
    if not reason:
        return list(results)
    limited = {("charge_capacity", one) for one in charges} | {("discharge_capacity", one) for one in discharges}

    def told(one: Result) -> Result:
        if one.name in ("capacity_retention", "capacity_fade") and one.value is not None:
            return replace(one, value=None, uncertainty=None, interval=None, reason=reason)
        if (one.name, one.at.get("cycle")) in limited:
            return replace(one, method=f"{one.method}; ended by half_max_h, before its cut-off")
        return one

    return [told(one) for one in results]


def _cycles(found: Collection[int]) -> str:
    """`cycle 3`, `4 cycles (1 to 4)`."""
    first, last = min(found), max(found)
    return f"cycle {first}" if len(found) == 1 else f"{len(found)} cycles ({first} to {last})"
