"""Small widgets that several panels use."""

from __future__ import annotations

from PyQt5.QtCore import QEvent, QObject, QPointF, QRectF, Qt
from PyQt5.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PyQt5.QtWidgets import QLabel, QPushButton, QSizePolicy, QWidget

from gui.theme import LIGHT, Theme

TONES = {"good": "good", "busy": "accent", "off": "muted", "warn": "warn", "bad": "bad"}


class Lamp(QWidget):
    """A state by colour and shape: a dot, a ring when off, a triangle when something is wrong."""

    def __init__(self) -> None:
        super().__init__()
        self._theme: Theme = LIGHT
        self._state = "off"
        self.setFixedSize(14, 14)

    def set_state(self, state: str, words: str) -> None:
        self._state = state
        self.setToolTip(words)
        self.setAccessibleName(words)
        self.update()

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.update()

    def paintEvent(self, a0: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colour = QColor(getattr(self._theme, TONES[self._state]))
        painter.setPen(QPen(colour, 2))
        painter.setBrush(QColor(0, 0, 0, 0) if self._state == "off" else colour)
        if self._state in ("warn", "bad"):
            painter.drawPolygon(QPolygonF([QPointF(7, 1.5), QPointF(12.5, 12), QPointF(1.5, 12)]))
        else:
            painter.drawEllipse(QRectF(2, 2, 10, 10))


class ElidedLabel(QLabel):
    """A line of text that ends in an ellipsis where it is too long for its place; the whole of it is its tool tip."""

    def __init__(self, look: str = "", name: str = "") -> None:
        super().__init__()
        self.setProperty("look", look)
        self.setObjectName(name)
        self.setMinimumWidth(60)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def paintEvent(self, a0: QPaintEvent | None) -> None:
        box, text = self.contentsRect(), self.text()
        short = self.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, box.width())
        if self.toolTip() != (text if short != text else ""):
            self.setToolTip(text if short != text else "")
        painter = QPainter(self)
        flags = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        style = self.style()
        if style is not None:
            style.drawItemText(painter, box, flags, self.palette(), self.isEnabled(), short, self.foregroundRole())


class NoWheel(QObject):
    """The wheel scrolls the form; it does not change what stands under the pointer."""

    def eventFilter(self, a0: QObject | None, a1: QEvent | None) -> bool:
        if a1 is not None and a1.type() == QEvent.Type.Wheel and isinstance(a0, QWidget) and not a0.hasFocus():
            a1.ignore()
            return True
        return False


def label(text: str = "", look: str = "", name: str = "") -> QLabel:
    made = QLabel(text)
    if look:
        made.setProperty("look", look)
    if name:
        made.setObjectName(name)
    return made


def set_look(widget: QWidget, key: str, value: str) -> None:
    """A property that the style sheet asks for; Qt looks again only when told to."""
    if widget.property(key) == value:
        return
    widget.setProperty(key, value)
    style = widget.style()
    if style is not None:
        style.unpolish(widget)
        style.polish(widget)


def button(text: str, tip: str, name: str = "", kind: str = "plain") -> QPushButton:
    made = QPushButton(text)
    made.setObjectName(name)
    made.setProperty("kind", kind)
    made.setToolTip(tip)
    made.setAccessibleName(tip.partition(" (")[0])
    made.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    return made
