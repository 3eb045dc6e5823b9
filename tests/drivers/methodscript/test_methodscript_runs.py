"""Whole runs through MethodSCRIPT: the truths of the simulated cells come back, in one process and over the wire."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from daq.plan import load_plan
from daq.runfile.reader import RunFile
from daq.runner import Watcher, run_plan

TWIN = """
[bench]
name = "line in memory"
[instruments.furnace]
driver = "simulated-furnace"
limits = { max_temperature_C = 150 }
[instruments.potentiostat]
driver = "simulated-methodscript"
[simulation]
"""
WIRE = """
[bench]
name = "wire"
speed = 200
lost_after_s = 900
[instruments.furnace]
driver = "eurotherm"
port = "FURNACE"
timeout_s = 0.05
limits = { max_temperature_C = 150 }
[instruments.potentiostat]
driver = "methodscript"
model = "EmStat4 HR"
port = "POTENTIOSTAT"
[simulation]
furnace = "peer"
preset = "K001"
"""
SAMPLE = """
bench = "bench.toml"
[sample]
name = "sample"
pellet = { thickness_mm = 0.9, diameter_mm = DIAMETER }
[[run]]
"""
SWEEP = """
procedure = "eis-sweep"
temperatures_C = [40]
frequency_max_Hz = 2e5
points_per_decade = 6
"""
LADDER = """
procedure = "critical-current"
temperature_C = 80
currents = { start = 0.6, stop = 1.0, step = 0.05, unit = "mA/cm2" }
half_min = 10
"""
CONDUCTIVITY_40_S_CM = 1.27e-5


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CELLRIG_STATE", str(tmp_path / "state"))


def results(folder: Path, bench: str, procedure: str, diameter_mm: int = 10) -> dict[str, float]:
    """The first value of each name; in virtual time, or on peers that answer."""
    (folder / "bench.toml").write_text(bench, encoding="utf-8")
    (folder / "plan.toml").write_text(SAMPLE.replace("DIAMETER", str(diameter_mm)) + procedure, encoding="utf-8")
    (ended,) = run_plan(load_plan(folder / "plan.toml"), folder / "runs", Watcher())
    assert ended.end.outcome == "finished", ended.end
    found: dict[str, float] = {}
    with RunFile.open(ended.path) as run:
        for result in run.results():
            if result.value is not None:
                found.setdefault(result.name, result.value)
    return found


def test_a_sweep_in_virtual_time(tmp_path: Path) -> None:
    found = results(tmp_path, TWIN + 'preset = "K001"', SWEEP)
    assert found["conductivity"] == pytest.approx(CONDUCTIVITY_40_S_CM, rel=0.01)


def test_the_critical_current_of_the_paper(tmp_path: Path) -> None:
    found = results(tmp_path, TWIN + 'cell = "symmetric"', LADDER, diameter_mm=9)
    assert found["critical_current_density"] == pytest.approx(0.7, abs=0.03)


@contextmanager
def simulate(kind: str, bench: Path) -> Iterator[None]:
    command = [sys.executable, "-P", "-m", "cellrig", "simulate", kind, "--bench", str(bench)]
    child = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8", env=dict(os.environ)
    )
    assert child.stdout is not None
    assert "answers at" in child.stdout.readline()
    try:
        yield
    finally:
        child.communicate("quit\n", timeout=10)


def test_a_sweep_with_furnace_and_potentiostat_in_processes_of_their_own(tmp_path: Path) -> None:
    """Three processes, two pseudo-terminals, one simulated world. Not on Windows."""
    wire = WIRE.replace("FURNACE", str(tmp_path / "furnace")).replace("POTENTIOSTAT", str(tmp_path / "potentiostat"))
    (tmp_path / "bench.toml").write_text(wire, encoding="utf-8")
    with ExitStack() as peers:
        for kind in ("eurotherm", "methodscript"):
            peers.enter_context(simulate(kind, tmp_path / "bench.toml"))
        found = results(tmp_path, wire, SWEEP)
    assert found["conductivity"] == pytest.approx(CONDUCTIVITY_40_S_CM, rel=0.03)
