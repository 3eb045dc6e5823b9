"""A row of widgets that goes on in the next line where it is too narrow: nothing is cut off, no window is widened."""

from __future__ import annotations

from PyQt5.QtCore import QPoint, QRect, QSize, Qt
from PyQt5.QtWidgets import QLayout, QLayoutItem, QWidget, QWidgetItem

GAP_PX = 2


class FlowLayout(QLayout):
    def __init__(self) -> None:
        super().__init__()
        self._items: list[QLayoutItem] = []

    def insert(self, place: int, widget: QWidget) -> None:
        self.addChildWidget(widget)
        self._items.insert(place, QWidgetItem(widget))
        self.invalidate()

    # ------------------------------------------------------------ Qt's
    def addItem(self, a0: QLayoutItem | None) -> None:
        if a0 is not None:
            self._items.append(a0)

    def count(self) -> int:
        return len(self._items)

    def itemAt(self, index: int) -> QLayoutItem | None:
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def expandingDirections(self) -> Qt.Orientations:
        return Qt.Orientations()

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, a0: int) -> int:
        return self._lines(QRect(0, 0, a0, 0), place=False)

    def setGeometry(self, a0: QRect) -> None:
        super().setGeometry(a0)
        self._lines(a0, place=True)

    def sizeHint(self) -> QSize:
        return self.minimumSize()

    def minimumSize(self) -> QSize:
        size = QSize()
        for item in self._items:
            size = size.expandedTo(item.minimumSize())
        margins = self.contentsMargins()
        return size + QSize(margins.left() + margins.right(), margins.top() + margins.bottom())

    def _lines(self, box: QRect, *, place: bool) -> int:
        """Puts the items where they belong; returns the height that they take."""
        margins = self.contentsMargins()
        left, right = box.x() + margins.left(), box.right() - margins.right()
        x, y, height = left, box.y() + margins.top(), 0
        for item in self._items:
            if item.isEmpty():  # hidden
                continue
            size = item.sizeHint()
            if x > left and x + size.width() > right:
                x, y, height = left, y + height + GAP_PX, 0
            if place:
                item.setGeometry(QRect(QPoint(x, y), size))
            x += size.width() + GAP_PX
            height = max(height, size.height())
        return y + height + margins.bottom() - box.y()
