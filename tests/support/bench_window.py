"""A bench that a window can be shown without one, and what every test of the window needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pytestqt.qtbot import QtBot

from gui.model.bench_status import BenchState, BenchStatus, InstrumentStatus, QueueEntry, RunStatus
from gui.model.link import BenchLink
from gui.plots.pane import PlotPane
from gui.window import BenchWindow

Open = Callable[..., BenchWindow]
SLOW_MS = 15_000


class FakeBench(BenchLink):
    """Remembers what was asked; `tell` is the bench's voice."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def open(self) -> None:
        self.tell("idle")

    def close(self) -> None:
        self.asked.append(("close", {}))

    def ask(self, what: str, **details: object) -> None:
        self.asked.append((what, details))

    def tell(self, state: BenchState, run: RunStatus | None = None, queue: tuple[QueueEntry, ...] = ()) -> None:
        furnace = InstrumentStatus(
            "furnace",
            "temperature",
            "eurotherm",
            "Eurotherm 2416, serial 7",
            True,
            {"temperature_C": 74.93, "working_setpoint_C": 75.0, "output_percent": 31.0},
            age_s=0.4,
        )
        self.status.emit(BenchStatus(state, "glovebox 2", run, (furnace,), queue))


def pane_of(window: BenchWindow, key: str) -> PlotPane:
    return next(one for one in window.panes if one.key == key)


def show_all(qtbot: QtBot, window: BenchWindow, count: int = 2) -> None:
    """Every run on disk is found, ticked and read."""
    model = window.runs.model
    qtbot.waitUntil(lambda: len(model.rows) >= count, timeout=SLOW_MS)
    for row in list(model.rows):
        model.show_run(row.key, True)
    library = window.library
    qtbot.waitUntil(lambda: len(library.views) >= count, timeout=SLOW_MS)
