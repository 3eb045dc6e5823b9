"""`cellrig simulate land`: a newcomer does what LAND's operator does, and the run finds the simulated cell's truth."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from host_bench import ended_with_the_test, until

from daq.bench import load_bench
from daq.catalog import list_runs
from daq.errors import BadInput
from daq.plan import load_plan
from daq.questions import open_questions
from daq.runfile.reader import RunFile
from daq.runner import Watcher, run_plan
from drivers.simulated.land_peer import LandPeer
from procedures.cli.app import run_app

CELLRIG = [sys.executable, "-P", "-m", "cellrig"]
BENCH = """
[bench]
name = "by hand"
{speed}
[instruments.cycler]
{cycler}
[simulation]
cell = "symmetric"
preset = "K001"
[simulation.parameters]
ambient_C = 60
"""
LAND = 'driver = "land"\nexports = "exports"'
PLAN = """
bench = "bench.toml"
[sample]
name = "in hand"
channel = 3
electrode = { diameter_mm = 10 }
[[run]]
procedure = "symmetric-cycling"
temperature_C = "none"
currents = ["0.05 mA/cm2"]
half_h = 0.25
stage_h = 2
"""


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CELLRIG_STATE", str(tmp_path / "state"))


def write(folder: Path, cycler: str, speed: str = "") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "bench.toml").write_text(BENCH.format(speed=speed, cycler=cycler), encoding="utf-8")
    (folder / "plan.toml").write_text(PLAN, encoding="utf-8")
    return folder / "plan.toml"


def typed(*words: str) -> None:
    """Into the shell."""
    with pytest.raises(SystemExit) as ended:
        run_app(list(words))
    assert ended.value.code == 0


def sheet(plan: Path) -> Path:
    typed("sheet", str(plan))
    (path,) = plan.parent.glob("sheet_*.csv")
    return path


@pytest.fixture
def peer(tmp_path: Path) -> Iterator[LandPeer]:
    """In real time: nothing has to wait for it."""
    write(tmp_path, LAND)
    made = LandPeer(tmp_path / "bench.toml", None)
    yield made
    made.close()


def numbers(run: RunFile) -> list[tuple[str, Any]]:
    return [(one.name, one.value) for one in run.results()]


def waits(runs: Path) -> bool:
    return any(open_questions(one.path) for one in list_runs(runs)) if runs.exists() else False


def test_typed_in_started_said_exported_and_the_truth_is_found(tmp_path: Path) -> None:
    """An hour a second. What the exports are dated by, and what is acknowledged, is the bench's time."""
    (truth,) = run_plan(load_plan(write(tmp_path / "truth", 'driver = "simulated-cycler"')), tmp_path / "t", Watcher())
    plan, runs = write(tmp_path, LAND, "speed = 3600"), tmp_path / "runs"
    path, config = sheet(plan), load_bench(tmp_path / "bench.toml")
    made = LandPeer(tmp_path / "bench.toml", None)
    with ended_with_the_test(config):
        words = [*CELLRIG, "run", str(plan), "--runs", str(runs)]
        with subprocess.Popen(words, stdout=subprocess.DEVNULL) as cli:
            until(lambda: waits(runs), 30, "it asks for nobody")
            assert "acknowledge last --channel 3" in made.do(f"start 3 '{path}'")
            typed("acknowledge", "last", "--channel", "3", "--by", "M. Curie", "--runs", str(runs))
            until(lambda: "written" in made.do("foreign 3"), 10, "it records nothing")
            assert cli.wait(60) == 0
    made.close()
    (found,) = list_runs(runs)
    with RunFile.open(truth.path) as record:
        expected = numbers(record)
    with RunFile.open(found.path) as record:
        assert dict(expected)["polarisation"] > 1
        for (name, value), (same, true) in zip(numbers(record), expected, strict=True):
            assert (name, value) == (same, None if true is None else pytest.approx(true, rel=1e-3))
        told = " | ".join(one.text for one in record.events())
        assert "F0RE1GN0_3.txt is set aside: it carries the id F0RE1GN0" in told
        assert told.count("rows taken") >= 2  # it grew


def test_what_is_typed_wrong_starts_nothing(peer: LandPeer, tmp_path: Path) -> None:
    (tmp_path / "no.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    (tmp_path / "half.csv").write_text("id,ABCDEFGH\n\nstep\n", encoding="utf-8")
    for line, problem in (
        ("start 99 x.csv", "name a channel"),
        ("start 3", "name the sheet"),
        (f"start 3 '{tmp_path / 'gone.csv'}'", "can't be read"),
        (f"start 3 '{tmp_path / 'no.csv'}'", "is no step sheet"),
        (f"start 3 '{tmp_path / 'half.csv'}'", "can't be typed in"),
        ("stop 3", "nothing was started on channel 3"),
        ("every 0", "too often"),
        ("dialect latin", "no dialect"),
        ("brew 3", "no command"),
    ):
        with pytest.raises(BadInput, match=problem):
            peer.do(line)
    assert "no channel was started" in peer.do("show")
    with pytest.raises(BadInput, match="needs a bench file"):
        LandPeer(None, None)


def test_a_channel_is_started_stopped_and_exported_by_hand(peer: LandPeer, tmp_path: Path) -> None:
    path = sheet(tmp_path / "plan.toml")
    assert "no run on this bench waits for it yet" in peer.do(f"start 3 '{path}'")
    with pytest.raises(BadInput, match="stop it first"):
        peer.do(f"start 3 '{path}'")
    assert "running, cycle 1, step 1" in peer.do("show")
    assert "exports are new-excel" in peer.do("dialect new-excel 3")
    assert peer.do("stop 3") == "channel 3 is stopped"
    assert "stopped" in peer.do("show")
    assert "no records yet" in peer.do("export 3")
