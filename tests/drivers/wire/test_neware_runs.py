"""Whole runs of procedures that know no Neware: their numbers are those of the simulated cycler."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from daq.plan import load_plan
from daq.runfile.reader import RunFile
from daq.runner import Watcher, run_plan
from procedures.analysis.capacity import integrate_half_cycles

BENCH = """
[bench]
name = "cycler"
[instruments.furnace]
driver = "simulated-furnace"
limits = {{ max_temperature_C = 150 }}
[instruments.cycler]
driver = "{driver}"
{more}
[simulation]
cell = "{cell}"
preset = "K001"
"""
SAMPLE = """
bench = "bench.toml"
[sample]
name = "cell"
pellet = { thickness_mm = 0.4, diameter_mm = 9 }
electrode = { diameter_mm = 9 }
active = { mass_mg = 1.4, diameter_mm = 10, capacity_mAh_g = 121.1 }
[[run]]
"""
SYMMETRIC = (
    'procedure = "symmetric-cycling"\ntemperature_C = 80\ncurrents = ["0.1 mA/cm2"]\nhalf_h = 0.5\nstage_h = 6\n'
)
LFP = (
    'procedure = "galvanostatic-cycling"\ntemperature_C = 120\ncharge_current = ["80 mA/g"]\n'
    'discharge_current = ["80 mA/g"]\nlower_V = 2.9\nupper_V = 3.8\ncycles = 3\nrest_h = 0.1\nrecord_s = 20\n'
)
LADDER = (
    'procedure = "critical-current"\non = "cycler"\ntemperature_C = 60\nhalf_min = 30\ninterval_s = 5\n'
    'currents = { start = 0.1, stop = 3.0, step = 0.1, unit = "mA/cm2" }\n'
)


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CELLRIG_STATE", str(tmp_path / "state"))


def recorded(folder: Path, driver: str, cell: str, run: str, more: str = "") -> RunFile:
    folder.mkdir()
    (folder / "bench.toml").write_text(BENCH.format(driver=driver, cell=cell, more=more), encoding="utf-8")
    (folder / "plan.toml").write_text(SAMPLE + run, encoding="utf-8")
    (ended,) = run_plan(load_plan(folder / "plan.toml"), folder / "runs", Watcher())
    return RunFile.open(ended.path)


def results_of(folder: Path, driver: str, cell: str, run: str, more: str = "") -> tuple[dict[str, Any], Any]:
    with recorded(folder, driver, cell, run, more) as record:
        assert record.outcome == "finished", record.reason
        table = record.table("cycling")
        return {f"{one.name} {rounded(one.at)}": one.value for one in record.results()}, table


def rounded(at: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """A step file has currents to the nanoampere, so a current density is a hair off."""
    return sorted((name, round(value, 4) if isinstance(value, float) else value) for name, value in at.items())


@pytest.mark.parametrize(
    ("cell", "run"),
    [("symmetric", SYMMETRIC), ("lfp", LFP), ("symmetric", LADDER)],
    ids=["symmetric-cycling", "galvanostatic-cycling", "critical-current"],
)
def test_a_procedure_finds_the_same_on_a_neware(tmp_path: Path, cell: str, run: str) -> None:
    expected, whole = results_of(tmp_path / "truth", "simulated-cycler", cell, run)
    quirks = "peer = { quirks = { cycles_from_0 = true, subdevid_is_1 = true, rows_most = 300 } }"
    found, table = results_of(tmp_path / "wire", "simulated-neware", cell, run, quirks)
    assert sorted(found) == sorted(expected)
    for name, value in expected.items():  # it starts 5 s later: a cell that ages is a little older
        assert found[name] == (None if value is None else pytest.approx(value, rel=1e-3, abs=5e-5)), name
    # A ladder is stopped at the first look after the step of its short: every 270 s, 54 rows.
    assert len(table["record"]) == pytest.approx(len(whole["record"]), abs=57 if run == LADDER else 3)
    assert np.array_equal(table["record"], np.arange(1, len(table["record"]) + 1))
    assert np.all(np.diff(table["time_s"]) > 0)


def test_rows_stand_at_the_tester_s_own_times_and_its_counters_agree_with_the_current(tmp_path: Path) -> None:
    """It is started one poll after it was found free; that wait is no part of the test."""
    with recorded(tmp_path / "wire", "simulated-neware", "lfp", LFP) as record:
        table, anchor = record.table("cycling"), record.anchors()[0]
    (database,) = tmp_path.glob("wire/**/neware_tester_cycler/database.json")
    (test,) = json.loads(database.read_bytes())["tests"]
    unix = anchor.unix + table["t_s"] - anchor.t_s
    assert np.abs(unix - test["began_unix"] - table["time_s"]).max() < 0.5
    halves = integrate_half_cycles(table["time_s"], table["current_A"], table["voltage_V"], first="charge")
    for way, counter in ((0, "charge_capacity_Ah"), (1, "discharge_capacity_Ah")):
        counted = [table[counter][table["cycle"] == one].max() for one in (1, 2, 3)]
        assert list(halves.charge_Ah[way::2]) == pytest.approx(counted, rel=0.01)
