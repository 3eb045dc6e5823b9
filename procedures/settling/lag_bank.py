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
SUBDIVISIONS = 8
HISTORY_STEP_S = 5.0
HISTORY_ROWS = 4320  # 6 h
JUMP_K_PER_S = 2.0

LAGS_S: NDArray[np.float64] = np.geomspace(LAG_MIN_S, LAG_MAX_S, COARSE)
FINE_COUNT = (COARSE - 1) * SUBDIVISIONS + 1
FINE_LAGS_S: NDArray[np.float64] = np.geomspace(LAG_MIN_S, LAG_MAX_S, FINE_COUNT)
_CELL = np.minimum(np.arange(FINE_COUNT) // SUBDIVISIONS, COARSE - 2)
_FRACTION = np.arange(FINE_COUNT) / SUBDIVISIONS - _CELL


def to_fine(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows over the coarse grid (…, 64) interpolated in ln(lag) onto the fine grid (…, 505).

    The grid is 10 % wide: linear interpolation of a 10 K approach is good to 0.01 K.
    """
    return rows[..., _CELL] * (1 - _FRACTION) + rows[..., _CELL + 1] * _FRACTION


def coarse_moments(weight: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """Weights over the fine grid (505,) turned into forms of a coarse row r (64,).

    Returns a, b, c: the weighted mean of the interpolated row is a.r, of its square b.r^2 + 2 c.(r[:-1] r[1:]).
    """
    low, high = weight * (1 - _FRACTION), weight * _FRACTION
    mean = np.bincount(_CELL, low, COARSE) + np.bincount(_CELL + 1, high, COARSE)
    square = np.bincount(_CELL, low * (1 - _FRACTION), COARSE) + np.bincount(_CELL + 1, high * _FRACTION, COARSE)
    product = np.bincount(_CELL, low * _FRACTION, COARSE - 1)
    return mean.astype(np.float64), square.astype(np.float64), product.astype(np.float64)


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
            self.t_s, self.reading_C = t_s, temperature_C
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
