"""A simulated cell behind a source with a limit: it holds a potential, or its current limit, whichever comes first."""

from __future__ import annotations

import math
from dataclasses import dataclass

from drivers.simulated.cells.cell import Cell, until_beyond

LONGEST_s = 60.0  # in one piece: the current of a held potential is constant within it


@dataclass(frozen=True)
class Regulation:
    """The source goes towards `level_V` with at most `limit_A` (magnitude)."""

    level_V: float
    limit_A: float


def still_limited(
    cell: Cell, how: Regulation, seconds: float, temperature_C: float, high_phase: float
) -> tuple[float, float] | None:
    """As `regulate`, in one go, for a source that was at its limit and stays there; None (and nothing passed) else.

    Where the limit's current does not bring the cell to the potential, holding that would take more than the limit.
    """
    way = math.copysign(1.0, how.level_V - cell.open_circuit_V(temperature_C))
    before = cell.state()
    voltage_V = cell.at_current(way * how.limit_A, seconds, temperature_C, high_phase)
    if way * (voltage_V - how.level_V) <= 0:
        return voltage_V, way * how.limit_A
    cell.adopt(before)
    return None


def regulate(
    cell: Cell, how: Regulation, seconds: float, temperature_C: float, high_phase: float
) -> tuple[float, float]:
    """Let `seconds` pass; potential and current at their end. A cut-off is met to a millisecond of current."""
    place = (temperature_C, high_phase)
    voltage_V, current_A = how.level_V, 0.0
    left_s = seconds
    while left_s > 1e-9:
        piece_s = min(left_s, LONGEST_s)
        before = cell.state()
        current_A = cell.at_voltage(how.level_V, piece_s, *place)
        voltage_V = how.level_V
        if abs(current_A) > how.limit_A:
            cell.adopt(before)
            current_A = math.copysign(how.limit_A, current_A)
            way = math.copysign(1.0, current_A)
            voltage_V, piece_s, _ = until_beyond(
                cell, current_A, piece_s, *place, lambda volts, way=way: way * (volts - how.level_V) > 0
            )
        left_s -= piece_s
    return voltage_V, current_A
