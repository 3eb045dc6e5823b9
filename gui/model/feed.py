"""Looks into run files from a thread of its own, and hands on what is new. The window never waits for a disk."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PyQt5.QtCore import QObject, QThread, QTimer, pyqtSignal, pyqtSlot

from daq.contracts import Outcome, Result
from daq.errors import CellrigError
from daq.runfile.reader import RunFile, StepRecord
from gui.model.run_view import Growth, Head

log = logging.getLogger(__name__)
LIVE_MS = 200
QUIET_LOOKS = 10  # a run that is not going on may be resumed: it is looked at so many times less often


@dataclass(eq=False)
class Followed:
    """One run file and how far it has been read."""

    path: Path
    run: RunFile
    head: Head
    after: dict[str, int]
    after_event: int = 0
    steps: list[StepRecord] = field(default_factory=list)
    results: list[Result] | None = None
    outcome: Outcome | None = None

    @classmethod
    def open(cls, path: Path) -> Followed:
        """Raises CellrigError, OSError, KeyError."""
        run = RunFile.open(path)
        return cls(path, run, _head_of(run), {stream.name: 0 for stream in run.streams()})

    def news(self) -> Growth | None:
        """None when nothing is new.

        The outcome is asked before the last rows are read: what came before it is then surely there. While rows come
        it is not asked: whoever writes is alive.
        """
        tables = self._more() if self.outcome == "running" else {}
        if any(len(table["id"]) for table in tables.values()):
            outcome: Outcome = "running"
            reason = ""
        else:
            outcome, reason = self.run.outcome, self.run.reason
            tables = self._more()
        events = self.run.events(self.after_event)
        steps, results = self.run.steps(), self.run.results()
        new_steps, new_results = steps != self.steps, results != self.results
        grown = any(len(table["id"]) for table in tables.values())
        if not (grown or events or new_steps or new_results or outcome != self.outcome):
            return None
        self.after_event = events[-1].id if events else self.after_event
        self.steps, self.results, self.outcome = steps, results, outcome
        return Growth(
            self.path,
            self.head,
            tables,
            events,
            steps if new_steps else None,
            results if new_results else None,
            outcome,
            reason,
        )

    def _more(self) -> dict[str, dict[str, np.ndarray]]:
        tables = {name: self.run.table(name, after) for name, after in self.after.items()}
        for name, table in tables.items():
            if len(table["id"]):
                self.after[name] = int(table["id"][-1])
        return tables


class RunFeed(QObject):
    """Lives in its own thread: call `follow` and `forget`, connect `grew` and `failed`; `close` when done."""

    grew = pyqtSignal(object)  # Growth
    failed = pyqtSignal(object, str)  # path, a sentence
    _follow = pyqtSignal(object)
    _forget = pyqtSignal(object)
    _close = pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self._followed: dict[Path, Followed] = {}
        self._looks = 0
        self._timer = QTimer(self)
        self._timer.setInterval(LIVE_MS)
        self._timer.timeout.connect(self._look)
        self._follow.connect(self._do_follow)
        self._forget.connect(self._do_forget)
        self._close.connect(self._do_close)
        self._thread = QThread()
        self._thread.setObjectName("run files")
        self.moveToThread(self._thread)
        self._thread.started.connect(self._timer.start)
        self._thread.start()

    # ------------------------------------------------------------ from the window's thread
    def follow(self, path: Path) -> None:
        self._follow.emit(path)

    def forget(self, path: Path) -> None:
        self._forget.emit(path)

    def close(self) -> None:
        if self._thread.isRunning():
            self._close.emit()
            self._thread.wait(5000)

    # ------------------------------------------------------------ in its own thread
    @pyqtSlot(object)
    def _do_follow(self, path: Path) -> None:
        if path in self._followed:
            return
        try:
            one = Followed.open(path)
        except (CellrigError, OSError, KeyError) as error:
            self.failed.emit(path, str(error))
            return
        self._followed[path] = one
        self._read(path, one)

    @pyqtSlot(object)
    def _do_forget(self, path: Path) -> None:
        one = self._followed.pop(path, None)
        if one is not None:
            one.run.close()

    @pyqtSlot()
    def _do_close(self) -> None:
        self._timer.stop()
        for path in list(self._followed):
            self._do_forget(path)
        self._thread.quit()

    @pyqtSlot()
    def _look(self) -> None:
        self._looks += 1
        for path, one in list(self._followed.items()):
            if one.outcome == "running" or self._looks % QUIET_LOOKS == 0:
                self._read(path, one)

    def _read(self, path: Path, one: Followed) -> None:
        try:
            growth = one.news()
        except (CellrigError, OSError) as error:
            log.warning("%s can no longer be read", path, exc_info=True)
            self._do_forget(path)
            self.failed.emit(path, str(error))
            return
        if growth is not None:
            self.grew.emit(growth)


def _head_of(run: RunFile) -> Head:
    name = str(run.sample.get("name") or "") or "sample without a name"
    return Head(run.id, run.procedure, name, run.sample, run.parameters, run.plan, run.started, run.started_unix)
