"""A current that falls to a steady value: I + sum A exp(-t / tau) with one and with two time constants."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.optimize import least_squares

from procedures.analysis.current_segments import Floats

_POINTS = 240
_TIME_CONSTANTS = 14


def thinned(time_s: Floats, current_A: Floats) -> tuple[Floats, Floats, Floats]:
    """Time, mean current and number of rows in bins that grow with time: a fit of fixed cost for any length."""
    if len(time_s) <= _POINTS:
        return time_s, current_A, np.ones(len(time_s))
    rows = np.unique(np.concatenate(([0], np.geomspace(1, len(time_s), _POINTS).astype(np.int64))))
    start = rows[:-1]
    count = np.diff(rows).astype(np.float64)
    return np.add.reduceat(time_s, start) / count, np.add.reduceat(current_A, start) / count, count


@dataclass(frozen=True)
class Decay:
    """The steady current, its standard error, what is still to fall at the end, and the noise of the last point."""

    current_A: float
    error_A: float
    to_fall_A: float
    noise_A: float


def averaged_decay(time_s: Floats, current_A: Floats, count: Floats) -> Decay:
    """One and two time constants, averaged by exp(-BIC / 2)."""
    weight = np.sqrt(count)
    fits = [_fit(number, time_s, current_A, weight) for number in (1, 2)]
    size = len(time_s)
    residual = min((fit[3] for fit in fits), key=lambda one: float(one @ one))
    power = float(residual @ residual)
    r = float(np.clip(residual[1:] @ residual[:-1] / max(power, 1e-300), 0.0, 0.9))
    variance = max(power, 1e-300) / max(size - 5, 1) * (1 + r) / (1 - r)
    score = np.array(
        [-0.5 * (float(fit[3] @ fit[3]) / variance + 2 * (k + 1) * np.log(size)) for k, fit in enumerate(fits)]
    )
    share = np.exp(score - score.max())
    share /= share.sum()
    value = np.array([fit[0] for fit in fits])
    mean = float(share @ value)
    spread = float(np.sqrt(share @ (variance * np.array([fit[1] for fit in fits]) + (value - mean) ** 2)))
    to_fall = float(share @ np.abs([fit[2] for fit in fits]))
    return Decay(mean, spread, to_fall, float(np.sqrt(variance / count[-1])))


def _fit(number: int, time_s: Floats, current_A: Floats, weight: Floats) -> tuple[float, float, float, Floats]:
    """Steady current, its variance per unit variance of a row, what is left at the end, weighted residuals.

    Linear in the amplitudes (variable projection); the time constants start at the best of a coarse grid.
    """
    last, scale = float(time_s[-1]), float(np.max(np.abs(current_A))) or 1.0
    y = current_A * weight / scale

    def solved(log_tau: Floats) -> tuple[Floats, Floats, Floats]:
        shape: Floats = np.asarray(np.exp(-time_s[:, None] / np.exp(log_tau)), np.float64)
        design = np.column_stack((np.ones(len(time_s)), shape)) * weight[:, None]
        solution = np.asarray(np.linalg.lstsq(design, y, rcond=None)[0], np.float64)
        return shape, solution, np.asarray(design @ solution - y, np.float64)

    grid = np.log(np.geomspace(max(last / 2000, 1e-9), last, _TIME_CONSTANTS))
    starts = combinations(grid.tolist(), number)
    start = min((np.array(one) for one in starts), key=lambda one: float(np.sum(solved(one)[2] ** 2)))
    bounds = (np.log(max(last / 1e4, 1e-9)), np.log(3 * last))
    tau = least_squares(lambda x: solved(x)[2], start, bounds=bounds, x_scale=1.0).x
    shape, solution, residual = solved(tau)
    slope = shape * solution[1:] * time_s[:, None] / np.exp(tau)  # by ln tau
    jacobian = np.column_stack((np.ones(len(time_s)), shape, slope)) * weight[:, None]
    # To columns of one size: two time constants that meet have amplitudes beside which the steady current is lost.
    size = np.maximum(np.linalg.norm(jacobian, axis=0), 1e-300)
    jacobian = jacobian / size
    spread = float(np.linalg.pinv(jacobian.T @ jacobian, rcond=1e-12)[0, 0]) / float(size[0]) ** 2
    return float(solution[0]) * scale, spread, float(shape[-1] @ solution[1:]) * scale, residual * scale
