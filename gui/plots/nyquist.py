"""Nyquist: −Im Z over Re Z with equal axes, one curve per temperature, decades marked, fits overlaid."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from PyQt5.QtCore import QTimer
from PyQt5.QtGui import QColor

from gui.graph import Item, pg
from gui.model.spectra import SpectrumCurve
from gui.plots.axes import LOG_LIMITS, LogAxis, PlainAxis
from gui.plots.decade_labels import DecadeLabels
from gui.plots.export import ShownCurve
from gui.plots.legend import EDGE_PX
from gui.plots.pane import CursorCurve, PlotPane
from gui.plots.residuals import Residuals
from gui.plots.room import as_line
from gui.plots.spectra_legend import Group, SpectraLegend
from gui.plots.spectra_shown import SpectraShown
from gui.plots.spectrum_colours import colour_of, range_of
from gui.plots.spectrum_lines import Kind, Line, SpectrumLines
from gui.plots.spectrum_marks import POINT_PX, Marks, SpectrumMarks
from gui.words import PREFIXES, with_prefix

DECADE_LABELS = {1e6: "1 MHz", 1e5: "100 kHz", 1e4: "10 kHz", 1e3: "1 kHz", 1e2: "100 Hz", 1e1: "10 Hz", 1.0: "1 Hz"}


@dataclass(eq=False)
class _Drawn:
    """What is on the plot for one spectrum; filled anew only where it has changed.

    `sample` is how it looks in the legend; `key` what the numbers were made from, `style` the colours that are set;
    `line_x` and `line_y` have points between the measured ones too, which words on the plot keep clear of.
    """

    sample: Item
    key: tuple[object, ...] = ()
    style: tuple[object, ...] = ()
    x: np.ndarray = field(default_factory=lambda: np.empty(0))
    y: np.ndarray = field(default_factory=lambda: np.empty(0))
    decades: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=int))
    line_x: np.ndarray = field(default_factory=lambda: np.empty(0))
    line_y: np.ndarray = field(default_factory=lambda: np.empty(0))
    fit: tuple[np.ndarray, np.ndarray] | None = None

    @property
    def is_hidden(self) -> bool:
        """By a click on its sign in the legend."""
        return not self.sample.isVisible()


class NyquistPane(PlotPane):
    title = "Nyquist"
    key = "nyquist"
    streams = ("impedance",)

    def build(self) -> None:
        self.spectra = SpectraShown(self)
        self.left_over = self.add_tool("Residuals", "R", "What the fits leave over, below (R)", checked=False)
        self.left_over.toggled.connect(self._show_residuals)
        self.arcs = self.add_tool("Arcs", "B", "The arcs, without the tail of the electrodes (B)", checkable=False)
        self.arcs.clicked.connect(self.fit_arcs)
        self.plot = self.add_plot()
        self.plot.setAspectLocked(True, ratio=1)
        self._legend = SpectraLegend(self.plot)
        self._legend.item.sigSampleClicked.connect(self.refresh)
        self._known: dict[tuple[object, ...], _Drawn] = {}  # also of what is unticked: what was hidden stays so
        self._drawn: list[_Drawn] = []
        self._labels = DecadeLabels(self.plot)
        self._labelled: tuple[object, ...] = ()
        self._marks = SpectrumMarks(self.plot)
        self._lines = SpectrumLines(self.plot)
        self._head = pg.ScatterPlotItem(size=15, pxMode=True, brush=None)
        self.plot.addItem(self._head)
        view = self.plot.getViewBox()
        view.sigRangeChanged.connect(self._same_prefix)
        view.sigRangeChanged.connect(lambda *_: self._labels.place())
        view.sigResized.connect(self._resized)
        axes: dict[str, PlainAxis] = {"bottom": LogAxis("bottom")}
        self._residuals = Residuals(self.add_plot(1, axes, left="Residual / %", bottom="f / Hz"))
        self._residuals.plot.setLogMode(True, False)
        self._residuals.plot.setLimits(**LOG_LIMITS)
        self.canvas.ci.layout.setRowStretchFactor(0, 3)
        self._show_residuals()

    @property
    def _curves(self) -> list[SpectrumCurve]:
        return self.spectra.curves

    @property
    def _visible(self) -> list[tuple[_Drawn, SpectrumCurve]]:
        pairs = zip(self._drawn, self._curves, strict=False)
        return [(item, curve) for item, curve in pairs if not item.is_hidden]

    def _show_residuals(self, *_: object) -> None:
        """A row that is not shown takes no room."""
        on = self.left_over.isChecked()
        self._residuals.plot.setVisible(on)
        rows = self.canvas.ci.layout
        rows.setRowStretchFactor(1, 1 if on else 0)
        rows.setRowMaximumHeight(1, 16777215 if on else 0)
        self.refresh()

    # ------------------------------------------------------------ drawing
    def draw(self) -> None:
        self.spectra.refresh()
        self._drawn = [self._drawn_of(curve) for curve in self._curves]
        for item, curve in zip(self._drawn, self._curves, strict=False):
            self._fill(item, curve)
        self._draw_head()
        self._draw_legend()
        if self.left_over.isChecked():
            fits = [(curve, fit) for curve in self._curves if (fit := self.spectra.fit_of(curve)) is not None]
            self.cursor_curves += self._residuals.draw(fits)
        self.restyle()

    def _drawn_of(self, curve: SpectrumCurve) -> _Drawn:
        whose = (*curve.key, curve.sample)
        if whose not in self._known:
            self._known[whose] = _Drawn(pg.PlotDataItem(symbol="o", symbolSize=POINT_PX))
        return self._known[whose]

    def _fill(self, item: _Drawn, curve: SpectrumCurve) -> None:
        shown = (
            self.spectra.normalisation.factor(curve),
            self.spectra.is_compensated(curve),
            self.spectra.overlay.isChecked(),
        )
        key = (*curve.key, id(curve.run), len(curve.z_ohm), *shown, id(self.analyses.get(curve.run.head.id)))
        if item.key != key:
            item.key = key
            item.x, item.y = self._points(curve)
            item.line_x, item.line_y = as_line(item.x), as_line(item.y)
            item.decades = decade_points(curve.frequency_Hz)
            fitted = self.spectra.fitted(curve)
            item.fit = (fitted[1].real, -fitted[1].imag) if fitted is not None and len(fitted[1]) else None
        if not item.is_hidden:
            self.cursor_curves.append(CursorCurve(self.plot, item.x, item.y, self._teller(curve, item.x, item.y)))

    def _points(self, curve: SpectrumCurve) -> tuple[np.ndarray, np.ndarray]:
        z = self.spectra.z(curve)
        return z.real, -z.imag

    def _teller(self, curve: SpectrumCurve, x: np.ndarray, y: np.ndarray) -> Callable[[int], str]:
        unit = self.spectra.normalisation.unit

        def tell(index: int) -> str:
            f = with_prefix(float(curve.frequency_Hz[index]), "Hz", 3)
            return (
                f"{curve.label}   f = {f}   Z′ = {with_prefix(float(x[index]), unit)}"
                f"   −Z″ = {with_prefix(float(y[index]), unit)}"
            )

        return tell

    def _draw_head(self) -> None:
        """A ring round the point that was taken last, while the spectrum goes on."""
        live = [one for one in self._curves if one.is_growing and len(one.z_ohm)]
        if live:
            x, y = self._points(live[-1])
            self._head.setData(x[-1:], y[-1:])
        else:
            self._head.setData([], [])

    def _draw_legend(self) -> None:
        groups = []
        for run in self.shown:
            mine = [(item, one) for item, one in zip(self._drawn, self._curves, strict=False) if one.run is run.view]
            for sample in dict.fromkeys(one.sample for _, one in mine):
                colour = run.colour if len(self.shown) > 1 else ""
                pairs = [(item.sample, _in_legend(one)) for item, one in mine if one.sample == sample]
                groups.append(Group(run.called(sample), colour, *map(list, zip(*pairs, strict=True))))
        self._legend.name(groups)

    def restyle(self) -> None:
        low, high = range_of(self._curves)
        single = len(self.shown) <= 1
        ground = QColor(self.theme.plot)
        colours = {one.view.head.id: one.colour for one in self.shown}
        marks, lines = [], []
        for item, curve in zip(self._drawn, self._curves, strict=False):
            colour = colour_of(self.theme, curve, low, high)
            edge = colour if single else QColor(colours[curve.run.head.id])
            self._colour(item, colour, edge, ground)
            if not item.is_hidden:
                marks.append(Marks(item.key, item.x, item.y, item.decades, edge, curve.is_growing))
                # Measured points are joined by a line of their own only where no fit goes through them.
                kind: Kind = "fit" if item.fit else "growing" if curve.is_growing else "finished"
                lines.append(Line(item.key, *(item.fit or (item.x, item.y)), colour, kind))
        self._marks.show(marks, ground)
        self._lines.show(lines)
        self._residuals.restyle(lambda curve: colour_of(self.theme, curve, low, high), self.theme.muted)
        if self._curves:
            self._head.setPen(pg.mkPen(colour_of(self.theme, self._curves[-1], low, high), width=2))
        self._write_decades()

    def _colour(self, item: _Drawn, colour: QColor, edge: QColor, ground: QColor) -> None:
        style = (colour.rgba(), edge.rgba(), ground.rgba())
        if item.style == style:
            return
        item.style = style
        item.sample.setPen(pg.mkPen(colour, width=1))
        points = item.sample.scatter  # set there: without data the item doesn't pass on what its symbols look like
        points.setSize(POINT_PX)
        points.setPen(pg.mkPen(edge, width=1))
        points.setBrush(ground)

    def _write_decades(self) -> None:
        """At those of the largest spectrum."""
        widest = max((curve for _, curve in self._visible), key=lambda one: one.size_ohm, default=None)
        wanted = (widest.key if widest is not None else None, [one.key for one, _ in self._visible], self.theme.name)
        if wanted == self._labelled:
            return
        self._labelled = wanted
        points = []
        if widest is not None:
            x, y = self._points(widest)
            for index in decade_points(widest.frequency_Hz):
                text = DECADE_LABELS.get(10.0 ** round(math.log10(widest.frequency_Hz[index])))
                if text and np.isfinite(x[index]):
                    points.append((float(x[index]), float(y[index]), text))
        self._labels.show(points, self.theme)
        self._labels.avoid(*self._all_drawn())
        self._labels.place()

    def _all_drawn(self) -> tuple[np.ndarray, np.ndarray]:
        """All that is drawn, as points close to each other."""
        drawn = [item for item, _ in self._visible]
        if not drawn:
            return np.empty(0), np.empty(0)
        return np.concatenate([one.line_x for one in drawn]), np.concatenate([one.line_y for one in drawn])

    # ------------------------------------------------------------ units and ranges
    def _same_prefix(self, *_: object) -> None:
        """Both axes carry the same prefix, or the picture would be right and its numbers wrong."""
        ranges = self.plot.getViewBox().viewRange()
        size = max(abs(end) for one in ranges for end in one) / 3
        scale, prefix = next(((s, p) for s, p in PREFIXES[:4] if size >= s), (1.0, ""))
        unit = self.spectra.normalisation.unit
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

    def fit(self) -> None:
        self._legend.try_all()
        super().fit()

    def fit_ranges(self) -> None:
        """All with the origin in view."""
        self._residuals.fit_ranges()
        self._set_ranges([(item.x, item.y) for item, _ in self._visible])

    def fit_arcs(self) -> None:
        """Of each spectrum what lies left of its total resistance, where the analysis told one; the view stays."""
        parts = []
        for _, curve in self._visible:
            x, y = self._points(curve)
            limit = 1.15 * self._total(curve)
            parts.append((x[x <= limit], y[x <= limit]) if np.isfinite(limit) else (x, y))
        self.following.setChecked(False)
        self._legend.try_all()
        if not self._set_ranges(parts):  # arcs fill the plot: the legend stands beside them
            self._set_ranges(parts, keep_px=self._legend.item.boundingRect().width() + 2 * EDGE_PX)

    def _total(self, curve: SpectrumCurve) -> float:
        fit = self.spectra.fit_of(curve)
        value = fit.total_resistance.value if fit is not None else None
        return np.nan if value is None else value * self.spectra.normalisation.factor(curve)

    def _set_ranges(self, parts: Sequence[tuple[np.ndarray, np.ndarray]], keep_px: float = 0.0) -> bool:
        """With locked aspect pyqtgraph's own range would centre the data: half of the picture empty. `keep_px` is left
        free at the right. False where the legend lies over some of the spectra."""
        points = [(x, y) for x, y in parts if np.isfinite(x).any()]
        view = self.plot.getViewBox()
        self.plot.disableAutoRange()
        x, y = (np.concatenate(part) for part in zip(*points, strict=True)) if points else (np.ones(1), np.ones(1))
        left, right = min(0.0, float(np.nanmin(x))), max(float(np.nanmax(x)), 1e-9)
        low, high = min(0.0, float(np.nanmin(y))), max(float(np.nanmax(y)), 1e-9)
        width, height = max(view.width(), 50), max(view.height(), 50)
        pixel = max((right - left) * 1.08 / max(width - keep_px, 50), (high - low) * 1.12 / height)
        left, low = left - 0.03 * (right - left), low - 18 * pixel
        view.setRange(xRange=(left, left + pixel * width), yRange=(low, low + pixel * height), padding=0)
        is_clear = self._legend.settle(*self._all_drawn())
        self._labels.place()
        return is_clear

    def exported(self) -> list[ShownCurve]:
        unit = self.spectra.normalisation.column
        found = []
        for _, curve in self._visible:
            x, y = self._points(curve)
            columns = (("frequency_Hz", curve.frequency_Hz), (f"z_real_{unit}", x), (f"minus_z_imag_{unit}", y))
            found.append(ShownCurve(self.spectra.label(curve), columns))
        return found + (self._residuals.exported() if self.left_over.isChecked() else [])


def _in_legend(curve: SpectrumCurve) -> str:
    return curve.label + ("" if curve.finished else " (live)" if curve.is_growing else " (not finished)")


def decade_points(frequency_Hz: np.ndarray) -> np.ndarray:
    """Where the whole decades are, each once."""
    if not len(frequency_Hz):
        return np.empty(0, dtype=int)
    log_f = np.log10(frequency_Hz)
    near = np.flatnonzero(np.abs(log_f - np.round(log_f)) < 0.02)
    _, first = np.unique(np.round(log_f[near]), return_index=True)
    return np.sort(near[first])
