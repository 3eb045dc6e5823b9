"""Critical current density, resistance and polarisation per step against known truth."""

from __future__ import annotations

import numpy as np
import pytest
from galvanostatic_made import AREA_cm2, galvanostatic, shorted

from daq.errors import BadInput
from procedures.analysis.critical_current import analyse_critical_current, critical_current_results

PAPER = np.repeat(np.arange(1, 16) * 0.05, 2)  # 0.05 to 0.75 mA/cm2, charge and discharge


def paper_ladder(onset_s=14 * 3600.0 + 700):
    return shorted(galvanostatic(PAPER, 1800, 2.0), onset_s, "hard", np.random.default_rng(0))


def test_the_paper_ladder():
    """12 mV at 0.05 to 173 mV at 0.7 mA/cm2, short within 0.75: critical current density 0.7 mA/cm2."""
    made = paper_ladder()
    found = analyse_critical_current(*made.rows, area_cm2=AREA_cm2)
    named = [(r.name, r.at.get("step"), r) for r in critical_current_results(found, {"sample": "a"})]
    critical = next(r for name, _, r in named if name == "critical_current_density")
    assert critical.value == pytest.approx(0.7, rel=1e-3)
    assert critical.interval == pytest.approx((0.7, 0.75), rel=1e-3)
    assert critical.at == {"sample": "a"}
    resistance = next(r for name, step, r in named if name == "area_specific_resistance" and step is None)
    assert resistance.value == pytest.approx(247, rel=0.02)
    polarisation = {step: r for name, step, r in named if name == "polarisation"}
    assert polarisation[1].value == pytest.approx(12.4, abs=0.2)
    assert polarisation[14].value == pytest.approx(174, abs=2)
    assert polarisation[15].reason == "this current was shorted in its first half cycle"
    short = next(r for name, _, r in named if name == "short_circuit")
    assert short.value == pytest.approx(14 + 700 / 3600, abs=0.01)
    assert short.at["kind"] == "hard"


def test_random_critical_currents_from_0_1_to_2():
    """30 truths each, hard and soft, noise x1 to x5: the true value lies between last passed and first failed."""
    rng = np.random.default_rng(11)
    for kind in ("hard", "soft"):
        found = lines = 0
        for _ in range(30):
            truth = 10 ** rng.uniform(-1, np.log10(2.0))
            steps = int(rng.integers(5, 20))
            ladder = np.arange(1, steps + 4) * truth / (steps + rng.uniform(-0.4, 0.4))
            resistance, noise_V = 10 ** rng.uniform(1.7, 2.7), 1e-4 * rng.uniform(1, 5)
            offset_V = rng.uniform(-5e-4, 5e-4)
            made = galvanostatic(np.repeat(ladder, 2), 1800, 2.0, resistance, 0, noise_V, offset_V, 60, rng)
            failing = int(np.flatnonzero(ladder > truth)[0])
            onset_s = (2 * failing + rng.uniform(0, 1.9)) * 1860
            left = rng.uniform(0.02, 0.15) if kind == "hard" else 1 - rng.uniform(0.2, 0.6)
            broken = shorted(made, onset_s, kind, rng, rng.uniform(20, 300), left)
            analysed = analyse_critical_current(*broken.rows, area_cm2=AREA_cm2)
            interval = analysed.critical_current_density_mA_cm2.interval
            found += interval is not None and interval[0] * 0.999 < truth < interval[1] * 1.001
            line = analysed.area_specific_resistance_ohm_cm2
            reading = resistance * 1.0083  # what the made cell shows in the last third: its slow rise included
            lines += line.interval is not None and line.interval[0] < reading < line.interval[1]
        print(f"{kind}: critical currents {found}, resistances {lines} of 30")
        assert min(found, lines) >= 27


def test_a_ladder_without_a_short_says_that_the_value_is_above():
    found = analyse_critical_current(*galvanostatic(PAPER, 1800, 5.0).rows, area_cm2=AREA_cm2)
    critical = found.critical_current_density_mA_cm2
    assert critical.value is None
    assert critical.reason == "no short circuit up to 0.75 mA/cm2: the critical current density is above it"
    assert all(step.passed for step in found.steps)


def test_a_short_in_the_first_current_says_that_the_value_is_below():
    found = analyse_critical_current(*paper_ladder(900.0).rows, area_cm2=AREA_cm2)
    assert "critical one is below" in (found.critical_current_density_mA_cm2.reason or "")
    assert [step.passed for step in found.steps[:2]] == [False, None]


def test_the_step_that_failed_keeps_its_healthy_half_cycle():
    found = analyse_critical_current(*paper_ladder(14 * 3600.0 + 1800 + 700).rows, area_cm2=AREA_cm2)
    last = found.steps[14]
    assert last.passed is False
    assert last.polarisation_mV.value == pytest.approx(187, abs=2)


def test_step_numbers_part_currents_and_areas_are_checked():
    made = galvanostatic([0.1, 0.1, 0.1, 0.1], 1800, 5.0)
    numbers = (made.time_s // 900).astype(int)
    found = analyse_critical_current(*made.rows, area_cm2=AREA_cm2, step=numbers)
    assert len(found.steps) == 1
    with pytest.raises(BadInput, match="area"):
        analyse_critical_current(*made.rows, area_cm2=0)
