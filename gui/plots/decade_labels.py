"""The frequencies at a spectrum's whole decades, each written where the least of the plot lies under it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PyQt5.QtCore import QPointF, QRectF
from PyQt5.QtGui import QColor

from gui.graph import Item, pg
from gui.theme import Theme

GAP_PX = 6
NEAR_PX = 110  # no label reaches farther than this from its point
# Where a label may stand about its point, x to the right, y down; the first of equals is taken.
PLACES = ((0, -1), (1, -1), (1, 0), (-1, -1), (-1, 0), (0, 1), (1, 1), (-1, 1))
BETWEEN = 4  # a line counts as so many points from one measured point to the next
GROUND_ALPHA = 190


class DecadeLabels:
    """`show` says what is to be labelled, `place` puts it where there is room in the present view."""

    def __init__(self, plot: Item) -> None:
        self._plot = plot
        self._view = plot.getViewBox()
        self._labels: list[Item] = []
        self._drawn = (np.empty(0), np.empty(0))

    def show(self, points: Sequence[tuple[float, float, str]], theme: Theme) -> None:
        """Points as (x, y, text)."""
        for label in self._labels:
            self._plot.removeItem(label)
        self._labels = []
        ground = QColor(theme.plot)
        ground.setAlpha(GROUND_ALPHA)
        for x, y, text in points:
            label = pg.TextItem(text, color=theme.muted, fill=pg.mkBrush(ground))
            label.textItem.document().setDocumentMargin(1)
            label.setPos(x, y)
            label.setZValue(5)
            self._plot.addItem(label, ignoreBounds=True)
            self._labels.append(label)

    def avoid(self, curves: Sequence[tuple[np.ndarray, np.ndarray]]) -> None:
        """What is drawn on the plot, in its coordinates."""
        lines = [(_filled(x), _filled(y)) for x, y in curves if len(x)]
        self._drawn = tuple(np.concatenate(one) for one in zip(*lines, strict=True)) if lines else (np.empty(0),) * 2

    def place(self) -> None:
        if not self._labels:
            return
        room = self._view.boundingRect()
        (left, right), (low, high) = self._view.viewRange()
        to_px = room.width() / (right - left), room.height() / (high - low)
        xs, ys = (self._drawn[0] - left) * to_px[0], (high - self._drawn[1]) * to_px[1]
        taken = [self._legend()]
        for label in self._labels:
            at = QPointF((label.pos().x() - left) * to_px[0], (high - label.pos().y()) * to_px[1])
            near = (np.abs(xs - at.x()) < NEAR_PX) & (np.abs(ys - at.y()) < NEAR_PX)
            size = label.textItem.boundingRect()
            best = _best(at, size, room, taken, xs[near], ys[near])
            label.setVisible(best is not None)
            if best is not None:
                (dx, dy), box = best
                taken.append(box)
                label.setAnchor((0.5 - dx * (0.5 + GAP_PX / size.width()), 0.5 - dy * (0.5 + GAP_PX / size.height())))

    def _legend(self) -> QRectF:
        legend = self._plot.legend
        if legend is None or not legend.isVisible():
            return QRectF()
        return self._view.mapFromScene(legend.sceneBoundingRect()).boundingRect()


def _best(
    at: QPointF, size: QRectF, room: QRectF, taken: Sequence[QRectF], xs: np.ndarray, ys: np.ndarray
) -> tuple[tuple[int, int], QRectF] | None:
    """The place with the fewest points under it and its box, in pixels of the view; None where there is no room."""
    best, fewest = None, np.inf
    for dx, dy in PLACES:
        box = QRectF(0, 0, size.width(), size.height())
        box.moveCenter(QPointF(at.x() + dx * (size.width() / 2 + GAP_PX), at.y() + dy * (size.height() / 2 + GAP_PX)))
        if not room.contains(box) or any(box.intersects(one) for one in taken):
            continue
        inside = (xs > box.left()) & (xs < box.right()) & (ys > box.top()) & (ys < box.bottom())
        count = int(np.count_nonzero(inside))
        if count < fewest:
            best, fewest = ((dx, dy), box), count
    return best


def _filled(values: np.ndarray) -> np.ndarray:
    """With points between each two, so that a line through a label is noticed."""
    numbers = np.arange(len(values))
    return np.interp(np.linspace(0, len(values) - 1, BETWEEN * (len(values) - 1) + 1), numbers, values)
