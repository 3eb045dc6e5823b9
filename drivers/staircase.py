"""What a direct-current technique applies, stair by stair."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple, TypeAlias

from drivers.techniques import ConstantCurrent, ConstantPotential, CyclicVoltammetry, LinearSweep

DirectCurrentTechnique: TypeAlias = CyclicVoltammetry | LinearSweep | ConstantCurrent | ConstantPotential
TINY = 1e-9


class Stair(NamedTuple):
    """`level` is V, or A where the current is applied; it is sampled at the end of `seconds`."""

    level: float
    seconds: float
    cycle: int
    is_last: bool


def stairs(technique: DirectCurrentTechnique, open_circuit_V: float) -> Iterator[Stair]:
    """Sweeps begin with a stair at their start potential; steps of constant level end at their duration."""
    if isinstance(technique, ConstantCurrent):
        return _level(technique.current_A, technique.duration_s, technique.interval_s)
    if isinstance(technique, ConstantPotential):
        return _level(technique.voltage_V, technique.duration_s, technique.interval_s)
    return _sweep(corners(technique, open_circuit_V), technique.step_V, technique.step_V / technique.scan_rate_V_s)


def corners(technique: CyclicVoltammetry | LinearSweep, open_circuit_V: float) -> list[tuple[float, int]]:
    """Where the sweep turns, and the cycle of the way there. A voltammogram ends at its start unless told."""
    start_V = open_circuit_V if technique.start_V is None else technique.start_V
    if isinstance(technique, LinearSweep):
        return [(start_V, 1), (technique.end_V, 1)]
    turns = [(start_V, 1)]
    for cycle in range(1, technique.cycles + 1):
        turns += [(technique.vertex_1_V, cycle), (technique.vertex_2_V, cycle)]
    return [*turns, (start_V if technique.end_V is None else technique.end_V, technique.cycles)]


def _level(level: float, duration_s: float, interval_s: float) -> Iterator[Stair]:
    done_s, number = 0.0, 0
    while done_s < duration_s - TINY:
        number += 1
        until_s = min(number * interval_s, duration_s)
        yield Stair(level, until_s - done_s, 1, until_s >= duration_s - TINY)
        done_s = until_s


def _sweep(turns: list[tuple[float, int]], step_V: float, seconds: float) -> Iterator[Stair]:
    ways = [(before[0], turn[0], turn[1]) for before, turn in pairwise(turns)]
    ways = [way for way in ways if abs(way[1] - way[0]) > TINY]
    yield Stair(turns[0][0], seconds, 1, not ways)
    for place, (from_V, to_V, cycle) in enumerate(ways):
        count = max(1, round(abs(to_V - from_V) / step_V))
        for number in range(1, count + 1):
            is_last = place == len(ways) - 1 and number == count
            level_V = to_V if number == count else from_V + (to_V - from_V) * number / count
            yield Stair(level_V, seconds, cycle, is_last)
