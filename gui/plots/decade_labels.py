"""The frequencies at a spectrum's whole decades, each written beside its point, where nothing of the plot lies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from PyQt5.QtCore import QPointF, QRectF, QSizeF
from PyQt5.QtGui import QColor

from gui.graph import Item, pg
from gui.plots.room import Drawn, Found, emptiest
from gui.theme import Theme

# A label stands so far from its point, in the first of these directions (x to the right, y down) that is free.
GAPS_PX = (6, 18, 34, 54, 78)
DIRECTIONS = ((0, -1), (1, -1), (1, 0), (-1, -1), (-1, 0), (0, 1), (1, 1), (-1, 1))
REACH_PX = 190  # no label reaches farther than this from its point
LEADER_GAP_PX = 3
MOST_UNDER = 3  # points; a label over more of them than this is left out
GROUND_ALPHA = 190


class DecadeLabels:
    """`show` says what is to be labelled, `place` puts it where there is room in the present view."""

    def __init__(self, plot: Item) -> None:
        self._plot = plot
        self._view = plot.getViewBox()
        self._labels: list[Item] = []
        self._shown: tuple[Sequence[tuple[float, float, str]], str] = ((), "")
        self._drawn = (np.empty(0), np.empty(0))
        self._drawings = 0
        self._placed: tuple[object, ...] = ()
        self._leaders = pg.PlotCurveItem(connect="pairs", antialias=True)
        plot.addItem(self._leaders, ignoreBounds=True)

    def show(self, points: Sequence[tuple[float, float, str]], theme: Theme) -> None:
        """Points as (x, y, text). The same as before cost nothing."""
        if self._shown == (points, theme.name):
            return
        self._shown = (points, theme.name)
        ground = QColor(theme.plot)
        ground.setAlpha(GROUND_ALPHA)
        while len(self._labels) < len(points):
            self._labels.append(self._new())
        for label, (x, y, text) in zip(self._labels, points, strict=False):
            label.setText(text, color=theme.muted)
            label.fill = pg.mkBrush(ground)
            label.setPos(x, y)
        for label in self._labels[len(points) :]:
            label.hide()
        self._leaders.setPen(pg.mkPen(theme.muted, width=1))

    def _new(self) -> Item:
        label = pg.TextItem()
        label.textItem.document().setDocumentMargin(1)
        label.setZValue(5)
        self._plot.addItem(label, ignoreBounds=True)
        return label

    def avoid(self, x: np.ndarray, y: np.ndarray) -> None:
        """What is drawn on the plot, in its coordinates, lines as points close to each other."""
        self._drawn = (x, y)
        self._drawings += 1

    def place(self) -> None:
        """Asked again while nothing has changed it costs nothing: several signals tell of one change."""
        room, legend = self._view.boundingRect(), self._legend()
        state = (self._shown, self._drawings, self._view.viewRange(), room, legend)
        if state == self._placed:
            return
        self._placed = state
        drawn = Drawn.on(self._plot, *self._drawn)
        taken, leaders = [legend], []
        for label in self._labels[: len(self._shown[0])]:
            x, y = label.pos().x(), label.pos().y()
            spot = Drawn.on(self._plot, np.array([x]), np.array([y]))
            at = QPointF(float(spot.x[0]), float(spot.y[0]))
            size = label.textItem.boundingRect().size()
            found = emptiest(_places(at, size), drawn.near(at, REACH_PX), room, taken)
            label.setVisible(found is not None and found.under <= MOST_UNDER)
            if found is not None and found.under <= MOST_UNDER:
                away = found.box.center() - at
                label.setAnchor((0.5 - away.x() / size.width(), 0.5 - away.y() / size.height()))
                taken.append(found.box)
                leaders += self._leader(at, found)
        self._leaders.setData([one.x() for one in leaders], [one.y() for one in leaders])

    def _leader(self, at: QPointF, found: Found[int]) -> list[QPointF]:
        """From the point to a label that does not stand right beside it, in the plot's coordinates."""
        if found.place == GAPS_PX[0]:
            return []
        box = found.box.adjusted(-LEADER_GAP_PX, 0, LEADER_GAP_PX, 0)  # else it reads as a minus
        end = QPointF(min(max(at.x(), box.left()), box.right()), min(max(at.y(), box.top()), box.bottom()))
        return [self._view.mapToView(at), self._view.mapToView(end)]

    def _legend(self) -> QRectF:
        legend = self._plot.legend
        if legend is None or not legend.isVisible():
            return QRectF()
        return self._view.mapFromScene(legend.sceneBoundingRect()).boundingRect()


def _places(at: QPointF, size: QSizeF) -> Iterator[tuple[int, QRectF]]:
    """The gap, and the box in pixels of the view; the nearest first."""
    for gap in GAPS_PX:
        for dx, dy in DIRECTIONS:
            box = QRectF(QPointF(), size)
            box.moveCenter(QPointF(at.x() + dx * (size.width() / 2 + gap), at.y() + dy * (size.height() / 2 + gap)))
            yield gap, box
