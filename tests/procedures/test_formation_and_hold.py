"""Cycling as a battery person writes it down: formation first, a hold at the top, rests; and what it is measured by."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from daq.plan import check_plan, load_plan
from daq.runfile.reader import RunFile
from daq.runner import Watcher, run_plan
from drivers.schedule import Current, CurrentThenVoltage, End, Loop, Rest, Voltage
from procedures.schedule_time import seconds_of

FADE_percent = 0.5
BENCH = f"""
[bench]
name = "b"
[instruments.furnace]
driver = "simulated-furnace"
[instruments.{{cycles_it}}]
driver = "simulated-{{cycles_it}}"
[simulation]
cell = "lfp"
preset = "K001"
[simulation.parameters]
capacity_loss_percent_per_cycle = {FADE_percent}
"""
PLAN = """
bench = "bench.toml"
[sample]
name = "x"
pellet = { thickness_mm = 0.4, diameter_mm = 10 }
active = { mass_mg = 1.4, diameter_mm = 10, capacity_mAh_g = 121.1 }
[[run]]
procedure = "galvanostatic-cycling"
temperature_C = 120
"""


def plan(folder: Path, more: str, cycles_it: str = "cycler") -> Path:
    (folder / "bench.toml").write_text(BENCH.format(cycles_it=cycles_it), encoding="utf-8")
    (folder / "plan.toml").write_text(PLAN + more, encoding="utf-8")
    return folder / "plan.toml"


def finished(folder: Path, more: str, cycles_it: str = "cycler") -> RunFile:
    (ended,) = run_plan(load_plan(plan(folder, more, cycles_it)), folder / "runs", Watcher())
    assert ended.end.outcome == "finished", ended.end.reason
    return RunFile.open(ended.path)


@pytest.mark.parametrize("cycles_it", ["cycler", "potentiostat"])
def test_a_hold_begins_where_the_cut_off_is_reached(tmp_path: Path, cycles_it: str) -> None:
    """A charge of an hour and a half, then half an hour at the top, unless the current has fallen before."""
    more = "cycles = 1\nhold_h = 0.1\nhalf_max_h = 5"
    with finished(tmp_path, more, cycles_it) as run:
        rows = run.table("cycling", columns=("time_s", "voltage_V", "current_A"))
        held = rows["voltage_V"][(rows["current_A"] > 0) & (rows["voltage_V"] > 3.795)]
        charging = rows["time_s"][rows["current_A"] > 0]
        assert charging[-1] - charging[0] > 1.2 * 3600
        assert len(held) >= 3
        assert np.median(held) == pytest.approx(3.8, abs=0.002)
        (charge,) = [one.value for one in run.results() if one.name == "charge_capacity"]
        assert charge is not None
        assert charge > 120


def test_retention_and_fade_begin_after_formation(tmp_path: Path) -> None:
    """Formation at a quarter of the current has another capacity: against it the cell would seem to fade by itself."""
    with finished(tmp_path, "cycles = 5\nformation_cycles = 2\nhalf_max_h = 20") as run:
        (retention,) = [one for one in run.results() if one.name == "capacity_retention"]
        (fade,) = [one for one in run.results() if one.name == "capacity_fade"]
    assert retention.at == {"cycle": 7, "reference_cycle": 3}
    assert fade.value == pytest.approx(FADE_percent, rel=0.05)


def test_one_cycle_after_formation_makes_no_retention(tmp_path: Path) -> None:
    with finished(tmp_path, "cycles = 1\nformation_cycles = 2\nhalf_max_h = 20") as run:
        (retention,) = [one for one in run.results() if one.name == "capacity_retention"]
    assert retention.value is None
    assert "no whole cycle but the reference, cycle 3" in str(retention.reason)


@pytest.mark.parametrize("cycles_it", ["cycler", "potentiostat"])
def test_a_cell_that_rests_far_below_its_cut_offs_is_refused_before_anything_is_heated(
    tmp_path: Path, cycles_it: str
) -> None:
    """The tester's protection would stop it in its first second, when the furnace is hot."""
    path = plan(tmp_path, "cycles = 1\nlower_V = 4.2\nupper_V = 4.5", cycles_it)
    (ended,) = run_plan(load_plan(path), tmp_path / "runs", Watcher())
    assert ended.end.outcome == "failed"
    assert "expected 4 to 4.7 V" in ended.end.reason
    assert "cut-offs that are not this cell's" in ended.end.reason
    with RunFile.open(ended.path) as run:
        assert run.table("temperature")["temperature_C"].max() < 30


def test_of_a_cell_that_takes_nothing_no_retention_is_told(tmp_path: Path) -> None:
    """A lost contact: every half ends at its cut-off in the first record or two."""
    path = plan(tmp_path, "cycles = 5")
    with open(tmp_path / "bench.toml", "a", encoding="utf-8") as file:
        file.write("ohmic_resistance_ohm = 3e7\n")
    (ended,) = run_plan(load_plan(path), tmp_path / "runs", Watcher())
    with RunFile.open(ended.path) as run:
        (retention,) = [one for one in run.results() if one.name == "capacity_retention"]
        assert retention.value is None
        assert "less than 1 % of the plan's 121.1 mAh/g: look at contacts" in str(retention.reason)


def test_a_schedule_of_rests_alone_runs(tmp_path: Path) -> None:
    with finished(tmp_path, 'own_schedule = [{ kind = "rest", hours = 0.2 }]') as run:
        assert len(run.table("cycling")["t_s"]) > 50


def test_the_estimate_is_that_of_the_schedule(tmp_path: Path) -> None:
    path = plan(tmp_path, 'own_schedule = [{ kind = "rest", hours = 3 }, { kind = "loop", to = 1, times = 2 }]')
    (run,) = check_plan(load_plan(path))
    assert run.procedure.estimate()["schedule"] == pytest.approx(6 * 3600)


def test_how_long_steps_take() -> None:
    full = End("voltage_V", "above", 3.8)
    charge, hour = Current(0.1, (full, End("time_s", "above", 36_000.0))), End("time_s", "above", 3600.0)
    assert seconds_of([charge], 0.2) == pytest.approx(7200)
    assert seconds_of([charge], 2.0) == pytest.approx(36_000)
    assert seconds_of([Current(-0.1, (full, End("capacity_Ah", "above", 0.05)))], 0.2) == pytest.approx(1800)
    assert seconds_of([Voltage(3.8, 0.1, (End("current_A", "below", 0.01), hour))], 0.2) == pytest.approx(3600)
    assert seconds_of([CurrentThenVoltage(0.1, 3.8, (hour,))], 0.2) == pytest.approx(3600)
    inner = [Rest(10.0), Loop(1, 3), Rest(5.0), Loop(1, 2)]
    assert seconds_of(inner, None) == pytest.approx(2 * (3 * 10 + 5))


def test_a_current_in_the_wrong_unit_is_told_before_the_start(tmp_path: Path) -> None:
    """80 mA for 80 mA/g: a tester may well be able to do it."""
    (checked,) = check_plan(load_plan(plan(tmp_path, 'charge_current = "80 mA"')))
    (told,) = [one for one in checked.warnings if " C for its " in one]
    assert told == "x: 80 mA is 472 C for its 0.17 mAh; is the unit of the current the right one (mA, mA/g, mA/cm2, C)?"
    (sound,) = check_plan(load_plan(plan(tmp_path, 'charge_current = "80 mA/g"')))
    assert not [one for one in sound.warnings if " C for its " in one]
