"""Learn a sample's lag behind the furnace sensor from its own resistance, the way one reads a thermometer.

Model: ln R = c + E / (k T), T the furnace reading after a first-order lag, or two in series, and what is left of a gap
that the sample may have had at the start. On a grid of lags c, E and the gap are fitted in closed form (c free, the
others with what is known of them), and the misfit becomes a weight of each lag. What is said of the sample's
temperature is the weighted mean, its uncertainty the weighted spread: a lag that is not known yet shows as an uncertain
temperature, and no separate rule for "learned enough" is needed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from procedures.settling.closed_form import with_gap, without_gap
from procedures.settling.first_gap import FirstGap
from procedures.settling.lag_bank import (
    COARSE,
    LAGS_S,
    RATIO_CLASS,
    RATIO_PRIOR,
    TOTAL_LAG_S,
    ZERO_C_K,
    coarse_moments,
    to_hypotheses,
)

BOLTZMANN_EV_PER_K = 8.617333262e-5

PRIOR_LAG_S = 480.0
PRIOR_LOG_SPREAD = 1.0
PRIOR_ENERGY_SPREAD_EV = 0.3
STEP_ENERGY_SPREAD_EV = 0.02  # how far the local activation energy may move from one step to the next
PHASE_ENERGY_SPREAD_EV = 0.15  # and how far it may move where the resistance did what temperature doesn't explain
MAKE_UP_DOUBT = 0.1
STEP_LOG_SPREAD = 0.03  # and the lag
LAG_MODEL_ERROR = 0.03  # lags in series are a model: none is believed to better than this
GAP_MODEL_ERROR = 0.05  # share of the gap between furnace and sample that one lag may get wrong in a monitor value
TIMING_S = 2.0  # where within a spectrum the resistance is decided isn't known better
MISFIT = 0.012
MOST_SHARE = 1 - 1e-9
GAP_LEFT_K = 0.05
DOUBT = -18.0  # log weight that every lag keeps: a wrong belief can be left, but doesn't blur the temperature
MAX_POINTS = 120
LEARNED = 0.3  # relative uncertainty from which a lag is worth naming
PLAUSIBLE = 3.0  # standard errors by which a step may differ from what earlier steps taught
PLAUSIBLE_LOG_LAG = 0.3

_LOG_LAG = np.log(TOTAL_LAG_S)
_LOG_COARSE = np.log(LAGS_S)
_LOG_SPACING = float(_LOG_COARSE[1] - _LOG_COARSE[0])
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
    return _with_doubt(_CLASS_PRIOR - 0.5 * ((_LOG_LAG - math.log(lag_s)) / spread) ** 2)


def widen(log_weight: NDArray[np.float64], by: float) -> NDArray[np.float64]:
    """The same belief some time later: blurred by `by` in ln(lag) for each make-up, and never quite sure."""
    weight = np.exp(log_weight - log_weight.max())
    weight = weight / weight.sum()
    later = np.full_like(weight, -np.inf)
    for make_up, before in enumerate(RATIO_PRIOR):
        mine = make_up == RATIO_CLASS
        share = float(weight[mine].sum())
        mean, spread = _moments(np.where(mine, weight, 0.0) / share if share > 1e-6 else weight)
        spread = math.hypot(spread, by)
        share = (1 - MAKE_UP_DOUBT) * share + MAKE_UP_DOUBT * before
        later[mine] = math.log(share / spread) - 0.5 * ((_LOG_LAG[mine] - mean) / spread) ** 2
    return _with_doubt(later - later.max())


def _with_doubt(log_weight: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.logaddexp(log_weight, DOUBT)


def _moments(weight: NDArray[np.float64]) -> tuple[float, float]:
    mean = float(weight @ _LOG_LAG)
    return mean, math.sqrt(max(0.0, float(weight @ (_LOG_LAG - mean) ** 2)))


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
    mean, spread = _moments(weight / weight.sum())
    return math.exp(mean + 2 * spread)


@dataclass
class SampleTrack:
    """One sample's monitor points and what they taught: its lag (heating and cooling apart) and its energy."""

    energy_eV: float = 0.5
    energy_spread_eV: float = PRIOR_ENERGY_SPREAD_EV
    points: list[MonitorPoint] = field(default_factory=list)
    anchors: list[MonitorPoint] = field(default_factory=list)
    beliefs: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    direction: str = "heating"
    misfit: bool = False
    gap: FirstGap | None = None
    learned: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._believe(LagFit(self._belief(), self.energy_eV, self.energy_spread_eV, 0, 0, 0, self.gap))

    def _belief(self) -> NDArray[np.float64]:
        if self.direction in self.beliefs:
            return self.beliefs[self.direction]
        return widen(next(iter(self.beliefs.values())), 0.5) if self.beliefs else lag_prior()

    def offer_lag(self, lag_s: float, relative_uncertainty: float, direction: str) -> None:
        """A lag known from elsewhere (the store); what was learned in this run goes first."""
        if direction not in self.beliefs:
            self.beliefs[direction] = lag_prior(lag_s, relative_uncertainty)
            self._refit()

    def begin_step(self, direction: str, known_C: float | None = None) -> None:
        """Keep what the last step taught, and its last two points as anchor for the next.

        `known_C`: the lagged temperatures were started anew from here, and the anchors with them.
        """
        if len(self.points) >= 3 and not self.misfit:
            if self.lag_uncertainty < LEARNED:
                self.learned.add(self.direction)
            self.beliefs[self.direction] = widen(np.log(self.weight + 1e-30), STEP_LOG_SPREAD)
            if self.energy_known_eV < 0.5 * self.energy_spread_eV:
                self.energy_eV = self.energy_now_eV
                self.energy_spread_eV = math.hypot(self.energy_known_eV, STEP_ENERGY_SPREAD_EV)
            elif self.energy_spread_eV < PRIOR_ENERGY_SPREAD_EV:
                self.energy_spread_eV = math.hypot(self.energy_spread_eV, STEP_ENERGY_SPREAD_EV)
        if self.misfit:  # it may be another phase by now, with an activation energy of its own
            self.energy_spread_eV = min(
                math.hypot(self.energy_spread_eV, PHASE_ENERGY_SPREAD_EV),
                max(PRIOR_ENERGY_SPREAD_EV, self.energy_spread_eV),
            )
        self.anchors = [] if self.misfit else self.points[-2:]
        self.gap = self.gap_now if self._gap_is_left() else None
        if known_C is not None:
            self.anchors = [
                replace(p, row=np.full(COARSE, self.mean_temperature(p.row, p.t_s)), is_lagged=False)
                for p in self.anchors
            ]
            self.gap = None
        self.points = []
        self.direction = direction
        self._refit()

    def _gap_is_left(self) -> bool:
        """Long after the start it could only explain what is something else, as a slow transition."""
        if not self.points:
            return self.gap is not None
        mean_K, spread_K = self._gap_at(self.points[-1].t_s)
        return abs(mean_K) + spread_K > GAP_LEFT_K

    def add(self, point: MonitorPoint) -> None:
        self.points.append(point)
        if len(self.points) > MAX_POINTS:
            del self.points[0]
        self._refit()

    def _refit(self) -> None:
        belief = self._belief()
        fit = fit_lag(self.anchors + self.points, belief, self.energy_eV, self.energy_spread_eV, self.gap)
        if self._implausible(fit) and self.anchors:  # the sample may have changed in between
            fit = fit_lag(self.points, belief, self.energy_eV, self.energy_spread_eV, self.gap)
        self.misfit = self._implausible(fit)
        if self.misfit:
            fit = LagFit(
                belief, self.energy_eV, self.energy_spread_eV, fit.residual, fit.expected, fit.points, self.gap
            )
        self._believe(fit)

    def _implausible(self, fit: LagFit) -> bool:
        """A transition can look like a lag with a wild activation energy: what earlier steps taught says no."""
        if fit.misfit or abs(fit.energy_eV - self.energy_eV) > PLAUSIBLE * self.energy_spread_eV:
            return True
        if self.direction not in self.learned:
            return False
        weight = np.exp(self._belief())
        mean, spread = _moments(weight / weight.sum())
        found = float(_LOG_LAG[int(np.argmax(fit.log_weight))])
        return abs(found - mean) > max(PLAUSIBLE * spread, PLAUSIBLE_LOG_LAG)

    def _believe(self, fit: LagFit) -> None:
        weight = np.exp(fit.log_weight - fit.log_weight.max())
        self.weight = weight / weight.sum()
        self.log_lag, self.log_spread = _moments(self.weight)
        # moments of the temperature as a linear and a quadratic form of the coarse row: asked every second
        self._mean_of, self._square_of = coarse_moments(self.weight)
        self.energy_now_eV = fit.energy_eV
        self.energy_known_eV = fit.energy_uncertainty_eV
        self.residual = fit.residual
        self.gap_now = fit.gap

    @property
    def lag_s(self) -> float:
        return math.exp(self.log_lag)

    @property
    def lag_uncertainty(self) -> float:
        """Relative, one sigma; above ~0.5 nothing has been learned."""
        return math.hypot(self.log_spread, LAG_MODEL_ERROR)

    def mean_temperature(self, row: NDArray[np.float64], t_s: float) -> float:
        return float(row @ self._mean_of) + self._gap_at(t_s)[0]

    def _gap_at(self, t_s: float) -> tuple[float, float]:
        """What is left at `t_s` of the gap of the start, and its uncertainty, K."""
        return (0.0, 0.0) if self.gap_now is None else self.gap_now.moments(t_s, self.weight)

    def temperature(self, row: NDArray[np.float64], t_s: float) -> tuple[float, float]:
        """The sample's temperature and its uncertainty (degC, K) from the lagged temperatures of one moment."""
        gap_K, gap_spread_K = self._gap_at(t_s)
        mean = float(row @ self._mean_of)
        away = row - mean
        square = float(away @ self._square_of @ away)
        spread = math.hypot(math.sqrt(max(0.0, square)), gap_spread_K)
        mean += gap_K
        position = (self.log_lag - _LOG_COARSE[0]) / _LOG_SPACING
        cell = min(max(int(position), 0), COARSE - 2)
        per_log = (row[cell + 1] - row[cell]) / _LOG_SPACING
        return mean, math.hypot(spread, LAG_MODEL_ERROR * float(per_log))

    def excess(self, points: list[MonitorPoint]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """What temperature doesn't explain: ln R - E/(kT) of each point less the last one's, and standard errors."""
        fine = to_hypotheses(np.array([p.row for p in points]))
        if self.gap_now is not None:
            lagged = np.array([p.is_lagged for p in points])[:, None]
            gap_K = self.gap_now.share * self.gap_now.mean_K
            fine = fine + lagged * gap_K * self.gap_now.left(np.array([p.t_s for p in points]))
        inverse_kT = 1 / (BOLTZMANN_EV_PER_K * (fine + ZERO_C_K))
        y = np.array([p.log_resistance for p in points])
        change = inverse_kT - inverse_kT[-1]
        mean = (change * self.weight).sum(axis=1)
        spread = np.sqrt(np.maximum(0.0, ((change - mean[:, None]) ** 2 * self.weight).sum(axis=1)))
        noise = np.array([p.uncertainty for p in points])
        error = np.sqrt(
            noise**2
            + noise[-1] ** 2
            + (self.energy_known_eV * mean) ** 2
            + (self.energy_now_eV * spread) ** 2
            + (self.energy_now_eV * LAG_MODEL_ERROR * mean) ** 2
        )
        return y - y[-1] - self.energy_now_eV * mean, error
