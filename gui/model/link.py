"""The window's way to the bench: what it hears and what it may ask. `NoBench` is the window on its own."""

from __future__ import annotations

from typing import Any

from PyQt5.QtCore import QObject, pyqtSignal

from daq.bench import BenchConfig
from gui.model.bench_status import BenchStatus


class BenchLink(QObject):
    """Every request is answered by `answered` (level, sentence) and shows in the next `status`. Nothing here waits."""

    bench: BenchConfig | None = None  # what a plan is checked against before it is asked for
    status = pyqtSignal(object)  # BenchStatus
    answered = pyqtSignal(str, str)

    def open(self) -> None:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError

    def ask(self, what: str, **details: Any) -> None:
        """`stop`, `make_safe`, `pause` (on), `skip`, `submit` (plan), `move` (id, by), `remove` (id), `hold` (on),
        `hold_entry` (id, on),
        `resume` (path), `manual` (instrument, command), `connect` (instrument, on)."""
        raise NotImplementedError


class NoBench(BenchLink):
    """No bench: runs on disk are looked at, and every request says what is missing."""

    def __init__(self, why: str) -> None:
        super().__init__()
        self._why = why

    def open(self) -> None:
        self.status.emit(BenchStatus("away", problem=self._why))

    def close(self) -> None:
        pass

    def ask(self, what: str, **details: Any) -> None:
        self.answered.emit("warning", f"{what.replace('_', ' ')}: {self._why}")
