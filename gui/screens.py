"""A screen that is unplugged leaves window and floating panels where nobody sees them: they come back."""

from __future__ import annotations

from PyQt5.QtCore import QObject, QRect, QTimer
from PyQt5.QtGui import QGuiApplication, QRegion
from PyQt5.QtWidgets import QDockWidget, QMainWindow, QWidget


class Screens(QObject):
    def __init__(self, window: QMainWindow) -> None:
        super().__init__(window)
        self._window = window
        app = QGuiApplication.instance()
        if isinstance(app, QGuiApplication):
            app.screenRemoved.connect(self._soon)

    def _soon(self, *_: object) -> None:
        """Once Qt itself has moved what it moves."""
        QTimer.singleShot(0, self.bring_back)

    def bring_back(self) -> None:
        floating = [one for one in self._window.findChildren(QDockWidget) if one.isFloating() and one.isVisible()]
        areas = [screen.availableGeometry() for screen in QGuiApplication.screens()]
        for one in (self._window, *floating):
            if areas and not _is_within(one.frameGeometry(), areas):
                _put_into(one, max(areas, key=lambda area, one=one: _shared(area, one.frameGeometry())))


def _is_within(box: QRect, areas: list[QRect]) -> bool:
    """Seen whole, be it on two screens."""
    left = QRegion(box)
    for area in areas:
        left = left.subtracted(QRegion(area))
    return left.isEmpty()


def _shared(area: QRect, box: QRect) -> int:
    both = area.intersected(box)
    return both.width() * both.height()


def _put_into(one: QWidget, area: QRect) -> None:
    """As large as it was, if there is room; STOP is at the right, so no part of it may stand out."""
    frame = one.frameGeometry().size() - one.size()
    one.resize(one.size().boundedTo(area.size() - frame))
    box = one.frameGeometry()
    left = max(min(box.left(), area.right() + 1 - box.width()), area.left())
    top = max(min(box.top(), area.bottom() + 1 - box.height()), area.top())
    one.move(left, top)
