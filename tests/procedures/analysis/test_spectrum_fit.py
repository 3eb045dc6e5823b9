"""Fits against known truths, recorded spectra, and things that are no spectra."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spectra_made import FREQUENCY_HZ, Pellet, random_two_arcs, with_noise

from daq.errors import AnalysisRefused, BadInput
from procedures.analysis.spectrum import FitOptions, SpectrumData, fit_spectrum
from procedures.interchange.reading import read_spectra

DATA = Path(__file__).parents[2] / "data" / "eis"
NO_RESIDUE = {"lead_resistance_uncertainty_ohm": 0.0, "gain_uncertainty": 0.0}


def test_two_random_arcs_in_one_percent_noise():
    rng = np.random.default_rng(11)
    frequency_Hz = np.logspace(6, 0, 60)
    options = FitOptions(arc_capacitance_max_F=float("inf"), **NO_RESIDUE)
    errors, scores = [], []
    for _ in range(60):
        truth = random_two_arcs(rng, frequency_Hz, 0.01)
        z_ohm = with_noise(truth.z_ohm(frequency_Hz), 0.01, rng)
        total = fit_spectrum(SpectrumData(frequency_Hz, z_ohm), options).total_resistance
        assert total.value is not None
        assert total.uncertainty is not None
        errors.append(abs(total.value / truth.total_ohm - 1))
        scores.append(abs(total.value - truth.total_ohm) / total.uncertainty)
    assert max(errors) < 0.05
    assert np.median(errors) < 0.005
    assert 0.5 < np.mean(np.array(scores) < 1) < 0.86
    assert np.mean(np.array(scores) < 2) > 0.87


def test_paper_like_spectra_from_25_to_120_degC():
    rng = np.random.default_rng(12)
    errors, scores = [], []
    for _ in range(60):
        temperature_C = rng.uniform(25, 120)
        total = fit_spectrum(Pellet(lead_ohm=0).spectrum(temperature_C, rng), FitOptions(**NO_RESIDUE)).total_resistance
        truth = Pellet().total_ohm(temperature_C)
        assert total.value is not None
        assert total.uncertainty is not None
        errors.append(abs(total.value / truth - 1))
        scores.append(abs(total.value - truth) / total.uncertainty)
    assert max(errors) < 0.01
    assert np.median(errors) < 0.003
    assert np.mean(np.array(scores) < 1) > 0.5
    assert np.mean(np.array(scores) < 2) > 0.87


@pytest.mark.parametrize("temperature_C", [90, 105, 120])
def test_where_the_arc_has_left_the_window_total_has_the_leads_in_its_uncertainty(temperature_C):
    fit = fit_spectrum(Pellet().spectrum(temperature_C, np.random.default_rng(4)))
    total, truth = fit.total_resistance, Pellet().total_ohm(temperature_C)
    assert total.interval is not None
    assert total.uncertainty is not None
    assert total.interval[0] < truth < total.interval[1]
    assert 0.3 <= total.uncertainty < 0.02 * truth
    assert fit.bulk_resistance.value is None
    assert "above the highest frequency" in (fit.bulk_resistance.reason or "")


def test_bulk_of_K001_at_25_degC_is_right_or_refused():
    for seed in range(8):
        fit = fit_spectrum(Pellet().spectrum(25, np.random.default_rng(seed)))
        bulk, boundary = fit.bulk_resistance, fit.grain_boundary_resistance
        if bulk.interval is None:
            assert "bulk" in (bulk.reason or "")
        else:
            assert bulk.interval[0] < 529 < bulk.interval[1]
        assert boundary.interval is not None
        assert boundary.interval[0] < 25_000 < boundary.interval[1]


def test_a_bulk_arc_in_the_window_is_named_and_right():
    rng = np.random.default_rng(2)
    pellet = Pellet(bulk_ohm=300_000, boundary_ohm=500_000)
    fit = fit_spectrum(pellet.spectrum(25, rng))
    assert [arc.name for arc in fit.arcs] == ["bulk", "grain boundary"]
    assert fit.bulk_resistance.value == pytest.approx(300_000, rel=0.08)
    assert fit.total_resistance.value == pytest.approx(800_000, rel=0.005)


@pytest.mark.parametrize("lowest_Hz", [1.0, 0.1])
def test_Li2OHCl_at_25_degC_although_its_blocking_line_barely_starts(lowest_Hz):
    pellet = Pellet(bulk_ohm=25_000, boundary_ohm=811_400)
    frequency_Hz = np.logspace(6, np.log10(lowest_Hz), 61)
    for seed in range(6):
        z_ohm = with_noise(pellet.z_ohm(frequency_Hz, 25), 0.003, np.random.default_rng(seed))
        total = fit_spectrum(SpectrumData(frequency_Hz, z_ohm)).total_resistance
        assert total.value is not None
        assert total.uncertainty is not None
        assert abs(total.value - 836_400) < 3.5 * total.uncertainty
        assert total.relative < 0.01


def test_recorded_Li6PS5Cl():
    (spectrum,) = read_spectra(DATA / "solid_state" / "PEIS_LPSCl_IonBlocking_-25C.txt")
    fit = fit_spectrum(SpectrumData(spectrum.frequency_Hz, spectrum.z_ohm))
    assert fit.total_resistance.value == pytest.approx(1450, abs=20)
    assert fit.total_resistance.relative < 0.03
    assert fit.kramers_kronig.verdict == "valid"


def test_recorded_cell_of_several_arcs_says_what_is_left_out():
    for spectrum in read_spectra(DATA / "solid_state" / "Sample2_PEIS_AtRest.csv")[:2]:
        fit = fit_spectrum(SpectrumData(spectrum.frequency_Hz, spectrum.z_ohm))
        assert fit.total_resistance.value is None or any("left out" in note for note in fit.notes)
        assert any("circuit leaves" in note for note in fit.notes)


@pytest.mark.parametrize("path", sorted((DATA / "impedance_py").glob("*Data*")), ids=lambda path: path.name)
def test_recorded_cells_without_a_blocking_line_give_a_result_or_a_reason(path):
    if "ABORT" in path.name:
        return
    for spectrum in read_spectra(path):
        total = fit_spectrum(SpectrumData(spectrum.frequency_Hz, spectrum.z_ohm)).total_resistance
        if total.value is None:
            assert len((total.reason or "").split()) > 6
        else:
            smallest, largest = spectrum.z_ohm.real.min(), np.abs(spectrum.z_ohm).max()
            assert 0.2 * smallest < total.value < 1.5 * largest
            assert total.interval is not None


def test_overloaded_points_are_not_used():
    data = Pellet().spectrum(25, np.random.default_rng(1))
    z_ohm = data.z_ohm.copy()
    overload = np.zeros(len(z_ohm), dtype=bool)
    overload[20:25] = True
    z_ohm[overload] *= 0.3
    fit = fit_spectrum(SpectrumData(data.frequency_Hz, z_ohm, overload))
    assert fit.total_resistance.value == pytest.approx(25_529, rel=0.005)
    assert "5 overloaded points are left out" in fit.notes


def test_order_of_points_does_not_matter():
    data = Pellet().spectrum(40, np.random.default_rng(1))
    mixed = np.random.default_rng(0).permutation(len(data.frequency_Hz))
    one = fit_spectrum(data).total_resistance.value
    other = fit_spectrum(SpectrumData(data.frequency_Hz[mixed], data.z_ohm[mixed])).total_resistance.value
    assert one == pytest.approx(other, rel=1e-9)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda f, z: (f[:3], z[:3]), "3 usable frequencies"),
        (lambda f, z: (f, z * np.nan), "0 usable frequencies"),
        (lambda f, z: (f, np.conj(z)), "sign is turned"),
        (lambda f, z: (f, -np.conj(z)), "real part is negative"),
        (lambda f, z: (f[:-1], z), "do not belong"),
        (lambda f, z: (-f, z), "0 usable frequencies"),
        (lambda f, z: (np.linspace(100, 200, len(f)), z), "less than one decade"),
    ],
)
def test_what_is_no_spectrum_is_refused_in_a_sentence(change, words):
    frequency_Hz, z_ohm = change(FREQUENCY_HZ, Pellet().z_ohm(FREQUENCY_HZ, 25))
    with pytest.raises(AnalysisRefused, match=words):
        fit_spectrum(SpectrumData(frequency_Hz, z_ohm))


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    points=st.integers(1, 60),
    kind=st.sampled_from(["quadrant", "decades", "scatter"]),
)
def test_random_arrays_never_give_a_number_with_a_small_error(seed, points, kind):
    rng = np.random.default_rng(seed)
    frequency_Hz = 10 ** rng.uniform(-1, 6, points)
    if kind == "quadrant":
        z_ohm = np.abs(rng.standard_normal(points)) - 1j * np.abs(rng.standard_normal(points))
    elif kind == "decades":
        z_ohm = 10 ** rng.uniform(-3, 6, points) * np.exp(-0.5j * np.pi * rng.random(points))
    else:
        z_ohm = 100 * (1 + 0.5 * rng.standard_normal(points) - 0.5j * np.abs(rng.standard_normal(points)))
    try:
        total = fit_spectrum(SpectrumData(frequency_Hz, z_ohm)).total_resistance
    except AnalysisRefused:
        return
    if total.value is None:
        assert total.reason
    else:
        assert total.relative > 0.01


def test_options_refuse_nonsense():
    with pytest.raises(BadInput, match="decades_below_valley"):
        FitOptions(decades_below_valley=-1)
    with pytest.raises(BadInput, match="noise_floor"):
        FitOptions(noise_floor=float("nan"))
