"""Activation energy and prefactor from conductivities over temperature.

ln sigma = ln A - Ea / (k T), or with the convention "ln sigma T": ln (sigma T) = ln A - Ea / (k T). The two give
activation energies that differ by about k T (0.56 and 0.589 eV from the same data), so the convention goes with
every number. Errors in sigma and in T both count: the variance of a point is u(ln sigma)^2 + (Ea u(T) / k T^2)^2
("effective variance", Orear, Am. J. Phys. 50 (1982) 912). What all points share in ohm (the leads) is a parameter
of the fit with its uncertainty as prior knowledge: R_measured = R + s u, s = 0 +- 1. Where the points
scatter by more than their uncertainties the errors are widened by sqrt(chi^2 / (n - 2)) (Birge, Phys. Rev. 40
(1932) 207). Geometry is no part of it: it moves ln A alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from daq.errors import AnalysisRefused
from procedures.analysis.circuit import Floats
from procedures.analysis.estimate import NORMAL_95, Estimate, log_interval
from procedures.analysis.quantiles import student_95

BOLTZMANN_EV_K = 8.617333262e-5
ZERO_CELSIUS_K = 273.15
Convention = Literal["ln sigma", "ln sigma T"]
CONVENTIONS: tuple[Convention, ...] = ("ln sigma", "ln sigma T")
_LEAST_RELATIVE = 1e-4
_LEAST_SPAN_K = 1.0
_LEAST_WHOLE = 0.05
_ROUNDS = 40


@dataclass(frozen=True, eq=False)
class ArrheniusFit:
    """A straight line through ln sigma (or ln sigma T) over 1 / T.

    `residuals` (n,) of the ordinate; `uncertainties` (n,) what each point was weighted with; `quantile` the factor
    from one standard error to the 95 % interval.
    """

    convention: Convention
    activation_energy_eV: Estimate
    prefactor_S_cm: Estimate
    temperature_C: Floats
    sigma_S_cm: Floats
    residuals: Floats
    uncertainties: Floats
    chi_square: float
    widened: float
    quantile: float
    _line: Floats
    _covariance: Floats
    _inverse_kT_mean: float

    def _ordinate(self, temperature_C: Floats) -> tuple[Floats, Floats]:
        """ln sigma and its standard error."""
        kelvin = temperature_C + ZERO_CELSIUS_K
        basis = np.stack([np.ones_like(kelvin), self._inverse_kT_mean - 1 / (BOLTZMANN_EV_K * kelvin)])
        value = self._line @ basis
        if self.convention == "ln sigma T":
            value = value - np.log(kelvin)
        return value, np.sqrt(np.maximum(np.einsum("it,ij,jt->t", basis, self._covariance, basis), 0.0))

    def conductivity(self, temperature_C: float) -> Estimate:
        """sigma in S/cm at a temperature, from the line, without the uncertainty of the geometry."""
        value, error = self._ordinate(np.array([float(temperature_C)]))
        sigma = math.exp(value[0])
        low, high = math.exp(value[0] - self.quantile * error[0]), math.exp(value[0] + self.quantile * error[0])
        text = f"Arrhenius line, {self.convention}"
        low_C, high_C = float(self.temperature_C.min()), float(self.temperature_C.max())
        if not low_C - 2 <= temperature_C <= high_C + 2:
            text += f", extrapolated from {low_C:.0f}...{high_C:.0f} °C"
        return Estimate(sigma, sigma * float(error[0]), (low, high), text)

    def band(self, temperature_C: ArrayLike) -> tuple[Floats, Floats, Floats]:
        """sigma (S/cm) and the 95 % interval of the line at temperatures (m,): value, low, high, each (m,)."""
        value, error = self._ordinate(np.asarray(temperature_C, dtype=float))
        return np.exp(value), np.exp(value - self.quantile * error), np.exp(value + self.quantile * error)


def fit_arrhenius(
    temperature_C: ArrayLike,
    sigma_S_cm: ArrayLike,
    relative_uncertainty: ArrayLike = 0.01,
    temperature_uncertainty_K: ArrayLike = 0.0,
    convention: Convention = "ln sigma",
    common_relative_uncertainty: ArrayLike | None = None,
) -> ArrheniusFit:
    """Weighted regression; all arguments (n,) or a number, standard errors.

    `common_relative_uncertainty` (m, n) holds m resistances in series that all points share, each row as its
    standard error over the measured resistance.
    Raises AnalysisRefused for fewer than two usable points, or temperatures that are all the same.
    """
    kelvin, sigma, own, kelvin_error, common = _checked(
        temperature_C, sigma_S_cm, relative_uncertainty, temperature_uncertainty_K, common_relative_uncertainty
    )
    if convention not in CONVENTIONS:
        raise AnalysisRefused(f"{convention!r} is no Arrhenius convention (allowed: {', '.join(CONVENTIONS)})")
    power = 1.0 if convention == "ln sigma T" else 0.0
    solved = _regress(kelvin, sigma, own, kelvin_error, common, power)
    line, mean, residuals, error = solved.line, solved.mean, solved.residuals, solved.error
    count = len(kelvin)
    freedom = count - 2
    chi_square = solved.chi_square
    covariance = solved.covariance
    widened, quantile = 1.0, NORMAL_95
    if freedom > 0 and chi_square > freedom:
        widened = math.sqrt(chi_square / freedom)
        quantile = student_95(freedom) if widened > 1.5 else NORMAL_95
        covariance = covariance * widened**2
    return ArrheniusFit(
        convention=convention,
        activation_energy_eV=_energy(line, covariance, quantile, convention, len(kelvin)),
        prefactor_S_cm=_prefactor(line, covariance, mean, convention, quantile),
        temperature_C=kelvin - ZERO_CELSIUS_K,
        sigma_S_cm=sigma,
        residuals=residuals,
        uncertainties=error,
        chi_square=chi_square,
        widened=widened,
        quantile=quantile,
        _line=line,
        _covariance=covariance,
        _inverse_kT_mean=mean,
    )


@dataclass(frozen=True, eq=False)
class _Regression:
    line: Floats
    mean: float
    covariance: Floats
    residuals: Floats
    error: Floats
    chi_square: float


def _regress(
    kelvin: Floats, sigma: Floats, own: Floats, kelvin_error: Floats, common: Floats, power: float
) -> _Regression:
    """Gauss-Newton on ln sigma_measured = -ln(T^power exp(-(a + b x)) + sum s_j u_j), the series
    resistances s_j being 0 +- 1 beforehand. Starts from the line that leaves them out."""
    inverse = 1 / (BOLTZMANN_EV_K * kelvin)
    mean = float(inverse.mean())
    x = mean - inverse
    measured = np.log(sigma)
    series = common / sigma
    shared = len(common)
    start_error = np.sqrt(own**2 + np.sum(common**2, axis=0) + (kelvin_error / kelvin) ** 2)
    design = np.stack([np.ones_like(x), x], axis=1) / start_error[:, None]
    line = np.linalg.lstsq(design, (measured + power * np.log(kelvin)) / start_error, rcond=None)[0]
    values = np.concatenate([line, np.zeros(shared)])
    prior = np.diag([0.0, 0.0] + [1.0] * shared)
    residuals, error, inverse_gram = x, own, prior
    for _ in range(_ROUNDS):
        true = kelvin**power * np.exp(-np.clip(values[0] + values[1] * x, -600, 600))
        whole = np.maximum(true + values[2:] @ series, _LEAST_WHOLE * true)
        share = true / whole
        slope = values[1] / (BOLTZMANN_EV_K * kelvin**2) - power / kelvin
        error = np.hypot(own, share * slope * kelvin_error)
        residuals = measured + np.log(whole)
        slopes = np.concatenate([[share, share * x], -series / whole]).T / error[:, None]
        inverse_gram = np.linalg.inv(slopes.T @ slopes + prior)
        step = inverse_gram @ (slopes.T @ (residuals / error) - prior @ values)
        share_of_step = min(1.0, 2.0 / max(float(np.abs(step[2:]).max(initial=0.0)), 1e-9))
        values = values + share_of_step * step
        if float(np.abs(step).max()) < 1e-9:
            break
    chi_square = float(np.sum((residuals / error) ** 2) + values[2:] @ values[2:])
    return _Regression(values[:2], mean, inverse_gram[:2, :2], residuals, error, chi_square)


def _energy(line: Floats, covariance: Floats, quantile: float, convention: Convention, count: int) -> Estimate:
    value, error = float(line[1]), math.sqrt(float(covariance[1, 1]))
    method = f"weighted regression of {convention} over 1/T, {count} points"
    return Estimate(value, error, (value - quantile * error, value + quantile * error), method)


def _prefactor(line: Floats, covariance: Floats, mean: float, convention: Convention, quantile: float) -> Estimate:
    basis = np.array([1.0, mean])
    log_value = float(basis @ line)
    error = math.sqrt(float(basis @ covariance @ basis))
    if not abs(log_value) < 650:
        return Estimate.refused("the extrapolation to infinite temperature is not a number a computer can hold")
    value = math.exp(log_value)
    unit = "S/cm" if convention == "ln sigma" else "S K/cm"
    low, high = log_interval(value, min(value * error * quantile / NORMAL_95, value * 300))
    return Estimate(value, value * error, (low, high), f"A of {convention} = ln A - Ea/kT, in {unit}")


def _checked(
    temperature_C: ArrayLike, sigma: ArrayLike, own: ArrayLike, kelvin_error: ArrayLike, common: ArrayLike | None
) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    celsius = np.atleast_1d(np.asarray(temperature_C, dtype=float))
    shape = celsius.shape
    values = [np.broadcast_to(np.asarray(one, dtype=float), shape) for one in (sigma, own, kelvin_error)]
    shared = np.zeros((0, len(celsius))) if common is None else np.atleast_2d(np.asarray(common, dtype=float))
    usable = np.isfinite(celsius) & (celsius > -ZERO_CELSIUS_K) & np.isfinite(values[0]) & (values[0] > 0)
    usable &= np.isfinite(values[1]) & np.isfinite(shared).all(axis=0)
    if usable.sum() < 2:
        count = "a single point" if usable.any() else "no point"
        raise AnalysisRefused(f"{count} with a temperature and a conductivity: an activation energy needs at least two")
    if np.ptp(celsius[usable]) < _LEAST_SPAN_K:
        raise AnalysisRefused("all temperatures are the same within 1 K: there is no activation energy in them")
    kelvin = celsius[usable] + ZERO_CELSIUS_K
    sigma_ok, own_ok, error_ok = (one[usable] for one in values)
    error_ok = np.where(np.isfinite(error_ok), np.abs(error_ok), 0.0)
    return kelvin, sigma_ok, np.maximum(np.abs(own_ok), _LEAST_RELATIVE), error_ok, shared[:, usable]
