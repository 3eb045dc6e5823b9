"""Onsets of known truth: Tafel rises with a limit, double layer, ohmic drop, noise; and sweeps without one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daq.errors import AnalysisRefused, BadInput
from procedures.analysis.onset import OnsetOptions, find_onset


def sweep(onset_V, start_V=2.1, end_V=5.0, tafel_V=0.06, noise_A_cm2=3e-8, step_V=1e-3, resistance=0.0, seed=0):
    """Potential and density: 5 µA/cm2 at `onset_V`, so many V per decade, limited at 1 mA/cm2."""
    inner = np.arange(start_V, end_V + step_V / 10, step_V / 20)
    kinetic = 5e-6 * 10 ** ((inner - onset_V) / tafel_V)
    density = kinetic / (1 + kinetic / 1e-3) + 5e-9
    outer = inner + resistance * density
    potential = np.arange(start_V, end_V + step_V / 2, step_V)
    seen = np.interp(potential, outer, density)
    return potential, seen + noise_A_cm2 * np.random.default_rng(seed).standard_normal(len(potential))


def test_the_paper_sweep():
    """From 2.1 V to 5 V, 382 ohm on 9 mm: 5 µA/cm2 at 4.0 V (1.2 mV of ohmic drop on top)."""
    onset = find_onset(*sweep(4.0, resistance=243.0))
    assert onset.threshold.value == pytest.approx(4.0 + 243 * 5e-6, abs=0.001)
    assert onset.tangent.value is not None
    assert 4.05 < onset.tangent.value < 4.15
    assert "5 µA/cm2" in onset.threshold.method
    assert "tangent" in onset.tangent.method
    free = find_onset(*sweep(4.0, resistance=243.0), options=OnsetOptions(resistance_ohm_cm2=243.0))
    assert free.threshold.value == pytest.approx(4.0, abs=0.001)
    assert "243 Ω cm² taken off" in free.threshold.method


def test_random_onsets_from_2_5_to_4_8_V():
    rng = np.random.default_rng(7)
    by_threshold = by_tangent = 0
    for k in range(30):
        truth, tafel = rng.uniform(2.5, 4.8), rng.uniform(0.05, 0.12)
        resistance = rng.uniform(0, 500)
        noise, step_V = 3e-8 * rng.uniform(1, 5), float(rng.choice([5e-4, 1e-3, 2e-3]))
        noisy = find_onset(*sweep(truth, 2.1, 5.0, tafel, noise, step_V, resistance, k))
        clean_V, clean = sweep(truth, 2.1, 5.0, tafel, 0.0, 1e-4, resistance)
        passed = float(np.interp(5e-6, clean, clean_V))
        steepest = int(np.argmax(np.gradient(clean, clean_V)))
        foot = clean_V[steepest] - (clean[steepest] - 5e-9) / np.gradient(clean, clean_V)[steepest]
        for_threshold, for_tangent = noisy.threshold.interval, noisy.tangent.interval
        by_threshold += for_threshold is not None and for_threshold[0] < passed < for_threshold[1]
        by_tangent += for_tangent is not None and for_tangent[0] < foot < for_tangent[1]
    print(f"onsets of 30: threshold {by_threshold}, tangent {by_tangent}")
    assert min(by_threshold, by_tangent) >= 27


def test_no_onset_is_refused_with_what_was_seen():
    potential = np.arange(2.1, 4.0, 1e-3)
    flat = 2e-7 + 3e-8 * np.random.default_rng(1).standard_normal(len(potential))
    onset = find_onset(potential, flat)
    assert onset.threshold.value is None
    assert onset.tangent.value is None
    assert "no onset between 2.1 and 4 V: the largest density is" in (onset.threshold.reason or "")
    started = find_onset(potential, flat + 1e-5)
    assert "from the start of the sweep" in (started.threshold.reason or "")
    noisy = find_onset(potential, 2e-5 * np.random.default_rng(1).standard_normal(len(potential)))
    assert "noise" in (noisy.threshold.reason or "")


@given(st.floats(1.5, 6), st.integers(0, 1000))
@settings(max_examples=60, deadline=None)
def test_flat_sweeps_of_any_noise_have_no_onset(decades, seed):
    rng = np.random.default_rng(seed)
    potential = np.arange(2.1, 5.0, 1e-3)
    onset = find_onset(potential, 10**-decades * 1e-4 * rng.standard_normal(len(potential)))
    assert onset.threshold.value is None
    assert onset.threshold.reason


def test_a_spike_is_no_onset_and_a_bump_is_none_for_the_last_passage():
    potential, density = sweep(4.3)
    spiked = density.copy()
    spiked[700] = 1e-3
    assert find_onset(potential, spiked).threshold.value == pytest.approx(4.3, abs=0.003)
    bumped = density + 3e-5 * np.exp(-(((potential - 3.0) / 0.06) ** 2))
    assert find_onset(potential, bumped).threshold.value == pytest.approx(2.92, abs=0.02)
    assert find_onset(potential, bumped, which="last").threshold.value == pytest.approx(4.3, abs=0.003)


def test_reduction_is_the_mirror_of_oxidation():
    potential, density = sweep(4.0)
    up = find_onset(potential, density)
    down = find_onset(-potential, -density, "reduction")
    assert down.threshold.value == pytest.approx(-(up.threshold.value or 0))
    assert down.tangent.uncertainty == pytest.approx(up.tangent.uncertainty)


def test_a_rise_that_the_sweep_cuts_off_says_so():
    onset = find_onset(*sweep(4.0, end_V=4.1))
    assert onset.threshold.value == pytest.approx(4.0, abs=0.003)
    assert "still steepened" in onset.tangent.method


def test_tangents_of_one_cell_agree_wherever_the_sweep_cuts_the_rise_off():
    """5 µA/cm2 at 4.8 V: ended at 4.83 V, or some 25 times the current later. A rise that is seen whole stays sharp."""
    feet = [find_onset(*sweep(4.8, end_V=end_V, seed=k)).tangent for k, end_V in enumerate((4.83, 4.86, 4.9))]
    for one in feet:
        assert one.component("end") > 0.02
        assert one.interval is not None
        assert one.interval[0] < 4.84 < one.interval[1]  # the foot at an end between theirs
    early, late = feet[0], find_onset(*sweep(4.8, end_V=5.2)).tangent
    assert late.component("end") == 0
    assert (late.uncertainty or 1) < 0.005
    assert (late.value or 0) - (early.value or 0) < 1.96 * 2 * (early.uncertainty or 0)


def test_nonsense_is_refused():
    potential, density = sweep(4.0)
    with pytest.raises(BadInput, match="no oxidation to look for"):
        find_onset(potential[::-1], density[::-1])
    with pytest.raises(BadInput, match="turns back"):
        find_onset(np.r_[potential, potential[::-1][:-900]], np.r_[density, density[::-1][:-900]])
    with pytest.raises(AnalysisRefused, match="needs a sweep of 20"):
        find_onset(potential[:5], density[:5])
    with pytest.raises(BadInput, match="one length"):
        find_onset(potential, density[1:])
    with pytest.raises(BadInput, match="threshold_A_cm2"):
        OnsetOptions(threshold_A_cm2=0)
    with pytest.raises(BadInput, match="resistance_ohm_cm2"):
        OnsetOptions(resistance_ohm_cm2=-1)
