"""Ranges set by the plots themselves: long curves show pyqtgraph only what is in view, so it can't find them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gui.graph import Item, pg

Range = tuple[float, float]
KEPT = 0.93  # of the space that a fit would leave: until then the axes stay, which is calmer and costs nothing


def range_of(values: np.ndarray) -> Range | None:
    """None where nothing is known."""
    known = values[np.isfinite(values)]
    return (float(known.min()), float(known.max())) if len(known) else None


def joined(ranges: Sequence[Range | None]) -> Range | None:
    known = [one for one in ranges if one is not None]
    return (min(one[0] for one in known), max(one[1] for one in known)) if known else None


def set_x(plot: Item, ranges: Sequence[Range | None], *, padding: float = 0.02) -> None:
    found = joined(ranges)
    if found is not None:
        low, high = found[0], found[1] if found[1] > found[0] else found[0] + 1
        if not _fits((low, high), _view_of(plot).viewRange()[0], padding):
            plot.setXRange(low, high, padding=padding)


def set_y(plot: Item, ranges: Sequence[Range | None], *, padding: float = 0.06) -> None:
    found = joined(ranges)
    if found is not None:
        low, high = found
        if high - low < 1e-12 * max(abs(low), abs(high), 1e-9):
            low, high = low - 0.5 * max(abs(low), 1e-3), high + 0.5 * max(abs(high), 1e-3)
        if not _fits((low, high), _view_of(plot).viewRange()[1], padding):
            plot.setYRange(low, high, padding=padding)


def _view_of(plot: Item) -> Item:
    """`plot`: a PlotItem, or a view itself."""
    return plot if isinstance(plot, pg.ViewBox) else plot.getViewBox()


def _fits(found: Range, shown: Sequence[float], padding: float) -> bool:
    """Whether `shown` has all that was found, and little more."""
    low, high = shown
    filled = (found[1] - found[0]) * (1 + 2 * padding) / (high - low)
    return low <= found[0] and found[1] <= high and filled >= KEPT
