"""Files dropped onto the window: data are compared, a plan goes into the form."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PyQt5.QtCore import QEvent, QObject
from PyQt5.QtGui import QDragEnterEvent, QDropEvent

if TYPE_CHECKING:
    from gui.window import BenchWindow


class Dropping(QObject):
    def __init__(self, window: BenchWindow) -> None:
        super().__init__(window)
        self._window = window
        window.setAcceptDrops(True)
        window.installEventFilter(self)

    def eventFilter(self, a0: QObject | None, a1: QEvent | None) -> bool:
        if isinstance(a1, QDropEvent) and a1.type() == QEvent.Type.Drop:
            for path in _paths(a1):
                self.take(path)
            a1.acceptProposedAction()
            return True
        if isinstance(a1, QDragEnterEvent) and _paths(a1):
            a1.acceptProposedAction()
            return True
        return super().eventFilter(a0, a1)

    def take(self, path: Path) -> None:
        if path.suffix.lower() == ".toml":
            self._window.filling.take_plan(path)
        else:
            self._window.actions_of_rows.load_file(path)


def _paths(event: QDropEvent) -> list[Path]:
    data = event.mimeData()
    return [Path(one.toLocalFile()) for one in data.urls() if one.isLocalFile()] if data is not None else []
