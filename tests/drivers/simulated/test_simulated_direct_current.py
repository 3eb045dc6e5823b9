"""Direct current on simulated cells: the numbers of the published measurements come back from the raw points."""

from __future__ import annotations

import math
from collections.abc import Generator
from pathlib import Path
from time import process_time
from typing import Any, cast

import numpy as np
import pytest
from truth_bench import TruthBench, build, truth_bench

from daq.errors import BadInput
from daq.virtual_clock import VirtualClock
from drivers.simulated.cell_parameters import GoldParameters
from drivers.simulated.cells.blocking import BlockingCell
from drivers.simulated.cells.blocking_in_time import BlockingCellInTime
from drivers.simulated.cells.gold import GoldCell
from drivers.simulated.parameters import BlockingParameters
from drivers.simulated.simulation import read_simulation
from drivers.techniques import (
    ConstantCurrent,
    ConstantPotential,
    CutOffs,
    CyclicVoltammetry,
    DcPoint,
    LinearSweep,
    Technique,
)

AREA_cm2 = 0.6362
WARM = {"ambient_C": 60.0}


def dc(truth: TruthBench, technique: Technique) -> list[DcPoint]:
    return [point for point in truth.potentiostat.measure(technique) if isinstance(point, DcPoint)]


def cell(name: str, at_C: float = 60.0, **parameters: Any) -> dict[str, Any]:
    """A cell whose reference temperature is the ambient, so that nothing has to be heated."""
    return {"cell": name, "parameters": {**WARM, "reference_temperature_C": at_C, **parameters}}


def test_a_voltammogram_plates_and_strips_near_zero_and_is_fast(tmp_path: Path) -> None:
    sweep = CyclicVoltammetry(-0.5, 3.5, 0.001, start_V=3.5, step_V=0.0001)
    with truth_bench(tmp_path, cell("gold")) as truth:
        began = process_time()
        points = dc(truth, sweep)
        took_s = process_time() - began
        assert truth.clock.monotonic() == pytest.approx(8000, abs=1)
    V = np.array([point.voltage_V for point in points])
    current = np.array([point.current_A for point in points])
    assert len(points) == 80_001
    assert took_s < 8  # 1.5 s on a machine of its own
    assert points[-1].ended == "end of sweep"
    assert current.min() < -1e-4
    assert current.max() > 1e-4
    flat = (V > 1.0) & (V < 3.5)
    assert np.abs(current[flat][10:]).max() < 3e-7  # but for the jump to the start
    plated = -current[current < 0].sum() * 0.1
    stripped = current[(current > 0) & (V < 1.0)].sum() * 0.1
    assert stripped / plated == pytest.approx(0.98, abs=0.003)
    assert -0.05 < V[np.argmax(current < -5e-6)] < 0.15


def test_oxidation_begins_at_its_onset_with_its_tafel_slope(tmp_path: Path) -> None:
    with truth_bench(tmp_path, cell("gold")) as truth:
        points = dc(truth, LinearSweep(5.0, 0.001))
    V = np.array([point.voltage_V for point in points])
    density = np.array([point.current_A for point in points]) / AREA_cm2
    assert V[0] == pytest.approx(2.1, abs=1e-3)
    assert V[np.argmax(density > 5e-6)] == pytest.approx(4.0, abs=0.005)
    rise = (V > 3.93) & (V < 4.01)
    slope = np.polyfit(V[rise], np.log10(density[rise]), 1)[0]
    assert 1000 / slope == pytest.approx(60, rel=0.06)
    assert density[-1] < 1e-3


def test_the_critical_current_is_where_the_paper_has_it(tmp_path: Path) -> None:
    levels: dict[float, float] = {}
    volts = np.zeros(1)
    with truth_bench(tmp_path, cell("symmetric")) as truth:
        for step in range(1, 16):
            density = 0.05 * step
            for sign in (1, -1):
                points = dc(truth, ConstantCurrent(sign * density * 1e-3 * AREA_cm2, 1800, 10))
                volts = sign * np.array([point.voltage_V for point in points])
                if density < 0.72:
                    levels[round(density, 2)] = float(volts.mean())
                    assert volts.std() < 1e-3
        assert volts[-1] < 0.002  # shorted hard within the step of 0.75
    assert levels[0.05] * 1000 == pytest.approx(12.35, abs=0.2)
    assert levels[0.7] * 1000 == pytest.approx(173, abs=0.5)


def test_before_the_hard_short_the_voltage_is_unsteady_and_then_soft(tmp_path: Path) -> None:
    with truth_bench(tmp_path, cell("symmetric")) as truth:
        points = dc(truth, ConstantCurrent(0.75e-3 * AREA_cm2, 1800, 1))
    with truth_bench(tmp_path / "stopped", cell("symmetric")) as truth:
        stopped = dc(truth, ConstantCurrent(0.75e-3 * AREA_cm2, 1800, 1, CutOffs(voltage_rate_max_V_s=0.03)))
    volts = np.array([point.voltage_V for point in points])
    assert stopped[-1].ended == "voltage_rate_max_V_s"
    assert 0 < stopped[-1].time_s < 300
    assert volts[:200].std() > 2e-3
    assert 0.07 < volts[400:800].mean() < 0.15


@pytest.mark.parametrize(("kind", "least_V", "most_V"), [("soft", 0.05, 0.15), ("none", 0.18, 0.19)])
def test_the_kind_of_short_can_be_chosen(tmp_path: Path, kind: str, least_V: float, most_V: float) -> None:
    with truth_bench(tmp_path, cell("symmetric", short_kind=kind)) as truth:
        points = dc(truth, ConstantCurrent(0.75e-3 * AREA_cm2, 3600, 10))
    assert least_V < np.mean([point.voltage_V for point in points[-100:]]) < most_V


@pytest.mark.parametrize("rest_s", [0.1, 1.0, 10.0, 600.0, 1800.0])
def test_gold_rests_down_from_its_oxidation_to_open_circuit(rest_s: float) -> None:
    """The Tafel line discharges the double layer towards 4 V, the leak (1590 s) on to 2.1 V; nothing is plated, and
    the potential is the same however often it is looked at."""
    gold = GoldCell(GoldParameters())
    for number in range(2901):
        gold.at_voltage(2.1 + 1e-3 * number, 1.0, 80.0)
    rest_V = [gold.open_circuit_V(80.0)]
    for _ in range(round(1800 / rest_s)):
        rest_V.append(gold.at_current(0.0, rest_s, 80.0))
    assert rest_V[0] > 4.7
    assert np.all(np.diff(rest_V) < 0)
    assert rest_V[-1] == pytest.approx(2.655, abs=0.01)
    assert gold.state()["plated_C"] < 1e-12
    while gold.open_circuit_V(80.0) > 2.101:
        gold.at_current(0.0, 86400.0, 80.0)
    assert gold.open_circuit_V(80.0) > 2.099


def test_a_strong_current_for_long_is_passed_by_gold_at_its_own_potential() -> None:
    gold = GoldCell(GoldParameters())
    began = process_time()
    ohm = gold.resistance_ohm(80.0)
    plated_V = gold.at_current(-0.05, 3600.0, 80.0) + 0.05 * ohm
    assert plated_V == pytest.approx(-0.31, abs=0.02)  # 2 asinh(i / 2 i0) / f
    assert gold.state()["plated_C"] == pytest.approx(0.98 * 180, rel=1e-3)
    gold.at_current(0.5, 3600.0, 80.0)  # more than can be oxidised
    assert process_time() - began < 2


@pytest.mark.parametrize("name", ["gold", "symmetric", "lfp", "blocking"])
def test_impedance_and_time_are_one_model(name: str) -> None:
    """A small step of current, transformed, is the impedance: V(t) -> the real axis at rest of each decade."""
    spec = read_simulation({"cell": name, "parameters": {}}, "bench.toml").channels[0]
    if name == "gold":
        frequency_Hz, current_A = 50.0, 1e-9
    elif name == "lfp":
        frequency_Hz, current_A = 1.0, 1e-7
    else:
        frequency_Hz, current_A = 10.0, 1e-7
    cell_now = spec.cell_in_time(1, 1)
    expected = cell_now.impedance_ohm(frequency_Hz, 80.0)
    per_period, periods = 400, 6
    seconds = 1 / frequency_Hz / per_period
    angles = 2 * math.pi * (np.arange(per_period * periods) + 0.5) / per_period
    rest_V = cell_now.open_circuit_V(80.0)
    volts = np.array([cell_now.at_current(current_A * math.sin(a), seconds, 80.0) - rest_V for a in angles])
    last = slice(-2 * per_period, None)
    base = np.column_stack([np.sin(angles[last]), np.cos(angles[last]), np.ones(2 * per_period), angles[last]])
    real, imaginary, *_ = np.linalg.lstsq(base, volts[last] / current_A, rcond=None)[0]
    assert abs(complex(real, imaginary) - expected) < 0.02 * abs(expected)


@pytest.mark.parametrize("temperature_C", [25.0, 60.0, 120.0])
def test_the_memory_of_the_constant_phase_elements_is_their_impedance(temperature_C: float) -> None:
    parameters = BlockingParameters(stray_capacitance_F=0, lead_inductance_H=0, geometric_capacitance_F=0)
    blocking = BlockingCell(parameters)
    ladder = BlockingCellInTime(blocking).ladder(temperature_C)
    for frequency_Hz in np.logspace(-4, 4, 33):
        exact = blocking.impedance_ohm(float(frequency_Hz), temperature_C)
        assert abs(ladder.impedance_ohm(float(frequency_Hz)) / exact - 1) < 0.01


def test_a_held_potential_brings_the_cottrell_like_tail_of_the_constant_phase_element(tmp_path: Path) -> None:
    """After the resistance is charged, I = Q V t^-n / Gamma(1-n)."""
    with truth_bench(tmp_path, {"cell": "blocking", "parameters": WARM}) as truth:
        points = dc(truth, ConstantPotential(0.1, 500, 0.1))
    late = [point for point in points if 50 < point.time_s < 500]
    slope = np.polyfit(np.log([p.time_s for p in late]), np.log([abs(p.current_A) for p in late]), 1)[0]
    assert slope == pytest.approx(-0.8, abs=0.05)


def test_cut_offs_end_it_and_say_why(tmp_path: Path) -> None:
    with truth_bench(tmp_path, cell("lfp", initial_state_of_charge=0.5)) as truth:
        charge = dc(truth, ConstantCurrent(1.12e-4, 3600, 10, CutOffs(charge_C=0.1)))
        full = dc(truth, ConstantCurrent(1.12e-4, 36000, 10, CutOffs(voltage_max_V=3.8)))
        held = dc(truth, ConstantPotential(3.8, 36000, 10, CutOffs(current_min_A=1e-5)))
        empty = dc(truth, ConstantCurrent(-1.12e-4, 36000, 10, CutOffs(voltage_min_V=2.9)))
        short = dc(truth, ConstantCurrent(1e-6, 25, 10))
    assert charge[-1].ended == "charge_C"
    assert charge[-1].charge_C == pytest.approx(0.1, rel=1e-9)
    assert full[-1].ended == "voltage_max_V"
    assert held[-1].ended == "current_min_A"
    assert 0 < held[-1].current_A < 1e-5
    assert empty[-1].ended == "voltage_min_V"
    assert empty[-1].charge_C == pytest.approx(-0.6104, rel=0.01)
    assert [point.time_s for point in short] == pytest.approx([10, 20, 25])
    assert [point.ended for point in short] == ["", "", "duration"]


def test_a_current_beyond_its_range_is_clipped_and_flagged(tmp_path: Path) -> None:
    with truth_bench(tmp_path, cell("symmetric")) as truth:
        points = dc(truth, ConstantPotential(0.1, 5, 1, current_range_A=1e-5))
    assert all(point.overload for point in points)
    assert max(point.current_A for point in points) == pytest.approx(1e-5, rel=1e-3)


def test_the_same_seed_gives_the_same_points(tmp_path: Path) -> None:
    def once(folder: Path) -> list[DcPoint]:
        with truth_bench(folder, cell("symmetric")) as truth:
            return dc(truth, ConstantCurrent(5e-4, 600, 1))

    assert once(tmp_path / "a") == once(tmp_path / "b")


def test_closed_early_the_cell_is_as_its_last_point_left_it_and_is_kept(tmp_path: Path) -> None:
    simulation = cell("lfp")
    with truth_bench(tmp_path, simulation) as truth:
        points = truth.potentiostat.measure(ConstantCurrent(1.12e-4, 36000, 1))
        taken = [next(points) for _ in range(1234)]
        cast(Generator[Any, None, None], points).close()
        now_s = truth.clock.monotonic()
        left = truth.world.cell(1).cell.state()
    assert len(taken) == 1234
    passed_mAh = left["state_of_charge"] * 121.1 * 1.4e-3
    assert passed_mAh == pytest.approx(0.93 * 0.112 * 1234 / 3600, rel=1e-9)
    again = build(tmp_path, simulation, clock=VirtualClock(start_s=now_s))
    with again.clock.attached():
        again.bench.connect()
        assert again.world.cell(1).cell.state() == left
        again.bench.close()


NONSENSE: list[tuple[Technique, str]] = [
    (ConstantCurrent(1.0, 10), "a current of 1 A is out of reach"),
    (ConstantCurrent(math.nan, 10), "a current of nan A"),
    (ConstantCurrent(1e-3, 10, 0), "an interval"),
    (ConstantCurrent(1e-3, -1), "a duration"),
    (ConstantPotential(11, 10), "a potential of 11 V"),
    (LinearSweep(5, 0), "a scan rate"),
    (LinearSweep(5, 0.001, step_V=0), "a stair"),
    (CyclicVoltammetry(-0.5, 3.5, 0.001, cycles=0), "cycles"),
    (ConstantPotential(1, 10, current_range_A=3e-3), "no current range"),
    (ConstantCurrent(1e-3, 10, cut_offs=CutOffs(voltage_min_V=1, voltage_max_V=0)), "leave no potential"),
    (ConstantCurrent(1e-3, 10, cut_offs=CutOffs(charge_C=-1)), "charge_C"),
]


@pytest.mark.parametrize(("technique", "sentence"), NONSENSE)
def test_nonsense_is_refused_before_anything_is_applied(tmp_path: Path, technique: Technique, sentence: str) -> None:
    with truth_bench(tmp_path) as truth:
        with pytest.raises(BadInput, match=sentence):
            truth.potentiostat.measure(technique)
        assert truth.clock.monotonic() == 0
