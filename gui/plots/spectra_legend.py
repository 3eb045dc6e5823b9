"""The key to a plot of spectra: a column for each run where there are several, and no longer than there is room for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import zip_longest
from typing import NamedTuple

import numpy as np

from gui.graph import Item, pg
from gui.plots.legend import Legend

MOST_ROWS = 16
TALL_ROWS = 8
FEWER_ROWS = (12, 8, 5, 3, 2)
LINE_PX = 24


@dataclass(frozen=True)
class Group:
    """The spectra of one cell of a run: what it is called, the colour of its points if it has one, and of each spectrum
    the sign and its name."""

    name: str
    colour: str
    signs: Sequence[Item]
    texts: Sequence[str]

    def some(self, most: int) -> list[tuple[Item, str]]:
        """Evenly taken, the first and the last among them; and those that a click has hidden, to bring them back."""
        count = len(self.texts)
        taken = {*np.linspace(0, count - 1, min(most, count)).round().astype(int).tolist()} if count else set()
        pairs = enumerate(zip(self.signs, self.texts, strict=True))
        return [pair for index, pair in pairs if index in taken or not pair[0].isVisible()]


class Form(NamedTuple):
    """So many spectra of each run at most; the runs beside or below each other."""

    rows: int
    is_stacked: bool


ALL = Form(MOST_ROWS, is_stacked=False)


class _Gap(pg.ItemSample):
    """In place of a sign, where a column is shorter than its neighbour, or before the name of a run."""

    def paint(self, p: Item, *args: object) -> None:
        """Nothing to see."""

    def mouseClickEvent(self, event: Item) -> None:
        event.ignore()


class SpectraLegend:
    """`name` says what there is, `settle` shows as many of it as lie over nothing of the plot."""

    def __init__(self, plot: Item) -> None:
        self._view = plot.getViewBox()
        self.item = Legend(plot)
        self._groups: Sequence[Group] = ()
        self._form = ALL
        self._size = (0.0, 0.0)
        self._filled: tuple[object, ...] = ()

    def name(self, groups: Sequence[Group]) -> None:
        if groups != self._groups:
            self._groups, self._form = groups, ALL
            self._fill(ALL)

    def try_all(self) -> None:
        """The next time it settles, with all that there is: what is in view has been chosen anew."""
        self._form = ALL

    def settle(self, x: np.ndarray, y: np.ndarray) -> bool:
        """`x`, `y`: what is drawn. What had no room before is tried anew only where the plot's size has changed. False
        where even the smallest lies over some of it."""
        size = (self._view.width(), self._view.height())
        if size != self._size:
            self._size, self._form = size, ALL
        for form in self._forms():
            self._form = form
            self._fill(form)
            if self.item.settle(x, y):
                return True
        return False

    def _forms(self) -> list[Form]:
        """The present one, and smaller ones."""
        longest = max((len(one.texts) for one in self._groups), default=0)
        ways = (False, True) if len(self._groups) > 1 else (False,)
        forms = [Form(rows, way) for rows in (MOST_ROWS, *(one for one in FEWER_ROWS if one < longest)) for way in ways]
        return forms[forms.index(self._form) :] if self._form in forms else forms

    def _fill(self, form: Form) -> None:
        columns = [one.some(form.rows) for one in self._groups]
        heads = [(one.name, one.colour) for one in self._groups] if len(columns) > 1 else []
        across = (1 if form.is_stacked else len(columns)) if heads else self._across(sum(map(len, columns)))
        if (across, columns, heads) == self._filled:
            return
        self._filled = (across, columns, heads)
        whole = [[_head(*head), *column] for head, column in zip(heads, columns, strict=True)] if heads else columns
        rows = zip_longest(*whole) if heads and not form.is_stacked else whole
        self.item.clear()
        self.item.setColumnCount(max(across, 1))
        for sign, text in (one or (_Gap(None), "") for row in rows for one in row):
            self.item.addItem(sign, text)

    def _across(self, count: int) -> int:
        """Columns of a single run's."""
        fitting = max(TALL_ROWS, int(self._view.height() / LINE_PX))
        return max(1 + (count > TALL_ROWS), math.ceil(count / fitting))


def _head(name: str, colour: str) -> tuple[Item, str]:
    return _Gap(None), (f"<span style='color:{colour}'>●</span> " if colour else "") + escape(name)
