"""How far a sample was from the first reading when nobody had looked before: a gap that dies away with the lag.

Mostly there is none. But a run may start on a furnace that has just come down, with the sample still warm inside: its
resistance then moves though the furnace stands, and the fit has to be free to say so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from procedures.settling.lag_bank import HYPOTHESES, LAGS_S, to_hypotheses

SHARE = 0.02  # what is believed beforehand: one run in fifty begins with a gap
SPREAD_K = 5.0
GONE_K = 0.002


@dataclass(frozen=True)
class FirstGap:
    """Per hypothesis (759,): the chance that there is a gap, and what it was at `start_s`, K, if there is.

    Nothing is left of it after `end_s`.
    """

    start_s: float
    share: NDArray[np.float64]
    mean_K: NDArray[np.float64]
    spread_K: NDArray[np.float64]
    end_s: float = math.inf

    @staticmethod
    def unknown(start_s: float) -> FirstGap:
        share, spread_K = np.full(HYPOTHESES, SHARE), np.full(HYPOTHESES, SPREAD_K)
        return FirstGap(start_s, share, np.zeros(HYPOTHESES), spread_K)

    def left(self, t_s: float | NDArray[np.float64]) -> NDArray[np.float64]:
        """The share that is left of it at each time, (..., 759); 1 at its start and before."""
        age_s = np.maximum(0.0, np.asarray(t_s, dtype=float) - self.start_s)
        return to_hypotheses(np.exp(-age_s[..., None] / LAGS_S))

    def learned(
        self,
        share: NDArray[np.float64],
        mean_K: NDArray[np.float64],
        spread_K: NDArray[np.float64],
        slowest_lag_s: float,
    ) -> FirstGap:
        """What the fit made of it; with a lag of `slowest_lag_s` at most it is gone at `end_s`."""
        largest_K = max(float(np.max(np.abs(mean_K) + spread_K)), GONE_K)
        end_s = self.start_s + slowest_lag_s * math.log(largest_K / GONE_K)
        return FirstGap(self.start_s, share, mean_K, spread_K, end_s)

    def moments(self, t_s: float, weight: NDArray[np.float64]) -> tuple[float, float]:
        """What is left of it at `t_s` and its standard deviation, K, over the weighted hypotheses."""
        if t_s > self.end_s:
            return 0.0, 0.0
        left = self.left(t_s)
        mean = float(weight @ (self.share * self.mean_K * left))
        square = float(weight @ (self.share * (self.mean_K**2 + self.spread_K**2) * left**2))
        return mean, math.sqrt(max(0.0, square - mean**2))
