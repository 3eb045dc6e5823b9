"""Learn a sample's lag behind the furnace sensor from its own resistance, the way one reads a thermometer.

Model: ln R = c + E / (k T), T the furnace reading after a first-order lag, or two in series, and what is left of a gap
that the sample may have had at the start. On a grid of lags c, E and the gap are fitted in closed form (c free, the
others with what is known of them), and the misfit becomes a weight of each lag. What is said of the sample's
temperature is the weighted mean, its uncertainty the weighted spread: a lag that is not known yet shows as an uncertain
temperature, and no separate rule for "learned enough" is needed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from procedures.settling.closed_form import with_gap, without_gap
from procedures.settling.first_gap import FirstGap
from procedures.settling.lag_bank import (
    RATIO_CLASS,
    RATIO_PRIOR,
    TOTAL_LAG_S,
    ZERO_C_K,
    to_hypotheses,
)

BOLTZMANN_EV_PER_K = 8.617333262e-5

PRIOR_LAG_S = 480.0
PRIOR_LOG_SPREAD = 1.0
PRIOR_ENERGY_SPREAD_EV = 0.3
MAKE_UP_DOUBT = 0.1
STEP_LOG_SPREAD = 0.03  # and the lag
GAP_MODEL_ERROR = 0.05  # share of the gap between furnace and sample that one lag may get wrong in a monitor value
TIMING_S = 2.0  # where within a spectrum the resistance is decided isn't known better
MISFIT = 0.012
MOST_SHARE = 1 - 1e-9
DOUBT = -18.0  # log weight that every lag keeps: a wrong belief can be left, but doesn't blur the temperature
LEARNED = 0.3  # relative uncertainty from which a lag is worth naming

LOG_LAG = np.log(TOTAL_LAG_S)
_CLASS_PRIOR = np.log(np.array(RATIO_PRIOR))[RATIO_CLASS]


@dataclass(frozen=True)
class MonitorPoint:
    """One monitor value: ln R at `t_s`, its relative uncertainty, the lagged temperatures then (64,).

    `is_lagged` False: the temperature is known, and the gap of the start no part of it.
    """

    t_s: float
    log_resistance: float
    uncertainty: float
    row: NDArray[np.float64]
    is_lagged: bool = True


@dataclass(frozen=True)
class LagFit:
    """`log_weight` per hypothesis (759,), activation energy (eV), relative rms of the residuals, points used."""

    log_weight: NDArray[np.float64]
    energy_eV: float
    energy_uncertainty_eV: float
    residual: float
    expected: float
    points: int
    gap: FirstGap | None = None

    @property
    def misfit(self) -> bool:
        """The resistance did something that temperature, one lag and one activation energy don't explain."""
        return self.points >= 4 and self.residual > max(MISFIT, 3 * self.expected)


def lag_prior(lag_s: float = PRIOR_LAG_S, log_spread: float = PRIOR_LOG_SPREAD) -> NDArray[np.float64]:
    """Log weights of a log-normal belief about the whole lag, whatever it is made of."""
    spread = max(log_spread, STEP_LOG_SPREAD)
    return _with_doubt(_CLASS_PRIOR - 0.5 * ((LOG_LAG - math.log(lag_s)) / spread) ** 2)


def widen(log_weight: NDArray[np.float64], by: float) -> NDArray[np.float64]:
    """The same belief some time later: blurred by `by` in ln(lag) for each make-up, and never quite sure."""
    weight = np.exp(log_weight - log_weight.max())
    weight = weight / weight.sum()
    later = np.full_like(weight, -np.inf)
    for make_up, before in enumerate(RATIO_PRIOR):
        mine = make_up == RATIO_CLASS
        share = float(weight[mine].sum())
        mean, spread = moments(np.where(mine, weight, 0.0) / share if share > 1e-6 else weight)
        spread = math.hypot(spread, by)
        share = (1 - MAKE_UP_DOUBT) * share + MAKE_UP_DOUBT * before
        later[mine] = math.log(share / spread) - 0.5 * ((LOG_LAG[mine] - mean) / spread) ** 2
    return _with_doubt(later - later.max())


def _with_doubt(log_weight: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.logaddexp(log_weight, DOUBT)


def moments(weight: NDArray[np.float64]) -> tuple[float, float]:
    mean = float(weight @ LOG_LAG)
    return mean, math.sqrt(max(0.0, float(weight @ (LOG_LAG - mean) ** 2)))


def fit_lag(
    points: list[MonitorPoint],
    prior: NDArray[np.float64],
    energy_eV: float,
    energy_spread_eV: float,
    gap: FirstGap | None = None,
) -> LagFit:
    """Weights of all lags given the monitor points; needs two points to say anything."""
    if len(points) < 2:
        return LagFit(prior, energy_eV, energy_spread_eV, 0.0, 0.0, len(points), gap)
    absolute_K = to_hypotheses(np.array([p.row for p in points])) + ZERO_C_K
    weight = np.array([p.uncertainty for p in points])[:, None] ** -2.0
    total = float(weight.sum())

    def centred(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return values - (weight * values).sum(axis=0) / total

    x = centred(1 / (BOLTZMANN_EV_PER_K * absolute_K))
    y = centred(np.array([p.log_resistance for p in points])[:, None]) - energy_eV * x
    known = energy_spread_eV**-2.0
    plain = freed = without_gap(x, y, weight, known)
    if gap is not None:
        z = centred(_of_gap(points, absolute_K, energy_eV, gap))
        freed = with_gap(x, z, y - gap.mean_K * z, weight, known, gap.spread_K**-2.0)
    least = min(plain, freed, key=lambda one: float((one.cost - 2 * prior).min()))
    noise = max(1.0, float(least.misfit[int(np.argmin(least.cost - 2 * prior))]) / max(1, len(points) - 2))
    evidence, share = plain.evidence(noise), np.zeros_like(prior)
    if gap is not None:
        there = np.log(gap.share) + freed.evidence(noise)
        evidence = np.logaddexp(np.log1p(-gap.share) + evidence, there)
        share = np.clip(np.exp(there - evidence), 1 - MOST_SHARE, MOST_SHARE)
    log_weight = prior + evidence
    best = int(np.argmax(log_weight))
    told = freed if share[best] > 0.5 else plain
    slowest_s = _slowest_s(log_weight)
    return LagFit(
        log_weight=log_weight - log_weight[best],
        energy_eV=energy_eV + float((1 - share[best]) * plain.energy[best] + share[best] * freed.energy[best]),
        energy_uncertainty_eV=math.sqrt(noise * float(told.energy_variance[best])),
        residual=math.sqrt(max(0.0, float(told.misfit[best])) / total),
        expected=math.sqrt(len(points) / total),
        points=len(points),
        gap=gap and gap.learned(share, gap.mean_K + freed.gap, np.sqrt(noise * freed.gap_variance), slowest_s),
    )


def _of_gap(
    points: list[MonitorPoint], absolute_K: NDArray[np.float64], energy_eV: float, gap: FirstGap
) -> NDArray[np.float64]:
    """What a gap of 1 K at the start does to ln R at each point."""
    left = gap.left(np.array([p.t_s for p in points]))
    left[[not p.is_lagged for p in points]] = 0.0
    return -energy_eV / (BOLTZMANN_EV_PER_K * absolute_K**2) * left


def _slowest_s(log_weight: NDArray[np.float64]) -> float:
    """The lag that is hardly exceeded."""
    weight = np.exp(log_weight - log_weight.max())
    mean, spread = moments(weight / weight.sum())
    return math.exp(mean + 2 * spread)
