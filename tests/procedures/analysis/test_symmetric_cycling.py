"""Hours, polarisation and growth of symmetric cycling against known truth."""

from __future__ import annotations

import numpy as np
import pytest
from galvanostatic_made import AREA_cm2, Made, galvanostatic, shorted

from daq.errors import BadInput
from procedures.analysis.symmetric import analyse_symmetric_cycling, symmetric_cycling_results


def test_the_paper_two_currents_of_500_hours():
    made = galvanostatic(np.repeat([0.1, 0.2], 1000), 1800, 10.0, growth_percent_h=0.002)
    results = symmetric_cycling_results(analyse_symmetric_cycling(*made.rows, area_cm2=AREA_cm2))
    named = {(r.name, r.at.get("stage"), r.at.get("moment")): r for r in results}
    assert named["hours_cycled", None, None].value == pytest.approx(1000, abs=0.1)
    assert named["polarisation", 1, "start"].value == pytest.approx(24.7 * 1.008, rel=0.005)
    assert named["polarisation", 2, "end"].value == pytest.approx(49.4 * 1.008 * 1.02, rel=0.005)
    assert named["polarisation", 2, "end"].at["current_density_mA_cm2"] == pytest.approx(0.2, abs=1e-3)
    growth = named["polarisation_growth", 1, None]
    assert growth.value == pytest.approx(0.002, abs=0.0005)
    assert named["short_circuit", None, None].value is None
    assert "no short" in (named["short_circuit", None, None].reason or "")


def test_random_growths_are_found_within_their_uncertainty():
    rng = np.random.default_rng(3)
    found = 0
    for _ in range(30):
        growth = 10 ** rng.uniform(-3, -1)
        noise_V = 1e-4 * rng.uniform(1, 5)
        made = galvanostatic([0.1] * 100, 1800, 10.0, 247, growth, noise_V, rng.uniform(-1e-3, 1e-3), 0, rng)
        interval = analyse_symmetric_cycling(*made.rows).stages[0].growth_percent_h.interval
        mean = growth / (1 + growth / 100 * 25)  # share per hour of what it is in the middle
        found += interval is not None and interval[0] < mean < interval[1]
    print(f"growths within 95 %: {found} of 30")
    assert found >= 27


def test_correlated_scatter_widens_the_growth():
    rng = np.random.default_rng(9)
    wander = np.cumsum(rng.standard_normal(400)) * 2e-3
    made = galvanostatic([0.1] * 400, 1800, 60.0)
    share = 1 + np.interp(made.time_s, np.arange(400) * 1800.0, wander)
    plain = analyse_symmetric_cycling(*made.rows).stages[0].growth_percent_h.uncertainty or 0
    moved = analyse_symmetric_cycling(made.time_s, made.current_A, made.voltage_V * share).stages[0].growth_percent_h
    assert (moved.uncertainty or 0) > 5 * plain


def test_hours_end_at_the_short_and_nothing_after_it_counts():
    made = shorted(galvanostatic([0.1] * 100, 1800, 10.0), 20.25 * 3600, "hard", None)
    found = analyse_symmetric_cycling(*made.rows, area_cm2=AREA_cm2)
    assert found.hours_cycled.value == pytest.approx(20.25, abs=0.01)
    assert found.stages[0].half_cycles == 40
    assert found.stages[0].end_mV.value == pytest.approx(24.9, rel=0.02)


def test_a_break_counts_when_the_cell_was_cycled_on_and_rests_do_not():
    made = galvanostatic([0.1] * 40, 1800, 10.0, rest_s=600)
    assert analyse_symmetric_cycling(*made.rows).hours_cycled.value == pytest.approx(20, abs=0.2)
    kept = (made.time_s < 2450) | (made.time_s > 3900)
    broken = Made(made.time_s[kept], made.current_A[kept], made.voltage_V[kept], made.clean_V[kept])
    assert analyse_symmetric_cycling(*broken.rows).hours_cycled.value == pytest.approx(20, abs=0.2)
    broken.current_A[broken.time_s > 3900] *= 0.5  # another current after the break: nobody knows since when
    hours = analyse_symmetric_cycling(*broken.rows).hours_cycled
    assert hours.value == pytest.approx(20 - 1450 / 3600, abs=0.01)
    assert hours.interval is not None
    assert hours.interval[1] > 20


def test_too_little_is_refused_with_its_reason():
    found = analyse_symmetric_cycling(*galvanostatic([0.1] * 3).rows)
    assert "needs 8" in (found.stages[0].growth_percent_h.reason or "")
    with pytest.raises(BadInput, match="area"):
        analyse_symmetric_cycling(*galvanostatic([0.1] * 3).rows, area_cm2=-1)
