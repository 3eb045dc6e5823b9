"""The names of the curves, where nothing of the plot lies under them."""

from __future__ import annotations

import numpy as np
from PyQt5.QtCore import QPointF, QRectF, Qt

from gui.graph import Item, pg
from gui.plots.room import Drawn, emptiest

EDGE_PX = 12
# Of a legend, the first of equals is taken: item's and view's corner, and which way it stands off.
LEGEND_PLACES = (
    ((1.0, 0.0), (-EDGE_PX, EDGE_PX)),
    ((0.5, 0.0), (0, EDGE_PX)),
    ((0.0, 0.0), (EDGE_PX, EDGE_PX)),
    ((0.75, 0.0), (0, EDGE_PX)),
    ((1.0, 1.0), (-EDGE_PX, -EDGE_PX)),
    ((1.0, 0.5), (-EDGE_PX, 0)),
    ((0.25, 0.0), (0, EDGE_PX)),
    ((0.75, 0.5), (0, 0)),
    ((0.5, 0.5), (0, 0)),
    ((0.75, 1.0), (0, -EDGE_PX)),
    ((0.5, 1.0), (0, -EDGE_PX)),
)


class Legend(pg.LegendItem):
    """`settle` puts it where there is room. Where somebody has dragged it, there it stays."""

    def __init__(self, plot: Item, offset: tuple[int, int] = (-EDGE_PX, EDGE_PX)) -> None:
        super().__init__(offset=offset, labelTextSize="9pt", verSpacing=-4)
        self._plot = plot
        self._is_dragged = False
        self.setParentItem(plot.getViewBox())
        plot.legend = self

    def settle(self, x: np.ndarray, y: np.ndarray) -> bool:
        """`x`, `y`: what is drawn, in the plot's coordinates. False where each place lies over some of it."""
        if not self.isVisible() or self._is_dragged:
            return True
        room, size = self._plot.getViewBox().boundingRect(), self.boundingRect().size()
        places = []
        for corner, (dx, dy) in LEGEND_PLACES:
            left = (room.width() - size.width()) * corner[0] + dx
            top = (room.height() - size.height()) * corner[1] + dy
            places.append(((corner, (dx, dy)), QRectF(QPointF(left, top), size)))
        found = emptiest(places, Drawn.on(self._plot, x, y), room)
        if found is not None:
            corner, offset = found.place
            self.anchor(itemPos=corner, parentPos=corner, offset=offset)
        return found is not None and not found.under

    @property
    def boxes(self) -> list[QRectF]:
        """What it takes of the plot's view, in pixels."""
        return [self.mapRectToParent(self.boundingRect())] if self.isVisible() and self.items else []

    # ------------------------------------------------------------ pyqtgraph's
    def updateSize(self) -> None:
        """As small as its words; pyqtgraph's own adds up what the rows were stretched to before."""
        size = self.layout.effectiveSizeHint(Qt.SizeHint.MinimumSize)
        self.setGeometry(0, 0, size.width(), size.height())

    def mouseDragEvent(self, ev: Item) -> None:
        self._is_dragged |= ev.button() == Qt.MouseButton.LeftButton
        super().mouseDragEvent(ev)
