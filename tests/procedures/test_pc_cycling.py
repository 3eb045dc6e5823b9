"""Schedules that this computer runs on a potentiostat: the truths of the cycler's, and nothing lost over a stop."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from daq.control import Control
from daq.errors import BadInput
from daq.plan import load_plan
from daq.runfile.reader import RunFile
from daq.runner import Watcher, resume_run, run_plan

BENCH = """
[bench]
name = "by hand"
[instruments.one]
driver = "{driver}"
[simulation]
cell = "{cell}"
[simulation.parameters]
reference_temperature_C = 20
"""
PLAN = """
bench = "bench.toml"
[sample]
name = "cell"
electrode = {{ diameter_mm = 9 }}
active = {{ mass_mg = 1.4, capacity_mAh_g = 121.1, diameter_mm = 10 }}
[[run]]
{run}
"""
SYMMETRIC = """procedure = "symmetric-cycling"
currents = ["0.1 mA/cm2", "0.2 mA/cm2"]
half_h = 0.2
stage_h = 1.2
"""
LFP = """procedure = "galvanostatic-cycling"
charge_current = ["1 C"]
discharge_current = ["1 C"]
cycles = 2
"""


def plan_of(folder: Path, driver: str, cell: str, run: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "bench.toml").write_text(BENCH.format(driver=driver, cell=cell), encoding="utf-8")
    (folder / "plan.toml").write_text(PLAN.format(run=run), encoding="utf-8")
    return folder / "plan.toml"


def run_on(folder: Path, driver: str, cell: str, run: str, watcher: Watcher | None = None) -> RunFile:
    plan = load_plan(plan_of(folder, driver, cell, run))
    return RunFile.open(run_plan(plan, folder / "runs", watcher or Watcher())[0].path)


def numbers(run: RunFile, *names: str) -> list[float]:
    return [one.value for one in run.results() if one.name in names and one.value is not None]


@pytest.mark.parametrize("driver", ["simulated-potentiostat", "simulated-keithley2450"])
def test_symmetric_cycling_is_that_of_the_cycler(driver: str, tmp_path: Path) -> None:
    names = ("polarisation", "hours_cycled")
    with run_on(tmp_path / "truth", "simulated-cycler", "symmetric", SYMMETRIC) as truth:
        wanted = numbers(truth, *names)
    with run_on(tmp_path / "ours", driver, "symmetric", SYMMETRIC) as run:
        assert run.outcome == "finished"
        assert numbers(run, *names) == [pytest.approx(one, rel=2e-3) for one in wanted]
        assert any("this computer runs the schedule on one" in event.text for event in run.events())
        rows = run.table("cycling")
        assert list(rows["record"]) == list(range(1, len(rows["record"]) + 1))
        assert max(rows["cycle"]) == 6


@pytest.mark.parametrize("driver", ["simulated-potentiostat", "simulated-keithley2450"])
def test_capacities_are_those_of_the_cycler(driver: str, tmp_path: Path) -> None:
    names = ("charge_capacity", "discharge_capacity")
    with run_on(tmp_path / "truth", "simulated-cycler", "lfp", LFP) as truth:
        wanted = numbers(truth, *names)
    with run_on(tmp_path / "ours", driver, "lfp", LFP) as run:
        assert run.outcome == "finished"
        assert numbers(run, *names) == [pytest.approx(one, rel=1e-3) for one in wanted]


def test_a_hold_at_the_top_a_rest_and_a_held_voltage(tmp_path: Path) -> None:
    """Held until the current has fallen to 5 %: the cell takes a little more than without."""
    own = """procedure = "galvanostatic-cycling"
own_schedule = [
  { kind = "current-then-voltage", current = "2 C", voltage_V = 3.8, until = ["current 8 mA/g", "time 3 h"] },
  { kind = "rest", hours = 0.1 },
  { kind = "voltage", voltage_V = 2.9, current = "2 C", until = ["current 8 mA/g"] },
]
lower_V = 2.8
upper_V = 3.9
"""
    with run_on(tmp_path, "simulated-keithley2450", "lfp", own) as run:
        assert run.outcome == "finished"
        rows = run.table("cycling")
    step, current = rows["schedule_step"], rows["current_A"]
    charge = current[step == 1]
    assert charge[0] == pytest.approx(2 * 0.16954e-3, rel=1e-3)
    assert charge[-1] < 1.4e-3 * 8e-3
    assert max(rows["voltage_V"]) < 3.8 + 1e-3
    assert set(current[step == 2]) == {0.0}
    assert min(current[step == 3]) == pytest.approx(-2 * 0.16954e-3, rel=1e-3)
    assert abs(current[-1]) < 1.4e-3 * 8e-3
    assert rows["charge_capacity_Ah"].max() == pytest.approx(0.182e-3, rel=0.01)  # 93 % efficiency the first time


def stopping_at(text: str, left_s: dict[str, float] | None = None) -> Watcher:
    """Stops the run when its progress says so. `left_s`: by the texts of its progress, the time that was left."""
    controls: list[Control] = []

    def look(progress: Any) -> None:
        if left_s is not None:
            left_s.setdefault(progress.text[:15], progress.remaining_s)
        if progress.text.startswith(text):
            controls[-1].stop()

    return Watcher(on_start=lambda path, control: controls.append(control), on_progress=look)


@pytest.mark.parametrize("driver", ["simulated-potentiostat", "simulated-keithley2450"])
def test_stopped_in_a_half_cycle_it_goes_on_with_what_is_left(driver: str, tmp_path: Path) -> None:
    """Twice, in different cycles: every half passes its charge once, and each row is there once."""
    with run_on(tmp_path, driver, "symmetric", SYMMETRIC, stopping_at("cycle 2, step 2")) as run:
        assert run.outcome == "stopped"
        path = run.path
    left_s: dict[str, float] = {}
    assert resume_run(path, stopping_at("cycle 5, step 4", left_s), down_for_s=3600).end.outcome == "stopped"
    assert left_s["cycle 3, step 1"] == pytest.approx((2.4 - 2 * 0.4) * 3600, abs=60)
    assert resume_run(path, Watcher(), down_for_s=60).end.outcome == "finished"
    with RunFile.open(path) as run:
        rows = run.table("cycling")
        results = run.results()
    assert list(rows["record"]) == list(range(1, len(rows["record"]) + 1))
    assert np.all(np.diff(rows["time_s"]) > 0)
    halves = [(cycle, step) for cycle in range(1, 7) for step in ((1, 2) if cycle <= 3 else (4, 5))]
    for cycle, step in halves:
        mine = (rows["cycle"] == cycle) & (rows["schedule_step"] == step)
        way = "charge_capacity_Ah" if step in (1, 4) else "discharge_capacity_Ah"
        wanted_Ah = 0.2 * 0.0636e-3 * (1 if cycle <= 3 else 2)
        assert rows[way][mine].max() == pytest.approx(wanted_Ah, rel=2e-3)
    assert all("spans a break" in one.method for one in results if one.value is not None)
    (hours,) = [one.value for one in results if one.name == "hours_cycled"]
    assert hours == pytest.approx(2.4, rel=0.01)


def test_a_half_cycle_that_was_broken_keeps_the_cells_capacity(tmp_path: Path) -> None:
    with run_on(tmp_path, "simulated-keithley2450", "lfp", LFP, stopping_at("cycle 2, step 1")) as run:
        path = run.path
    assert resume_run(path, Watcher(), down_for_s=7200).end.outcome == "finished"
    with RunFile.open(path) as run:
        discharge = numbers(run, "discharge_capacity")
    assert discharge == [pytest.approx(121.0, rel=3e-3)] * 2


def test_a_protection_ends_the_schedule_and_says_so(tmp_path: Path) -> None:
    """At 20 degC with the numbers of 80 degC, the cell is far too resistive for 5 V."""
    folder = tmp_path / "cold"
    plan = plan_of(folder, "simulated-keithley2450", "symmetric", SYMMETRIC.replace("0.2 mA/cm2", "0.9 mA/cm2"))
    bench = folder / "bench.toml"
    bench.write_text(bench.read_text(encoding="utf-8").replace("_C = 20", "_C = 80"), encoding="utf-8")
    (ended,) = run_plan(load_plan(plan), folder / "runs", Watcher())
    with RunFile.open(ended.path) as run:
        assert any("the protection was reached (voltage_max_V of 5 V)" in event.text for event in run.events())
        assert max(run.table("cycling")["voltage_V"]) <= 5 + 1e-3
        assert max(run.table("cycling")["schedule_step"]) == 4


@pytest.mark.parametrize(
    ("run", "match"),
    [
        (SYMMETRIC + "record_s = 0.1", "0.5 s or more"),
        (SYMMETRIC.replace("0.2 mA/cm2", "500 mA/cm2"), "to 0.1 A"),
        ('procedure = "eis-sweep"\ntemperatures_C = [25]', "role 'temperature'"),
    ],
)
def test_what_the_instrument_can_not_do_is_refused_by_its_key(run: str, match: str, tmp_path: Path) -> None:
    plan = load_plan(plan_of(tmp_path, "simulated-keithley2450", "symmetric", run))
    with pytest.raises(BadInput, match=match):
        run_plan(plan, tmp_path / "runs", Watcher())


def test_spectra_are_refused_with_a_sentence(tmp_path: Path) -> None:
    run = 'procedure = "eis-sweep"\ntemperatures_C = [25]'
    plan = plan_of(tmp_path, "simulated-keithley2450", "symmetric", run)
    furnace = '[instruments.furnace]\ndriver = "simulated-furnace"\nlimits = { max_temperature_C = 150 }\n[simulation]'
    bench = tmp_path / "bench.toml"
    bench.write_text(bench.read_text(encoding="utf-8").replace("[simulation]", furnace), encoding="utf-8")
    with pytest.raises(BadInput, match="one takes no spectra"):
        run_plan(load_plan(plan), tmp_path / "runs", Watcher())


def test_a_protection_beyond_the_instrument_is_the_instruments_own(tmp_path: Path) -> None:
    plan = SYMMETRIC.replace("0.2 mA/cm2", "0.21 mA/cm2") + "voltage_limit_V = 15"
    with run_on(tmp_path, "simulated-keithley2450", "symmetric", plan) as run:
        assert run.outcome == "finished"
        assert any("the protection is -10 to 10 V" in event.text for event in run.events())


def test_a_cell_that_is_not_there_is_not_cycled(tmp_path: Path) -> None:
    with run_on(tmp_path, "simulated-keithley2450", "symmetric", LFP) as run:
        assert run.outcome == "failed"
        assert "nothing was run" in run.reason
        assert len(run.table("cycling")["record"]) == 0


SPECTRA = SYMMETRIC + "eis_every_cycles = 2\n"


@pytest.mark.parametrize("stopped", [False, True])
def test_spectra_between_the_cycles_show_the_resistance_grow(stopped: bool, tmp_path: Path) -> None:
    """The truth of the cell: 235 ohm cm2 of electrolyte, 12 of interface that grows; one spectrum each, also broken."""
    plan = plan_of(tmp_path, "simulated-potentiostat", "symmetric", SPECTRA)
    bench = tmp_path / "bench.toml"
    bench.write_text(bench.read_text(encoding="utf-8") + "growth_percent_per_h = 20\n", encoding="utf-8")
    watcher = stopping_at("spectrum after cycle 4") if stopped else Watcher()
    (ended,) = run_plan(load_plan(plan), tmp_path / "runs", watcher)
    if stopped:
        assert resume_run(ended.path, Watcher(), down_for_s=60).end.outcome == "finished"
    with RunFile.open(ended.path) as run:
        results, spectra = run.results(), run.table("spectra")
        cycling = run.table("cycling")
    assert list(spectra["cycle"]) == [0, 2, 4, 6]
    assert list(cycling["record"]) == list(range(1, len(cycling["record"]) + 1))
    ohms = [one for one in results if one.name == "cell_resistance"]
    assert [one.at["cycle"] for one in ohms] == [0, 2, 4, 6]
    for one in ohms:
        truth = (235 + 12 * (1 + 0.2 * 0.4 * one.at["cycle"])) / 0.6362
        assert one.value == pytest.approx(truth, rel=3e-3)
    high = [one.value for one in results if one.name == "high_frequency_resistance"]
    assert high == [pytest.approx(235 / 0.6362, rel=3e-3)] * 4


@pytest.mark.parametrize(
    ("driver", "match"),
    [("simulated-keithley2450", "one takes no spectra"), ("simulated-cycler", "one runs the cycles and takes no")],
)
def test_spectra_between_cycles_are_refused_where_nothing_does_both(driver: str, match: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=match):
        run_plan(load_plan(plan_of(tmp_path, driver, "symmetric", SPECTRA)), tmp_path / "runs", Watcher())


@pytest.mark.parametrize("driver", ["simulated-potentiostat", "simulated-cycler"])
def test_half_cycles_by_capacity_pass_it_at_every_current(driver: str, tmp_path: Path) -> None:
    plan = SYMMETRIC + "half_capacity_mAh_cm2 = 0.02\n"
    with run_on(tmp_path, driver, "symmetric", plan) as run:
        assert run.outcome == "finished"
        rows = run.table("cycling")
    assert {step: len(set(rows["cycle"][rows["schedule_step"] == step])) for step in (1, 4)} == {1: 3, 4: 6}
    for cycle in range(1, 10):
        for step, way in ((1, "charge"), (2, "discharge")) if cycle <= 3 else ((4, "charge"), (5, "discharge")):
            mine = (rows["cycle"] == cycle) & (rows["schedule_step"] == step)
            assert rows[f"{way}_capacity_Ah"][mine].max() == pytest.approx(0.02e-3 * 0.6362, rel=2e-3)


def test_a_capacity_too_small_for_its_records_is_refused(tmp_path: Path) -> None:
    small = SYMMETRIC + "half_capacity_mAh_cm2 = 1e-3\n"
    with pytest.raises(BadInput, match="fewer than 12 in a half cycle"):
        run_plan(load_plan(plan_of(tmp_path, "simulated-cycler", "symmetric", small)), tmp_path / "runs", Watcher())
