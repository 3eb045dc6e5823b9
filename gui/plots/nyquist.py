"""Nyquist: −Im Z over Re Z with equal axes, one curve per temperature, decades marked, fits overlaid."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from PyQt5.QtCore import QTimer
from PyQt5.QtGui import QColor

from gui.graph import Item, pg
from gui.model.spectra import SpectraCache, SpectrumCurve
from gui.plots.export import ShownCurve
from gui.plots.pane import CursorCurve, PlotPane
from gui.plots.sample_size import Normalisation, normalisations_of
from gui.plots.spectrum_colours import colour_of, range_of
from gui.plots.spectrum_marks import POINT_PX, Marks, SpectrumMarks
from gui.words import PREFIXES, with_prefix
from procedures.analysis.circuit import Complexes

DECADE_LABELS = {1e6: "1 MHz", 1e5: "100 kHz", 1e4: "10 kHz", 1e3: "1 kHz", 1e2: "100 Hz", 1e1: "10 Hz", 1.0: "1 Hz"}
MOST_IN_LEGEND = 24
TALL_LEGEND = 8


@dataclass(eq=False)
class _Drawn:
    """What is on the plot for one spectrum; kept and filled anew, never taken off, and only where it has changed.

    `sample` is how it looks in the legend; `key` what the numbers were made from, `style` the colours that are set.
    """

    line: Item
    fit: Item
    sample: Item
    key: tuple[object, ...] = ()
    style: tuple[object, ...] = ()
    x: np.ndarray = field(default_factory=lambda: np.empty(0))
    y: np.ndarray = field(default_factory=lambda: np.empty(0))
    decades: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=int))
    fitted: bool = False


class NyquistPane(PlotPane):
    title = "Nyquist"
    key = "nyquist"
    streams = ("impedance",)

    def build(self) -> None:
        self.unit = self.add_choice("Normalisation of the impedance", ["Z / Ω"])
        self.overlay = self.add_tool("Fits", "O", "The fitted circuits as lines (O)")
        self.overlay.toggled.connect(self.refresh)
        self.arcs = self.add_tool("Fit arcs", "B", "The arcs, without the tail of the electrodes (B)", checkable=False)
        self.arcs.clicked.connect(self.fit_arcs)
        self.plot = self.add_plot()
        self.plot.setAspectLocked(True, ratio=1)
        self.plot.addLegend(offset=(-12, 12), labelTextSize="9pt", verSpacing=-4)
        self._drawn: list[_Drawn] = []
        self._in_legend: list[tuple[int, str]] = []
        self._spectra = SpectraCache()
        self._curves: list[SpectrumCurve] = []
        self._labels: list[Item] = []
        self._labelled: tuple[object, ...] = ()
        self._marks = SpectrumMarks(self.plot)
        self._head = pg.ScatterPlotItem(size=15, pxMode=True, brush=None)
        self.plot.addItem(self._head)
        view = self.plot.getViewBox()
        view.sigRangeChanged.connect(self._same_prefix)
        view.sigRangeChanged.connect(self._declutter)
        view.sigResized.connect(self._resized)
        self._normalisations: list[Normalisation] = []

    # ------------------------------------------------------------ drawing
    def draw(self) -> None:
        self._normalisations = normalisations_of([one.view for one in self.shown])
        self._offer_units()
        self._curves = self._spectra.curves_of(one.view for one in self.shown)
        while len(self._drawn) < len(self._curves):
            self._drawn.append(self._new_item())
        for item, curve in zip(self._drawn, self._curves, strict=False):
            self._fill(item, curve)
        for item in self._drawn[len(self._curves) :]:
            if item.key:
                item.key = ()
                item.line.setData([], [])
                item.fit.setData([], [])
        self._draw_head()
        self._draw_legend()
        self.restyle()

    def _new_item(self) -> _Drawn:
        line, fit = (pg.PlotCurveItem(antialias=True) for _ in range(2))
        self.plot.addItem(line)
        self.plot.addItem(fit)
        return _Drawn(line, fit, pg.PlotDataItem(symbol="o", symbolSize=POINT_PX))

    def _fill(self, item: _Drawn, curve: SpectrumCurve) -> None:
        analysis = self.analyses.get(curve.run.head.id)
        key = (*curve.key, id(curve.run), len(curve.z_ohm), self._normalisation().factor(curve), id(analysis))
        if item.key != (*key, self.overlay.isChecked()):
            item.key = (*key, self.overlay.isChecked())
            item.x, item.y = self._points(curve)
            item.decades = decade_points(curve.frequency_Hz)
            item.line.setData(item.x, item.y, connect="finite")
            fitted = self._fitted(curve)
            item.fitted = fitted is not None and len(fitted) > 0
            item.fit.setData(*((fitted.real, -fitted.imag) if fitted is not None else ([], [])))
        self.cursor_curves.append(CursorCurve(self.plot, item.x, item.y, self._teller(curve, item.x, item.y)))

    def _points(self, curve: SpectrumCurve) -> tuple[np.ndarray, np.ndarray]:
        factor = self._normalisation().factor(curve)
        good = np.isfinite(curve.z_ohm)
        z: Complexes = np.asarray(np.where(good, curve.z_ohm, np.nan) * factor, dtype=np.complex128)
        return z.real, -z.imag

    def _fitted(self, curve: SpectrumCurve) -> Complexes | None:
        """The fitted circuit over its window, in the unit that is shown."""
        analysis = self.analyses.get(curve.run.head.id)
        if analysis is None or analysis.sweep is None or not self.overlay.isChecked():
            return None
        for spectrum, fit, _ in analysis.sweep.spectra:
            if spectrum.label == f"spectrum {curve.number}" and spectrum.attempt == curve.attempt and fit is not None:
                return np.asarray(fit.z_fit_ohm * self._normalisation().factor(curve), dtype=np.complex128)
        return None

    def _teller(self, curve: SpectrumCurve, x: np.ndarray, y: np.ndarray) -> Callable[[int], str]:
        unit = self._normalisation().unit

        def tell(index: int) -> str:
            f = with_prefix(float(curve.frequency_Hz[index]), "Hz", 3)
            return (
                f"{curve.label}   f = {f}   Z′ = {with_prefix(float(x[index]), unit)}"
                f"   −Z″ = {with_prefix(float(y[index]), unit)}"
            )

        return tell

    def _draw_head(self) -> None:
        """A ring round the point that was taken last, while the spectrum goes on."""
        live = [one for one in self._curves if one.run.is_live and not one.finished and len(one.z_ohm)]
        if live:
            x, y = self._points(live[-1])
            self._head.setData(x[-1:], y[-1:])
        else:
            self._head.setData([], [])

    def _draw_legend(self) -> None:
        several_runs = len(self.shown) > 1
        several_samples = len({one.sample for one in self._curves}) > 1
        wanted = []
        for index, curve in enumerate(self._curves[-MOST_IN_LEGEND:], max(0, len(self._curves) - MOST_IN_LEGEND)):
            parts = [curve.label, curve.sample if several_samples else ""]
            parts.append(curve.run.head.sample_name if several_runs and not several_samples else "")
            live = " (live)" if curve.run.is_live and not curve.finished else ""
            wanted.append((index, " · ".join(part for part in parts if part) + live))
        if wanted == self._in_legend:
            return
        self._in_legend = wanted
        self.plot.legend.clear()
        self.plot.legend.setColumnCount(1 + (len(wanted) > TALL_LEGEND))
        for index, text in wanted:
            self.plot.legend.addItem(self._drawn[index].sample, text)

    def restyle(self) -> None:
        low, high = range_of(self._curves)
        single = len(self.shown) <= 1
        ground = QColor(self.theme.plot)
        colours = {one.view.head.id: one.colour for one in self.shown}
        marks = []
        for item, curve in zip(self._drawn, self._curves, strict=False):
            colour = colour_of(self.theme, curve, low, high)
            edge = colour if single else QColor(colours[curve.run.head.id])
            self._colour(item, colour, edge, ground)
            growing = curve.run.is_live and not curve.finished
            marks.append(Marks(item.key, item.x, item.y, item.decades, edge, growing))
        self._marks.show(marks, ground)
        if self._curves:
            self._head.setPen(pg.mkPen(colour_of(self.theme, self._curves[-1], low, high), width=2))
        self._write_decades()

    def _colour(self, item: _Drawn, colour: QColor, edge: QColor, ground: QColor) -> None:
        """Measured points are joined by a line of their own only where no fit goes through them."""
        style = (item.fitted, colour.rgba(), edge.rgba(), ground.rgba())
        if item.style == style:
            return
        item.style = style
        item.line.setPen(None if item.fitted else pg.mkPen(colour, width=1))
        item.fit.setPen(pg.mkPen(colour, width=1))
        item.sample.setPen(pg.mkPen(colour, width=1))
        item.sample.setSymbolPen(pg.mkPen(edge, width=1))
        item.sample.setSymbolBrush(ground)

    # ------------------------------------------------------------ labels of the decades
    def _write_decades(self) -> None:
        widest = max(self._curves, key=lambda one: one.size_ohm, default=None)
        decades = () if widest is None else tuple(decade_points(widest.frequency_Hz).tolist())
        factor = 0.0 if widest is None else self._normalisation().factor(widest)
        wanted = (None if widest is None else widest.key, decades, factor, self.theme.name)
        if wanted == self._labelled:
            return
        self._labelled = wanted
        for label in self._labels:
            self.plot.removeItem(label)
        self._labels = []
        if widest is None:
            return
        x, y = self._points(widest)
        for index in decades:
            text = DECADE_LABELS.get(10.0 ** round(math.log10(widest.frequency_Hz[index])))
            if text and np.isfinite(x[index]):
                label = pg.TextItem(text, color=self.theme.muted, anchor=(0.5, 1.35))
                label.setPos(x[index], y[index])
                self.plot.addItem(label, ignoreBounds=True)
                self._labels.append(label)
        self._declutter()

    def _declutter(self, *_: object) -> None:
        view, kept = self.plot.getViewBox(), []
        for label in self._labels:
            at = view.mapViewToScene(label.pos())
            free = all(abs(at.x() - one.x()) > 48 or abs(at.y() - one.y()) > 18 for one in kept)
            label.setVisible(free)
            if free:
                kept.append(at)

    # ------------------------------------------------------------ units and ranges
    def _normalisation(self) -> Normalisation:
        index = max(self.unit.currentIndex(), 0)
        return self._normalisations[min(index, len(self._normalisations) - 1)]

    def _offer_units(self) -> None:
        texts = [one.text for one in self._normalisations]
        if texts != [self.unit.itemText(index) for index in range(self.unit.count())]:
            chosen = self.unit.currentText()
            self.unit.blockSignals(True)
            self.unit.clear()
            self.unit.addItems(texts)
            self.unit.setCurrentIndex(max(0, self.unit.findText(chosen)))
            self.unit.blockSignals(False)

    def _same_prefix(self, *_: object) -> None:
        """Both axes carry the same prefix, or the picture would be right and its numbers wrong."""
        ranges = self.plot.getViewBox().viewRange()
        size = max(abs(end) for one in ranges for end in one) / 3
        scale, prefix = next(((s, p) for s, p in PREFIXES[:4] if size >= s), (1.0, ""))
        unit = self._normalisation().unit if self._normalisations else "Ω"
        for side, quantity in (("bottom", "Z′"), ("left", "−Z″")):
            axis = self.plot.getAxis(side)
            if axis.scale != 1 / scale:
                axis.setScale(1 / scale)
            text = f"{quantity} / {prefix}{unit}"
            if axis.labelText != text:
                self.plot.setLabel(side, text)

    def _resized(self, *_: object) -> None:
        if self.following.isChecked():
            QTimer.singleShot(0, self.fit_ranges)

    def fit_ranges(self) -> None:
        """All with the origin in view."""
        self._set_ranges([(item.x, item.y) for item, _ in zip(self._drawn, self._curves, strict=False)])

    def fit_arcs(self) -> None:
        """Of each spectrum what lies left of its total resistance, where the analysis told one; the view stays."""
        parts = []
        for curve in self._curves:
            x, y = self._points(curve)
            limit = 1.15 * self._total(curve)
            parts.append((x[x <= limit], y[x <= limit]) if np.isfinite(limit) else (x, y))
        self.following.setChecked(False)
        self._set_ranges(parts)

    def _total(self, curve: SpectrumCurve) -> float:
        analysis = self.analyses.get(curve.run.head.id)
        for spectrum, fit, _ in analysis.sweep.spectra if analysis is not None and analysis.sweep is not None else ():
            if spectrum.label == f"spectrum {curve.number}" and fit is not None:
                value = fit.total_resistance.value
                return np.nan if value is None else value * self._normalisation().factor(curve)
        return np.nan

    def _set_ranges(self, parts: Sequence[tuple[np.ndarray, np.ndarray]]) -> None:
        """With locked aspect pyqtgraph's own range would centre the data: half of the picture empty."""
        points = [(x, y) for x, y in parts if np.isfinite(x).any()]
        view = self.plot.getViewBox()
        self.plot.disableAutoRange()
        x, y = (np.concatenate(part) for part in zip(*points, strict=True)) if points else (np.ones(1), np.ones(1))
        left, right = min(0.0, float(np.nanmin(x))), max(float(np.nanmax(x)), 1e-9)
        low, high = min(0.0, float(np.nanmin(y))), max(float(np.nanmax(y)), 1e-9)
        width, height = max(view.width(), 50), max(view.height(), 50)
        pixel = max((right - left) * 1.08 / width, (high - low) * 1.12 / height)
        left, low = left - 0.03 * (right - left), low - 18 * pixel
        view.setRange(xRange=(left, left + pixel * width), yRange=(low, low + pixel * height), padding=0)
        self._declutter()

    def exported(self) -> list[ShownCurve]:
        unit = self._normalisation().column
        found = []
        for curve in self._curves:
            x, y = self._points(curve)
            columns = (("frequency_Hz", curve.frequency_Hz), (f"z_real_{unit}", x), (f"minus_z_imag_{unit}", y))
            found.append(ShownCurve(f"{curve.run.head.id} {curve.sample} {curve.label}", columns))
        return found


def decade_points(frequency_Hz: np.ndarray) -> np.ndarray:
    """Where the whole decades are, each once."""
    if not len(frequency_Hz):
        return np.empty(0, dtype=int)
    log_f = np.log10(frequency_Hz)
    near = np.flatnonzero(np.abs(log_f - np.round(log_f)) < 0.02)
    _, first = np.unique(np.round(log_f[near]), return_index=True)
    return np.sort(near[first])
