"""The lines of many spectra as three items: through the points of the finished ones, of what still grows, and the fits.

An item of its own for each of them is measured anew by the plot whenever the view moves, which costs a third of a
picture of 64 spectra.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from PyQt5.QtCore import QRectF
from PyQt5.QtGui import QColor, QPainter, QPainterPath

from gui.graph import Item, pg

Kind = Literal["finished", "growing", "fit"]
HEIGHTS: Mapping[Kind, int] = {"finished": -1, "growing": -1, "fit": 1}  # the points are at 0


@dataclass(frozen=True, eq=False)
class Line:
    """Of one spectrum, broken where a number is missing. `key` says what it was made from, as that of its marks."""

    key: tuple[object, ...]
    x: np.ndarray
    y: np.ndarray
    colour: QColor
    kind: Kind


class SpectrumLines:
    """What only joins points lies below them, a fit above: there one sees how well it goes through."""

    def __init__(self, plot: Item) -> None:
        self._items: dict[Kind, _Paths] = {}
        for kind, height in HEIGHTS.items():
            item = self._items[kind] = _Paths()
            item.setZValue(height)
            plot.addItem(item, ignoreBounds=True)

    def show(self, lines: Sequence[Line]) -> None:
        for kind, item in self._items.items():
            item.take([one for one in lines if one.kind == kind])


class _Paths(pg.GraphicsObject):
    """A line with the key of one that was there is not made anew; the same lines as before cost nothing."""

    def __init__(self) -> None:
        super().__init__()
        self._paths: dict[tuple[object, ...], QPainterPath] = {}
        self._drawn: list[tuple[Item, QPainterPath]] = []
        self._shown: list[tuple[object, ...]] = []
        self._box = QRectF()

    def take(self, lines: Sequence[Line]) -> None:
        shown = [(*one.key, one.colour.rgba()) for one in lines]
        if shown == self._shown:
            return
        self._shown = shown
        self._paths = {
            one.key: self._paths.get(one.key) or pg.arrayToQPath(one.x, one.y, connect="finite") for one in lines
        }
        self._drawn = [(pg.mkPen(one.colour, width=1), self._paths[one.key]) for one in lines]
        self.prepareGeometryChange()
        self._box = _around(self._paths.values())
        self.update()

    def boundingRect(self) -> QRectF:
        return self._box

    def paint(self, painter: QPainter, *_: Any) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for pen, path in self._drawn:
            painter.setPen(pen)
            painter.drawPath(path)


def _around(paths: Iterable[QPainterPath]) -> QRectF:
    """A box round all; never without height or width: a flat line would be taken for nothing to draw."""
    box = QRectF()
    for path in paths:
        one = path.boundingRect()
        span = 1e-3 * max(one.width(), one.height(), 1e-9 * max(abs(one.x()), abs(one.y())), 1e-30)
        box = box.united(one.adjusted(-span, -span, span, span))
    return box
