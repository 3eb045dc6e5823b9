"""A plot as a picture (PNG at print resolution, SVG) and as the numbers that it shows (CSV)."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PyQt5.QtCore import QRectF
from PyQt5.QtGui import QColor, QImage, QPainter

from daq.errors import StorageError
from gui.graph import Item, SVGExporter

WIDTH_PX = 2400
DOTS_PER_METRE = 11811  # 300 dpi


@dataclass(frozen=True)
class ShownCurve:
    """What one curve shows, for the file: column names with their units, and the numbers."""

    label: str
    columns: Sequence[tuple[str, np.ndarray]]


def as_image(canvas: Item, background: QColor, width_px: int = WIDTH_PX) -> QImage:
    """pyqtgraph's own exporter enlarges neither legend nor lines: the view is drawn anew at a higher pixel ratio."""
    ratio = width_px / max(canvas.width(), 1)
    image = QImage(int(canvas.width() * ratio), int(canvas.height() * ratio), QImage.Format.Format_ARGB32)
    image.setDevicePixelRatio(ratio)
    image.fill(background)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    canvas.render(painter, QRectF(0, 0, canvas.width(), canvas.height()), canvas.viewport().rect())
    painter.end()
    image.setDotsPerMeterX(DOTS_PER_METRE)
    image.setDotsPerMeterY(DOTS_PER_METRE)
    return image


def write_png(canvas: Item, background: QColor, target: Path, title: str) -> None:
    image = as_image(canvas, background)
    image.setText("Title", title)
    image.setText("Software", "cellrig")
    if not image.save(str(target)):
        raise StorageError(f"{target}: the picture could not be written; is the folder there, may you write to it?")


def write_svg(canvas: Item, target: Path) -> None:
    try:
        SVGExporter(canvas.scene()).export(str(target))
    except OSError as error:
        raise StorageError(f"{target}: the picture could not be written: {error}") from error


def write_csv(curves: Sequence[ShownCurve], target: Path) -> None:
    """Raises StorageError."""
    try:
        target.write_text(csv_text(curves), encoding="utf-8", newline="")
    except OSError as error:
        raise StorageError(f"{target}: the numbers could not be written: {error}") from error


def csv_text(curves: Sequence[ShownCurve], delimiter: str = ",") -> str:
    """Long form: one row a point, the curve's name in the first column; full precision."""
    names = list(dict.fromkeys(name for curve in curves for name, _ in curve.columns))
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter)
    writer.writerow(["curve", *names])
    for curve in curves:
        known = dict(curve.columns)
        length = max((len(values) for values in known.values()), default=0)
        cells = [known[name].tolist() if name in known else [""] * length for name in names]
        writer.writerows([curve.label, *row] for row in zip(*cells, strict=True))
    return text.getvalue()
