"""Spectra with a known truth, for the tests of the analysis. Formulas written here on their own, not the product's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from procedures.analysis.spectrum import SpectrumData
from procedures.analysis.sweep import MeasuredSpectrum

BOLTZMANN_EV_K = 8.617333262e-5
FREQUENCY_HZ = np.logspace(6, 0, 61)


def with_noise(z_ohm: np.ndarray, noise: float, rng: np.random.Generator) -> np.ndarray:
    """Gaussian noise of `noise` times |Z| on real and imaginary part."""
    return z_ohm + np.abs(z_ohm) * noise * (rng.standard_normal(z_ohm.shape) + 1j * rng.standard_normal(z_ohm.shape))


@dataclass(frozen=True)
class Pellet:
    """A blocking cell: leads, stray capacitance, bulk, grain boundary, blocking line (paper's K001 as it stands)."""

    bulk_ohm: float = 529.0
    boundary_ohm: float = 25_000.0
    activation_energy_eV: float = 0.56
    lead_ohm: float = 0.3

    def scale(self, temperature_C: float) -> float:
        inverse = 1 / (temperature_C + 273.15) - 1 / 298.15
        return float(np.exp(self.activation_energy_eV / BOLTZMANN_EV_K * inverse))

    def total_ohm(self, temperature_C: float) -> float:
        return (self.bulk_ohm + self.boundary_ohm) * self.scale(temperature_C)

    def z_ohm(self, frequency_Hz: np.ndarray, temperature_C: float) -> np.ndarray:
        jw = 2j * np.pi * frequency_Hz
        bulk, boundary = self.bulk_ohm * self.scale(temperature_C), self.boundary_ohm * self.scale(temperature_C)
        inverse = 1 / (temperature_C + 273.15) - 1 / 298.15
        blocking = 5e-6 * np.exp(-0.05 / BOLTZMANN_EV_K * inverse)
        cell = bulk / (1 + jw * bulk * 7.7e-12) + boundary / (1 + (jw * boundary * 2.5e-10) ** 0.9)
        cell = cell + 1 / (blocking * jw**0.8)
        return 1 / (1 / cell + jw * 5e-12) + 1e-6 * jw + self.lead_ohm

    def spectrum(self, temperature_C: float, rng: np.random.Generator, noise: float = 0.003) -> SpectrumData:
        return SpectrumData(FREQUENCY_HZ, with_noise(self.z_ohm(FREQUENCY_HZ, temperature_C), noise, rng))

    def sweep(
        self,
        temperatures_C: np.ndarray,
        rng: np.random.Generator,
        direction: str = "heating",
        sample: str = "K001",
        temperature_error_K: float = 0.05,
    ) -> list[MeasuredSpectrum]:
        """Spectra whose sample is off what is said by a random error of the stated size."""
        made = []
        for nominal in temperatures_C:
            true_C = nominal + rng.normal(0, temperature_error_K)
            data = self.spectrum(true_C, rng)
            made.append(MeasuredSpectrum(sample, direction, float(nominal), float(nominal), temperature_error_K, data))
        return made


@dataclass(frozen=True)
class TwoArcs:
    """(R Q)(R Q) Q with random values whose total the data hold to 1.5 % at 1 % noise."""

    resistances_ohm: tuple[float, float]
    times_s: tuple[float, float]
    exponents: tuple[float, float]
    line_ohm_s: float
    line_exponent: float

    @property
    def total_ohm(self) -> float:
        return sum(self.resistances_ohm)

    def z_ohm(self, frequency_Hz: np.ndarray) -> np.ndarray:
        jw = 2j * np.pi * frequency_Hz
        z = self.line_ohm_s * jw**-self.line_exponent
        for resistance, tau, n in zip(self.resistances_ohm, self.times_s, self.exponents, strict=True):
            z = z + resistance / (1 + (jw * tau) ** n)
        return z

    def best_possible_error(self, frequency_Hz: np.ndarray, noise: float) -> float:
        """Relative standard error of the total that no estimator can beat (Cramer-Rao), by numerical derivatives."""
        values = np.array([*self.resistances_ohm, *self.times_s, *self.exponents, self.line_ohm_s, self.line_exponent])
        here = self.z_ohm(frequency_Hz)
        columns: list[NDArray[np.complex128]] = []
        for k in range(len(values)):
            moved = values.copy()
            moved[k] *= 1 + 1e-6
            columns.append((_two_arcs(moved).z_ohm(frequency_Hz) - here) / (values[k] * 1e-6) / np.abs(here) / noise)
        matrix: NDArray[np.complex128] = np.stack(columns, axis=1) * values
        slopes = np.concatenate([matrix.real, matrix.imag])
        covariance = np.linalg.pinv(slopes.T @ slopes)
        gradient = np.zeros(len(values))
        gradient[:2] = self.resistances_ohm
        return float(np.sqrt(gradient @ covariance @ gradient)) / self.total_ohm


def _two_arcs(v: np.ndarray) -> TwoArcs:
    return TwoArcs((v[0], v[1]), (v[2], v[3]), (v[4], v[5]), v[6], v[7])


def random_two_arcs(rng: np.random.Generator, frequency_Hz: np.ndarray, noise: float) -> TwoArcs:
    while True:
        first, second = 10 ** rng.uniform(2, 5, 2)
        tau1, tau2 = np.sort(10 ** rng.uniform(-6.5, -2.5, 2))
        n1, n2 = rng.uniform(0.8, 1, 2)
        line_n = rng.uniform(0.6, 0.95)
        if tau2 < 5 * tau1 or not 0.05 < first / second < 20:
            continue
        crossing = 10 ** rng.uniform(np.log10(2 * np.pi * 3), np.log10(max(2 * np.pi * 6, 0.03 / tau2)))
        made = TwoArcs((first, second), (tau1, tau2), (n1, n2), (first + second) * crossing**line_n, line_n)
        if made.best_possible_error(frequency_Hz, noise) < 1.5 * noise:
            return made
