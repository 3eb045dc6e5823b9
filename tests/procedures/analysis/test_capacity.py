"""Capacities, efficiencies and fade of known truth."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daq.errors import AnalysisRefused, BadInput
from procedures.analysis.capacity import coarse_current_note, cycles_of, integrate_half_cycles, retention_of
from procedures.analysis.capacity_curves import differential_capacity, mid_capacity_polarisation_mV
from procedures.analysis.cycling_results import cycling_results, rate_results

CURRENT_A = 1.12e-4


def curve(share):
    """A voltage against the share of charge: a plateau with two ends."""
    return 3.42 + 0.05 * (share - 0.5) + 0.4 * np.exp(-share / 0.02) * -1 + 0.3 * np.exp((share - 1) / 0.02)


def cycling(capacities_Ah, efficiency=0.998, interval_s=10.0, gap_mV=60.0, noise=1.0, seed=0, rest_s=0.0):
    """Rows as a cycler takes them: charge, (rest,) discharge, on a clock that knows nothing of the switches."""
    rng = np.random.default_rng(seed)
    edges, currents, shares = [0.0], [], []
    for capacity in capacities_Ah:
        for sign, amount in ((1, capacity / efficiency), (-1, capacity)):
            edges.append(edges[-1] + amount * 3600 / CURRENT_A)
            currents.append(sign * CURRENT_A)
            shares.append(1.0)
            if rest_s:
                edges.append(edges[-1] + rest_s)
                currents.append(0.0)
                shares.append(0.0)
    edges, currents = np.array(edges), np.array(currents)
    t = np.arange(0.37 * interval_s, edges[-1], interval_s)
    piece = np.searchsorted(edges, t, side="right") - 1
    share = (t - edges[piece]) / np.diff(edges)[piece]
    current = currents[piece]
    voltage = np.where(current >= 0, curve(share), curve(1 - share)) + np.sign(current) * gap_mV / 2000
    current = current + 2e-8 * noise * rng.standard_normal(len(t))
    return t, current, voltage + 2e-4 * noise * rng.standard_normal(len(t))


def test_capacity_efficiency_and_retention_of_a_plain_record():
    t, i, v = cycling([1.7e-4, 1.65e-4, 1.6e-4])
    results = cycling_results(integrate_half_cycles(t, i, v), active_mass_mg=1.4)
    named = {(r.name, r.at.get("cycle")): r for r in results}
    first = named["discharge_capacity", 1]
    assert first.unit == "mAh/g"
    assert first.value == pytest.approx(1.7e-4 * 1e6 / 1.4, abs=3 * (first.uncertainty or 0))
    assert first.value == pytest.approx(121.43, rel=0.002)
    assert named["coulombic_efficiency", 2].value == pytest.approx(99.8, abs=0.25)
    retention = named["capacity_retention", 3]
    assert retention.at == {"cycle": 3, "reference_cycle": 1}
    assert retention.value == pytest.approx(100 * 1.6 / 1.7, abs=0.3)
    assert named["polarisation", 2].value == pytest.approx(60, abs=0.5)


@pytest.mark.parametrize("first_row", [0, 1], ids=["rows at both ends of a step", "rows at the end of each interval"])
def test_the_first_and_the_last_half_cycle_are_as_whole_as_the_others(first_row):
    """A cycler whose clock begins with the first step, 10 s a record, six halves of 1800 s."""
    ticks = 10.0 * np.arange(first_row, 181)
    t = np.concatenate([1800 * half + ticks for half in range(6)])
    i = np.repeat([CURRENT_A, -CURRENT_A] * 3, len(ticks))
    halves = integrate_half_cycles(t, i, np.where(i > 0, 3.45, 3.39))
    assert halves.charge_Ah == pytest.approx([CURRENT_A / 2] * 6, rel=1e-9)


def test_random_fades_and_efficiencies_are_found_within_their_uncertainty():
    """30 truths: fade 0.01 to 0.5 % a cycle, noise x1 to x5, 0 to 10 min of rest."""
    rng = np.random.default_rng(4)
    fade_found = capacity_found = efficiency_found = 0
    for k in range(30):
        fade = 10 ** rng.uniform(-2, np.log10(0.5)) / 100
        efficiency = rng.uniform(0.97, 0.9995)
        capacities = 1.7e-4 * (1 - fade) ** np.arange(60)
        rows = cycling(capacities, efficiency, 20.0, 60, rng.uniform(1, 5), k, rng.choice([0.0, 600.0]))
        cycles = cycles_of(integrate_half_cycles(*rows))
        found = retention_of(cycles).fade_percent_per_cycle
        assert found.interval is not None
        fade_found += found.interval[0] <= 100 * fade <= found.interval[1]
        one = int(rng.integers(59))
        off = abs(cycles.discharge_Ah[one] - capacities[one]) / cycles.discharge_uncertainty_Ah[one]
        capacity_found += off < 1.96
        off = cycles.coulombic_efficiency_percent[one] - 100 * efficiency
        efficiency_found += abs(off) / cycles.efficiency_uncertainty_percent[one] < 1.96
    print(f"of 30: fade {fade_found}, capacities {capacity_found}, efficiencies {efficiency_found} within 95 %")
    assert min(fade_found, capacity_found, efficiency_found) >= 27


def test_a_gap_under_constant_current_counts_and_one_over_a_switch_widens():
    t, i, v = cycling([1.7e-4] * 4)
    whole = integrate_half_cycles(t, i, v)
    start = int(whole.segments.start[2])
    inside = np.ones(len(t), bool)
    inside[start + 100 : start + 200] = False
    bridged = integrate_half_cycles(t[inside], i[inside], v[inside])
    assert bridged.charge_Ah[2] == pytest.approx(whole.charge_Ah[2], rel=1e-3)
    assert bridged.gap_s[2] == pytest.approx(1010)
    halved = i.copy()
    halved[start + 150 :] *= 0.5
    doubtful = integrate_half_cycles(t[inside], halved[inside], v[inside])
    assert doubtful.uncertainty_Ah[2] > 0.4 * 1010 * CURRENT_A / 3600


def test_rests_pulses_and_single_odd_rows_make_no_half_cycles():
    t, i, v = cycling([1.7e-4] * 3, rest_s=900)
    i[1500] = -1e-6  # one odd row in a charge
    pause = slice(300, 340)
    i[pause] = 0.0  # a pause inside the first charge
    halves = integrate_half_cycles(t, i, v)
    assert len(halves) == 6
    assert halves.cycle.tolist() == [1, 1, 2, 2, 3, 3]
    assert integrate_half_cycles(t, i, v, first="discharge").cycle.tolist() == [0, 1, 1, 2, 2, 3]


def test_a_record_that_begins_with_a_discharge_has_its_efficiency_as_charge_over_discharge():
    t, i, v = cycling([1.7e-4] * 3, efficiency=0.9)
    cycles = cycles_of(integrate_half_cycles(t, -i, v))
    assert cycles.coulombic_efficiency_percent == pytest.approx(90, abs=0.3)
    assert cycles.charge_Ah[0] < cycles.discharge_Ah[0]


def test_a_last_half_cycle_that_was_cut_off_is_no_whole_cycle():
    t, i, v = cycling([1.7e-4] * 4)
    end = int(len(t) * 0.93)
    cycles = cycles_of(integrate_half_cycles(t[:end], i[:end], v[:end]))
    assert cycles.complete.tolist() == [True, True, True, False]
    assert retention_of(cycles).cycle == 3


def test_a_cell_that_was_half_charged_at_the_start_has_a_whole_cycle_after_the_first():
    """Its first charge is short, so the first efficiency is far above 100 %: no measure for the next cycle."""
    t, i, v = cycling([1.7e-4] * 2)
    half = np.flatnonzero(i < 0)[0]
    late = int(half * 0.9)
    cycles = cycles_of(integrate_half_cycles(t[late:], i[late:], v[late:]))
    assert cycles.coulombic_efficiency_percent[0] > 200
    assert cycles.complete.tolist() == [True, True]
    assert cycles.coulombic_efficiency_percent[1] == pytest.approx(100, abs=1)
    assert retention_of(cycles).cycle == 2


@given(st.floats(0.002, 0.05), st.integers(0, 5), st.floats(0, 5))
@settings(max_examples=15, deadline=None)
def test_dQ_dV_integrates_to_the_charge(window_V, index, noise):
    halves = integrate_half_cycles(*cycling([1.7e-4] * 3, noise=noise, interval_s=30))
    curve = differential_capacity(halves, index, window_V)
    area = float(np.sum(curve.dQ_dV_Ah_V) * (curve.voltage_V[1] - curve.voltage_V[0]))
    rows = slice(halves.segments.start[index], halves.segments.stop[index])
    assert area == pytest.approx(np.ptp(halves.cumulative_Ah[rows]), rel=2e-3)
    assert np.all(curve.dQ_dV_Ah_V >= -1e-9)
    assert f"{1000 * window_V:g} mV" in curve.method


def test_capacity_per_rate():
    rows, start_s = [], 0.0
    for rate, capacity in ((1, 1.7e-4), (2, 1.5e-4), (5, 1.1e-4), (1, 1.69e-4)):
        t, i, v = cycling([capacity / rate] * 3, interval_s=5.0)  # the same charge, faster
        rows.append((t + start_s, i * rate, v))
        start_s = rows[-1][0][-1] + 5
    t, i, v = (np.concatenate(column) for column in zip(*rows, strict=True))
    found = rate_results(integrate_half_cycles(t, i, v), 1.4)
    assert [r.at["cycles"] for r in found] == ["1-3", "4-6", "7-9", "10-12"]
    assert [r.at["current_mA_g"] for r in found] == pytest.approx([80, 160, 400, 80], rel=0.01)
    assert [r.value for r in found] == pytest.approx([121.4, 107.1, 78.6, 120.7], rel=0.01)
    with pytest.raises(BadInput, match="mass"):
        rate_results(integrate_half_cycles(*rows[0]), -1)


def test_a_coarse_current_is_warned_of_and_widens():
    """0.112 mA written as 0.0001: the LAND export in amperes with four decimals."""
    t, i, v = cycling([1.7e-4] * 3)
    halves = integrate_half_cycles(t, np.round(i, 4), v, current_resolution_A=1e-4)
    assert np.all(np.abs(halves.charge_Ah[1::2] - 1.7e-4) < 2 * halves.uncertainty_Ah[1::2])
    assert np.all(np.abs(halves.charge_Ah[1::2] - 1.7e-4) > 1e-5)
    note = coarse_current_note(halves, 1e-4)
    assert note is not None
    assert "export in mA or µA" in note
    assert coarse_current_note(halves, 1e-7) is None
    with pytest.raises(BadInput, match="current_resolution_A"):
        integrate_half_cycles(t, i, v, current_resolution_A=-1)


def test_dQ_dV_of_a_straight_line_is_its_slope():
    t = np.arange(0, 3600, 10.0)
    halves = integrate_half_cycles(t, np.full(360, 1e-3), 3 + t / 3600)
    curve = differential_capacity(halves, 0)
    inner = (curve.voltage_V > 3.01) & (curve.voltage_V < 3.98)
    assert curve.dQ_dV_Ah_V[inner] == pytest.approx(1e-3, rel=1e-6)


def test_nonsense_is_refused_in_words():
    t = np.arange(10.0)
    with pytest.raises(AnalysisRefused, match="no current"):
        integrate_half_cycles(t, np.zeros(10), t)
    with pytest.raises(BadInput, match="backwards at row 5"):
        integrate_half_cycles(np.r_[t[:5], t[:5]], np.ones(10), t)
    with pytest.raises(BadInput, match="one length"):
        integrate_half_cycles(t, np.ones(9), t)
    halves = integrate_half_cycles(t, np.ones(10), np.full(10, 3.0))
    with pytest.raises(AnalysisRefused, match="less than the window"):
        differential_capacity(halves, 0)
    with pytest.raises(BadInput, match="mass"):
        cycling_results(halves, active_mass_mg=0)
    assert mid_capacity_polarisation_mV(halves, 1).reason == "cycle 1 has no discharge"
    with pytest.raises(AnalysisRefused, match="needs two"):
        retention_of(cycles_of(halves))


def test_four_million_rows_take_seconds():
    n = 4_000_000
    t = np.arange(n, dtype=np.float64)
    i = np.where((t // 5000) % 2 == 0, 1e-4, -1e-4)
    v = 3.42 + 0.03 * np.sign(i)
    begin = time.process_time()
    halves = integrate_half_cycles(t, i, v)
    results = cycling_results(halves, 1.4)
    took = time.process_time() - begin
    print(f"{n} rows, {len(halves)} half cycles: {took:.1f} s")
    assert len(results) == 4 * 400 + 2
    assert took < 10


def short_discharges(cycles=5):
    """Rows as a tester takes them: a charge of an hour, a discharge of one record, a rest; its steps and its cycles."""
    pieces = [(120, CURRENT_A, 1), (1, -CURRENT_A, 2), (20, 0.0, 3)]
    i = np.concatenate([np.full(count, current) for count, current, _ in pieces] * cycles)
    step = np.concatenate([np.full(count, number) for count, _, number in pieces] * cycles)
    cycle = np.repeat(np.arange(1, cycles + 1), sum(count for count, _, _ in pieces))
    return 30.0 * np.arange(1, len(i) + 1), i, np.where(i > 0, 3.45, 3.0), cycle, step


def test_a_half_of_one_record_counts_where_the_tester_says_it_was_a_step():
    t, i, v, cycle, step = short_discharges()
    halves = integrate_half_cycles(t, i, v, cycle, "charge", step=step)
    assert halves.cycle.tolist() == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert halves.charge_Ah[::2] == pytest.approx([CURRENT_A] * 5, rel=0.01)
    assert halves.charge_Ah[1::2] == pytest.approx([CURRENT_A * 30 / 3600] * 5, rel=0.01)
    results = cycling_results(halves, active_mass_mg=1.4)
    assert not [one for one in results if one.name.endswith("capacity") and one.value is None]
    assert integrate_half_cycles(t, i, v, first="charge", step=step).cycle.tolist() == halves.cycle.tolist()
    assert len(integrate_half_cycles(t, i, v, first="charge")) == 1, "nothing tells it from an artefact"
    none = i >= 0  # a discharge that left no record at all
    only = integrate_half_cycles(t[none], i[none], v[none], cycle[none], "charge", step=step[none])
    assert only.cycle.tolist() == [1, 2, 3, 4, 5]


def test_a_cell_that_was_full_is_numbered_as_the_tester_does():
    """Its first charge is one record."""
    t, i, v = cycling([1.7e-4] * 3)
    halves = integrate_half_cycles(t, i, v)
    late = int(halves.segments.stop[0]) - 1
    step = np.cumsum(np.diff(np.sign(i), prepend=0) != 0)
    found = integrate_half_cycles(t[late:], i[late:], v[late:], (step[late:] + 1) // 2, "charge", step=step[late:])
    assert found.cycle.tolist() == [1, 1, 2, 2, 3, 3]


@pytest.mark.parametrize(
    "nonsense",
    [
        lambda n: np.arange(n) + 1.0,
        lambda n: np.ones(n),
        lambda n: np.zeros(n),
        lambda n: np.full(n, np.nan),
        lambda n: n - np.arange(n) + 0.0,
        lambda n: 1.0 + np.arange(n) // 97,
    ],
    ids=["count of rows", "always 1", "always 0", "no numbers", "falling", "changes anywhere"],
)
def test_columns_that_count_no_cycles_change_nothing(nonsense):
    t, i, v = cycling([1.7e-4] * 3, rest_s=900)
    i[1500] = -1e-6  # one odd row in a charge
    plain = integrate_half_cycles(t, i, v)
    found = integrate_half_cycles(t, i, v, nonsense(len(t)), step=nonsense(len(t)))
    assert found.cycle.tolist() == plain.cycle.tolist() == [1, 1, 2, 2, 3, 3]
    assert found.charge_Ah == pytest.approx(plain.charge_Ah)


def test_a_column_of_another_length_is_refused_by_its_name():
    t, i, v = cycling([1.7e-4])
    with pytest.raises(BadInput, match="cycle"):
        integrate_half_cycles(t, i, v, np.ones(3))
