"""The resistance that a monitor spectrum tells: smooth in temperature although the measured frequencies are not."""

from __future__ import annotations

import numpy as np
import pytest
from spectra_made import BOLTZMANN_EV_K, Pellet

from drivers.techniques import SpectrumPoint, log_frequencies
from procedures.spectrum_taking import valley, valley_resistance_ohm

PELLET = Pellet(30.0, 1000.0, 0.40)


def monitor(temperature_C: float, frequencies_Hz: tuple[float, ...]) -> list[SpectrumPoint]:
    z_ohm = PELLET.z_ohm(np.array(frequencies_Hz), temperature_C)
    return [
        SpectrumPoint(f, float(z.real), float(z.imag), 0.01, 0.0, 0.0, 1e-4, False, 0.0, 0.1)
        for f, z in zip(frequencies_Hz, z_ohm, strict=True)
    ]


def roughness(resistances_ohm: list[float], temperatures_C: np.ndarray) -> float:
    """Largest relative deviation from a smooth (cubic) course of ln R over 1/kT."""
    x = 1 / (BOLTZMANN_EV_K * (temperatures_C + 273.15))
    y = np.log(resistances_ohm)
    smooth = np.polynomial.Polynomial.fit(x, y, 3)
    return float(np.max(np.abs(y - smooth(x))))


def test_no_jump_where_the_valley_moves_from_one_frequency_to_the_next() -> None:
    frequencies = log_frequencies(1e6, 100.0, 5)
    temperatures_C = np.arange(20.0, 36.0, 0.5)
    spectra = [monitor(float(t), frequencies) for t in temperatures_C]
    assert len({valley(points).frequency_Hz for points in spectra}) > 1
    nearest = roughness([valley(points).z_real_ohm for points in spectra], temperatures_C)
    between = roughness([valley_resistance_ohm(points) for points in spectra], temperatures_C)
    assert between < min(1e-3, nearest / 3)


@pytest.mark.parametrize("frequencies", [(1e5,), (1e6, 8e5), (2e5, 1e5), (3e5, 1e5, 1e5, 5e4)])
def test_few_or_doubled_frequencies_give_a_measured_value(frequencies: tuple[float, ...]) -> None:
    points = monitor(25.0, frequencies)
    assert min(p.z_real_ohm for p in points) <= valley_resistance_ohm(points) <= max(p.z_real_ohm for p in points)
