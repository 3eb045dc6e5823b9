"""Is there a phase transition in an Arrhenius plot, and where?

One line through all points is compared with two lines, one on each side of a break, for every possible break.
The break is taken when an F test says that one line would scatter as much more by chance in less than one of a
thousand sweeps (Quandt, J. Am. Stat. Assoc. 55 (1960) 324; the many possible breaks are paid for by Bonferroni's
factor), and when it is one to a chemist: conductivity jumps by a quarter or more, or the activation energy
changes by 0.05 eV or more, each beyond four standard errors. Up to one point within the jump (a sample half
converted) belongs to neither line. Heating and cooling are looked at apart.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc, fdtrc

from procedures.analysis.arrhenius import BOLTZMANN_EV_K, ZERO_CELSIUS_K
from procedures.analysis.circuit import Floats
from procedures.analysis.estimate import NORMAL_95, Estimate

_CHANCE = 1e-3
LEAST_JUMP = math.log(1.25)
_LEAST_BEND_EV = 0.05
_SIGNIFICANT = 4.0
_LONE_POINT_JUMP = math.log(2.0)
_LEAST_POINTS = 4
_LEAST_ERROR = 0.02
_PRICE = 6.0


@dataclass(frozen=True, eq=False)
class Transition:
    """`low`, `high`: which of the given points lie on the branch below and above (indices)."""

    temperature_C: Estimate
    low: tuple[int, ...]
    high: tuple[int, ...]
    jump: float
    chance: float


@dataclass(frozen=True, eq=False)
class _Line:
    """ln sigma = value[0] + value[1] x, with x = -1/kT - x_mean; a lone point has no slope (NaN)."""

    value: Floats
    covariance: Floats
    chi_square: float
    x_mean: float
    points: int

    def at(self, celsius: float) -> tuple[float, float]:
        """ln sigma and its variance (at chi^2 = freedom)."""
        if self.points == 1:
            return float(self.value[0]), float(self.covariance[0, 0])
        basis = np.array([1.0, _abscissa(np.array([celsius]))[0] - self.x_mean])
        return float(self.value @ basis), float(basis @ self.covariance @ basis)


@dataclass(frozen=True, eq=False)
class _Break:
    """Points [0, first) are below, [second, n) above; what is between belongs to neither."""

    first: int
    second: int
    below: _Line
    above: _Line

    @property
    def chi_square(self) -> float:
        return self.below.chi_square + self.above.chi_square

    @property
    def parameters(self) -> int:
        return min(self.below.points, 2) + min(self.above.points, 2) + self.second - self.first

    @property
    def lone(self) -> bool:
        return min(self.below.points, self.above.points) == 1


def find_transition(
    temperature_C: Floats, sigma_S_cm: Floats, uncertainty: Floats, temperature_uncertainty_K: float = 0.0
) -> Transition | None:
    """The break of one direction, or None. All (n,); `uncertainty` is the standard error of ln sigma (what the
    temperature adds included); no point is trusted to better than 2 %."""
    order = np.argsort(temperature_C)
    celsius, ordinate = temperature_C[order], np.log(sigma_S_cm[order])
    error = np.hypot(uncertainty[order], _LEAST_ERROR)
    n = len(celsius)
    if n < _LEAST_POINTS:
        return None
    best: _Break | None = None
    for first in range(1, n):
        for second in (first, first + 1):
            sides = (first, n - second)
            if min(sides) < 1 or max(sides) < 2 or (second > first and min(sides) < 2):
                continue
            below = _line(celsius[:first], ordinate[:first], error[:first])
            above = _line(celsius[second:], ordinate[second:], error[second:])
            one = _Break(first, second, below, above)
            if best is None or _cost(one) < _cost(best):
                best = one
    whole = _line(celsius, ordinate, error)
    if best is None:
        return None
    chance, scale = _chance(whole, best, n)
    if chance > _CHANCE:
        return None
    place, jump = _place(celsius, best, scale, temperature_uncertainty_K)
    if place is None:
        return None
    low, high = order[: best.first], order[best.second :]
    return Transition(place, tuple(int(i) for i in low), tuple(int(i) for i in high), jump, chance)


def _abscissa(celsius: Floats) -> Floats:
    return -1 / (BOLTZMANN_EV_K * (celsius + ZERO_CELSIUS_K))


def _line(celsius: Floats, ordinate: Floats, error: Floats) -> _Line:
    x = _abscissa(celsius)
    mean = float(x.mean())
    if len(celsius) == 1:
        return _Line(np.array([ordinate[0], np.nan]), np.diag([error[0] ** 2, np.inf]), 0.0, mean, 1)
    design = np.stack([np.ones_like(x), x - mean], axis=1) / error[:, None]
    covariance = np.linalg.pinv(design.T @ design, hermitian=True)
    value = covariance @ (design.T @ (ordinate / error))
    residual = ordinate / error - design @ value
    return _Line(value, covariance, float(residual @ residual), mean, len(celsius))


def _cost(one: _Break) -> float:
    """chi^2 with a price for points that belong to neither line and for lone points."""
    return one.chi_square + _PRICE * one.parameters


def _chance(whole: _Line, best: _Break, n: int) -> tuple[float, float]:
    """Probability that one line is all there is, and the factor on the variances (scatter beyond the errors)."""
    extra = best.parameters - 2
    freedom = n - best.parameters
    scale = max(1.0, best.chi_square / freedom) if freedom > 0 else 1.0
    gain = max(whole.chi_square - best.chi_square, 0.0) / scale
    chance = float(fdtrc(extra, freedom, gain / extra) if scale > 1.0 else chdtrc(extra, gain))
    return min(1.0, chance * (n - 1)), scale


def _place(
    celsius: Floats, best: _Break, scale: float, temperature_uncertainty_K: float
) -> tuple[Estimate | None, float]:
    """Where the break lies and how far ln sigma jumps there; None when it is no break to a chemist."""
    left, right = float(celsius[best.first - 1]), float(celsius[best.second])
    at = 0.5 * (left + right)
    if best.lone:
        at = left if best.below.points == 1 else right
    (low, low_variance), (high, high_variance) = best.below.at(at), best.above.at(at)
    jump, jump_error = high - low, math.sqrt(scale * (low_variance + high_variance))
    least = _LONE_POINT_JUMP if best.lone else LEAST_JUMP
    if abs(jump) > max(least, _SIGNIFICANT * jump_error):
        return _between(left, right, temperature_uncertainty_K), jump
    if best.lone:
        return None, jump
    bend = float(best.above.value[1] - best.below.value[1])
    bend_error = math.sqrt(scale * float(best.above.covariance[1, 1] + best.below.covariance[1, 1]))
    if abs(bend) < max(_LEAST_BEND_EV, _SIGNIFICANT * bend_error):
        return None, jump
    kT_over_K = BOLTZMANN_EV_K * (at + ZERO_CELSIUS_K) ** 2
    crossing = at - jump / bend * kT_over_K
    error = math.hypot(abs(jump_error / bend) * kT_over_K, temperature_uncertainty_K)
    if not left - (right - left) <= crossing <= right + (right - left):
        return _between(left, right, temperature_uncertainty_K), jump
    interval = (crossing - NORMAL_95 * error, crossing + NORMAL_95 * error)
    return Estimate(crossing, error, interval, "crossing of two Arrhenius lines (F test)"), jump


def _between(left: float, right: float, temperature_uncertainty_K: float) -> Estimate:
    error = math.hypot((right - left) / math.sqrt(12), temperature_uncertainty_K)
    text = f"jump between the points at {left:.4g} and {right:.4g} °C (F test of one line against two)"
    margin = NORMAL_95 * temperature_uncertainty_K
    return Estimate(0.5 * (left + right), error, (left - margin, right + margin), text)
