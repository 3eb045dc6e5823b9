"""Ranges set by the plots themselves: long curves show pyqtgraph only what is in view, so it can't find them."""

from __future__ import annotations

from collections.abc import Sequence

from gui.graph import Item

Range = tuple[float, float]


def joined(ranges: Sequence[Range | None]) -> Range | None:
    known = [one for one in ranges if one is not None]
    return (min(one[0] for one in known), max(one[1] for one in known)) if known else None


def set_x(plot: Item, ranges: Sequence[Range | None], *, padding: float = 0.02) -> None:
    found = joined(ranges)
    if found is not None:
        low, high = found
        plot.setXRange(low, high if high > low else low + 1, padding=padding)


def set_y(plot: Item, ranges: Sequence[Range | None], *, padding: float = 0.06) -> None:
    found = joined(ranges)
    if found is not None:
        low, high = found
        if high - low < 1e-12 * max(abs(low), abs(high), 1e-9):
            low, high = low - 0.5 * max(abs(low), 1e-3), high + 0.5 * max(abs(high), 1e-3)
        plot.setYRange(low, high, padding=padding)
