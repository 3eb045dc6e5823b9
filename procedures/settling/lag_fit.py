"""Learn a sample's lag behind the furnace sensor from its own resistance, the way one reads a thermometer.

Model: ln R = c + E / (k T), T the furnace reading after a first-order lag, or two in series. On a grid of lags c and E
are fitted in closed form (c free, E with what is known of it), and the misfit becomes a weight of each lag. What is
said of the sample's temperature is the weighted mean, its uncertainty the weighted spread: a lag that is not known yet
shows as an uncertain temperature, and no separate rule for "learned enough" is needed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

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
    """One monitor value: ln R at `t_s`, its relative uncertainty, the lagged temperatures then (64,)."""

    t_s: float
    log_resistance: float
    uncertainty: float
    row: NDArray[np.float64]


@dataclass(frozen=True)
class LagFit:
    """`log_weight` per hypothesis (759,), activation energy (eV), relative rms of the residuals, points used."""

    log_weight: NDArray[np.float64]
    energy_eV: float
    energy_uncertainty_eV: float
    residual: float
    expected: float
    points: int

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
    points: list[MonitorPoint], prior: NDArray[np.float64], energy_eV: float, energy_spread_eV: float
) -> LagFit:
    """Weights of all lags given the monitor points; needs two points to say anything."""
    if len(points) < 2:
        return LagFit(prior, energy_eV, energy_spread_eV, 0.0, 0.0, len(points))
    inverse_kT = 1 / (BOLTZMANN_EV_PER_K * (to_hypotheses(np.array([p.row for p in points])) + ZERO_C_K))
    y = np.array([p.log_resistance for p in points])
    weight = np.array([p.uncertainty for p in points]) ** -2.0
    total = weight.sum()
    column = weight[:, None]
    x = inverse_kT - (column * inverse_kT).sum(axis=0) / total
    y = y - float(weight @ y) / total
    # sums, not matrix products: a threaded BLAS spends more on its threads than on these sizes
    xx, xy, yy = (column * x**2).sum(axis=0), ((weight * y)[:, None] * x).sum(axis=0), float(weight @ y**2)
    known = energy_spread_eV**-2.0
    energy = (xy + energy_eV * known) / (xx + known)
    misfit = yy - 2 * energy * xy + energy**2 * xx
    cost = misfit + (energy - energy_eV) ** 2 * known
    best = int(np.argmin(cost - 2 * prior))
    noise = max(1.0, float(misfit[best]) / max(1, len(points) - 2))
    log_weight = prior - 0.5 * cost / noise - 0.5 * np.log(xx + known)
    best = int(np.argmax(log_weight))
    return LagFit(
        log_weight=log_weight - log_weight[best],
        energy_eV=float(energy[best]),
        energy_uncertainty_eV=math.sqrt(noise / float(xx[best] + known)),
        residual=math.sqrt(max(0.0, float(misfit[best])) / total),
        expected=math.sqrt(len(points) / total),
        points=len(points),
    )


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
    learned: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._believe(LagFit(self._belief(), self.energy_eV, self.energy_spread_eV, 0, 0, 0))

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
        if known_C is not None:
            self.anchors = [replace(p, row=np.full(COARSE, self.mean_temperature(p.row))) for p in self.anchors]
        self.points = []
        self.direction = direction
        self._refit()

    def add(self, point: MonitorPoint) -> None:
        self.points.append(point)
        if len(self.points) > MAX_POINTS:
            del self.points[0]
        self._refit()

    def _refit(self) -> None:
        belief = self._belief()
        fit = fit_lag(self.anchors + self.points, belief, self.energy_eV, self.energy_spread_eV)
        if self._implausible(fit) and self.anchors:  # the sample may have changed in between
            fit = fit_lag(self.points, belief, self.energy_eV, self.energy_spread_eV)
        self.misfit = self._implausible(fit)
        if self.misfit:
            fit = LagFit(belief, self.energy_eV, self.energy_spread_eV, fit.residual, fit.expected, fit.points)
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

    @property
    def lag_s(self) -> float:
        return math.exp(self.log_lag)

    @property
    def lag_uncertainty(self) -> float:
        """Relative, one sigma; above ~0.5 nothing has been learned."""
        return math.hypot(self.log_spread, LAG_MODEL_ERROR)

    def mean_temperature(self, row: NDArray[np.float64]) -> float:
        return float(row @ self._mean_of)

    def temperature(self, row: NDArray[np.float64]) -> tuple[float, float]:
        """The sample's temperature and its uncertainty (degC, K) from the lagged temperatures of one moment."""
        mean = self.mean_temperature(row)
        away = row - mean
        square = float(away @ self._square_of @ away)
        spread = math.sqrt(max(0.0, square))
        position = (self.log_lag - _LOG_COARSE[0]) / _LOG_SPACING
        cell = min(max(int(position), 0), COARSE - 2)
        per_log = (row[cell + 1] - row[cell]) / _LOG_SPACING
        return mean, math.hypot(spread, LAG_MODEL_ERROR * float(per_log))

    def excess(self, points: list[MonitorPoint]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """What temperature doesn't explain: ln R - E/(kT) of each point less the last one's, and standard errors."""
        fine = to_hypotheses(np.array([p.row for p in points]))
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
