"""Small pictures that style sheets can only take from files: drawn once per colour, at one and two times the size."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from platformdirs import user_cache_path
from PyQt5.QtCore import QPointF, QRectF, Qt
from PyQt5.QtGui import QColor, QImage, QPainter, QPen, QPixmap, QPolygonF

Draw = Callable[[QPainter], None]


def chevron(colour: str) -> str:
    """An arrow down, for combo boxes. Returns the file with forward slashes, as style sheets want them."""

    def draw(painter: QPainter) -> None:
        painter.setPen(
            QPen(QColor(colour), 1.7, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)
        )
        painter.drawPolyline(QPolygonF([QPointF(2, 4), QPointF(6, 8), QPointF(10, 4)]))

    return _file(f"chevron_{colour[1:]}", 12, draw)


def check_box(colour: str, tick: str | None) -> str:
    """A box that can be seen on any ground: filled with a tick, or empty."""

    def draw(painter: QPainter) -> None:
        painter.setPen(QPen(QColor(colour), 1.2))
        painter.setBrush(QColor(colour) if tick else Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(QRectF(1, 1, 12, 12), 3, 3)
        if tick:
            painter.setPen(
                QPen(QColor(tick), 1.8, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)
            )
            painter.drawPolyline(QPolygonF([QPointF(3.8, 7.2), QPointF(6, 9.6), QPointF(10.3, 4.6)]))

    return _file(f"box_{colour[1:]}_{(tick or 'off').lstrip('#')}", 14, draw)


def swatch(colour: str) -> QPixmap:
    """A rounded square of one colour: which curve a row of a table is."""
    pixmap = QPixmap(14, 14)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colour))
    painter.drawRoundedRect(1, 1, 12, 12, 3, 3)
    painter.end()
    return pixmap


def _file(name: str, size: int, draw: Draw) -> str:
    folder: Path = user_cache_path("cellrig") / "icons"
    folder.mkdir(parents=True, exist_ok=True)
    for times, suffix in ((1, ".png"), (2, "@2x.png")):
        file = folder / f"{name}{suffix}"
        if not file.exists():
            image = QImage(size * times, size * times, QImage.Format.Format_ARGB32_Premultiplied)
            image.fill(Qt.GlobalColor.transparent)
            painter = QPainter(image)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.scale(times, times)
            draw(painter)
            painter.end()
            image.save(str(file))
    return (folder / f"{name}.png").as_posix()
