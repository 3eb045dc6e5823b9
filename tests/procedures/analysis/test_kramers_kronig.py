"""Does the test find what is wrong, and leave alone what is right?"""

from __future__ import annotations

import numpy as np
import pytest
from spectra_made import FREQUENCY_HZ, Pellet, with_noise

from procedures.analysis.kramers_kronig import lin_kk


def flagged(spoil, noise: float = 0.003, count: int = 60) -> float:
    """Share of spectra at random temperatures that are doubted after `spoil(z, rng)`."""
    rng = np.random.default_rng(21)
    doubted = 0
    for _ in range(count):
        z_ohm = spoil(Pellet().z_ohm(FREQUENCY_HZ, rng.uniform(25, 120)), rng)
        doubted += lin_kk(FREQUENCY_HZ, with_noise(z_ohm, noise, rng)).verdict == "doubtful"
    return doubted / count


def one_point(z_ohm, rng):
    z_ohm[rng.integers(3, 58)] *= 1.03
    return z_ohm


def three_points(z_ohm, rng):
    z_ohm[rng.choice(61, 3, replace=False)] *= 1.03
    return z_ohm


def range_gain(z_ohm, rng):
    z_ohm[rng.integers(15, 45) :] *= 1.05
    return z_ohm


@pytest.mark.parametrize("noise", [0.0005, 0.003, 0.02])
def test_good_spectra_are_valid_whatever_their_noise(noise):
    assert flagged(lambda z, rng: z, noise) <= 0.1


@pytest.mark.parametrize("spoil", [one_point, three_points, range_gain])
def test_faults_are_found(spoil):
    assert flagged(spoil) >= 0.85


def test_a_step_of_the_resistance_in_mid_sweep_is_found():
    found = 0
    rng = np.random.default_rng(5)
    for _ in range(30):
        temperature_C, step = rng.uniform(25, 80), rng.integers(25, 36)
        z_ohm = Pellet().z_ohm(FREQUENCY_HZ, temperature_C)
        z_ohm[step:] = Pellet(bulk_ohm=555, boundary_ohm=26_250).z_ohm(FREQUENCY_HZ, temperature_C)[step:]
        found += lin_kk(FREQUENCY_HZ, with_noise(z_ohm, 0.003, rng)).verdict == "doubtful"
    assert found >= 26


def test_residual_is_the_noise_and_the_worst_point_is_named():
    rng = np.random.default_rng(3)
    z_ohm = with_noise(Pellet().z_ohm(FREQUENCY_HZ, 25), 0.003, rng)
    valid = lin_kk(FREQUENCY_HZ, z_ohm)
    assert valid.residual_percent == pytest.approx(0.3, abs=0.06)
    assert valid.noise_percent == pytest.approx(0.3, abs=0.12)
    z_ohm[30] *= 1.05
    assert f"{FREQUENCY_HZ[30]:.4g} Hz" in lin_kk(FREQUENCY_HZ, z_ohm).reason


def test_few_points_are_not_tested():
    few = lin_kk(FREQUENCY_HZ[:6], Pellet().z_ohm(FREQUENCY_HZ[:6], 25))
    assert few.verdict == "not tested"
    assert few.residual_percent is None
