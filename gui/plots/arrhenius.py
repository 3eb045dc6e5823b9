"""Arrhenius: conductivity over 1000/T, °C on top; the lines with their 95 % band, each branch by itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PyQt5.QtCore import Qt
from PyQt5.QtGui import QColor

from gui.graph import Item, pg
from gui.plots.axes import ZERO_CELSIUS_K, CelsiusAxis
from gui.plots.export import ShownCurve
from gui.plots.legend import Legend
from gui.plots.pane import CursorCurve, PlotPane, ShownRun
from gui.plots.ranges import set_x, set_y
from procedures.analysis.branches import Branch
from procedures.analysis.sweep import SweepAnalysis
from procedures.analysis.sweep_points import SweepPoint

LN10 = np.log(10)
BAND_POINTS = 60
BEYOND = 0.03
SYMBOLS = {"heating": "o", "cooling": "s", "return": "d", "": "o"}
Floats = np.ndarray


@dataclass(frozen=True)
class Ordinate:
    """How sigma is shown; `of` takes sigma in S/cm and T in K."""

    text: str
    column: str
    of: Callable[[Floats, Floats], Floats]
    per_relative: float


ORDINATES = (
    Ordinate("ln(σ / S cm⁻¹)", "ln_sigma_S_cm", lambda s, k: np.log(s), 1.0),
    Ordinate("log₁₀(σ / S cm⁻¹)", "log10_sigma_S_cm", lambda s, k: np.log10(s), 1 / LN10),
    Ordinate("ln(σT / S K cm⁻¹)", "ln_sigma_T_S_K_cm", lambda s, k: np.log(s * k), 1.0),
)


class ArrheniusPane(PlotPane):
    title = "Arrhenius"
    key = "arrhenius"
    streams = ("spectra",)

    def build(self) -> None:
        self.ordinate = self.add_choice("What is drawn over 1/T", [one.text for one in ORDINATES])
        self.plot = self.add_plot(axes={"top": CelsiusAxis("top")}, bottom="1000 / T / K⁻¹")
        self.plot.showAxis("top")
        self.plot.setLabel("top", "Temperature / °C")
        Legend(self.plot, (-14, 12))
        self._items: list[Item] = []
        self._points: list[tuple[ShownRun, SweepPoint]] = []
        self._text = pg.TextItem(anchor=(0, 1))
        self._text.setParentItem(self.plot.getViewBox())
        self.plot.getViewBox().sigResized.connect(self._place_text)

    def draw(self) -> None:
        for item in self._items:
            self.plot.removeItem(item)
        self._items, self._points, told = [], [], []
        self.plot.legend.clear()
        self.plot.setLabel("left", self._kind().text)
        for shown in self.shown:
            analysis = self.analyses.get(shown.view.head.id)
            if analysis is None or analysis.sweep is None:
                continue
            told += self._draw_run(shown, analysis.sweep)
        self._write(told)

    def _draw_run(self, shown: ShownRun, sweep: SweepAnalysis) -> list[str]:
        several = len({branch.sample for branch in sweep.arrhenius}) > 1 or len(self.shown) > 1
        told = []
        for number, branch in enumerate(sweep.arrhenius):
            colour = QColor(shown.colour if len(self.shown) > 1 else self.theme.category(number))
            whose = f"{shown.called(branch.sample)} · " if several else ""
            way = " ".join(word for word in (branch.direction, branch.name) if word)
            self._draw_branch(shown, branch, colour, f"{whose}{way or 'σ'}")
            if branch.fit is not None and branch.fit.activation_energy_eV.value is not None:
                energy = branch.fit.activation_energy_eV
                error = "" if energy.uncertainty is None else f" ± {energy.uncertainty:.4f}"
                told.append(
                    f"{whose}{way} <b>E<sub>a</sub> = {energy.value:.4f}{error} eV</b>, n = {len(branch.points)}"
                )
        for branch in sweep.arrhenius:
            place = branch.transition.temperature_C if branch.transition is not None else None
            if place is not None and place.value is not None and branch.name == "below":
                told.append(f"transition, {branch.direction or 'all'}: <b>{place.value:.1f} °C</b>")
        return told

    def _draw_branch(self, shown: ShownRun, branch: Branch, colour: QColor, name: str) -> None:
        points = [one for one in branch.points if one.counts]
        if not points:
            return
        kind = self._kind()
        kelvin = np.array([one.spectrum.temperature_C for one in points]) + ZERO_CELSIUS_K
        sigma = np.array([one.sigma_S_cm for one in points])
        relative = np.array([np.hypot(one.own_relative, one.lead_relative) for one in points])
        x, y = 1000 / kelvin, kind.of(sigma, kelvin)
        self._draw_line(branch, colour)
        bars = pg.ErrorBarItem(x=x, y=y, height=2 * np.nan_to_num(relative) * kind.per_relative, beam=0.006)
        bars.setData(pen=pg.mkPen(colour, width=1))
        symbol = SYMBOLS.get(branch.direction or points[0].spectrum.direction, "o")
        dots = pg.PlotDataItem(x, y, pen=None, symbol=symbol, symbolSize=8, symbolBrush=colour, symbolPen=colour)
        self._add(bars)
        self._add(dots)
        self.plot.legend.addItem(dots, name)
        self._points += [(shown, one) for one in points]
        self.cursor_curves.append(CursorCurve(self.plot, x, y, self._teller(points, sigma, relative)))

    def _draw_line(self, branch: Branch, colour: QColor) -> None:
        fit = branch.fit
        if fit is None:
            return
        inverse = 1 / (fit.temperature_C + ZERO_CELSIUS_K)
        margin = BEYOND * float(np.ptp(inverse))
        ends = np.linspace(inverse.min() - margin, inverse.max() + margin, BAND_POINTS)
        kelvin = 1 / ends
        lines = [self._kind().of(one, kelvin) for one in fit.band(kelvin - ZERO_CELSIUS_K)]
        low, high = (pg.PlotDataItem(1000 * ends, one, pen=None) for one in lines[1:])
        shade = QColor(colour)
        shade.setAlpha(40)
        band = pg.FillBetweenItem(low, high, brush=pg.mkBrush(shade))
        pen = pg.mkPen(
            colour, width=1, style=Qt.PenStyle.SolidLine if branch.direction != "cooling" else Qt.PenStyle.DashLine
        )
        for item in (low, high, band, pg.PlotDataItem(1000 * ends, lines[0], pen=pen, antialias=True)):
            self._add(item)

    def _add(self, item: Item) -> None:
        self.plot.addItem(item)
        self._items.append(item)

    def _teller(self, points: list[SweepPoint], sigma: Floats, relative: Floats) -> Callable[[int], str]:
        def tell(index: int) -> str:
            one = points[index].spectrum
            error = f" ± {100 * relative[index]:.2g} %" if np.isfinite(relative[index]) else ""
            return f"{one.temperature_C:.2f} °C {one.direction}   σ = {sigma[index]:.4g} S/cm{error}"

        return tell

    def _write(self, told: list[str]) -> None:
        rows = "".join(f"<tr><td>{one}</td></tr>" for one in told)
        self._text.setHtml(
            f"<div style='color:{self.theme.text};font-size:10pt'><table>{rows}</table></div>" if rows else ""
        )
        self._text.fill = pg.mkBrush(QColor(self.theme.alternate) if rows else None)
        self._text.border = pg.mkPen(QColor(self.theme.border) if rows else None)
        self._place_text()

    def _place_text(self, *_: object) -> None:
        self._text.setPos(14, self.plot.getViewBox().height() - 12)

    def _kind(self) -> Ordinate:
        return ORDINATES[max(self.ordinate.currentIndex(), 0)]

    def restyle(self) -> None:
        self.refresh()

    def fit_ranges(self) -> None:
        """Of the points and their lines; pyqtgraph's own range takes error bars for points at zero."""
        x = np.concatenate([one.x for one in self.cursor_curves]) if self.cursor_curves else np.empty(0)
        y = np.concatenate([one.y for one in self.cursor_curves]) if self.cursor_curves else np.empty(0)
        if len(x):
            set_x(self.plot, [(float(x.min()), float(x.max()))], padding=0.06)
            set_y(self.plot, [(float(y.min()), float(y.max()))], padding=0.08)

    def exported(self) -> list[ShownCurve]:
        kind, found = self._kind(), []
        for shown, point in self._points:
            kelvin, sigma = point.spectrum.temperature_C + ZERO_CELSIUS_K, point.sigma_S_cm
            columns = (
                ("temperature_C", point.spectrum.temperature_C),
                ("inverse_temperature_1000_K", 1000 / kelvin),
                ("sigma_S_cm", sigma),
                (kind.column, float(kind.of(np.array(sigma), np.array(kelvin)))),
            )
            label = f"{shown.view.head.id} {point.spectrum}"
            found.append(ShownCurve(label, [(name, np.array([value])) for name, value in columns]))
        return found
