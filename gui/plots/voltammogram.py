"""CV and LSV: current over potential, a curve per cycle, onsets marked. Oxidation is positive."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PyQt5.QtCore import QSignalBlocker, Qt
from PyQt5.QtGui import QColor

from gui.graph import Item, pg
from gui.model.pyramid import thin
from gui.model.series import SeriesBy
from gui.plots.export import ShownCurve
from gui.plots.legend import Legend
from gui.plots.pane import CursorCurve, PlotPane, ShownRun
from gui.plots.room import Drawn, as_lines, place_mark
from gui.words import with_prefix
from procedures.result_words import value_of

STREAM = "voltammetry"
MOST_POINTS = 4000
MARKS = {"oxidation_onset": "onset", "plating_onset": "plating"}
UNITS = (("j / mA cm⁻²", "current_density_mA_cm2", 1.0), ("I / mA", "current_A", 1e3))


class VoltammogramPane(PlotPane):
    title = "CV and LSV"
    key = "voltammogram"
    streams = (STREAM,)

    def build(self) -> None:
        self.unit = self.add_choice("Current or current density", [text for text, _, _ in UNITS])
        self.sign = self.add_choice("Sign of the current", ["oxidation +", "reduction +"])
        self.plot = self.add_plot(bottom="E / V", left=UNITS[0][0])
        self._legend = Legend(self.plot)
        self._zero = pg.InfiniteLine(0, angle=0)
        self.plot.addItem(self._zero, ignoreBounds=True)
        self._series: dict[str, SeriesBy] = {}
        self._items: list[Item] = []
        self._sizes: list[tuple[object, ...]] = []
        self._curves: list[tuple[ShownRun, tuple[object, ...], np.ndarray, np.ndarray]] = []
        self._marks: list[Item] = []
        self._lines = as_lines([])
        self._arrow = pg.ArrowItem(headLen=13, tipAngle=38, pxMode=True)
        self.plot.addItem(self._arrow, ignoreBounds=True)
        self.plot.getViewBox().sigRangeChanged.connect(self._place_marks)

    def draw(self) -> None:
        self._leave_what_nobody_has()
        text, column, scale = UNITS[max(self.unit.currentIndex(), 0)]
        scale *= -1 if self.sign.currentIndex() == 1 else 1
        self.plot.setLabel("left", text)
        self._curves = []
        for shown in self.shown:
            series = self._series_of(shown)
            for key in series.keys:
                part = series.part(key)
                if np.isfinite(part[column]).any():  # a file may have one of them only
                    self._curves.append((shown, key, part["voltage_V"], scale * part[column]))
        for index, (shown, key, x, y) in enumerate(self._curves):
            self._show(index, (shown.view.head.id, key, len(x), text, scale), x, y)
            self.cursor_curves.append(CursorCurve(self.plot, x, y, self._teller(shown, key, x, y)))
        for index in range(len(self._curves), len(self._items)):
            self._show(index, (), np.empty(0), np.empty(0))
        self._point_the_way()
        self._mark_onsets()
        self._lines = as_lines([(x, y) for _, _, x, y in self._curves])
        self._place_marks()
        self._name_curves()
        self.restyle()

    def _leave_what_nobody_has(self) -> None:
        """Without an area there is no density: the current is drawn."""
        parts = [series.part(key) for one in self.shown for series in (self._series_of(one),) for key in series.keys]
        known = [any(np.isfinite(part[column]).any() for part in parts) for _, column, _ in UNITS]
        if parts and not known[self.unit.currentIndex()] and any(known):
            with QSignalBlocker(self.unit):
                self.unit.setCurrentIndex(known.index(True))

    def _series_of(self, shown: ShownRun) -> SeriesBy:
        known = self._series.get(shown.view.head.id)
        if known is None or known.run is not shown.view:
            wanted = ("t_s", "voltage_V", "current_A", "current_density_mA_cm2")
            known = SeriesBy(shown.view, STREAM, wanted, ("sample", "cycle", "attempt"))
            self._series[shown.view.head.id] = known
        known.refresh()
        return known

    def _show(self, index: int, size: tuple[object, ...], x: np.ndarray, y: np.ndarray) -> None:
        """A finished cycle is not drawn again."""
        if index == len(self._items):
            self._items.append(pg.PlotDataItem(antialias=True))
            self._sizes.append(("new",))
            self.plot.addItem(self._items[index])
        if self._sizes[index] != size:
            self._sizes[index] = size
            self._items[index].setData(*thin(x, y, MOST_POINTS))

    def _name_curves(self) -> None:
        self.plot.legend.clear()
        several_samples = len({key[0] for _, key, _, _ in self._curves}) > 1
        for item, (shown, key, _, _) in list(zip(self._items, self._curves, strict=False))[:24]:
            sample, cycle, attempt = key
            is_sweep = shown.view.head.procedure == "linear-sweep" or not cycle
            parts = ["sweep" if is_sweep else f"cycle {cycle}"]
            parts += [shown.called(str(sample))] if several_samples or len(self.shown) > 1 else []
            parts += [f"attempt {attempt}"] if attempt != 1 else []
            self.plot.legend.addItem(item, " · ".join(parts))

    def _point_the_way(self) -> None:
        """An arrow on the first curve, in the direction of the scan."""
        self._arrow.setVisible(False)
        if not self._curves:
            return
        _, _, x, y = self._curves[0]
        if len(x) > 50:
            at = len(x) // 8
            forwards = x[at + len(x) // 50] > x[at]
            self._arrow.setStyle(angle=180 if forwards else 0)
            self._arrow.setPos(float(x[at]), float(np.nan_to_num(y[at])))
            self._arrow.setVisible(True)

    def _mark_onsets(self) -> None:
        for line in self._marks:
            self.plot.removeItem(line)
        self._marks = []
        for shown in self.shown:
            analysis = self.analyses.get(shown.view.head.id)
            found = (analysis.results if analysis is not None and analysis.results else shown.view.results) or ()
            told = [one for one in found if one.name in MARKS and one.value is not None]
            for one in {one.name: one for one in told}.values():
                line = pg.InfiniteLine(one.value, angle=90, label=f"{MARKS[one.name]} {value_of(one)}")
                self.plot.addItem(line, ignoreBounds=True)
                self._marks.append(line)

    def _place_marks(self, *_: object) -> None:
        for line in self._marks:
            place_mark(self.plot, line, Drawn.on(self.plot, *self._lines))

    def _teller(self, shown: ShownRun, key: tuple[object, ...], x: np.ndarray, y: np.ndarray) -> Callable[[int], str]:
        unit = "mA cm⁻²" if self.unit.currentIndex() == 0 else "mA"

        def tell(index: int) -> str:
            whose = shown.called(str(key[0]))
            return f"{whose} cycle {key[1]}   E = {with_prefix(float(x[index]), 'V')}   {y[index]:.4g} {unit}"

        return tell

    def restyle(self) -> None:
        count = max(len(self._curves) - 1, 1)
        for index, (item, (shown, _, _, _)) in enumerate(zip(self._items, self._curves, strict=False)):
            single = len(self.shown) <= 1
            colour = self.theme.temperature_colour(index / count) if single else QColor(shown.colour)
            item.setPen(pg.mkPen(colour, width=1))
        self._zero.setPen(pg.mkPen(self.theme.muted, width=1, style=Qt.PenStyle.DashLine))
        self._arrow.setStyle(brush=pg.mkBrush(self.theme.text), pen=None)
        for line in self._marks:
            line.setPen(pg.mkPen(self.theme.bad, width=1, style=Qt.PenStyle.DashLine))
            line.label.setColor(QColor(self.theme.bad))

    def fit_ranges(self) -> None:
        super().fit_ranges()
        self.plot.getViewBox().updateAutoRange()
        self._legend.settle(*self._lines)

    def exported(self) -> list[ShownCurve]:
        unit = "current_density_mA_cm2" if self.unit.currentIndex() == 0 else "current_mA"
        return [
            ShownCurve(f"{shown.view.head.id} {key[0]} cycle {key[1]}", (("voltage_V", x), (unit, y)))
            for shown, key, x, y in self._curves
        ]
