"""Fitting spectra of known truth: ours against impedance.py 1.7.1.

    python benchmarks/fitting.py [spectra] [draws]

Two sets, both 1 MHz to 1 Hz with Gaussian noise in real and imaginary part:
  two arcs     (R Q)(R Q) Q with random values (those that the data hold to 1.5 %), 60 points, 1 % noise
  paper-like   leads, bulk, grain boundary, stray capacitance and blocking line of K001, 25-120 degC, 61 points, 0.3 %
A failure is a total resistance that is off by more than 5 %, or none. impedance.py gets the right circuit, weights
by modulus, and the start values a person would take from the axes: once the same way for all, and once ours.
Coverage counts how often the truth lies within one and two of the stated standard errors.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "procedures" / "analysis"))
from spectra_made import FREQUENCY_HZ, Pellet, random_two_arcs, with_noise

from procedures.analysis.circuit import Circuit
from procedures.analysis.kramers_kronig import lin_kk
from procedures.analysis.spectrum import FitOptions, SpectrumData, fit_spectrum
from procedures.analysis.starting_values import StartingGrid

TWO_ARCS_HZ = np.logspace(6, 0, 60)
NO_RESIDUE = {"lead_resistance_uncertainty_ohm": 0.0, "gain_uncertainty": 0.0}
Fitter = Callable[[np.ndarray, np.ndarray], tuple[float, float]]


@dataclass
class Score:
    """What a fitter did on a set."""

    errors: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def add(self, fitter: Fitter, frequency_Hz: np.ndarray, z_ohm: np.ndarray, truth_ohm: float) -> None:
        start = time.perf_counter()
        value, error = fitter(frequency_Hz, z_ohm)
        self.seconds.append(time.perf_counter() - start)
        self.errors.append(abs(value / truth_ohm - 1) if np.isfinite(value) else np.inf)
        self.scores.append(abs(value - truth_ohm) / error if np.isfinite(value) and error > 0 else np.inf)

    def __str__(self) -> str:
        errors, scores, ms = np.array(self.errors), np.array(self.scores), 1e3 * np.array(self.seconds)
        return (
            f"failures {100 * np.mean(errors > 0.05):.1f} %, median error {100 * np.median(errors):.2f} %, "
            f"{np.median(ms):.0f} ms (worst {ms.max():.0f}), "
            f"coverage {100 * np.mean(scores < 1):.0f} / {100 * np.mean(scores < 2):.0f} %"
        )


def ours(options: FitOptions) -> Fitter:
    def fit(frequency_Hz: np.ndarray, z_ohm: np.ndarray) -> tuple[float, float]:
        total = fit_spectrum(SpectrumData(frequency_Hz, z_ohm), options).total_resistance
        return (np.nan, np.nan) if total.value is None else (total.value, total.uncertainty or np.nan)

    return fit


def theirs(circuit: str, start: Callable[[np.ndarray, np.ndarray], list[float]], places: list[int]) -> Fitter:
    """impedance.py's CustomCircuit; `places` are the resistances that add up to the total."""
    from impedance.models.circuits import CustomCircuit

    def fit(frequency_Hz: np.ndarray, z_ohm: np.ndarray) -> tuple[float, float]:
        model = CustomCircuit(circuit, initial_guess=start(frequency_Hz, z_ohm))
        try:
            model.fit(frequency_Hz, z_ohm, weight_by_modulus=True, maxfev=2000)
        except (RuntimeError, ValueError):
            return np.nan, np.nan
        values, errors = np.asarray(model.parameters_)[places], np.asarray(model.conf_)[places]
        return float(np.sum(values)), float(np.sqrt(np.sum(errors**2)))

    return fit


def from_the_axes(frequency_Hz: np.ndarray, z_ohm: np.ndarray) -> list[float]:
    """Two arcs of half the real span each, capacitances of the textbook."""
    span = float(np.ptp(np.real(z_ohm)))
    return [span / 2, 1e-9, 0.9, span / 2, 1e-7, 0.9, 1e-6, 0.8]


def from_our_grid(frequency_Hz: np.ndarray, z_ohm: np.ndarray) -> list[float]:
    omega = 2 * np.pi * frequency_Hz
    r1, t1, n1, r2, t2, n2, x, n = StartingGrid(omega, z_ohm, 1 / np.abs(z_ohm)).starts(
        Circuit(False, False, 2, True), 1
    )[0]
    return [r1, t1**n1 / r1, n1, r2, t2**n2 / r2, n2, 1 / (x * omega.min() ** n), n]


def paper_axes(frequency_Hz: np.ndarray, z_ohm: np.ndarray) -> list[float]:
    """The values of the 25 degC spectrum, as one would keep them for a sweep."""
    return [1e-6, 500.0, 25_000.0, 8e-10, 0.9, 5e-6, 0.8]


def two_arcs(count: int) -> None:
    rng = np.random.default_rng(1)
    fitters = {
        "ours": ours(FitOptions(arc_capacitance_max_F=float("inf"), **NO_RESIDUE)),
        "impedance.py": theirs("p(R1,CPE1)-p(R2,CPE2)-CPE3", from_the_axes, [0, 3]),
        "impedance.py, our start values": theirs("p(R1,CPE1)-p(R2,CPE2)-CPE3", from_our_grid, [0, 3]),
    }
    scores = {name: Score() for name in fitters}
    for _ in range(count):
        truth = random_two_arcs(rng, TWO_ARCS_HZ, 0.01)
        z_ohm = with_noise(truth.z_ohm(TWO_ARCS_HZ), 0.01, rng)
        for name, fitter in fitters.items():
            scores[name].add(fitter, TWO_ARCS_HZ, z_ohm, truth.total_ohm)
    for name, score in scores.items():
        print(f"two arcs, {count} spectra, {name}: {score}")


def paper_like(count: int) -> None:
    rng = np.random.default_rng(2)
    fitters = {
        "ours": ours(FitOptions(**NO_RESIDUE)),
        "impedance.py, start values of 25 degC": theirs("L0-R0-p(R1,CPE1)-CPE2", paper_axes, [1, 2]),
    }
    scores = {name: Score() for name in fitters}
    for _ in range(count):
        temperature_C = rng.uniform(25, 120)
        z_ohm = with_noise(Pellet(lead_ohm=0).z_ohm(FREQUENCY_HZ, temperature_C), 0.003, rng)
        for name, fitter in fitters.items():
            scores[name].add(fitter, FREQUENCY_HZ, z_ohm, Pellet().total_ohm(temperature_C))
    for name, score in scores.items():
        print(f"paper-like, {count} spectra, {name}: {score}")


def coverage(draws: int) -> None:
    """One truth, many draws of the noise: are one and two standard errors what they say?"""
    rng = np.random.default_rng(3)
    truth = random_two_arcs(rng, TWO_ARCS_HZ, 0.01)
    score = Score()
    fitter = ours(FitOptions(arc_capacitance_max_F=float("inf"), **NO_RESIDUE))
    for k in range(draws):
        if k % 20 == 0:
            truth = random_two_arcs(rng, TWO_ARCS_HZ, 0.01)
        score.add(fitter, TWO_ARCS_HZ, with_noise(truth.z_ohm(TWO_ARCS_HZ), 0.01, rng), truth.total_ohm)
    scores = np.array(score.scores)
    shares = ", ".join(f"{k:g} se {100 * np.mean(scores < k):.1f} %" for k in (1, 1.96, 2.576))
    print(f"coverage of ours over {draws} draws (68.3, 95.0, 99.0 %): {shares}")


def kramers_kronig(count: int = 50) -> None:
    z_ohm = with_noise(Pellet().z_ohm(FREQUENCY_HZ, 25), 0.003, np.random.default_rng(1))
    seconds = []
    for _ in range(count):
        start = time.perf_counter()
        lin_kk(FREQUENCY_HZ, z_ohm)
        seconds.append(time.perf_counter() - start)
    print(f"lin-KK of 61 points: ours {1e3 * np.median(seconds):.1f} ms")
    from impedance.validation import linKK

    try:
        start = time.perf_counter()
        linKK(FREQUENCY_HZ, z_ohm)
        print(f"lin-KK of 61 points: impedance.py {1e3 * (time.perf_counter() - start):.0f} ms")
    except NameError as error:
        print(f"lin-KK of 61 points: impedance.py 1.7.1 does not run with numpy {np.__version__}: {error}")


def main() -> None:
    warnings.simplefilter("ignore")
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    draws = int(sys.argv[2]) if len(sys.argv) > 2 else 400
    two_arcs(count)
    paper_like(count)
    coverage(draws)
    kramers_kronig()


if __name__ == "__main__":
    main()
