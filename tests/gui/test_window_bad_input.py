"""What goes wrong round a window: its service away and back, runs and folders that won't do. Each is a sentence."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from bench_window import SLOW_MS, FakeBench, Open, pane_of
from host_bench import SIMULATED, write_bench
from PyQt5.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from stub_service import StubService

from daq.bench import BenchConfig
from daq.bench_lock import bench_folder
from daq.system import System
from gui.model.service_link import ServiceLink


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BenchConfig:
    monkeypatch.setenv("CELLRIG_STATE", str(tmp_path / "state"))
    return write_bench(tmp_path, SIMULATED, 1)


@pytest.fixture
def service(bench: BenchConfig) -> Iterator[StubService]:
    made = StubService(bench_folder(bench))
    yield made
    made.stop()


def test_a_service_that_goes_comes_back_or_changes_its_token_is_attached_to_again(
    qtbot: QtBot, open_window: Open, tmp_path: Path, bench: BenchConfig, service: StubService
) -> None:
    service.start("first")
    window = open_window(tmp_path / "runs", ServiceLink(bench, tmp_path / "runs"))
    qtbot.waitUntil(lambda: window.header.pill.text() == "IDLE", timeout=SLOW_MS)
    service.stop()
    qtbot.waitUntil(lambda: window.header.pill.text() == "NO BENCH", timeout=SLOW_MS)
    assert "does not answer" in window.header.step.text()
    assert "does not answer" in window.log.text.toPlainText()
    service.start("second")
    qtbot.waitUntil(lambda: window.header.pill.text() == "IDLE", timeout=SLOW_MS)
    service.token = "third"  # while the connection stands: what the window holds is stale
    qtbot.waitUntil(lambda: "a token is needed" in window.header.step.text(), timeout=SLOW_MS)
    service.write_token()
    qtbot.waitUntil(lambda: window.header.pill.text() == "IDLE", timeout=SLOW_MS)
    assert "Traceback" not in window.log.text.toPlainText()
    window.close()


def test_while_the_service_is_starting_the_window_says_so(
    qtbot: QtBot,
    open_window: Open,
    tmp_path: Path,
    bench: BenchConfig,
    service: StubService,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(System, "start_detached", lambda _, words, log: started.append(words))
    window = open_window(tmp_path / "runs", ServiceLink(bench, tmp_path / "runs"))
    assert window.header.pill.text() == "CONNECTING", "from its first picture"
    qtbot.waitUntil(lambda: window.header.step.text() == "starting the bench service…", timeout=SLOW_MS)
    assert window.header.pill.text() == "CONNECTING"
    assert window.banner.isHidden()
    service.start("first")
    qtbot.waitUntil(lambda: window.header.pill.text() == "IDLE", timeout=SLOW_MS)
    service.stop()
    qtbot.waitUntil(lambda: window.header.pill.text() == "NO BENCH", timeout=SLOW_MS)
    assert len(started) == 1
    window.close()


def test_a_run_of_a_newer_cellrig_says_so_and_the_others_are_shown(
    qtbot: QtBot, open_window: Open, runs: Path, tmp_path: Path
) -> None:
    good, bad = sorted(one for one in runs.iterdir() if one.is_dir())[:2]
    for one in (good, bad):
        shutil.copytree(one, tmp_path / "runs" / one.name)
    with closing(sqlite3.connect(tmp_path / "runs" / bad.name / "run.db")) as db, db:
        db.execute("PRAGMA user_version = 99")
    window = open_window(tmp_path / "runs", FakeBench())
    qtbot.waitUntil(lambda: bad.name in window.log.text.toPlainText(), timeout=SLOW_MS)
    assert [row.path for row in window.runs.model.rows] == [tmp_path / "runs" / good.name]
    window.dropping.take(tmp_path / "runs" / bad.name)
    qtbot.waitUntil(lambda: "schema 99" in window.banner.message.text(), timeout=SLOW_MS)
    assert len(window.runs.model.rows) == 1


def test_a_folder_that_cannot_be_read_or_written_is_a_sentence(
    qtbot: QtBot, open_window: Open, runs: Path, tmp_path: Path
) -> None:
    no_folder = tmp_path / "file"
    no_folder.write_text("in the way", encoding="utf-8")
    window = open_window(no_folder / "runs", FakeBench())
    told = window.banner.message.text
    window.export_to(pane_of(window, "bode"), no_folder / "bode.csv")
    assert "could not be written" in told()
    window.filling.write_plan({"sample": {"name": "x"}, "run": []}, no_folder / "plan.toml")
    assert "could not be written" in told()
    one = next(one for one in runs.iterdir() if one.is_dir())
    window.actions_of_rows.export_into(one, tmp_path / "export")
    assert list((tmp_path / "export").glob("*.csv"))
    window.dropping.take(one)
    qtbot.waitUntil(lambda: len(window.runs.model.rows) == 1, timeout=SLOW_MS)
    (row,) = window.runs.model.rows
    window.actions_of_rows.do("resume", row)
    assert "nothing to resume" in told()


def test_nonsense_is_a_sentence_not_a_traceback(qtbot: QtBot, open_window: Open, tmp_path: Path) -> None:
    window = open_window(tmp_path / "runs")
    (tmp_path / "half.toml").write_text("[sample]\nname = ", encoding="utf-8")
    window.filling.take_plan(tmp_path / "half.toml")
    assert "half.toml" in window.banner.message.text()
    (tmp_path / "junk.db").write_bytes(b"no run")
    window.actions_of_rows.load_file(tmp_path / "junk.db")
    assert window.banner.isVisible()
    folder = tmp_path / "runs" / "broken"
    folder.mkdir(parents=True)
    (folder / "run.db").write_bytes(b"SQLite format 3\x00" + b"\x00" * 4000)
    window.catalog.look_now()
    qtbot.waitUntil(lambda: "broken" in window.log.text.toPlainText(), timeout=SLOW_MS)


@pytest.mark.parametrize("where", [(5000, 40), (-4000, -3000), (40, 2500)])
def test_a_window_on_a_screen_that_is_unplugged_comes_back(
    qtbot: QtBot, qapp: QApplication, open_window: Open, tmp_path: Path, where: tuple[int, int]
) -> None:
    window = open_window(tmp_path / "runs", FakeBench())
    qtbot.wait(20)
    dock = window.docks["log"]
    dock.setFloating(True)
    screen = qapp.primaryScreen()
    assert screen is not None
    for one in (window, dock):
        one.move(*where)
        assert not screen.availableGeometry().intersects(one.frameGeometry())
    qapp.screenRemoved.emit(screen)  # the one that is left: the platform of tests has no other
    qtbot.waitUntil(lambda: screen.availableGeometry().contains(window.frameGeometry().topLeft()))
    assert screen.availableGeometry().contains(dock.frameGeometry().topLeft())
    least = window.minimumSizeHint()
    assert window.width() <= max(screen.availableGeometry().width(), least.width()), "no larger than need be"
    before = window.pos()
    qapp.screenRemoved.emit(screen)
    qtbot.wait(20)
    assert window.pos() == before
