"""The first-order transition of Li2OHCl: where it turns on heating and on cooling, and how long it takes."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from truth_bench import TruthBench, truth_bench

from drivers.simulated.sample import Holding, Sample, SampleState, Transition

LI2OHCL = {"preset": "Li2OHCl"}


def high_phase_at(truth: TruthBench, temperature_C: float) -> float:
    truth.settle(temperature_C, hours=4)
    return truth.world.sample(1).high_phase


def test_it_turns_at_44_on_heating_and_at_27_on_cooling(tmp_path: Path) -> None:
    with truth_bench(tmp_path, LI2OHCL) as truth:
        assert truth.world.sample(1).high_phase == 0
        assert high_phase_at(truth, 35) < 1e-3
        assert high_phase_at(truth, 42) < 1e-2
        assert high_phase_at(truth, 46) > 0.99
        assert high_phase_at(truth, 35) > 0.99  # the same temperature as above, from the other side
        assert high_phase_at(truth, 29) > 0.99
        assert high_phase_at(truth, 25) < 1e-2


def test_a_partial_excursion_stays_where_it_came(tmp_path: Path) -> None:
    with truth_bench(tmp_path, LI2OHCL) as truth:
        part = high_phase_at(truth, 44)
        assert 0.3 < part < 0.8
        assert high_phase_at(truth, 36) == pytest.approx(part, abs=0.05)


@pytest.mark.parametrize("time_s", [60.0, 600.0])
def test_the_transition_follows_first_order_kinetics(time_s: float) -> None:
    holding = Holding(0, 0, 20, Transition(heating_C=44, cooling_C=27, width_K=1, time_s=time_s))
    sample = Sample(holding, SampleState(50.0, 0.0))
    sample.advance([50.0] * round(2 * time_s))
    assert 1 - sample.state.high_phase == pytest.approx(math.exp(-2), rel=1e-3)


def test_resistance_goes_on_falling_when_temperature_has_settled(tmp_path: Path) -> None:
    """35 -> 46 degC: after 30 min T is there, R still far above its end, more so with slow kinetics."""
    excess = {}
    for time_s in (300, 1200):
        simulation = {**LI2OHCL, "parameters": {"transition_time_s": time_s}}
        with truth_bench(tmp_path / str(time_s), simulation) as truth:
            truth.settle(35)
            truth.settle(46, hours=0.5)
            cell, view = truth.cell(), truth.world.sample(1)
            assert view.temperature_C == pytest.approx(46, abs=0.4)
            now_ohm = cell.total_resistance_ohm(view.temperature_C, view.high_phase)
            excess[time_s] = now_ohm / cell.total_resistance_ohm(view.temperature_C, 1.0)
    assert excess[300] > 1.02
    assert excess[1200] > 2


def test_width_and_temperatures_can_be_set(tmp_path: Path) -> None:
    parameters = {"transition_heating_C": 60, "transition_cooling_C": 55, "transition_time_s": 10}
    with truth_bench(tmp_path, {**LI2OHCL, "parameters": parameters}) as truth:
        assert high_phase_at(truth, 57) < 1e-3
        assert high_phase_at(truth, 62) > 0.99
        assert high_phase_at(truth, 57) > 0.99
        assert high_phase_at(truth, 53) < 1e-2


def test_k001_has_no_transition(tmp_path: Path) -> None:
    with truth_bench(tmp_path) as truth:
        assert high_phase_at(truth, 25) == 1
        assert high_phase_at(truth, 60) == 1
