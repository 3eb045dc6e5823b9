"""First-order lags of the furnace reading for a whole grid of time constants at once.

The sample's lag isn't known beforehand. Instead of keeping the reading's history and filtering it again for
every guess, each reading moves one filter per guess: constant cost and memory, however long the run.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

ZERO_C_K = 273.15
LAG_MIN_S = 10.0
LAG_MAX_S = 7200.0
COARSE = 64
SUBDIVISIONS = 4
# A sample behind a holder has two lags in series; hypotheses of the smaller over the larger, and what is thought of
# each beforehand. More than these can't be told apart in a noisy resistance.
RATIOS = (0.0, 0.2, 0.5)
RATIO_PRIOR = (0.5, 0.25, 0.25)
HISTORY_STEP_S = 5.0
HISTORY_ROWS = 4320  # 6 h
JUMP_K_PER_S = 2.0

LAGS_S: NDArray[np.float64] = np.geomspace(LAG_MIN_S, LAG_MAX_S, COARSE)
FINE_COUNT = (COARSE - 1) * SUBDIVISIONS + 1
HYPOTHESES = FINE_COUNT * len(RATIOS)
_LARGER_S = np.tile(np.geomspace(LAG_MIN_S, LAG_MAX_S, FINE_COUNT), len(RATIOS))
_RATIO = np.repeat(RATIOS, FINE_COUNT)
_RATIO[_LARGER_S * _RATIO < LAG_MIN_S] = 0.0  # a second lag below the grid's is none
TOTAL_LAG_S: NDArray[np.float64] = _LARGER_S * (1 + _RATIO)
RATIO_CLASS = np.repeat(np.arange(len(RATIOS)), FINE_COUNT)


def _interpolation() -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Indices and coefficients (4, hypotheses) that make a hypothesis' temperature from a coarse row.

    Two lags a > b in series answer with (a T_a - b T_b) / (a - b), each T interpolated in ln(lag).
    """
    spacing = math.log(LAGS_S[1] / LAGS_S[0])
    indices, coefficients = [], []
    smaller = np.where(_RATIO > 0, _RATIO, 1.0) * _LARGER_S
    for lag, factor in ((_LARGER_S, 1 / (1 - _RATIO)), (smaller, -_RATIO / (1 - _RATIO))):
        position = np.log(lag / LAG_MIN_S) / spacing
        cell = np.clip(position.astype(np.intp), 0, COARSE - 2)
        indices += [cell, cell + 1]
        coefficients += [factor * (1 - position + cell), factor * (position - cell)]
    return np.array(indices), np.array(coefficients)


_INDEX, _COEFFICIENT = _interpolation()


def to_hypotheses(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows over the coarse grid (..., 64) as temperatures of all hypotheses (..., 759), good to 0.02 K."""
    return sum((rows[..., i] * c for i, c in zip(_INDEX, _COEFFICIENT, strict=True)), np.zeros(1))


def coarse_moments(weight: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights of the hypotheses as forms of a coarse row r: weighted mean a.r, mean square r.B.r.

    a is (64,), B is (64, 64).
    """
    mean = np.bincount(_INDEX.ravel(), (weight * _COEFFICIENT).ravel(), COARSE)
    pairs = _INDEX[:, None, :] * COARSE + _INDEX[None, :, :]
    products = weight * _COEFFICIENT[:, None, :] * _COEFFICIENT[None, :, :]
    square = np.bincount(pairs.ravel(), products.ravel(), COARSE * COARSE)
    return mean.astype(np.float64), square.astype(np.float64).reshape(COARSE, COARSE)


class LagBank:
    """Sample temperatures `row` (64,), one per lag of `LAGS_S`, exact for a reading that is linear between samples.

    `T' = (T_furnace - T) / lag`. The furnace sensor has a lag of its own, `sensor_lag_s`: the furnace is ahead of
    its reading, which gives the reading itself a share of `sensor_lag_s / lag` in the sample's temperature.
    Starts in equilibrium: the sample is taken to be at the first reading.
    """

    def __init__(self, sensor_lag_s: float = 0.0) -> None:
        self._direct = np.minimum(sensor_lag_s / LAGS_S, 1.0)
        self._lagged = np.zeros(COARSE)
        self.t_s: float | None = None
        self.start_s: float | None = None  # None too once the sample's temperature was told
        self.reading_C = math.nan
        self.row = np.zeros(COARSE)
        self._doubted: float | None = None
        self._times = np.zeros(HISTORY_ROWS)
        self._rows = np.zeros((HISTORY_ROWS, COARSE))
        self._count = 0
        self._decay_dt = -1.0
        self._decay = np.ones(COARSE)

    def feed(self, t_s: float, temperature_C: float) -> None:
        """One reading, degC. Times that don't go forward and non-numbers are ignored."""
        if not (-ZERO_C_K < temperature_C < 1e4 and math.isfinite(t_s)):
            return
        if self.t_s is None:
            self.t_s, self.start_s, self.reading_C = t_s, t_s, temperature_C
            self.row = self._lagged = np.full(COARSE, temperature_C)
            self._keep()
            return
        dt = t_s - self.t_s
        if dt <= 0 or self._doubt(temperature_C, dt):
            return
        if dt != self._decay_dt:
            self._decay_dt, self._decay = dt, np.exp(-dt / LAGS_S)
        behind = (temperature_C - self.reading_C) / dt * LAGS_S
        self._lagged = temperature_C - behind + (self._lagged - self.reading_C + behind) * self._decay
        self.row = self._lagged + self._direct * (temperature_C - self._lagged)
        self.t_s, self.reading_C = t_s, temperature_C
        if t_s - self._times[(self._count - 1) % HISTORY_ROWS] >= HISTORY_STEP_S:
            self._keep()

    def start_from(self, temperature_C: float) -> None:
        """The sample is known to be here now, whatever its lag was so far."""
        self.row = self._lagged = np.full(COARSE, temperature_C)
        self.start_s = None

    def _doubt(self, temperature_C: float, dt: float) -> bool:
        """A jump that no furnace can do isn't believed until the next reading confirms it."""
        if abs(temperature_C - self.reading_C) <= 1.0 + JUMP_K_PER_S * dt:
            self._doubted = None
            return False
        if self._doubted is not None and abs(temperature_C - self._doubted) <= 1.0 + JUMP_K_PER_S * dt:
            self._doubted = None
            return False
        self._doubted = temperature_C
        return True

    def _keep(self) -> None:
        slot = self._count % HISTORY_ROWS
        self._times[slot] = self.t_s
        self._rows[slot] = self.row
        self._count += 1

    def row_at(self, t_s: float) -> NDArray[np.float64] | None:
        """The lagged temperatures at a past time, (64,), degC; None before what is kept (6 h)."""
        if self.t_s is None or t_s >= self.t_s:
            return self.row if self.t_s is not None else None
        kept = min(self._count, HISTORY_ROWS)
        first = self._count - kept
        low, high = first, self._count - 1  # bisect over the ring
        if t_s < self._times[low % HISTORY_ROWS]:
            return None
        while high > low:
            middle = (low + high + 1) // 2
            if self._times[middle % HISTORY_ROWS] <= t_s:
                low = middle
            else:
                high = middle - 1
        t0, row0 = self._times[low % HISTORY_ROWS], self._rows[low % HISTORY_ROWS]
        t1, row1 = self.t_s, self.row
        if low + 1 < self._count:
            t1, row1 = self._times[(low + 1) % HISTORY_ROWS], self._rows[(low + 1) % HISTORY_ROWS]
        if t1 <= t0:
            return row0
        share = (t_s - t0) / (t1 - t0)
        return row0 * (1 - share) + row1 * share
