"""A curve of any length on a plot: of what is in view, only what can be told apart is drawn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PyQt5.QtCore import QObject

from gui.graph import Item, pg
from gui.model.growing import GrowingColumn
from gui.model.pyramid import Pyramid

SPARE_PX = 1.2
_FLOAT = np.dtype(np.float64)


class LongCurve(QObject):
    """`take` the columns as they have grown, x ascending, then `show`; shown anew when the view changes.

    Between the two the view may be moved (to follow what was taken) at no cost.
    """

    def __init__(self, plot: Item, name: str = "", view: Item | None = None) -> None:
        super().__init__()
        self.item = pg.PlotDataItem(name=name or None)
        self._pyramid = Pyramid()
        self._view = view or plot.getViewBox()
        self._x_view = plot.getViewBox()
        self._own: GrowingColumn | None = None  # y in another unit; what is drawn as it was recorded is not kept twice
        self._of: object = None
        self._cuts: Sequence[float] = ()
        self._taken = False
        self._box: tuple[float, float, int] = (np.nan, np.nan, 0)
        if view is None:
            plot.addItem(self.item)
        self._x_view.sigXRangeChanged.connect(self._moved)
        self._x_view.sigResized.connect(self._moved)

    @property
    def x(self) -> np.ndarray:
        return self._pyramid.x

    @property
    def y(self) -> np.ndarray:
        return self._pyramid.y

    def take(self, x: np.ndarray, y: np.ndarray, of: object, scale: float = 1.0, cuts: Sequence[float] = ()) -> None:
        """Columns as they have grown, y in another unit by `scale`; no line is drawn over a cut, a place on x.

        `of` says whose they are: of the same as before, only what is new is read.
        """
        self._cuts = cuts
        if (of, scale) != self._of or len(x) < self._pyramid.size:
            self._of, self._pyramid = (of, scale), Pyramid()
            self._own = GrowingColumn(_FLOAT) if scale != 1 or y.dtype != _FLOAT else None
        if self._own is not None:
            self._own.extend(scale * y[self._own.size :].astype(float))
            y = self._own.values
        self._pyramid.take(x, y)
        self._taken = True

    def clear(self) -> None:
        self._of, self._pyramid, self._own = None, Pyramid(), None
        self._taken = True

    def set_pen(self, pen: Item) -> None:
        """Only another pen makes the curve be drawn anew."""
        if self.item.opts["pen"] != pen:
            self.item.setPen(pen)

    def show_taken(self) -> None:
        if self._taken:
            self._show()

    def _show(self) -> None:
        self._taken = False
        if not self._pyramid.size:
            self.item.setData([], [])
            return
        (low, high), _ = self._x_view.viewRange()
        width = max(int(self._x_view.width() * SPARE_PX), 50)
        x, y = self._pyramid.between(low, high, width)
        if len(self._cuts) and len(x) > 1:
            joined = np.isfinite(y)
            joined[:-1] &= joined[1:]
            joined[np.clip(np.searchsorted(x, self._cuts, "left") - 1, 0, len(x) - 1)] = False  # the row before
            self.item.setData(x, y, connect=joined)
            return
        self.item.setData(x, y, connect="finite" if np.isnan(y).any() else "all")

    def range_x(self) -> tuple[float, float] | None:
        return (float(self.x[0]), float(self.x[-1])) if self._pyramid.size else None

    def range_y(self) -> tuple[float, float] | None:
        """Over the whole curve, from its coarsest view."""
        if not self._pyramid.size:
            return None
        _, y = self._pyramid.between(-np.inf, np.inf, 200)
        if np.isnan(y).all():
            return None
        return float(np.nanmin(y)), float(np.nanmax(y))

    def _moved(self, *_: object) -> None:
        (low, high), _ = self._x_view.viewRange()
        box = (low, high, int(self._x_view.width()))
        if box != self._box:
            self._box = box
            if not self._taken:  # else it is shown presently, with what was taken
                self._show()
