"""Where on a plot there is room for words: the place with the fewest points under it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from PyQt5.QtCore import QPointF, QRectF

from gui.graph import Item
from gui.model.pyramid import thin

Place = TypeVar("Place")
BETWEEN = 4  # a line counts as so many points from one measured point to the next
MOST_POINTS = 400  # of a curve; nothing finer is asked here
RIM_PX = 2
MARK_GAP_PX = 5
MARK_HEIGHTS = (0.93, 0.8, 0.66, 0.35, 0.2, 0.07)  # shares of the plot's height


@dataclass(frozen=True, eq=False)
class Drawn:
    """Points of what is drawn, in pixels of a plot's view."""

    x: np.ndarray
    y: np.ndarray

    @classmethod
    def on(cls, plot: Item, x: np.ndarray, y: np.ndarray) -> Drawn:
        """Of points in the plot's own coordinates."""
        view = plot.getViewBox()
        room = view.boundingRect()
        (left, right), (low, high) = view.viewRange()
        return cls((x - left) * room.width() / (right - left), (high - y) * room.height() / (high - low))

    def near(self, at: QPointF, reach_px: float) -> Drawn:
        close = (np.abs(self.x - at.x()) < reach_px) & (np.abs(self.y - at.y()) < reach_px)
        return Drawn(self.x[close], self.y[close])

    def under(self, box: QRectF) -> int:
        inside = (self.x > box.left() - RIM_PX) & (self.x < box.right() + RIM_PX)
        inside &= (self.y > box.top() - RIM_PX) & (self.y < box.bottom() + RIM_PX)
        return int(np.count_nonzero(inside))


@dataclass(frozen=True)
class Found(Generic[Place]):
    place: Place
    box: QRectF
    under: int


def emptiest(
    places: Iterable[tuple[Place, QRectF]], drawn: Drawn, room: QRectF, taken: Sequence[QRectF] = ()
) -> Found[Place] | None:
    """The first with nothing under it, or else the one with the fewest; None where none lies in the room."""
    best: Found[Place] | None = None
    for place, box in places:
        if not room.contains(box) or any(box.intersects(one) for one in taken):
            continue
        count = drawn.under(box)
        if best is None or count < best.under:
            best = Found(place, box, count)
        if not count:
            break
    return best


def evenly(of: Sequence[Place], most: int) -> list[Place]:
    """So many of them at most, the first and the last among them."""
    return [of[int(index)] for index in np.unique(np.linspace(0, len(of) - 1, min(most, len(of))).round())]


def as_line(values: np.ndarray) -> np.ndarray:
    """With points between each two, so that a line through a box is noticed."""
    numbers = np.arange(len(values))
    return np.interp(np.linspace(0, len(values) - 1, BETWEEN * (len(values) - 1) + 1), numbers, values)


def as_lines(curves: Sequence[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """The points of all of them, as `as_line` has them; long ones thinned."""
    thinned = [thin(x, y, MOST_POINTS) for x, y in curves if len(x)]
    if not thinned:
        return np.empty(0), np.empty(0)
    return np.concatenate([as_line(x) for x, _ in thinned]), np.concatenate([as_line(y) for _, y in thinned])


def place_mark(plot: Item, line: Item, drawn: Drawn, taken: Sequence[QRectF] = ()) -> None:
    """The words at a vertical line: beside it, at the height and on the side where least lies under them, and not
    where the plot is `taken` by a legend."""
    view, label = plot.getViewBox(), line.label
    room, size = view.boundingRect(), label.textItem.boundingRect().size()
    at = float(Drawn.on(plot, np.array([line.value()]), np.zeros(1)).x[0])
    places = []
    for share in MARK_HEIGHTS:
        for anchor, left in ((0.0, at + MARK_GAP_PX), (1.0, at - MARK_GAP_PX - size.width())):
            top = (1 - share) * room.height() - size.height() / 2
            places.append(((share, anchor), QRectF(QPointF(left, top), size)))
    found = emptiest(places, drawn, room, taken)
    if found is not None:
        share, anchor = found.place
        label.anchors = [(anchor + (2 * anchor - 1) * MARK_GAP_PX / size.width(), 0.5)] * 2
        label.setPosition(share)
