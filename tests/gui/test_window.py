"""The window as somebody at the bench uses it, clicked through."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from bench_window import SLOW_MS, FakeBench, Open, pane_of, show_all
from PyQt5.QtCore import QPoint, QPointF, Qt
from PyQt5.QtGui import QImage, QWheelEvent
from PyQt5.QtWidgets import QAbstractButton, QApplication, QComboBox, QLineEdit
from pytestqt.qtbot import QtBot

from daq.plan import make_plan
from daq.runner import Watcher, run_plan
from gui.app import main
from gui.demo import PLAN, DemoStart, write_demo_bench
from gui.model.bench_status import BenchStatus, InstrumentStatus, QueueEntry, RunStatus
from gui.plots.pane import PlotPane
from gui.theme import DARK, LIGHT, Theme
from gui.words import NOTHING


# ---------------------------------------------------------------- looking at runs
def test_a_finished_sweep_is_shown_fitted_and_its_numbers_told(
    qtbot: QtBot, open_window: Open, runs: Path, tmp_path: Path
) -> None:
    window = open_window(runs)
    show_all(qtbot, window)
    nyquist, arrhenius = pane_of(window, "nyquist"), pane_of(window, "arrhenius")
    qtbot.waitUntil(lambda: any(one.sweep for one in nyquist.analyses.values()), timeout=SLOW_MS)
    window.tabs.setCurrentWidget(arrhenius)
    qtbot.waitUntil(lambda: bool(arrhenius.cursor_curves), timeout=SLOW_MS)
    told = arrhenius.nearest(arrhenius.plots[0], arrhenius.cursor_curves[0].x[0], arrhenius.cursor_curves[0].y[0])
    assert "25" in told
    assert "S/cm" in told
    window.tabs.setCurrentWidget(window.results)
    table = window.results.table
    items = [table.item(row, 1) for row in range(table.rowCount())]
    texts = [one.text() for one in items if one is not None]
    assert any("activation" in text for text in texts)
    window.export_to(nyquist, tmp_path / "no such folder" / "x.png")
    assert "no such folder" in window.banner.message.text()


def test_the_impedance_can_be_shown_per_area_and_as_resistivity(qtbot: QtBot, open_window: Open, runs: Path) -> None:
    window = open_window(runs)
    show_all(qtbot, window)
    nyquist = pane_of(window, "nyquist")
    window.tabs.setCurrentWidget(nyquist)
    unit = nyquist.findChild(QComboBox)
    assert [unit.itemText(index) for index in range(unit.count())] == ["Z / Ω", "Z·A / Ω cm²", "ρ / Ω cm"]
    plain = nyquist.exported()[0].columns[1][1]
    unit.setCurrentIndex(1)
    area_cm2 = np.pi * 0.5**2
    assert nyquist.exported()[0].columns[1][1] == pytest.approx(plain * area_cm2)
    unit.setCurrentIndex(2)
    assert nyquist.exported()[0].columns[1][1] == pytest.approx(plain * area_cm2 / 0.09)
    ranges = nyquist.plots[0].getViewBox()
    (left, right), (low, high) = ranges.viewRange()
    assert (right - left) / ranges.width() == pytest.approx((high - low) / ranges.height(), rel=0.02)  # equal axes
    assert left <= 0 <= right
    assert low <= 0 <= high


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_plots_are_not_blank_in_either_theme(qtbot: QtBot, open_window: Open, runs: Path, theme: Theme) -> None:
    window = open_window(runs)
    window.set_theme(theme)
    show_all(qtbot, window)
    for key in ("nyquist", "bode", "temperature"):
        pane = pane_of(window, key)
        window.tabs.setCurrentWidget(pane)
        qtbot.wait(80)
        image = pane.canvas.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
        raw = image.constBits()
        raw.setsize(image.sizeInBytes())
        colours = np.frombuffer(raw, np.uint8).reshape(image.height(), -1, 4)[:, : image.width(), :3].astype(int)
        saturated = (colours.max(axis=2) - colours.min(axis=2)) > 60  # axes and grid are grey, curves are not
        assert saturated.sum() > 150, key


def test_a_run_keeps_its_colour_in_the_shade_of_the_theme_and_the_log_its_place(
    qtbot: QtBot, open_window: Open, runs: Path
) -> None:
    window = open_window(runs, size=(1280, 720))
    show_all(qtbot, window)
    places = [LIGHT.categories.index(row.colour) for row in window.runs.model.rows]
    assert len(set(places)) == 2
    window.set_theme(DARK)
    assert [DARK.categories.index(row.colour) for row in window.runs.model.rows] == places
    drawn = {one.colour for one in pane_of(window, "temperature").shown}
    assert drawn == {row.colour for row in window.runs.model.rows}
    window.lay_out_docks()
    assert window.tabifiedDockWidgets(window.docks["runs"]) == [window.docks["log"]]
    window.resize(1680, 1000)
    window.lay_out_docks()
    assert window.tabifiedDockWidgets(window.docks["runs"]) == []
    assert window.docks["log"].isVisible()


# ---------------------------------------------------------------- a run in progress
def turn_the_wheel(pane: PlotPane) -> None:
    """Into the picture, in its middle."""
    paper = pane.canvas.viewport()
    at, by = QPointF(paper.rect().center()), QPoint(0, 120)
    where, no_button = QPointF(paper.mapToGlobal(paper.rect().center())), Qt.MouseButtons(Qt.MouseButton.NoButton)
    event = QWheelEvent(at, where, QPoint(), by, no_button, Qt.KeyboardModifiers(), Qt.ScrollPhase.NoScrollPhase, False)
    QApplication.sendEvent(paper, event)


def test_a_run_is_followed_to_its_end_and_zoom_is_left_alone(qtbot: QtBot, open_window: Open, tmp_path: Path) -> None:
    bench = FakeBench()
    window = open_window(tmp_path / "runs", bench)
    plan = {
        "sample": {"name": "live", "pellet": {"thickness_mm": 1, "diameter_mm": 10}},
        "run": [{"procedure": "eis-sweep", "temperatures_C": [30, 50, 70], "points_per_decade": 5}],
    }
    path: list[Path] = []
    watcher = Watcher(on_start=lambda folder, control: path.append(folder))
    worker = threading.Thread(target=lambda: run_plan(make_plan(plan), tmp_path / "runs", watcher))
    worker.start()
    qtbot.waitUntil(lambda: bool(path), timeout=SLOW_MS)
    run = RunStatus("x", path[0], "eis-sweep", "live", 1, 3, "30 °C (heating)", "soak", 0.3, 3600.0)
    bench.tell("running", run)
    assert window.header.pill.text() == "RUNNING"
    assert "30 °C" in window.header.step.text()
    nyquist = pane_of(window, "nyquist")
    qtbot.waitUntil(lambda: len(nyquist.exported()) >= 1, timeout=SLOW_MS)
    turn_the_wheel(nyquist)
    assert not nyquist.following.isChecked(), "zooming ends it"
    before = nyquist.plots[0].getViewBox().viewRange()
    worker.join(40)
    qtbot.waitUntil(lambda: len(nyquist.exported()) == 3, timeout=SLOW_MS)
    assert nyquist.plots[0].getViewBox().viewRange() == before
    qtbot.waitUntil(lambda: window.library.views[path[0]].outcome == "finished", timeout=SLOW_MS)
    assert any("all steps done" in line for line in window.log.text.toPlainText().splitlines())
    qtbot.mouseClick(nyquist._fit_button, Qt.MouseButton.LeftButton)
    assert nyquist.following.isChecked()
    assert nyquist.plots[0].getViewBox().viewRange() != before
    curve = nyquist.cursor_curves[0]
    spot = nyquist.plots[0].getViewBox().mapViewToScene(QPointF(curve.x[-1], curve.y[-1]))
    qtbot.mouseMove(nyquist.canvas.viewport(), nyquist.canvas.mapFromScene(spot))
    qtbot.waitUntil(lambda: "30 °C   f = " in nyquist.readout.text(), timeout=SLOW_MS)


def test_stop_is_one_click_and_one_key_and_the_bench_answers(qtbot: QtBot, open_window: Open, tmp_path: Path) -> None:
    bench = FakeBench()
    window = open_window(tmp_path, bench, (1280, 720))
    stop = window.header.stop
    assert window.rect().contains(stop.mapTo(window, stop.rect().topLeft()))
    assert window.rect().contains(stop.mapTo(window, stop.rect().bottomRight()))
    qtbot.mouseClick(stop, Qt.MouseButton.LeftButton)
    assert bench.asked[-1][0] == "stop"
    bench.asked.clear()
    QApplication.setActiveWindow(window)
    qtbot.keyClick(window, Qt.Key.Key_F12)
    assert [what for what, _ in bench.asked] == ["stop"]
    bench.answered.emit("warning", "stopped; furnace: heater off, read back")
    assert "read back" in window.banner.message.text()


def test_an_interrupted_run_is_offered_when_the_bench_is_idle(
    qtbot: QtBot, open_window: Open, runs: Path, tmp_path: Path
) -> None:
    last = sorted(one for one in runs.iterdir() if one.is_dir())[-1]
    broken = tmp_path / "runs" / last.name
    shutil.copytree(last, broken)
    with closing(sqlite3.connect(broken / "run.db")) as db, db:
        db.execute("UPDATE run SET value = ? WHERE key = 'outcome'", ('"running"',))  # as a kill leaves it
    bench = FakeBench()
    window = open_window(tmp_path / "runs", bench)
    window.show_status(BenchStatus("away", "glovebox 2"))
    action = window.banner.action
    qtbot.waitUntil(lambda: len(window.runs.model.rows) == 1, timeout=SLOW_MS)
    qtbot.wait(50)
    bench.tell("idle")
    qtbot.waitUntil(action.isVisible, timeout=SLOW_MS)
    assert "nothing of it is lost" in window.banner.message.text()
    qtbot.mouseClick(action, Qt.MouseButton.LeftButton)
    assert bench.asked == [("resume", {"path": broken})]
    bench.tell("idle")
    assert not action.isVisible(), "it is offered once"


def test_the_demo_asks_for_its_sweep_once_and_not_into_a_run(qtbot: QtBot, tmp_path: Path) -> None:
    config = write_demo_bench(tmp_path / "runs", 300.0)
    plan_of_demo = make_plan({**PLAN, "bench": str(config.source)})
    assert plan_of_demo.bench.name == "demo"
    bench, busy = FakeBench(), FakeBench()
    for link in (bench, busy):
        DemoStart(link)
    bench.status.emit(BenchStatus("away"))
    assert bench.asked == []
    bench.tell("idle")
    bench.tell("idle")
    assert bench.asked == [("submit", {"plan": PLAN})]
    busy.tell("idle", queue=(QueueEntry("1", "eis-sweep", "K001", "waiting"),))
    busy.tell("idle")
    assert busy.asked == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--demo", "--speed", "-3"], "bench.speed: should be greater than 0"),
        (["--demo", "--speed", "1e9"], "bench.speed: should be less than or equal to 10000"),
        (["--demo", "--runs", "{file}"], "cannot be written"),
        (["--bench", "{file}"], "bench"),
        (["--runs", "{file}"], "cannot be made"),
        (["--runs", "{file}/runs"], "cannot be made"),
    ],
)
def test_a_bad_word_on_the_command_line_is_a_sentence(
    words: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "a file"
    file.write_text("x = 1\n", encoding="utf-8")
    given = [one.format(file=file) for one in words]
    assert main(given if "--runs" in words else [*given, "--runs", str(tmp_path / "runs")]) == 2
    assert says in capsys.readouterr().err


def test_a_value_that_is_not_told_any_more_is_not_shown(qtbot: QtBot, open_window: Open, tmp_path: Path) -> None:
    bench = FakeBench()
    window = open_window(tmp_path, bench)
    card = window.instruments.cards["furnace"]
    assert card.values["temperature_C"].text() == "74.93 °C"
    let_go = InstrumentStatus("furnace", "temperature", "eurotherm", "", False)
    bench.status.emit(BenchStatus("idle", "glovebox 2", None, (let_go,)))
    assert card.values["temperature_C"].text() == NOTHING
    assert "not connected" in card.identity.text()
    in_use = replace(let_go, connected=True)
    bench.status.emit(BenchStatus("running", "glovebox 2", None, (in_use,)))
    assert "not connected" not in card.identity.text()
    right = card.connection.mapTo(window.instruments, card.connection.rect().topRight()).x()
    assert right < window.instruments.width(), "nothing of a card is cut off"


def test_while_a_run_owns_the_bench_nothing_is_moved_by_hand(qtbot: QtBot, open_window: Open, tmp_path: Path) -> None:
    bench = FakeBench()
    window = open_window(tmp_path, bench)
    card = window.instruments.cards["furnace"]
    assert card.values["temperature_C"].text() == "74.93 °C"
    field = card.manual.findChild(QLineEdit, "manual_furnace_target_C")
    go = card.manual.findChild(QAbstractButton, "manual_furnace_go_to_set_point")
    field.setText("40 V")
    qtbot.mouseClick(go, Qt.MouseButton.LeftButton) if go.isVisible() else go.click()
    assert "unit must be °C" in card.manual.problem.text()
    field.setText("60")
    go.click()
    assert bench.asked[-1] == (
        "manual",
        {"instrument": "furnace", "command": {"command": "set_target", "target_C": 60.0, "ramp_K_per_min": 3.0}},
    )
    run = RunStatus("x", tmp_path / "none", "eis-sweep", "s", 1, 3, "30 °C", "", 0.3, None)
    bench.tell("running", run)
    assert not card.manual.isEnabled()
    assert not card.connection.isEnabled()
    assert "locked" in card.manual_toggle.text()


def test_an_interlock_stands_in_the_banner_until_it_has_cleared(
    qtbot: QtBot, open_window: Open, tmp_path: Path
) -> None:
    bench = FakeBench()
    window = open_window(tmp_path, bench)
    run = RunStatus("x", tmp_path / "none", "temperature-hold", "s", 1, 2, "to 90 °C", "", 0.3, None)
    bench.tell("running", run)
    assert window.banner.isHidden()
    bench.tell("waiting", replace(run, alerts=("thermal shock: 16 is above its limit of 15",)))
    assert "thermal shock: 16 is above" in window.alerts.text()
    assert not window.alerts.isHidden()
    assert "thermal shock" in window.log.text.toPlainText()
    assert window.header.pill.text() == "WAITING"
    assert window.header.stop.isEnabled()
    bench.answered.emit("warning", "something else")
    qtbot.mouseClick(window.banner.dismiss, Qt.MouseButton.LeftButton)
    bench.status.emit(BenchStatus("away", problem="the service does not answer"))
    assert not window.alerts.isHidden(), "it cannot be put away, and nobody has said that it is over"
    bench.tell("running", run)
    assert window.alerts.isHidden()
    assert window.notes.isHidden()
    bench.status.emit(BenchStatus("running", run=run, notes=("disk full in about 5 h",)))
    assert window.notes.text() == "disk full in about 5 h"
    assert not window.notes.isHidden()
    assert window.banner.message.text().startswith("Cleared: thermal shock")


def test_what_waits_can_be_moved_held_and_taken_out(qtbot: QtBot, open_window: Open, tmp_path: Path) -> None:
    bench = FakeBench()
    window = open_window(tmp_path, bench)
    entries = tuple(QueueEntry(f"q{n}", "linear-sweep", f"cell {n}", "waiting") for n in range(3))
    bench.tell("idle", None, entries)
    assert [row.sample for row in window.runs.model.rows] == ["cell 0", "cell 1", "cell 2"]
    window.runs.select("queue q1")
    for name in ("up", "remove", "hold"):
        window.runs._buttons[name].click()
    assert bench.asked == [("move", {"id": "q1", "by": -1}), ("remove", {"id": "q1"}), ("hold", {"on": True})]
    bench.asked.clear()
    QApplication.setActiveWindow(window)
    window.runs.table.setFocus()
    held = (entries[0], replace(entries[1], state="held"), entries[2])
    for key, keys in ((Qt.Key.Key_H, Qt.KeyboardModifier.ControlModifier), (Qt.Key.Key_Delete, None)):
        qtbot.keyClick(window.runs.table, key, keys or Qt.KeyboardModifier.NoModifier)
    bench.tell("idle", None, held)
    assert window.runs.model.data(window.runs.model.index(1, 3)) == "‖ Held"
    window.runs.select("queue q1")
    qtbot.keyClick(window.runs.table, Qt.Key.Key_H, Qt.KeyboardModifier.ControlModifier)
    assert bench.asked == [
        ("hold_entry", {"id": "q1", "on": True}),
        ("remove", {"id": "q1"}),
        ("hold_entry", {"id": "q1", "on": False}),
    ]


def test_step_pause_and_queue_by_button_and_key(qtbot: QtBot, open_window: Open, tmp_path: Path) -> None:
    bench = FakeBench()
    window = open_window(tmp_path, bench)
    assert not window.header.skip.isEnabled(), "there is nothing to skip"
    run = RunStatus("x", tmp_path / "none", "eis-sweep", "s", 1, 3, "30 °C", "", 0.3, 5400.0)
    bench.tell("running", run)
    assert "ends" in window.header.ends.text()
    QApplication.setActiveWindow(window)
    bench.asked.clear()
    qtbot.mouseClick(window.header.skip, Qt.MouseButton.LeftButton)
    qtbot.keyClick(window, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    qtbot.mouseClick(window.header.pause, Qt.MouseButton.LeftButton)
    bench.tell("paused", run)
    assert window.header.pause.text() == "Go on"
    qtbot.keyClick(window, Qt.Key.Key_P, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClick(window, Qt.Key.Key_F5)
    assert bench.asked == [
        ("skip", {}), ("skip", {}), ("pause", {"on": True}), ("pause", {"on": False}), ("hold", {"on": True})
    ]  # fmt: skip


def test_the_log_is_filtered_by_level_and_word_and_runs_by_name(qtbot: QtBot, open_window: Open, runs: Path) -> None:
    window = open_window(runs, FakeBench())
    for level, text in (("info", "a door"), ("warning", "a window"), ("error", "a cellar")):
        window.log.say(level, text)
    window.log.level.setCurrentIndex(1)
    assert "a door" not in window.log.text.toPlainText()
    assert "a window" in window.log.text.toPlainText()
    qtbot.keyClicks(window.log.words, "cell")
    assert window.log.text.toPlainText().splitlines()[-1].endswith("a cellar")
    assert "a window" not in window.log.text.toPlainText()
    qtbot.waitUntil(lambda: len(window.runs.model.rows) >= 2, timeout=SLOW_MS)
    qtbot.keyClicks(window.runs.search, "temperature hold")
    assert window.runs.filtered.rowCount() == 1
