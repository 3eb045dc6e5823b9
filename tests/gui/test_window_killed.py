"""The window as a program of its own, killed in mid-run: the run goes on, and the next window finds it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from host_bench import ended_with_the_test, until
from pytestqt.qtbot import QtBot

from daq.bench_lock import bench_folder
from daq.catalog import list_runs
from daq.host_note import find_host
from daq.runfile.reader import RunFile
from daq.service.note import ServiceNote
from daq.system import System
from gui.demo import write_demo_bench
from gui.model.service_link import ServiceLink
from gui.window import BenchWindow

SPEED = 1500.0
START_S = 40


def rows_of(run: Path) -> list[int]:
    with RunFile.open(run) as opened:
        return [int(one) for one in opened.table("impedance")["id"]]


def test_a_window_killed_in_mid_run_disturbs_nothing_and_the_next_one_shows_the_whole_run(
    qtbot: QtBot, open_window: Callable[..., BenchWindow], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CELLRIG_STATE", str(tmp_path / "state"))
    runs = tmp_path / "runs"
    config = write_demo_bench(runs, SPEED)
    words = [sys.executable, "-m", "gui.app", "--demo", "--speed", str(SPEED), "--runs", str(runs)]
    with ended_with_the_test(config), (tmp_path / "window.log").open("wb") as said:
        window = subprocess.Popen(words, stdout=said, stderr=said)
        try:
            until(lambda: list_runs(runs) and rows_of(list_runs(runs)[0].path), START_S, "the demo takes no spectrum")
        finally:
            window.kill()
            window.wait()
        (run,) = list_runs(runs)
        before, host = rows_of(run.path), find_host(config)
        assert run.outcome == "running"
        assert host is not None
        until(lambda: len(rows_of(run.path)) > len(before), START_S, "the run stands still without its window")
        second = open_window(runs, ServiceLink(config, runs))
        qtbot.waitUntil(lambda: second.status.run is not None, timeout=1000 * START_S)
        qtbot.waitUntil(lambda: run.path in second.library.views, timeout=1000 * START_S)
        shown = second.library.views[run.path].table("impedance")
        assert shown.size >= len(before), "the curve is there from its first point"
        assert second.status.run is not None
        assert second.status.run.path == run.path
        again = find_host(config)
        assert again is not None
        assert again.process == host.process, "one host had the run all the time"
        second.header.stop.click()
        qtbot.waitUntil(lambda: second.status.state == "idle", timeout=1000 * START_S)
        second.close()
        with RunFile.open(run.path) as opened:
            assert {one.attempt for one in opened.attempts()} == {1}, "no step was taken twice"
        note = ServiceNote.read(bench_folder(config))
        assert note is not None
        System().end([note.process])
        client = again.client()
        client.ask("end")
        client.close()
        until(lambda: find_host(config) is None, 10, "the host stays")
