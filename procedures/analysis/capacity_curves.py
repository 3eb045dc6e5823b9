"""Voltage against charge of a half cycle: dQ/dV with a stated window, and the polarisation at mid-capacity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from daq.errors import AnalysisRefused, BadInput
from procedures.analysis.capacity import HalfCycles
from procedures.analysis.current_segments import Floats
from procedures.analysis.estimate import NORMAL_95, Estimate

_PARTS_OF_WINDOW = 10
_MID_SHARE = 0.02  # of the capacity, either side of the middle


@dataclass(frozen=True)
class DifferentialCapacity:
    """dQ/dV (Ah/V) at `voltage_V`, of one half cycle; its integral over voltage is the half cycle's charge.

    Positive on charge and on discharge alike: charge that passed while the voltage was within the window, over it.
    """

    voltage_V: Floats
    dQ_dV_Ah_V: Floats
    window_V: float
    method: str


def differential_capacity(halves: HalfCycles, index: int, window_V: float = 0.005) -> DifferentialCapacity:
    """Of the half cycle number `index` in `halves`: charge per voltage bin, smoothed by a box of `window_V`.

    Counting charge by voltage needs no monotonic voltage, so that noise widens a peak but never makes it negative
    or infinite. The charge between two rows is spread evenly over the voltages between them.
    Raises BadInput for a window that is not positive, AnalysisRefused when the voltage moves less than a window.
    """
    if not (window_V > 0 and np.isfinite(window_V)):
        raise BadInput(f"{window_V!r} V is no smoothing window", place="window_V", allowed="a number above 0, in V")
    rows = slice(int(halves.segments.start[index]), int(halves.segments.stop[index]))
    voltage, charge = halves.record.voltage_V[rows], halves.cumulative_Ah[rows]
    low, high = float(voltage.min()), float(voltage.max())
    if high - low < window_V:
        raise AnalysisRefused(f"the voltage moves by {high - low:.3g} V only, less than the window of {window_V:g} V")
    bin_V = window_V / _PARTS_OF_WINDOW
    count = int(np.ceil((high - low) / bin_V)) + 2 * _PARTS_OF_WINDOW + 1
    grid: Floats = np.asarray(low + bin_V * (np.arange(count + 1) - _PARTS_OF_WINDOW), np.float64)
    # Charge passed below V, summed over the pieces between rows, is piecewise linear in V with kinks at the rows.
    a, b = np.minimum(voltage[1:], voltage[:-1]), np.maximum(voltage[1:], voltage[:-1])
    part = np.abs(np.diff(charge))
    flat = b - a < 1e-3 * bin_V
    b = np.where(flat, a + 1e-3 * bin_V, b)
    below = _passed_below(grid, a, b, part)
    smooth = (below[_PARTS_OF_WINDOW:] - below[:-_PARTS_OF_WINDOW]) / window_V
    at: Floats = np.asarray(grid[: len(smooth)] + window_V / 2, np.float64)
    method = f"charge that passed within {1000 * window_V:g} mV, over that window"
    return DifferentialCapacity(at, smooth, window_V, method)


def _passed_below(grid: Floats, a: Floats, b: Floats, part: Floats) -> Floats:
    """Sum over pieces of part * clip((V - a) / (b - a), 0, 1) at every V of the grid, in O(n log n)."""
    slope = part / (b - a)
    total = np.zeros(len(grid))
    for edge, sign in ((a, 1.0), (b, -1.0)):
        order = np.argsort(edge)
        where = np.searchsorted(edge[order], grid, side="right")
        weight = np.concatenate(([0.0], np.cumsum(slope[order])))[where]
        moment = np.concatenate(([0.0], np.cumsum((slope * edge)[order])))[where]
        total += sign * (weight * grid - moment)
    return total


def mid_capacity_polarisation_mV(halves: HalfCycles, cycle: int) -> Estimate:
    """Voltage of charge minus voltage of discharge at half of each one's capacity, mV.

    Each from a straight line through the rows within 2 % of the capacity around the middle (at least 3 rows);
    uncertainty from their scatter. Refused when the cycle lacks a half.
    """
    method = "charge minus discharge voltage, each at half of its own capacity"
    values = []
    for direction in (1, -1):
        mine = np.flatnonzero((halves.cycle == cycle) & (halves.segments.direction == direction))
        if not len(mine):
            return Estimate.refused(f"cycle {cycle} has no {'charge' if direction > 0 else 'discharge'}", method)
        largest = int(mine[np.argmax(halves.charge_Ah[mine])])
        values.append(_voltage_at_half(halves, largest))
    (up, up_error), (down, down_error) = values
    value, error = 1000 * (up - down), 1000 * float(np.hypot(up_error, down_error))
    return Estimate(value, error, (value - NORMAL_95 * error, value + NORMAL_95 * error), method)


def _voltage_at_half(halves: HalfCycles, index: int) -> tuple[float, float]:
    rows = slice(int(halves.segments.start[index]), int(halves.segments.stop[index]))
    charge = np.abs(halves.cumulative_Ah[rows] - halves.cumulative_Ah[rows.start])
    voltage, middle = halves.record.voltage_V[rows], charge[-1] / 2
    near = np.flatnonzero(np.abs(charge - middle) <= _MID_SHARE * charge[-1])
    if len(near) < 3:
        first = min(max(int(np.argmin(np.abs(charge - middle))) - 1, 0), max(len(charge) - 3, 0))
        near = np.arange(first, min(first + 3, len(charge)))
    if len(near) < 3:
        return float(np.interp(middle, charge, voltage)), float(np.ptp(voltage)) / np.sqrt(12)
    x = (charge[near] - middle) / charge[-1]
    design = np.column_stack((np.ones(len(x)), x))
    solution, _, _, _ = np.linalg.lstsq(design, voltage[near], rcond=None)
    residual = voltage[near] - design @ solution
    covariance = np.linalg.pinv(design.T @ design) * float(residual @ residual) / max(len(x) - 2, 1)
    return float(solution[0]), float(np.sqrt(covariance[0, 0]))
