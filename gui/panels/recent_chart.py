"""A small chart of an instrument's last hour: the quantities of one unit, lowest and highest written at its left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from PyQt5.QtCore import QRectF, QSize, Qt
from PyQt5.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen
from PyQt5.QtWidgets import QSizePolicy, QToolTip, QWidget

from gui.graph import pg
from gui.model.recent import HOUR_S, Recent
from gui.theme import LIGHT, Theme
from gui.words import span, with_prefix

LINES = 3.4  # of text, high
# quantity: (its colour of the theme's categories, None for the muted one; dashed?)
STYLES: Mapping[str, tuple[int | None, bool]] = {
    "temperature_C": (1, False),
    "sample_temperature_C": (0, False),
    "working_setpoint_C": (None, True),
    "voltage_V": (0, False),
    "current_A": (4, False),
}


class RecentChart(QWidget):
    def __init__(self, recent: Recent, names: Sequence[str], unit: str, what: str) -> None:
        super().__init__()
        self._recent = recent
        self._names = tuple(names)
        self._unit = unit
        self._theme: Theme = LIGHT
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(f"{what}, last hour in {unit}")
        self.setMouseTracking(True)

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.update()

    def range(self) -> tuple[float, float] | None:
        """Lowest and highest of what is shown; None when nothing is."""
        _, columns = self._recent.columns()
        values = np.concatenate([columns[name] for name in self._names])
        values = values[np.isfinite(values)]
        return (float(values.min()), float(values.max())) if len(values) else None

    def told_at(self, age_s: float) -> str:
        """What was read so many seconds before the last reading."""
        t, columns = self._recent.columns()
        if not len(t):
            return ""
        index = int(np.argmin(np.abs(t - (t[-1] - age_s))))
        values = [
            f"{name.rpartition('_')[0].replace('_', ' ')} {self._text(columns[name][index])}" for name in self._names
        ]
        return f"{span(t[-1] - t[index])} ago: {', '.join(values)}"

    def _text(self, value: float) -> str:
        if not np.isfinite(value):
            return "–"
        return with_prefix(value, self._unit, 3) if self._unit in ("V", "A") else f"{value:.1f} {self._unit}"

    # ------------------------------------------------------------ Qt's
    def sizeHint(self) -> QSize:
        return QSize(120, round(LINES * self.fontMetrics().height()))

    def minimumSizeHint(self) -> QSize:
        return QSize(80, self.sizeHint().height())

    def mouseMoveEvent(self, a0: QMouseEvent | None) -> None:
        if a0 is not None:
            share = (a0.x() - self._box().left()) / max(self._box().width(), 1)
            text = self.told_at(HOUR_S * (1 - min(max(share, 0.0), 1.0)))
            QToolTip.showText(a0.globalPos(), text, self)

    def _box(self) -> QRectF:
        left = self.fontMetrics().horizontalAdvance("−888.8 mV")
        return QRectF(self.rect()).adjusted(left + 4, 3, -2, -3)

    def paintEvent(self, a0: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box, found = self._box(), self.range()
        painter.setPen(QPen(QColor(self._theme.border), 1))
        painter.drawLine(box.bottomLeft(), box.bottomRight())
        painter.drawLine(box.topLeft(), box.bottomLeft())
        painter.setPen(QColor(self._theme.muted))
        if found is None:
            painter.drawText(box, int(Qt.AlignmentFlag.AlignCenter), "no reading yet")
            return
        low, high = found
        height = self.fontMetrics().height()
        for value, y in ((high, box.top()), (low, box.bottom() - height)):
            place = QRectF(0, y, box.left() - 5, height)
            painter.drawText(place, int(Qt.AlignmentFlag.AlignRight), self._text(value))
        self._draw_lines(painter, box, low, high)

    def _draw_lines(self, painter: QPainter, box: QRectF, low: float, high: float) -> None:
        """A range of nothing is drawn as a line in the middle."""
        t, columns = self._recent.columns()
        x = box.right() - (t[-1] - t) / HOUR_S * box.width()
        scale = (box.height() - 4) / (high - low) if high > low else 0.0
        middle = box.center().y() if high <= low else box.bottom() - 2
        for name in self._names:
            number, dashed = STYLES.get(name, (2, False))
            colour = QColor(self._theme.muted if number is None else self._theme.category(number))
            painter.setPen(QPen(colour, 1.2, Qt.PenStyle.DashLine if dashed else Qt.PenStyle.SolidLine))
            y = middle - (columns[name] - low) * scale
            if np.isfinite(y).any():
                painter.drawPath(pg.arrayToQPath(x, y, connect="finite"))
