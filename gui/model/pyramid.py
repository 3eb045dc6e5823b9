"""A long curve drawn at a cost that does not grow with it.

Level k keeps, of each block of 4**k points, where the lowest and the highest one lie. Drawing so many pixels takes
the coarsest level that still has a block per pixel or more: the picture is the same as that of all points.
"""

from __future__ import annotations

import numpy as np

from gui.model.growing import GrowingColumn

FACTOR = 4
_INDEX = np.dtype(np.int32)


class Pyramid:
    """x ascending, y; a nan in y is drawn as the y before it in the coarse levels. It keeps no copy of them."""

    def __init__(self) -> None:
        self.x = self.y = np.empty(0)
        self._levels: list[tuple[GrowingColumn, GrowingColumn]] = []

    @property
    def size(self) -> int:
        return len(self.y)

    def take(self, x: np.ndarray, y: np.ndarray) -> None:
        """Both whole, as they have grown at their ends since the last time."""
        self.x, self.y = x, y
        finished = len(y)
        level = 0
        while finished >= FACTOR:
            if level == len(self._levels):
                self._levels.append((GrowingColumn(_INDEX), GrowingColumn(_INDEX)))
            low, high = self._levels[level]
            start, stop = low.size, finished // FACTOR
            if stop > start:
                low.extend(self._extreme(level, start, stop, lowest=True))
                high.extend(self._extreme(level, start, stop, lowest=False))
            finished = stop
            level += 1

    def _extreme(self, level: int, start: int, stop: int, *, lowest: bool) -> np.ndarray:
        """Where the extreme points of blocks `start` to `stop` of this level lie."""
        if level == 0:
            places = np.arange(start * FACTOR, stop * FACTOR).reshape(-1, FACTOR)
        else:
            below = self._levels[level - 1][0 if lowest else 1]
            places = below.values[start * FACTOR : stop * FACTOR].reshape(-1, FACTOR)
        return _extremes(self.y, places, lowest=lowest)

    def between(self, low_x: float, high_x: float, pixels: int) -> tuple[np.ndarray, np.ndarray]:
        """What to draw of x from `low_x` to `high_x` on so many pixels: at most about 4 points a pixel.

        One point beyond each end is there, so that the line goes on to the edge.
        """
        first = max(0, int(np.searchsorted(self.x, low_x, "left")) - 1)
        last = min(self.size, int(np.searchsorted(self.x, high_x, "right")) + 1)
        if last - first <= FACTOR * pixels:
            return self.x[first:last], self.y[first:last]
        level, block = 0, FACTOR
        while level + 1 < len(self._levels) and (last - first) / (block * FACTOR) > pixels:
            level, block = level + 1, block * FACTOR
        places = self._places(level, block, first, last, together=max(1, (last - first) // (block * pixels)))
        return self.x[places], self.y[places]

    def _places(self, level: int, block: int, first: int, last: int, together: int = 1) -> np.ndarray:
        """The extremes of `together` blocks of a level at a time, and what is over at the ends."""
        low, high = self._levels[level]
        begin = -(-first // block)
        end = begin + (min(last // block, low.size) - begin) // together * together
        lowest, highest = low.values[begin:end], high.values[begin:end]
        if together > 1:
            lowest, highest = (
                _extremes(self.y, one.reshape(-1, together), lowest=of_low)
                for one, of_low in ((lowest, True), (highest, False))
            )
        middle = np.stack([lowest, highest], axis=1)
        middle.sort(axis=1)
        ends = [self._edge(first, begin * block, level), middle.ravel(), self._edge(end * block, last, level)]
        return np.concatenate(ends)

    def _edge(self, first: int, last: int, level: int) -> np.ndarray:
        """The part of a block at an end, from the next finer level that has whole blocks in it."""
        if level == 0 or last - first <= 4 * FACTOR:
            return np.arange(first, last)
        return self._places(level - 1, FACTOR**level, first, last)


def _extremes(y: np.ndarray, places: np.ndarray, *, lowest: bool) -> np.ndarray:
    """Of each row of places, where y is lowest or highest; nan is neither."""
    values = np.where(np.isnan(y[places]), np.inf if lowest else -np.inf, y[places])
    return places[np.arange(len(places)), values.argmin(1) if lowest else values.argmax(1)]


def thin(x: np.ndarray, y: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
    """At most about `most` points of a curve of any shape: of each block of rows the lowest and the highest y."""
    if len(y) <= most:
        return x, y
    block = -(-2 * len(y) // most)
    whole = len(y) // block * block
    values = y[:whole].reshape(-1, block)
    rows = np.arange(0, whole, block)
    low = np.where(np.isnan(values), np.inf, values).argmin(1) + rows
    high = np.where(np.isnan(values), -np.inf, values).argmax(1) + rows
    ends = np.array([0, len(y) - 1])
    places = np.unique(np.concatenate([low, high, np.arange(whole, len(y)), ends]))
    return x[places], y[places]
