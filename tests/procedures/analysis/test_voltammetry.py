"""Cyclic voltammograms, sweeps and open circuit of known truth."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from daq.errors import AnalysisRefused, BadInput
from procedures.analysis.record_shape import record_shape
from procedures.analysis.voltammetry_results import (
    analyse_linear_sweep,
    analyse_open_circuit,
    linear_sweep_results,
    open_circuit_results,
    voltammogram_results,
)
from procedures.analysis.voltammogram import analyse_voltammogram

AREA_cm2 = 0.636


def potential_of(vertices_V, step_V=1e-3):
    pieces = []
    for a, b in pairwise(vertices_V):
        pieces.append(np.arange(a, b, np.sign(b - a) * step_V))
    return np.concatenate([*pieces, [vertices_V[-1]]])


def voltammogram(vertices_V, returned=0.95, resistance=243.0, oxidation_V=9.0, noise=3e-8, alloy=0.0, seed=0):
    """Plating below 0 V through a resistance; stripping through it until the returned share is gone. 1 mV/s.

    Returns time, potential, current and the stripped charge (mC/cm2) of each cycle."""
    potential = potential_of(vertices_V)
    density = np.zeros(len(potential))
    plated, left, stripped = 0.0, 0.0, []
    rate = np.gradient(potential)
    for k, volt in enumerate(potential):
        if volt < 0:
            density[k] = volt / resistance
            plated -= density[k]
            left = returned * plated
        elif left > 0:
            density[k] = min(volt / resistance, left)
            left -= density[k]
            if plated:
                stripped.append(1000 * returned * plated)
                plated = 0.0
    density += 1.3e-5 * alloy * np.exp(-0.5 * ((potential - 0.2) / 0.06) ** 2) * np.sign(rate)
    density += 5e-6 * 10 ** np.clip((potential - oxidation_V) / 0.06, -20, 2) + 5e-9 * np.sign(rate)
    density += noise * np.random.default_rng(seed).standard_normal(len(potential))
    return np.arange(len(potential), dtype=float), potential, density * AREA_cm2, stripped


PAPER = [2.1, -0.5, 3.5, -0.5, 3.5, -0.5, 3.5, 2.1]


def test_the_paper_voltammogram():
    """Stable from -0.5 to 3.5 V, plating and stripping near 0 V."""
    time, potential, current, stripped = voltammogram(PAPER)
    cycles = analyse_voltammogram(time, potential, current, AREA_cm2)
    results = voltammogram_results(cycles)
    named = {(r.name, r.at["cycle"]): r for r in results}
    assert len(cycles) == 3
    for k in (1, 2, 3):
        assert named["plating_onset", k].value == pytest.approx(-243 * 5e-6, abs=0.001)
        assert named["stripping_charge", k].value == pytest.approx(stripped[k - 1], rel=0.005)
        assert named["coulombic_efficiency", k].value == pytest.approx(95, abs=1)
        assert named["stable_from", k].value == pytest.approx(-0.5, abs=1e-6)
        assert named["stable_to", k].value == pytest.approx(3.5, abs=0.0011)
        assert "went no further" in named["stable_to", k].method


def test_random_voltammograms():
    rng = np.random.default_rng(13)
    onsets = charges = windows = 0
    for k in range(30):
        resistance, returned = 10 ** rng.uniform(2, 3), rng.uniform(0.85, 0.999)
        oxidation_V, lowest = rng.uniform(2.5, 4.8), -rng.uniform(0.1, 0.5)
        noise = 3e-8 * rng.uniform(1, 5)
        rows = voltammogram([2.1, lowest, 5.0, 2.1], returned, resistance, oxidation_V, noise, 0.0, k)
        one = analyse_voltammogram(*rows[:3], AREA_cm2)[0]
        onset, charge, to = one.plating_onset_V, one.stripping_charge_mC_cm2, one.stable_to_V
        onsets += onset.interval is not None and onset.interval[0] < -5e-6 * resistance < onset.interval[1]
        charges += charge.interval is not None and charge.interval[0] < rows[3][0] < charge.interval[1]
        windows += to.interval is not None and to.interval[0] < oxidation_V < to.interval[1]
    print(f"of 30: plating onsets {onsets}, stripping charges {charges}, upper limits {windows}")
    assert min(onsets, charges, windows) >= 27


def test_cycles_are_named_by_their_column_and_may_start_upwards():
    time, potential, current, _ = voltammogram([2.1, 3.5, -0.5, 3.5, -0.5, 2.1])
    numbers = 1 + (np.arange(len(time)) > 6400).astype(int)
    cycles = analyse_voltammogram(time, potential, current, AREA_cm2, cycle=numbers)
    assert [one.cycle for one in cycles] == [1, 2]
    assert cycles[1].stripping_charge_mC_cm2.value is not None


@pytest.mark.parametrize("start_V", [-0.3, -0.002, 0.0, 0.13, 0.3, 0.8, 2.1, 3.4])
def test_every_cycle_has_its_results_wherever_the_sweep_begins(start_V):
    time, potential, current, stripped = voltammogram([start_V, -0.5, 3.5, -0.5, 3.5, start_V])
    cycles = analyse_voltammogram(time, potential, current, AREA_cm2)
    assert [one.cycle for one in cycles] == [1, 2]
    for one, charge in zip(cycles, stripped, strict=True):
        assert one.stripping_charge_mC_cm2.value == pytest.approx(charge, rel=0.005)
        assert one.coulombic_efficiency_percent.value == pytest.approx(95, abs=1)
        assert one.stable_to_V.value == pytest.approx(3.5, abs=0.0011)
    first, second = cycles
    assert second.plating_onset_V.value == pytest.approx(-243 * 5e-6, abs=0.001)
    if start_V > 0:
        assert first.plating_onset_V.value == pytest.approx(-243 * 5e-6, abs=0.001)
        assert first.stable_from_V.value == pytest.approx(-0.5, abs=1e-6)
        assert f"from {start_V:g} V down" in first.stable_from_V.method
    elif start_V < -0.1:
        assert "begins within plating" in (first.plating_onset_V.reason or "")
        assert first.stable_from_V.value is None
    assert record_shape(time, potential, current) == "cyclic-voltammetry"


@pytest.mark.parametrize("cycles", [1, 2])
def test_a_record_that_begins_at_the_lower_vertex_has_a_cycle_without_a_fall(cycles):
    """With the noise of the potential the lowest row need not be the first."""
    time, potential, current, stripped = voltammogram([-0.5, *[3.5, -0.5] * cycles])
    potential = potential + 1e-3 * np.random.default_rng(3).standard_normal(len(potential))
    found = analyse_voltammogram(time, potential, current, AREA_cm2)
    assert [one.cycle for one in found] == list(range(1, cycles + 1))
    assert record_shape(time, potential, current) == "cyclic-voltammetry"
    for one, charge in zip(found, stripped, strict=True):
        assert one.stripping_charge_mC_cm2.value == pytest.approx(charge, rel=0.01)
        assert one.stable_to_V.value == pytest.approx(3.5, abs=0.01)
    assert "begins at the lower vertex" in (found[0].plating_onset_V.reason or "")
    assert "begins at the lower vertex" in (found[0].stable_from_V.reason or "")


def test_oxidation_alone_between_two_vertices_is_a_cycle_too():
    time, potential, current, _ = voltammogram([2.1, 5.0, 2.1], oxidation_V=4.0)
    (one,) = analyse_voltammogram(time, potential, current, AREA_cm2)
    assert one.stable_to_V.value == pytest.approx(4.0, abs=0.01)
    assert "nothing was plated: the record begins" in (one.stripping_charge_mC_cm2.reason or "")


def test_a_record_that_ends_early_in_a_rise_says_that_stripping_was_not_over():
    time, potential, current, _ = voltammogram([2.1, -0.5, 3.5, -0.5, -0.1])
    found = analyse_voltammogram(time, potential, current, AREA_cm2)
    assert [one.cycle for one in found] == [1, 2]
    assert found[1].plating_onset_V.value is not None
    assert "not over" in (found[1].stripping_charge_mC_cm2.reason or "")


def test_a_short_way_back_is_no_rise_to_an_upper_vertex():
    time, potential, current, _ = voltammogram([2.1, -0.5, 3.5, 2.1], returned=0.0)
    early = potential.size - 4500  # some way up the first rise, below the potential of the start
    one = analyse_voltammogram(time[:early], potential[:early], 0 * current[:early], AREA_cm2)[0]
    assert potential[early - 1] < 2.0
    assert one.stable_to_V.value is None or one.stable_to_V.value <= potential[early - 1]


@pytest.mark.parametrize("vertices_V", [[2.1, 5.0], [2.1, -0.5], [2.11, 2.1, 5.0], [-0.5, 3.5]])
def test_one_sweep_stays_a_linear_one(vertices_V):
    time, potential, current, _ = voltammogram(vertices_V)
    assert record_shape(time, potential, current) == "linear-sweep"


def test_plating_that_does_not_come_back_ends_the_window():
    rows = voltammogram([2.1, -0.5, 3.5, 2.1], returned=0.3)
    one = analyse_voltammogram(*rows[:3], AREA_cm2)[0]
    assert one.stable_from_V.value == pytest.approx(-0.0012, abs=0.001)
    assert "30 % of what is plated comes back" in one.stable_from_V.method


@pytest.mark.parametrize("alloy", [1.0, 3.0, 20.0])
def test_an_alloy_peak_is_not_the_plating_onset(alloy):
    rows = voltammogram([2.1, -0.5, 3.5, 2.1], alloy=alloy)
    one = analyse_voltammogram(*rows[:3], AREA_cm2)[0]
    assert one.plating_onset_V.value == pytest.approx(0, abs=0.015)
    assert one.stable_from_V.value == pytest.approx(-0.5, abs=1e-6)


def test_a_blocking_electrode_has_a_window_and_nothing_plated():
    time = np.arange(8000.0)
    potential = potential_of([2.0, -0.5, 3.0, 2.0])
    current = 2e-8 * np.random.default_rng(1).standard_normal(len(potential))
    one = analyse_voltammogram(time[: len(potential)], potential, current, AREA_cm2)[0]
    assert one.plating_onset_V.value is None
    assert "nothing was plated" in (one.stripping_charge_mC_cm2.reason or "")
    assert one.stable_from_V.value == pytest.approx(-0.5)
    assert one.stable_to_V.value == pytest.approx(3.0, abs=0.0011)


def test_stripping_that_is_not_over_is_refused():
    rows = voltammogram([2.1, -0.5, 0.2])
    one = analyse_voltammogram(*rows[:3], AREA_cm2)[0]
    assert "not over" in (one.stripping_charge_mC_cm2.reason or "")
    assert one.stable_to_V.value is None


def test_nonsense_voltammograms_are_refused():
    time, potential, current, _ = voltammogram([2.1, 3.5])
    with pytest.raises(AnalysisRefused, match="no cyclic voltammogram"):
        analyse_voltammogram(time, potential, current, AREA_cm2)
    with pytest.raises(BadInput, match="area"):
        analyse_voltammogram(time, potential, current, -1)
    with pytest.raises(BadInput, match="one length"):
        analyse_voltammogram(time[1:], potential, current, AREA_cm2)


def test_a_linear_sweep_with_and_without_a_record_before_it():
    potential = np.arange(2.1, 5.0, 1e-3)
    kinetic = 5e-6 * 10 ** ((potential - 4.0) / 0.06)
    noise = 3e-8 * np.random.default_rng(0).standard_normal(len(potential))
    current = (kinetic / (1 + kinetic / 1e-3) + noise) * AREA_cm2
    alone = {r.name: r for r in linear_sweep_results(analyse_linear_sweep(potential, current, AREA_cm2))}
    assert alone["open_circuit_potential"].value == pytest.approx(2.1)
    assert alone["oxidation_onset"].value == pytest.approx(4.0, abs=0.002)
    assert (alone["oxidation_onset_tangent"].value or 0) > 4.05
    before = 2.098 + 1e-4 * np.random.default_rng(1).standard_normal(600)
    led = analyse_linear_sweep(potential, current, AREA_cm2, before).open_circuit_potential_V
    assert led.value == pytest.approx(2.098, abs=5e-5)
    flowing = analyse_linear_sweep(potential, current + 1e-5, AREA_cm2).open_circuit_potential_V
    assert "not at open circuit" in (flowing.reason or "")


def test_open_circuit_potential_and_drift():
    inside = 0
    for seed in range(60):
        time = np.arange(0, 3600.0, 2)
        noise = 1e-4 * np.random.default_rng(seed).standard_normal(len(time))
        found = {r.name: r for r in open_circuit_results(analyse_open_circuit(time, 2.1 + 5e-3 * time / 3600 + noise))}
        assert found["open_circuit_potential"].value == pytest.approx(2.105, abs=1e-4)
        interval = found["drift"].interval
        inside += interval is not None and interval[0] < 5 < interval[1]
    print(f"drifts within 95 %: {inside} of 60")
    assert inside >= 52
    with pytest.raises(AnalysisRefused, match="needs 8"):
        analyse_open_circuit([0, 1, 2], [1, 1, 1])
