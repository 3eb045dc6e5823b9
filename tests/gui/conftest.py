"""A window over runs that were really made, on Qt's offscreen platform."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("QT_FONT_DPI", "96")

import pytest
from PyQt5.QtCore import QEvent
from PyQt5.QtWidgets import QApplication, QDialog, QMessageBox
from pytestqt.qtbot import QtBot

import gui  # noqa: F401  chooses the binding before anything of Qt is imported
from daq.plan import make_plan
from daq.runner import Watcher, run_plan
from gui.collecting import Collecting
from gui.model.link import BenchLink, NoBench
from gui.window import BenchWindow

SAMPLE = {"name": "K001", "pellet": {"thickness_mm": 0.9, "diameter_mm": 10}}
SWEEP = {
    "sample": SAMPLE,
    "run": [{"procedure": "eis-sweep", "temperatures_C": [25, 60, 90], "points_per_decade": 6}],
}
HOLD = {"sample": SAMPLE, "run": [{"procedure": "temperature-hold", "temperature_C": 40, "duration_h": 0.2}]}
Open = Callable[..., BenchWindow]


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep and a hold, finished."""
    folder = tmp_path_factory.mktemp("gui") / "runs"
    for plan in (SWEEP, HOLD):
        (ended,) = run_plan(make_plan(plan), folder, Watcher())
        assert ended.end.outcome == "finished"
    return folder


@pytest.fixture(scope="session", autouse=True)
def collecting(qapp: QApplication) -> Iterator[None]:
    """As in the program: widgets are collected in the window's thread only."""
    keeper = Collecting()
    yield
    keeper.end()


@pytest.fixture(autouse=True)
def nothing_modal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A dialog that waits for a click would hang the suite, and a run's window."""

    def refuse(*_: object) -> None:
        raise AssertionError("a modal dialog was opened")

    monkeypatch.setattr(QDialog, "exec_", refuse)
    for name in ("information", "warning", "critical", "question"):
        monkeypatch.setattr(QMessageBox, name, refuse)


@pytest.fixture
def open_window(qtbot: QtBot, qapp: QApplication) -> Iterator[Open]:
    opened: list[BenchWindow] = []

    def open_one(folder: Path, link: BenchLink | None = None, size: tuple[int, int] = (1680, 1000)) -> BenchWindow:
        window = BenchWindow(link or NoBench("no bench is connected"), folder)
        opened.append(window)
        qtbot.addWidget(window)
        window.resize(*size)
        window.show()
        return window

    yield open_one
    for window in opened:
        window.close()
        window.deleteLater()
    qapp.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    qapp.setStyleSheet("")
