"""Activation energies and transitions of known truth."""

from __future__ import annotations

import numpy as np
import pytest

from daq.errors import AnalysisRefused
from procedures.analysis.arrhenius import fit_arrhenius
from procedures.analysis.transition import find_transition

K = 8.617333262e-5
TEMPERATURES_C = np.arange(25.0, 121.0, 12.0)


def line(temperature_C, energy_eV, sigma_25_S_cm):
    return sigma_25_S_cm * np.exp(-energy_eV / K * (1 / (np.asarray(temperature_C) + 273.15) - 1 / 298.15))


def test_the_paper_line_in_both_conventions():
    sigma = line(TEMPERATURES_C, 0.56, 4.49e-6)
    plain = fit_arrhenius(TEMPERATURES_C, sigma, 0.003)
    with_T = fit_arrhenius(TEMPERATURES_C, sigma, 0.003, convention="ln sigma T")
    assert plain.activation_energy_eV.value == pytest.approx(0.56, abs=1e-6)
    assert plain.prefactor_S_cm.value == pytest.approx(1.32e4, rel=0.01)
    assert with_T.activation_energy_eV.value == pytest.approx(0.589, abs=0.002)
    assert "ln sigma T" in with_T.activation_energy_eV.method
    assert with_T.conductivity(25).value == pytest.approx(4.49e-6, rel=0.02)


@pytest.mark.parametrize(("sigma_error", "kelvin_error"), [(0.01, 0.0), (0.002, 0.3), (0.01, 0.3)])
def test_errors_in_sigma_and_in_temperature_are_covered(sigma_error, kelvin_error):
    rng = np.random.default_rng(8)
    inside_1 = inside_2 = inside_25 = 0
    for _ in range(600):
        true_C = TEMPERATURES_C + kelvin_error * rng.standard_normal(len(TEMPERATURES_C))
        sigma = line(true_C, 0.5, 1e-5) * np.exp(sigma_error * rng.standard_normal(len(true_C)))
        fit = fit_arrhenius(TEMPERATURES_C, sigma, sigma_error, kelvin_error)
        energy, room = fit.activation_energy_eV, fit.conductivity(25)
        assert energy.interval is not None
        inside_1 += abs((energy.value or 0) - 0.5) < (energy.uncertainty or 0)
        inside_2 += energy.interval[0] < 0.5 < energy.interval[1]
        assert room.interval is not None
        inside_25 += room.interval[0] < 1e-5 < room.interval[1]
    assert 0.64 < inside_1 / 600 < 0.82
    assert inside_2 / 600 > 0.93
    assert inside_25 / 600 > 0.93


def test_scatter_beyond_the_errors_widens_them():
    rng = np.random.default_rng(1)
    sigma = line(TEMPERATURES_C, 0.5, 1e-5) * np.exp(0.1 * rng.standard_normal(len(TEMPERATURES_C)))
    fit = fit_arrhenius(TEMPERATURES_C, sigma, 0.001)
    assert fit.widened > 20
    assert fit.activation_energy_eV.interval is not None
    assert fit.activation_energy_eV.interval[0] < 0.5 < fit.activation_energy_eV.interval[1]


def test_a_resistance_of_the_leads_is_found_where_the_sample_is_no_larger():
    resistance = 0.1 / line(TEMPERATURES_C, 0.5, 0.002)
    measured = resistance + 0.3
    naive = fit_arrhenius(TEMPERATURES_C, 0.1 / measured, 0.003)
    fit = fit_arrhenius(TEMPERATURES_C, 0.1 / measured, 0.003, common_relative_uncertainty=[0.3 / measured])
    assert abs((naive.activation_energy_eV.value or 0) - 0.5) > 0.02
    assert fit.activation_energy_eV.value == pytest.approx(0.5, abs=0.005)


def test_points_that_are_nearly_all_lead_still_tell_the_lead():
    resistance = 0.1 / line(TEMPERATURES_C, 0.75, 0.007)
    measured = resistance + 0.3
    assert resistance[-1] < 0.1
    fit = fit_arrhenius(TEMPERATURES_C, 0.1 / measured, 0.003, common_relative_uncertainty=[0.3 / measured])
    energy = fit.activation_energy_eV
    assert energy.value == pytest.approx(0.75, rel=0.01)
    assert energy.interval is not None
    assert energy.interval[0] < 0.75 < energy.interval[1]


def test_band_is_narrowest_inside_and_holds_the_line():
    sigma = line(TEMPERATURES_C, 0.5, 1e-5)
    fit = fit_arrhenius(TEMPERATURES_C, sigma, 0.02)
    value, low, high = fit.band([-40.0, 65.0, 200.0])
    width = np.log(high / low)
    assert width[1] < width[0]
    assert width[1] < width[2]
    assert np.all((low < value) & (value < high))
    assert "extrapolated" in fit.conductivity(200).method


@pytest.mark.parametrize(
    ("temperature_C", "sigma", "words"),
    [
        ([25.0], [1e-5], "at least two"),
        ([25.0, 60.0], [1e-5, float("nan")], "at least two"),
        ([25.0, 60.0], [-1e-5, 0.0], "at least two"),
        ([25.0, 25.2, 25.4], [1e-5, 1.1e-5, 1e-5], "the same within 1 K"),
    ],
)
def test_what_has_no_activation_energy_is_refused(temperature_C, sigma, words):
    with pytest.raises(AnalysisRefused, match=words):
        fit_arrhenius(temperature_C, sigma)


def test_no_transition_is_found_in_straight_lines():
    rng = np.random.default_rng(3)
    false_alarms = 0
    for _ in range(300):
        celsius = np.arange(25.0, 121.0, rng.choice([5.0, 10.0, 15.0]))
        sigma = line(celsius, rng.uniform(0.3, 0.8), 1e-5) * np.exp(0.01 * rng.standard_normal(len(celsius)))
        false_alarms += find_transition(celsius, sigma, np.full(len(celsius), 0.01)) is not None
    assert false_alarms <= 2


@pytest.mark.parametrize("step", [2.0, 3.0, 5.0])
def test_a_jump_is_placed_between_its_points(step):
    celsius = np.arange(25.0, 90.0, step)
    sigma = np.where(celsius > 44, line(celsius, 0.56, 3.8e-6), line(celsius, 0.70, 1.37e-7))
    found = find_transition(celsius, sigma, np.full(len(celsius), 0.01), 0.1)
    assert found is not None
    assert found.temperature_C.value == pytest.approx(44, abs=2)
    assert found.temperature_C.interval is not None
    assert found.temperature_C.interval[0] <= 44 <= found.temperature_C.interval[1]


def test_a_point_within_the_jump_belongs_to_neither_branch():
    celsius = np.arange(26.0, 80.0, 3.0)
    sigma = np.where(celsius > 44, line(celsius, 0.56, 3.8e-6), line(celsius, 0.70, 1.37e-7))
    half = int(np.argmin(np.abs(celsius - 44)))
    sigma[half] = np.sqrt(line(celsius[half], 0.56, 3.8e-6) * line(celsius[half], 0.70, 1.37e-7))
    found = find_transition(celsius, sigma, np.full(len(celsius), 0.01))
    assert found is not None
    assert half not in found.low + found.high
    assert found.temperature_C.value == pytest.approx(44, abs=2)


def test_a_bend_without_a_jump_is_placed_where_the_lines_cross():
    celsius = np.arange(25.0, 121.0, 5.0)
    rng = np.random.default_rng(6)
    sigma = np.minimum(line(celsius, 0.7, 1e-5), line(celsius, 0.4, 1e-5) * line(70, 0.7, 1) / line(70, 0.4, 1))
    found = find_transition(celsius, sigma * np.exp(0.01 * rng.standard_normal(len(celsius))), np.full(20, 0.01))
    assert found is not None
    assert found.temperature_C.uncertainty is not None
    assert abs((found.temperature_C.value or 0) - 70) < max(3 * found.temperature_C.uncertainty, 3)
