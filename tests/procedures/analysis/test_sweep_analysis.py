"""Whole sweeps: from spectra to the results that a run keeps."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from spectra_made import BOLTZMANN_EV_K, FREQUENCY_HZ, Pellet

from daq.errors import BadInput
from procedures.analysis.geometry import Geometry
from procedures.analysis.spectrum import FitOptions, SpectrumData
from procedures.analysis.sweep import MeasuredSpectrum, analyse_sweep

PAPER = Geometry(thickness_mm=0.9, area_cm2=np.pi / 4, thickness_uncertainty_mm=0.02)
UNIT = Geometry(thickness_mm=1.0, area_cm2=1.0)
TEMPERATURES_C = np.array([25.0, 40.0, 60.0, 80.0, 100.0, 120.0])


def results_named(analysis, name, **at):
    return [r for r in analysis.results if r.name == name and all(r.at.get(k) == v for k, v in at.items())]


def one(analysis, name, **at):
    (found,) = results_named(analysis, name, **at)
    return found


def test_K001_gives_what_the_paper_says():
    analysis = analyse_sweep(Pellet().sweep(TEMPERATURES_C, np.random.default_rng(1)), PAPER)
    energy, room = one(analysis, "activation_energy"), one(analysis, "conductivity_25C")
    assert energy.at == {}
    assert energy.value == pytest.approx(0.56, abs=0.004)
    assert "ln sigma" in energy.method
    assert room.value == pytest.approx(4.49e-6, rel=0.015)
    assert one(analysis, "prefactor").value == pytest.approx(1.32e4, rel=0.1)
    at_60 = one(analysis, "total_resistance", temperature_C=60.0)
    assert at_60.at == {"temperature_C": 60.0, "direction": "heating", "sample_temperature_C": 60.0}
    assert at_60.value == pytest.approx(2586, rel=0.01)
    assert len(results_named(analysis, "kramers_kronig_residual")) == len(TEMPERATURES_C)
    assert not results_named(analysis, "transition_temperature")
    assert any("2.2 %" in note for note in analysis.notes)


def test_joint_fit_tells_bulk_from_grain_boundary_once_the_phase_is_compensated():
    temperatures_C = np.arange(25.0, 121.0, 10.0)
    spectra = Pellet().sweep(temperatures_C, np.random.default_rng(3), temperature_error_K=0.0)
    plain = analyse_sweep(spectra, PAPER)
    compensated = analyse_sweep(spectra, PAPER, FitOptions(phase_uncertainty_deg=0.1))
    told = [r for r in results_named(compensated, "bulk_resistance") if r.value is not None]
    assert len(told) >= 7
    assert len(told) > len([r for r in results_named(plain, "bulk_resistance") if r.value is not None]) >= 1
    for result in told:
        truth = 529 * Pellet().scale(result.at["temperature_C"])
        assert result.value == pytest.approx(truth, rel=0.25)
        assert result.interval is not None
        assert result.interval[0] < truth + 0.3 < result.interval[1] * 1.02
    for result in results_named(compensated, "grain_boundary_resistance"):
        assert result.value == pytest.approx(25_000 * Pellet().scale(result.at["temperature_C"]), rel=0.02)
    refused = [r for r in results_named(plain, "bulk_resistance") if r.value is None]
    assert all("compensation" in (r.reason or "") for r in refused)


def test_random_truths_are_found_and_lie_in_their_intervals():
    rng = np.random.default_rng(17)
    inside = []
    for _ in range(16):
        energy_eV, resistance = rng.uniform(0.3, 0.8), 10 ** rng.uniform(1, 6)
        share = rng.uniform(0.01, 0.1)
        pellet = Pellet(share * resistance, (1 - share) * resistance, energy_eV)
        analysis = analyse_sweep(pellet.sweep(TEMPERATURES_C, rng), UNIT)
        for name, truth, tolerance in (
            ("activation_energy", energy_eV, 0.02),
            ("conductivity_25C", 0.1 / resistance, 0.03),
        ):
            result = one(analysis, name)
            if result.value is None:
                assert result.reason
                continue
            assert result.value == pytest.approx(truth, rel=tolerance)
            assert result.interval is not None
            inside.append(result.interval[0] <= truth <= result.interval[1])
    assert len(inside) > 24
    assert np.mean(inside) > 0.85


def li2ohcl(temperature_C: float, cubic: bool) -> Pellet:
    """A pellet whose resistance at this temperature is that of one of the two phases."""
    energy_eV, sigma_25 = (0.56, 0.85 * 4.49e-6) if cubic else (0.70, 1.37e-7)
    inverse = 1 / (temperature_C + 273.15) - 1 / 298.15
    total = PAPER.cell_constant_per_cm / sigma_25 * np.exp((energy_eV - 0.56) / BOLTZMANN_EV_K * inverse)
    return Pellet(0.03 * total, 0.97 * total)


def li2ohcl_sweep(temperatures_C, direction, edge_C, rng):
    made = []
    for temperature_C in temperatures_C:
        pellet = li2ohcl(temperature_C, temperature_C > edge_C)
        made += pellet.sweep(np.array([temperature_C]), rng, direction, "Li2OHCl")
    return made


def test_two_branches_and_hysteresis_of_Li2OHCl():
    rng = np.random.default_rng(4)
    up = [25.0, 30.0, 34.0, 38.0, 42.0, 46.0, 50.0, 60.0, 80.0, 100.0]
    down = [80.0, 60.0, 45.0, 40.0, 34.0, 30.0, 25.0]
    spectra = li2ohcl_sweep(up, "heating", 44, rng) + li2ohcl_sweep(down, "cooling", 27, rng)
    analysis = analyse_sweep(spectra, PAPER)
    assert one(analysis, "transition_temperature", direction="heating").value == pytest.approx(44, abs=2)
    assert one(analysis, "transition_temperature", direction="cooling").value == pytest.approx(27, abs=2)
    low = one(analysis, "activation_energy", direction="heating", branch="below")
    high = one(analysis, "activation_energy", direction="heating", branch="above")
    assert low.value == pytest.approx(0.70, abs=0.02)
    assert high.value == pytest.approx(0.56, abs=0.005)
    lone = one(analysis, "activation_energy", direction="cooling", branch="below")
    assert lone.value is None
    assert "one point" in (lone.reason or "")
    for direction in ("heating", "cooling"):
        assert one(analysis, "conductivity_25C", direction=direction).value == pytest.approx(1.37e-7, rel=0.03)
    assert not [r for r in results_named(analysis, "activation_energy") if not r.at]


def test_heating_and_cooling_on_one_line_give_one_energy_and_one_each():
    rng = np.random.default_rng(9)
    spectra = Pellet().sweep(TEMPERATURES_C, rng) + Pellet().sweep(TEMPERATURES_C[::-1], rng, "cooling")
    analysis = analyse_sweep(spectra, PAPER)
    assert [r.at for r in results_named(analysis, "activation_energy")] == [
        {},
        {"direction": "heating"},
        {"direction": "cooling"},
    ]


def test_a_changed_sample_is_told_by_its_return_point():
    rng = np.random.default_rng(9)
    aged = Pellet(600, 30_000).sweep(np.array([25.0]), rng, "return")
    analysis = analyse_sweep(Pellet().sweep(TEMPERATURES_C, rng) + aged, PAPER)
    assert any("the sample has changed" in note for note in analysis.notes)
    assert one(analysis, "conductivity_25C").value == pytest.approx(4.49e-6, rel=0.02)
    assert one(analysis, "conductivity", direction="return").value == pytest.approx(3.74e-6, rel=0.02)


def test_a_set_point_below_the_furnace_is_interpolated_to_25_degC():
    spectra = Pellet().sweep(np.array([31.0, 45.0, 60.0, 80.0]), np.random.default_rng(2))
    spectra[0] = replace(spectra[0], setpoint_C=25.0)
    analysis = analyse_sweep(spectra, PAPER)
    assert one(analysis, "conductivity", temperature_C=25.0).at["sample_temperature_C"] == 31.0
    room = one(analysis, "conductivity_25C")
    assert room.value == pytest.approx(4.49e-6, rel=0.03)
    assert "extrapolated" in room.method


def test_unsettled_and_repeated_spectra():
    rng = np.random.default_rng(2)
    spectra = Pellet().sweep(TEMPERATURES_C, rng)
    late = replace(spectra[2], data=Pellet(900, 40_000).spectrum(60, rng), settled=False)
    analysis = analyse_sweep([*spectra[:2], late, *spectra[2:]], PAPER)
    assert one(analysis, "total_resistance", temperature_C=60.0).value == pytest.approx(2586, rel=0.01)
    alone = analyse_sweep([*spectra[:2], late, *spectra[3:]], PAPER)
    assert one(alone, "activation_energy").value == pytest.approx(0.56, abs=0.005)
    assert "not settled" in one(alone, "conductivity", temperature_C=60.0).method
    assert any("left out of the Arrhenius line" in note for note in alone.notes)


def test_without_geometry_there_are_resistances_and_a_note():
    analysis = analyse_sweep(Pellet().sweep(TEMPERATURES_C[:3], np.random.default_rng(1)), None)
    names = {r.name for r in analysis.results}
    assert "total_resistance" in names
    assert not names & {"conductivity", "conductivity_25C", "prefactor"}
    assert any("without thickness and area" in note for note in analysis.notes)


def test_a_spectrum_that_is_none_is_a_reason_not_an_end():
    spectra = Pellet().sweep(TEMPERATURES_C, np.random.default_rng(1))
    dead = SpectrumData(FREQUENCY_HZ, np.full(61, np.nan + 0j))
    analysis = analyse_sweep([*spectra, replace(spectra[0], setpoint_C=130.0, temperature_C=130.0, data=dead)], PAPER)
    result = one(analysis, "conductivity", temperature_C=130.0)
    assert result.value is None
    assert "no spectrum" in (result.reason or "")
    assert one(analysis, "activation_energy").value == pytest.approx(0.56, abs=0.005)


def test_nothing_at_all():
    assert analyse_sweep([], PAPER).results == []
    lone = MeasuredSpectrum("", "", None, float("nan"), 0.0, Pellet().spectrum(25, np.random.default_rng(0)), label="x")
    analysis = analyse_sweep([lone], None)
    assert one(analysis, "total_resistance").at == {"spectrum": "x"}
    assert one(analysis, "activation_energy").value is None


def test_several_samples_are_kept_apart():
    rng = np.random.default_rng(6)
    spectra = Pellet().sweep(TEMPERATURES_C[:4], rng, sample="a")
    spectra += Pellet(activation_energy_eV=0.4).sweep(TEMPERATURES_C[:4], rng, sample="b")
    analysis = analyse_sweep(spectra, {"a": PAPER, "b": UNIT})
    assert one(analysis, "activation_energy", sample="a").value == pytest.approx(0.56, abs=0.01)
    assert one(analysis, "activation_energy", sample="b").value == pytest.approx(0.40, abs=0.01)


def test_fourteen_spectra_are_analysed_while_one_waits():
    spectra = Pellet().sweep(np.linspace(25, 120, 14), np.random.default_rng(1))
    start = time.process_time()
    analyse_sweep(spectra, PAPER)
    assert time.process_time() - start < 3.0


def test_geometry_of_the_paper_is_denser_than_its_crystal():
    geometry = Geometry(0.9, np.pi / 4, mass_mg=140, crystal_density_g_cm3=1.84)
    assert geometry.conductivity_S_cm(25_529) == pytest.approx(4.49e-6, rel=0.001)
    note = geometry.density_note()
    assert note is not None
    assert "denser" in note
    assert "0.969 mm" in note
    with pytest.raises(BadInput, match="thickness_mm"):
        Geometry(0.0, 1.0)
