"""Python's garbage collector, kept on the window's thread.

A widget that is garbage in a cycle is destroyed wherever the collector happens to run, and a widget destroyed in a
thread that is not the window's ends the program with a segmentation fault. So the collector is switched off and asked
from a timer of the window's own event loop instead.
"""

from __future__ import annotations

import gc

from PyQt5.QtCore import QObject, QTimer

LOOK_MS = 500


class Collecting(QObject):
    """From its making until `end`."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        gc.disable()
        self._timer = QTimer(self)
        self._timer.timeout.connect(collect_what_is_due)
        self._timer.start(LOOK_MS)

    def end(self) -> None:
        self._timer.stop()
        gc.enable()


def collect_what_is_due() -> None:
    """What the collector would have done by itself: the oldest generation whose threshold is passed."""
    for generation in (2, 1, 0):
        if gc.get_count()[generation] > gc.get_threshold()[generation] > 0:
            gc.collect(generation)
            return
