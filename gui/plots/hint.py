"""What stands in the middle of a plot that has nothing to draw: what to do about it."""

from __future__ import annotations

from PyQt5.QtGui import QColor

from gui.graph import Item, pg
from gui.theme import Theme

NOTHING_TICKED = "No run with data for this plot is ticked in the table below"
NOTHING_YET = "Nothing to draw yet: it is being measured, or analysed"


class Hint:
    def __init__(self, plot: Item) -> None:
        self._view = plot.getViewBox()
        self._text = pg.TextItem(anchor=(0.5, 0.5))
        self._text.setParentItem(self._view)
        self._view.sigResized.connect(self._place)
        self._text.hide()

    def show(self, *, ticked: bool, drawn: bool, theme: Theme) -> None:
        self._text.setVisible(not drawn)
        if not drawn:
            self._text.setText(NOTHING_YET if ticked else NOTHING_TICKED, color=QColor(theme.muted))
            self._place()

    def _place(self, *_: object) -> None:
        self._text.setPos(self._view.width() / 2, self._view.height() / 2)
