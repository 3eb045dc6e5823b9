"""The points of many spectra as two items: those of the finished ones, and those of what still grows.

An item of its own for each spectrum's points costs half a millisecond a picture, all together hardly more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PyQt5.QtGui import QColor

from gui.graph import Item, pg

POINT_PX, DECADE_PX = 6, 8


@dataclass(frozen=True, eq=False)
class Marks:
    """Of one spectrum: where its points are, which of them are whole decades, and their colours.

    `key` says what they were made from: as long as it is the same, nothing is drawn anew.
    """

    key: tuple[object, ...]
    x: np.ndarray
    y: np.ndarray
    decades: np.ndarray
    edge: QColor
    growing: bool


class SpectrumMarks:
    def __init__(self, plot: Item) -> None:
        self._still = pg.ScatterPlotItem(pxMode=True)
        self._growing = pg.ScatterPlotItem(pxMode=True)
        self._shown: dict[bool, object] = {}
        for item in (self._still, self._growing):
            plot.addItem(item)

    def show(self, spectra: Sequence[Marks], ground: QColor) -> None:
        for growing, item in ((False, self._still), (True, self._growing)):
            mine = [one for one in spectra if one.growing is growing]
            key = ([(*one.key, one.edge.rgba()) for one in mine], ground.rgba())
            if self._shown.get(growing) != key:
                self._shown[growing] = key
                _fill(item, mine, ground)


def _fill(item: Item, spectra: Sequence[Marks], ground: QColor) -> None:
    if not spectra:
        item.setData([], [])
        return
    x, y = (np.concatenate([getattr(one, name) for one in spectra]) for name in ("x", "y"))
    size, symbol, pens, brushes = [], [], [], []
    inside = pg.mkBrush(ground)
    for one in spectra:
        pen, full, whole = pg.mkPen(one.edge, width=1), pg.mkBrush(one.edge), {*one.decades.tolist()}
        for index in range(len(one.x)):
            decade = index in whole
            size.append(DECADE_PX if decade else POINT_PX)
            symbol.append("s" if decade else "o")
            pens.append(pen)
            brushes.append(full if decade else inside)
    item.setData(x=x, y=y, size=size, symbol=symbol, pen=pens, brush=brushes)
