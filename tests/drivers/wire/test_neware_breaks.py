"""LFP cycling on a Neware through breaks: what was lost was the connection, never a record; the truth comes back."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from host_bench import until

from daq.catalog import list_runs
from daq.plan import load_plan
from daq.runfile.reader import RunFile
from daq.runner import Watcher, resume_run, run_plan

CELLRIG = [sys.executable, "-P", "-m", "cellrig"]
FADE_PERCENT = 1.0
SIMULATION = f"""
[simulation]
cell = "lfp"
preset = "K001"
[simulation.parameters]
reference_temperature_C = 20
capacity_loss_percent_per_cycle = {FADE_PERCENT}
coulombic_efficiency = 1.0
first_cycle_efficiency = 1.0
"""
BENCH = '[bench]\nname = "cycler"\n[instruments.cycler]\ndriver = "{driver}"\n{more}\n' + SIMULATION
PLAN = """bench = "bench.toml"
[sample]
name = "cell"
pellet = {{ thickness_mm = 0.4, diameter_mm = 9 }}
electrode = {{ diameter_mm = 9 }}
active = {{ mass_mg = 1.4, diameter_mm = 10, capacity_mAh_g = 121.1 }}
[[run]]
procedure = "galvanostatic-cycling"
temperature_C = "none"
charge_current = ["80 mA/g"]
discharge_current = ["80 mA/g"]
lower_V = 2.9
upper_V = 3.8
cycles = {cycles}
record_s = 30
"""


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CELLRIG_STATE", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)


def write(folder: Path, bench: str, cycles: int) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "bench.toml").write_text(bench, encoding="utf-8")
    (folder / "plan.toml").write_text(PLAN.format(cycles=cycles), encoding="utf-8")
    return folder / "plan.toml"


def run(folder: Path, driver: str, cycles: int, more: str = "") -> Path:
    plan = load_plan(write(folder, BENCH.format(driver=driver, more=more), cycles))
    (ended,) = run_plan(plan, folder / "runs", Watcher())
    return ended.path


def said(record: RunFile) -> str:
    return "\n".join(event.text for event in record.events())


def capacities(record: RunFile) -> list[float]:
    found = [one for one in record.results() if one.name == "discharge_capacity" and one.value is not None]
    return [one.value or 0.0 for one in sorted(found, key=lambda one: one.at["cycle"])]


def is_the_truth(record: RunFile, cycles: int) -> dict[str, Any]:
    """Every record once, in order; capacities and their fade as the cell's parameters say."""
    assert record.outcome == "finished", record.reason
    table = record.table("cycling")
    assert np.array_equal(table["record"], np.arange(1, len(table["record"]) + 1))
    assert np.all(np.diff(table["time_s"]) > 0)
    assert np.all(np.diff(table["time_s"]) < 31)
    found = capacities(record)
    assert len(found) == cycles
    assert found[0] == pytest.approx(121.1, rel=1e-3)
    for before, after in pairwise(found[:-1]):
        assert after / before == pytest.approx(1 - FADE_PERCENT / 100, abs=1e-4)
    assert found[-1] / found[-2] == pytest.approx(1 - FADE_PERCENT / 100, abs=4e-3)  # half of a record's time is open
    return table


def test_two_hours_without_a_connection(tmp_path: Path) -> None:
    with RunFile.open(run(tmp_path / "truth", "simulated-cycler", 4)) as record:
        whole = is_the_truth(record, 4)
    outages = "peer = { unplugged = [{ after_s = 9000, for_s = 7200 }], quirks = { cycles_from_0 = true } }"
    with RunFile.open(run(tmp_path / "wire", "simulated-neware", 4, outages)) as record:
        found = is_the_truth(record, 4)
        assert "API mode" in said(record)
        assert "answers again after" in said(record)
    assert len(found["record"]) == len(whole["record"])
    assert found["voltage_V"] == pytest.approx(whole["voltage_V"], abs=2e-4)
    assert found["charge_capacity_Ah"] == pytest.approx(whole["charge_capacity_Ah"], rel=1e-5, abs=1e-9)
    assert found["discharge_capacity_Ah"] == pytest.approx(whole["discharge_capacity_Ah"], rel=1e-5, abs=1e-9)


def test_longer_than_its_patience_and_the_run_is_taken_up_later(tmp_path: Path) -> None:
    more = "patience_h = 1\npeer = { unplugged = [{ after_s = 30000, for_s = 7200 }] }"
    path = run(tmp_path / "wire", "simulated-neware", 4, more)
    with RunFile.open(path) as record:
        assert record.outcome == "failed"
        assert "gave no records" in record.reason or "no reading for" in record.reason
        rows = len(record.table("cycling")["record"])
    ended = resume_run(path, Watcher(), down_for_s=7200)
    with RunFile.open(ended.path) as record:
        found = is_the_truth(record, 4)
        assert 100 < rows < len(found["record"])


def test_this_computer_is_killed_for_two_hours_in_virtual_time(tmp_path: Path) -> None:
    more = "peer = { quirks = { subdevid_is_1 = true, rows_most = 400 } }"
    plan = write(tmp_path, BENCH.format(driver="simulated-neware", more=more), 5)
    with subprocess.Popen([*CELLRIG, "run", str(plan)], stdout=subprocess.DEVNULL) as process:
        until(lambda: rows_of(tmp_path) > 200, 30, "no rows")
        process.kill()
    path = list_runs(tmp_path / "runs")[0].path
    with RunFile.open(path) as record:
        assert record.outcome == "interrupted"
    resume_run(path, Watcher(), down_for_s=7200)
    with RunFile.open(path) as record:
        is_the_truth(record, 5)
        assert "attached to again" in said(record)


def rows_of(folder: Path) -> int:
    found = list_runs(folder / "runs")
    if not found:
        return 0
    with RunFile.open(found[0].path) as record:
        return len(record.table("cycling", columns=("record",))["record"])
