"""The runs folder, looked at every few seconds in a thread of its own."""

from __future__ import annotations

import logging
from pathlib import Path

from PyQt5.QtCore import QObject, QThread, QTimer, pyqtSignal, pyqtSlot

from daq.catalog import RunSummary, read_catalog
from daq.errors import CellrigError

log = logging.getLogger(__name__)
LOOK_MS = 3000


class CatalogFeed(QObject):
    """`found` with the runs, oldest first, whenever they are not what they were."""

    found = pyqtSignal(object)  # list[RunSummary]
    failed = pyqtSignal(str)
    _look_now = pyqtSignal()
    _close = pyqtSignal()

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        self._before: list[RunSummary] | None = None
        self._problem = ""
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK_MS)
        self._timer.timeout.connect(self._look)
        self._look_now.connect(self._look)
        self._close.connect(self._leave)
        self._thread = QThread()
        self._thread.setObjectName("runs folder")
        self.moveToThread(self._thread)
        self._thread.started.connect(self._look)
        self._thread.started.connect(self._timer.start)

    def start(self) -> None:
        """After everything is connected: the first look is soon over."""
        self._thread.start()

    def look_now(self) -> None:
        self._look_now.emit()

    def close(self) -> None:
        if self._thread.isRunning():
            self._close.emit()
            self._thread.wait(5000)

    @pyqtSlot()
    def _leave(self) -> None:
        self._timer.stop()
        self._thread.quit()

    @pyqtSlot()
    def _look(self) -> None:
        try:
            catalog = read_catalog(self._folder)
            runs, problems = catalog.runs, [f"{one.path.name}: {one.problem}" for one in catalog.unreadable]
        except CellrigError as error:
            runs, problems = [], [str(error)]
        told = "; ".join(problems)
        if told != self._problem:
            self._problem = told
            if told:
                self.failed.emit(told)
        if runs != self._before:
            self._before = runs
            self.found.emit(runs)
