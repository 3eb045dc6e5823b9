"""What the fitted circuits leave over, in percent of |Z| over the frequency: real parts filled, imaginary hollow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PyQt5.QtGui import QColor

from gui.graph import Item, pg
from gui.model.spectra import SpectrumCurve
from gui.plots.export import ShownCurve
from gui.plots.pane import CursorCurve
from gui.words import with_prefix
from procedures.analysis.circuit import Complexes, Floats
from procedures.analysis.spectrum import SpectrumFit

LEAST_PERCENT = 0.5


@dataclass(frozen=True, eq=False)
class Left:
    """`percent` complex, of one spectrum."""

    curve: SpectrumCurve
    frequency_Hz: Floats
    percent: Complexes


class Residuals:
    """Two kinds of dots for each spectrum, on a plot with a logarithmic x."""

    def __init__(self, plot: Item) -> None:
        self.plot = plot
        self._items: list[tuple[Item, Item]] = []
        self._shown: list[Left] = []
        self._zero = pg.InfiniteLine(0, angle=0)
        plot.addItem(self._zero, ignoreBounds=True)

    def draw(self, fits: Sequence[tuple[SpectrumCurve, SpectrumFit]]) -> list[CursorCurve]:
        self._shown = [
            Left(curve, fit.frequency_Hz, np.asarray(100 * fit.residuals, dtype=np.complex128)) for curve, fit in fits
        ]
        while len(self._items) < len(self._shown):
            pair = tuple(pg.PlotDataItem(pen=None, symbol="o", symbolSize=5) for _ in range(2))
            for item in pair:
                self.plot.addItem(item)
            self._items.append((pair[0], pair[1]))
        cursors = []
        for (real, imag), one in zip(self._items, self._shown, strict=False):
            real.setData(one.frequency_Hz, one.percent.real)
            imag.setData(one.frequency_Hz, one.percent.imag)
            for part in (one.percent.real, one.percent.imag):
                cursors.append(CursorCurve(self.plot, np.log10(one.frequency_Hz), part, _teller(one)))
        for pair in self._items[len(self._shown) :]:
            for item in pair:
                item.setData([], [])
        return cursors

    def restyle(self, colour: Callable[[SpectrumCurve], QColor], muted: str) -> None:
        self._zero.setPen(pg.mkPen(muted, width=1))
        for (real, imag), one in zip(self._items, self._shown, strict=False):
            pen = pg.mkPen(colour(one.curve), width=1)
            real.setSymbolPen(pen)
            real.setSymbolBrush(colour(one.curve))
            imag.setSymbolPen(pen)
            imag.setSymbolBrush(None)

    def fit_ranges(self) -> None:
        if not self._shown:
            return
        log_f = np.log10(np.concatenate([one.frequency_Hz for one in self._shown]))
        parts = np.concatenate([np.abs([one.percent.real, one.percent.imag]).ravel() for one in self._shown])
        most = max(LEAST_PERCENT, 1.1 * float(np.nanmax(parts, initial=0.0)))
        self.plot.setXRange(float(log_f.min()), float(log_f.max()), padding=0.03)
        self.plot.setYRange(-most, most, padding=0)

    def exported(self) -> list[ShownCurve]:
        return [
            ShownCurve(
                f"{one.curve.run.head.id} {one.curve.sample} {one.curve.label} residuals",
                (
                    ("frequency_Hz", one.frequency_Hz),
                    ("residual_real_percent", one.percent.real),
                    ("residual_imag_percent", one.percent.imag),
                ),
            )
            for one in self._shown
        ]


def _teller(one: Left) -> Callable[[int], str]:
    def tell(index: int) -> str:
        f = with_prefix(float(one.frequency_Hz[index]), "Hz", 3)
        percent = one.percent[index]
        return f"{one.curve.label}   f = {f}   ΔZ′ = {percent.real:+.2f} %   ΔZ″ = {percent.imag:+.2f} % of |Z|"

    return tell
