"""One branch of a sweep, and the foot of the tangent at the steepest point of its rise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from procedures.analysis.current_segments import Floats
from procedures.analysis.estimate import NORMAL_95, Estimate


@dataclass(frozen=True)
class Branch:
    """One sweep in the direction of the onset: `x` (V) and `y` (A/cm2) grow with it, whatever the direction was."""

    x: Floats
    y: Floats
    mean: Floats
    noise: float
    step_V: float
    width: int
    sustain: int


def tangent_foot(branch: Branch, row: int, sign: float, drop: str) -> Estimate:
    """Intersection of the steepest tangent with the baseline; what half the window would give is in the uncertainty."""
    method = f"foot of the tangent at the steepest point, slope over {1000 * branch.width * branch.step_V:.3g} mV{drop}"
    top = row + int(np.argmax(branch.mean[row:]))
    if top - row < 2:
        return Estimate.refused(
            "the sweep ends in the passage of the threshold: there is no rise to lay a tangent on", method
        )
    base = _baseline(branch, row)
    coarse, narrow = (
        _tangent_foot(branch, row, top, base, width) for width in (branch.width, max(branch.width // 2, 3))
    )
    if coarse is None or narrow is None:
        return Estimate.refused("the rise is not steeper than the noise", method)
    at, error, steepest = coarse
    parts = {"noise": error, "window": abs(at - narrow[0]), "step": branch.step_V / float(np.sqrt(12))}
    if steepest >= len(branch.x) - branch.width:
        method += "; the sweep ended while the rise still steepened: the foot would move with its end"
        method += ", and the uncertainty counts an end at a quarter or at four times the current"
        parts["end"] = _moved_by_the_end(branch, row, top, base, at)
    return potential_estimate(sign * at, parts, method)


def _moved_by_the_end(
    branch: Branch, row: int, top: int, base: tuple[float, float, float, float], foot_V: float
) -> float:
    """By how many V the foot of a rise that steepens to its end moves, did it end at a quarter of its height.

    Seen from an end at half of it, for a quarter may lie below the threshold; the foot of an exponential moves as far
    with each halving. Where half of it shows no foot, as far as from the foot to the end: it will not lie beyond.
    """
    height = branch.mean[row : top + 1] - base[0] - base[1] * (branch.x[row : top + 1] - base[2])
    half = row + int(np.argmax(height >= 0.5 * height[-1]))
    halvings = float(np.log2(height[-1] / height[half - row])) if height[half - row] > 0 else 0.0
    earlier = _tangent_foot(branch, row, half - branch.width // 2, base, branch.width)
    if earlier is None or halvings < 0.1:
        return float(branch.x[top]) - foot_V
    return 2 * abs(foot_V - earlier[0]) / halvings


def _baseline(branch: Branch, row: int) -> tuple[float, float, float, float]:
    """Line through the rows before the rise: value at its middle, slope, the middle (V), standard error of the value.
    The first twentieth (charging of the double layer) and the last tenth before the onset are left out."""
    rows = np.arange(row // 20, max(row - max(row // 10, 2 * branch.width), 0))
    if len(rows) < 10:
        return 0.0, 0.0, float(branch.x[0]), branch.noise
    x, y = branch.x[rows], branch.y[rows]
    middle = float(x.mean())
    sxx = float(np.sum((x - middle) ** 2))
    slope = float(np.sum((x - middle) * y)) / sxx if sxx > 0 else 0.0
    scatter = float(np.std(y - y.mean() - slope * (x - middle)))
    return float(y.mean()), slope, middle, scatter / float(np.sqrt(len(rows)))


def _tangent_foot(
    branch: Branch, row: int, top: int, base: tuple[float, float, float, float], width: int
) -> tuple[float, float, int] | None:
    """Foot (V), its standard error from noise, and the row of the steepest point."""
    x, y, half = branch.x, branch.y, width // 2
    rows = np.arange(max(row - half, half), min(top + 1, len(x) - half))
    if not len(rows):
        return None
    offset = np.arange(-half, half + 1)
    xs, ys = x[rows[:, None] + offset], y[rows[:, None] + offset]
    xc, yc = xs.mean(1), ys.mean(1)
    sxx = np.sum((xs - xc[:, None]) ** 2, axis=1)
    slopes = np.sum((xs - xc[:, None]) * (ys - yc[:, None]), axis=1) / np.maximum(sxx, 1e-30)
    slopes[sxx <= 0] = -np.inf  # the potential stood still
    k = int(np.argmax(slopes))
    if not np.isfinite(slopes[k]):
        return None
    value, slope_base, middle, base_error = base
    slope, slope_error = float(slopes[k]), branch.noise / float(np.sqrt(sxx[k]))
    if slope < 4 * slope_error or slope <= slope_base:
        return None
    gap = float(yc[k]) - value - slope_base * (float(xc[k]) - middle)
    reach = gap / (slope - slope_base)
    height_error = np.hypot(branch.noise / np.sqrt(width), base_error) / slope
    return float(xc[k]) - reach, float(np.hypot(height_error, reach * slope_error / slope)), int(rows[k])


def potential_estimate(value: float, parts: dict[str, float], method: str) -> Estimate:
    spread = float(np.sqrt(sum(part * part for part in parts.values())))
    span = (value - NORMAL_95 * spread, value + NORMAL_95 * spread)
    return Estimate(value, spread, span, method, None, tuple(parts.items()))
