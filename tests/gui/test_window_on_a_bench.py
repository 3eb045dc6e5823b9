"""The window over a real service and host, on a simulated bench in quickened real time: killed, opened again, used."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from host_bench import ended_with_the_test, until
from PyQt5.QtCore import QUrl
from PyQt5.QtGui import QDesktopServices
from pytestqt.qtbot import QtBot

from daq.bench import BenchConfig
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
WAIT_S = 60
WAIT_MS = 1000 * WAIT_S


def points_of(run: Path) -> int:
    with RunFile.open(run) as opened:
        return len(opened.table("impedance")["id"])


@contextmanager
def ended_in_order(config: BenchConfig) -> Iterator[None]:
    """Service and host outlive every window; the host outlives the service."""
    with ended_with_the_test(config):
        try:
            yield
        finally:
            note = ServiceNote.read(bench_folder(config))
            if note is not None:
                System().end([note.process])
        host = find_host(config)
        assert host is not None, "the host belongs to the bench, not to the service"
        client = host.client()
        client.ask("end")
        client.close()
        until(lambda: find_host(config) is None, 10, "the host stays")


def begun_by_a_window_that_is_killed(config: BenchConfig, runs: Path) -> int:
    """The program starts the bench's service and its sweep, and is gone after the first points; returns how many."""
    words = [sys.executable, "-m", "gui.app", "--demo", "--speed", str(SPEED), "--runs", str(runs)]
    with (runs.parent / "window.log").open("wb") as said:
        program = subprocess.Popen(words, stdout=said, stderr=said)
    try:
        until(lambda: list_runs(runs) and points_of(list_runs(runs)[0].path), WAIT_S, "the demo takes no spectrum")
    finally:
        program.kill()
        program.wait()
    return points_of(list_runs(runs)[0].path)


def test_a_window_is_killed_and_the_next_one_goes_on_from_the_whole_curve_to_a_report(
    qtbot: QtBot, open_window: Callable[..., BenchWindow], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CELLRIG_STATE", str(tmp_path / "state"))
    pages: list[QUrl] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", pages.append)
    runs = tmp_path / "runs"
    config = write_demo_bench(runs, SPEED)
    with ended_in_order(config):
        before = begun_by_a_window_that_is_killed(config, runs)
        (run,), host = list_runs(runs), find_host(config)
        assert run.outcome == "running"
        assert host is not None
        until(lambda: points_of(run.path) > before, WAIT_S, "the run stands still without its window")
        window = open_window(runs, ServiceLink(config, runs))
        try:
            the_whole_run_is_there(qtbot, window, run.path, before)
            again = find_host(config)
            assert again is not None
            assert again.process == host.process, "one host had the run all the time"
            what_waits_is_held_and_taken_out(qtbot, window)
            it_is_stopped(qtbot, window, run.path)
            page = a_run_goes_from_the_form_to_its_report(qtbot, window, pages)
            told = page.read_text(encoding="utf-8")
            assert "from the form" in told
            assert "finished" in told
        finally:
            window.close()  # else it would start the next service


def the_whole_run_is_there(qtbot: QtBot, window: BenchWindow, run: Path, before: int) -> None:
    qtbot.waitUntil(lambda: window.status.run is not None, timeout=WAIT_MS)
    assert window.status.run is not None
    assert window.status.run.path == run
    qtbot.waitUntil(lambda: run in window.library.views, timeout=WAIT_MS)
    assert window.library.views[run].table("impedance").size >= before, "the curve is there from its first point"
    card = next(one for one in window.status.instruments if one.role == "temperature")
    assert card.identity, "who the instrument is, is told during a run too"
    assert window.instruments.cards[card.name].charts, "its last hour is drawn"
    assert window.new_run.bench is window.link.bench, "a plan is checked against the bench that is commanded"


def type_a_hold(window: BenchWindow, sample: str) -> None:
    form = window.new_run
    form.procedure.setCurrentIndex(form.procedure.findData("temperature-hold"))
    form.set_texts({"name": sample, "temperature_C": "40", "duration_h": "0.02"})
    assert form.add.isEnabled(), form.summary.text()


def what_waits_is_held_and_taken_out(qtbot: QtBot, window: BenchWindow) -> None:
    type_a_hold(window, "waits")
    window.new_run.add.click()
    qtbot.waitUntil(lambda: len(window.status.queue) == 1, timeout=WAIT_MS)
    window.runs.select(f"queue {window.status.queue[0].id}")
    for state in ("held", "waiting"):
        window.runs._buttons["hold_entry"].click()
        qtbot.waitUntil(lambda state=state: window.status.queue[0].state == state, timeout=WAIT_MS)
    window.runs._buttons["remove"].click()
    qtbot.waitUntil(lambda: window.status.queue == (), timeout=WAIT_MS)


def it_is_stopped(qtbot: QtBot, window: BenchWindow, run: Path) -> None:
    window.header.stop.click()
    qtbot.waitUntil(lambda: window.status.state == "idle", timeout=WAIT_MS)
    with RunFile.open(run) as opened:
        assert opened.outcome == "stopped"
        assert {one.attempt for one in opened.attempts()} == {1}, "no step was taken twice"
    assert "furnace: " in window.header.step.text(), "what STOP found is told"
    log = window.log.text
    seen = log.toPlainText().count("furnace: ")
    window.header.stop.click()  # nothing runs: STOP still means the bench
    qtbot.waitUntil(lambda: log.toPlainText().count("furnace: ") > seen, timeout=WAIT_MS)


def a_run_goes_from_the_form_to_its_report(qtbot: QtBot, window: BenchWindow, pages: list[QUrl]) -> Path:
    type_a_hold(window, "from the form")
    window.new_run.add.click()

    def finished() -> bool:
        rows = window.runs.model.rows
        return any(one.sample == "from the form" and one.state == "finished" for one in rows)

    qtbot.waitUntil(finished, timeout=WAIT_MS)
    row = next(one for one in window.runs.model.rows if one.sample == "from the form")
    window.runs.select(row.key)
    next(one for one in window.runs.table.actions() if one.text() == "Open report").trigger()
    (page,) = pages
    return Path(page.toLocalFile())
