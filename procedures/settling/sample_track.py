"""One sample over a whole sweep: its monitor points, and what they taught of lag, energy and temperature."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from procedures.settling.first_gap import FirstGap
from procedures.settling.lag_bank import COARSE, LAGS_S, ZERO_C_K, coarse_moments, to_hypotheses
from procedures.settling.lag_fit import (
    BOLTZMANN_EV_PER_K,
    LEARNED,
    LOG_LAG,
    PRIOR_ENERGY_SPREAD_EV,
    STEP_LOG_SPREAD,
    LagFit,
    MonitorPoint,
    fit_lag,
    lag_prior,
    moments,
    widen,
)

STEP_ENERGY_SPREAD_EV = 0.02  # how far the local activation energy may move from one step to the next
PHASE_ENERGY_SPREAD_EV = 0.15  # and how far it may move where the resistance did what temperature doesn't explain
LAG_MODEL_ERROR = 0.03  # lags in series are a model: none is believed to better than this
GAP_LEFT_K = 0.05
MAX_POINTS = 120
PLAUSIBLE = 3.0  # standard errors by which a step may differ from what earlier steps taught
PLAUSIBLE_LOG_LAG = 0.3

_LOG_COARSE = np.log(LAGS_S)
_LOG_SPACING = float(_LOG_COARSE[1] - _LOG_COARSE[0])


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
        mean, spread = moments(weight / weight.sum())
        found = float(LOG_LAG[int(np.argmax(fit.log_weight))])
        return abs(found - mean) > max(PLAUSIBLE * spread, PLAUSIBLE_LOG_LAG)

    def _believe(self, fit: LagFit) -> None:
        weight = np.exp(fit.log_weight - fit.log_weight.max())
        self.weight = weight / weight.sum()
        self.log_lag, self.log_spread = moments(self.weight)
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
