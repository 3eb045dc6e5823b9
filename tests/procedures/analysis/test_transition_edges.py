"""Points next to a jump: those still partly of the other phase leave the line, and two points make none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from spectra_made import BOLTZMANN_EV_K, Pellet

from daq.contracts import Result
from procedures.analysis.geometry import Geometry
from procedures.analysis.sweep import MeasuredSpectrum, SweepAnalysis, analyse_sweep

GEOMETRY = Geometry(thickness_mm=1.0, area_cm2=1.0)
LOW_25C_S_cm, LOW_EV, HIGH_25C_S_cm, HIGH_EV = 1.4e-7, 0.70, 4e-6, 0.56


def pellet_at(temperature_C: float, high_share: float) -> Pellet:
    """A pellet that has, at this one temperature, the conductivity of two phases side by side."""
    inverse = 1 / (temperature_C + 273.15) - 1 / 298.15
    low = LOW_25C_S_cm * np.exp(-LOW_EV / BOLTZMANN_EV_K * inverse)
    high = HIGH_25C_S_cm * np.exp(-HIGH_EV / BOLTZMANN_EV_K * inverse)
    sigma = (1 - high_share) * low + high_share * high
    total = 0.1 / sigma * np.exp(-0.56 / BOLTZMANN_EV_K * inverse)  # `Pellet` brings the other factor
    return Pellet(0.03 * total, 0.97 * total)


def sweep(shares: dict[float, float], direction: str = "heating") -> list[MeasuredSpectrum]:
    """One spectrum per temperature, at the given share of the high phase."""
    rng = np.random.default_rng(8)
    made = []
    for temperature_C, share in shares.items():
        (spectrum,) = pellet_at(temperature_C, share).sweep(np.array([temperature_C]), rng, direction, "x", 0.02)
        made.append(replace(spectrum, temperature_uncertainty_K=0.02))
    return made


def found(analysis: SweepAnalysis, name: str, **at: str) -> Result:
    (result,) = [r for r in analysis.results if r.name == name and at.items() <= r.at.items()]
    return result


HIGH = {48.0: 1.0, 55.0: 1.0, 62.0: 1.0, 70.0: 1.0}


@pytest.mark.parametrize("share", [0.002, 0.01])
def test_a_point_partly_of_the_other_phase_is_left_out_with_a_sentence(share: float) -> None:
    analysis = analyse_sweep(sweep({25.0: 0.0, 30.0: 0.0, 35.0: 0.0, 40.0: 0.0, 43.0: share} | HIGH), GEOMETRY)
    energy = found(analysis, "activation_energy", branch="below")
    assert energy.value == pytest.approx(LOW_EV, rel=0.02)
    assert energy.interval is not None
    assert energy.interval[0] < LOW_EV < energy.interval[1]
    assert found(analysis, "conductivity_25C").value == pytest.approx(LOW_25C_S_cm, rel=0.02)
    (note,) = [note for note in analysis.notes if "not complete" in note]
    assert "43 °C" in note


def test_a_complete_point_beside_the_jump_stays() -> None:
    analysis = analyse_sweep(sweep({25.0: 0.0, 30.0: 0.0, 35.0: 0.0, 40.0: 0.0, 43.0: 0.0} | HIGH), GEOMETRY)
    assert not [note for note in analysis.notes if "not complete" in note]
    assert "5 points" in found(analysis, "activation_energy", branch="below").method
    assert "4 points" in found(analysis, "activation_energy", branch="above").method


def test_the_high_phase_loses_its_point_on_cooling_too() -> None:
    shares = {70.0: 1.0, 60.0: 1.0, 50.0: 1.0, 40.0: 1.0, 28.0: 0.9, 22.0: 0.0, 18.0: 0.0, 14.0: 0.0}
    analysis = analyse_sweep(sweep(shares, "cooling"), GEOMETRY)
    assert found(analysis, "activation_energy", branch="above").value == pytest.approx(HIGH_EV, rel=0.02)
    assert found(analysis, "activation_energy", branch="below").value == pytest.approx(LOW_EV, rel=0.03)
    assert any("28 °C" in note and "not complete" in note for note in analysis.notes)


def test_two_points_beside_a_transition_give_no_energy_and_the_farther_one_the_conductivity() -> None:
    """26 °C holds a twentieth too much conductivity: a line through it and 24 °C would be sure and wrong."""
    up = {25.0: 0.0, 30.0: 0.0, 35.0: 0.0, 40.0: 0.0} | HIGH
    down = {62.0: 1.0, 50.0: 1.0, 40.0: 1.0, 30.0: 1.0, 26.0: 0.002, 24.0: 0.0}
    analysis = analyse_sweep(sweep(up) + sweep(down, "cooling"), GEOMETRY)
    energy = found(analysis, "activation_energy", direction="cooling", branch="below")
    assert energy.value is None
    assert "2 points on this side of the transition" in (energy.reason or "")
    room = found(analysis, "conductivity_25C", direction="cooling")
    assert room.value == pytest.approx(LOW_25C_S_cm, rel=0.02)
    assert room.interval is not None
    assert room.interval[0] < LOW_25C_S_cm < room.interval[1]
    assert "24.0 °C alone" in room.method
