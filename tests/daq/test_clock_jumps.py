"""The computer's clock is set, changes to summer time or sleeps: durations stay right and no interlock is missed."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from jumping_clock import HOUR_S, SLEPT_S, Jumping, run_with

from daq.bench import load_bench
from daq.clock import iso_time
from daq.plan import make_plan
from daq.runfile.reader import RunFile
from daq.runner import Watcher, run_plan

WIRE_BENCH = Path(__file__).resolve().parents[2] / "examples" / "benches" / "eurotherm-in-process.toml"
SPRING_UNIX = 1774746000.0  # 29 March 2026, 01:00 UTC: 02:00 becomes 03:00 in Berlin


@pytest.mark.parametrize("jump_s", [HOUR_S, -HOUR_S, 86400.0 * 365, -86400.0 * 365, 5.0, -5.0])
def test_a_clock_that_is_set_changes_no_duration_and_ties_the_run_anew(tmp_path: Path, jump_s: float) -> None:
    clock = Jumping()

    def at_150(t_s: float, reading: float) -> float:
        clock.calendar_s = jump_s if t_s >= 150 else 0.0
        return reading

    end, path = run_with(tmp_path, clock, at_150)
    assert end.outcome == "finished"
    with RunFile.open(path) as run:
        t_s = run.table("counts")["t_s"]
        assert all(after - before == pytest.approx(1.0, abs=0.01) for before, after in pairwise(t_s))
        assert len(t_s) == 300
        start, jumped = run.anchors()
        assert (start.why, jumped.why) == ("start", "clock jumped")
        assert jumped.unix - jumped.t_s - (start.unix - start.t_s) == pytest.approx(jump_s, abs=1e-3)
        assert run.unix_of(100.0) == pytest.approx(1.8e9 + 100, abs=1e-3)
        assert run.unix_of(250.0) == pytest.approx(1.8e9 + 250 + jump_s, abs=1e-3)
        (told,) = [one.text for one in run.events() if "computer's clock" in one.text]
    assert ("set back by" if jump_s < 0 else "ahead of the run") in told
    assert f"{abs(jump_s):.0f} s" in told


def test_the_slow_correction_of_the_network_is_no_jump(tmp_path: Path) -> None:
    clock = Jumping()

    def drift(t_s: float, reading: float) -> float:
        clock.calendar_s = 0.0005 * t_s
        return reading

    _, path = run_with(tmp_path, clock, drift)
    with RunFile.open(path) as run:
        assert [one.why for one in run.anchors()] == ["start"]


@pytest.mark.parametrize("bench_time_goes_on", [True, False])
def test_after_eight_hours_asleep_a_limit_that_was_passed_meanwhile_trips_at_once(
    tmp_path: Path, bench_time_goes_on: bool
) -> None:
    """Windows counts a sleep as bench time, Linux does not."""
    clock = Jumping()
    woke: list[float] = []

    def at_150(t_s: float, reading: float) -> float:
        if t_s >= 150 and not woke:
            clock.calendar_s = SLEPT_S
            clock.bench_s = SLEPT_S if bench_time_goes_on else 0.0
            woke.append(clock.monotonic())
        return 80.0 if woke else reading

    end, path = run_with(tmp_path, clock, at_150)
    assert end.outcome == "failed"
    assert "one.temperature_C = 80" in end.reason
    with RunFile.open(path) as run:
        (trip,) = run.interlocks
        assert trip["tripped_t_s"] - woke[0] == pytest.approx(0.0, abs=1.5)
        last_s = run.table("counts")["t_s"][-1]
        assert last_s - woke[0] < 3.0
        assert (len(run.anchors()) == 1) is bench_time_goes_on


@pytest.mark.parametrize("bench_time_goes_on", [True, False])
def test_eight_hours_asleep_trip_nothing_that_is_well(tmp_path: Path, bench_time_goes_on: bool) -> None:
    clock = Jumping()

    def at_150(t_s: float, reading: float) -> float:
        if t_s >= 150:
            clock.calendar_s = SLEPT_S
            clock.bench_s = SLEPT_S if bench_time_goes_on else 0.0
        return reading

    end, path = run_with(tmp_path, clock, at_150)
    assert end.outcome == "finished"
    with RunFile.open(path) as run:
        t_s = run.table("counts")["t_s"]
        gaps = sorted(after - before for before, after in pairwise(t_s))
        assert len(t_s) == 300
        assert gaps[-1] == pytest.approx(SLEPT_S + 1 if bench_time_goes_on else 1.0, abs=0.01)
        assert not run.interlocks


@pytest.fixture
def in_berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The rule of the time zone itself, so that no zone database is needed. POSIX only: `tzset`."""
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_summer_time_begins_in_a_run_and_nothing_happens(tmp_path: Path, in_berlin: None) -> None:
    assert os.environ["TZ"].startswith("CET")
    clock = Jumping(SPRING_UNIX - 150)
    end, path = run_with(tmp_path, clock, lambda t_s, reading: reading)
    assert end.outcome == "finished"
    with RunFile.open(path) as run:
        t_s = run.table("counts")["t_s"]
        assert t_s[-1] - t_s[0] == pytest.approx(299.0, abs=0.1)
        assert [one.why for one in run.anchors()] == ["start"]
        before, after = iso_time(run.unix_of(149.0)), iso_time(run.unix_of(151.0))
    assert (before, after) == ("2026-03-29T01:59:59+01:00", "2026-03-29T03:00:01+02:00")


def test_the_time_of_a_run_begins_when_its_instruments_are_connected(tmp_path: Path) -> None:
    """Connecting takes a controller on the wire a while: the calendar of the rows is not off by it."""
    plan = {
        "sample": {"name": "K001", "pellet": {"thickness_mm": 0.9, "diameter_mm": 10}},
        "run": [{"procedure": "open-circuit", "duration_h": 0.01}],
    }
    (ended,) = run_plan(make_plan(plan, load_bench(WIRE_BENCH)), tmp_path, Watcher())
    with RunFile.open(ended.path) as run:
        connecting_s = run.anchors()[0].unix - float(run.head["bench_unix"])
        assert connecting_s > 0.05
        assert run.table("temperature")["t_s"][0] < connecting_s, "the first reading comes at once"
        assert run.unix_of(0.0) == pytest.approx(float(run.head["bench_unix"]) + connecting_s)
