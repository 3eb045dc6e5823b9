"""The window over a real service and host, on a simulated bench in quickened real time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from host_bench import SIMULATED, ended_with_the_test, until, write_bench, write_plan
from pytestqt.qtbot import QtBot

from daq.bench_lock import bench_folder
from daq.catalog import list_runs
from daq.host_note import find_host
from daq.service.client import plan_body
from daq.service.note import ServiceNote
from daq.system import System
from gui.model.service_link import ServiceLink
from gui.window import BenchWindow

SLOW_MS = 40_000


def test_started_submitted_watched_stopped_and_left(
    qtbot: QtBot, open_window: Callable[..., BenchWindow], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No service runs: the window starts one. The run outlives the window; a second window finds and stops it."""
    monkeypatch.setenv("CELLRIG_STATE", str(tmp_path / "state"))
    config = write_bench(tmp_path, SIMULATED, 300)
    plan = plan_body(write_plan(tmp_path, [40, 60, 80, 100]))["plan"]
    runs = tmp_path / "runs"
    del plan["bench"]  # the form's plans name none: the window's bench is meant
    with ended_with_the_test(config):
        try:
            first = open_window(runs, ServiceLink(config, runs))
            qtbot.waitUntil(lambda: first.status.state == "idle", timeout=SLOW_MS)
            first.link.ask("submit", plan=plan)
            qtbot.waitUntil(lambda: first.status.run is not None and first.status.run.step == 1, timeout=SLOW_MS)
            card = next(one for one in first.status.instruments if one.role == "temperature")
            assert card.connected
            assert card.identity, "who the instrument is, is told during a run too"
            qtbot.waitUntil(lambda: len(first.library.views) == 1, timeout=SLOW_MS)
            assert card.name in first.instruments.cards
            assert first.instruments.cards[card.name].charts, "its last hour is drawn"
            assert first.new_run.bench is config, "a plan is checked against the bench that is commanded"
            first.link.ask("submit", plan=plan)
            qtbot.waitUntil(lambda: len(first.status.queue) == 1, timeout=SLOW_MS)
            first.runs.select(f"queue {first.status.queue[0].id}")
            for state in ("held", "waiting"):
                first.runs._buttons["hold_entry"].click()
                qtbot.waitUntil(lambda state=state: first.status.queue[0].state == state, timeout=SLOW_MS)
            first.runs._buttons["remove"].click()
            qtbot.waitUntil(lambda: first.status.queue == (), timeout=SLOW_MS)
            first.close()

            second = open_window(runs, ServiceLink(config, runs))
            qtbot.waitUntil(lambda: second.status.run is not None, timeout=SLOW_MS)
            second.header.stop.click()
            qtbot.waitUntil(lambda: second.status.state == "idle", timeout=SLOW_MS)
            assert [one.outcome for one in list_runs(runs)] == ["stopped"]
            assert "furnace: " in second.status.safe, "what STOP found is told"
            log = second.log.text
            seen = log.toPlainText().count("furnace: ")
            second.header.stop.click()  # nothing runs: STOP still means the bench
            qtbot.waitUntil(lambda: log.toPlainText().count("furnace: ") > seen, timeout=SLOW_MS)
            second.close()  # else it would start the next service
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
        assert ServiceNote.read(bench_folder(config)) is None
