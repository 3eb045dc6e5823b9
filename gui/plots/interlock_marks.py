"""Where interlocks tripped in a run, as lines with their names, on a plot over the run's time."""

from __future__ import annotations

from collections.abc import Sequence

from PyQt5.QtGui import QColor

from daq.interlock_watch import SOURCE
from daq.runfile.reader import EventRecord
from gui.graph import Item, pg
from gui.theme import Theme

MOST = 30
LONGEST = 44


class InterlockMarks:
    """On one plot; each name stands along its line, the log has the value."""

    def __init__(self, plot: Item) -> None:
        self._plot = plot
        self._lines: list[Item] = []
        self._events: list[EventRecord] = []

    def take(self, events: Sequence[EventRecord]) -> None:
        """The log of the run that is shown; the last trippings in it are marked."""
        tripped = [one for one in events if one.source == SOURCE and one.level != "info"][-MOST:]
        if tripped == self._events:
            return
        self._events = tripped
        for line in self._lines:
            self._plot.removeItem(line)
        self._lines = []
        for event in tripped:
            words = event.text.partition(": " if ": " in event.text else ";")[0]
            line = pg.InfiniteLine(
                event.t_s,
                angle=90,
                label=words if len(words) <= LONGEST else f"{words[: LONGEST - 1]}…",
                labelOpts={"position": 0.03, "rotateAxis": (1, 0), "anchors": [(0, 0), (0, 0)]},
            )
            line.setZValue(-10)
            self._plot.addItem(line, ignoreBounds=True)
            self._lines.append(line)

    def restyle(self, theme: Theme) -> None:
        for line in self._lines:
            line.setPen(pg.mkPen(theme.bad, width=1))
            line.label.setColor(QColor(theme.bad))
