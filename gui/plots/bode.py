"""Bode: modulus and phase over frequency."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gui.graph import Item, pg
from gui.model.spectra import SpectraCache, SpectrumCurve
from gui.plots.axes import LogAxis
from gui.plots.export import ShownCurve
from gui.plots.pane import CursorCurve, PlotPane
from gui.plots.spectrum_colours import colour_of, range_of
from gui.words import with_prefix

LOG_LIMITS = {"xMin": -6, "xMax": 9}  # without them the wheel runs to 1e±300 and hangs
AXIS_PX = 64


class BodePane(PlotPane):
    title = "Bode"
    key = "bode"
    streams = ("impedance",)

    def build(self) -> None:
        self.modulus = self.add_plot(0, {"left": LogAxis("left"), "bottom": LogAxis("bottom")}, left="|Z| / Ω")
        self.phase = self.add_plot(1, {"bottom": LogAxis("bottom")}, left="−φ / °", bottom="f / Hz")
        self.modulus.setLogMode(True, True)
        self.phase.setLogMode(True, False)
        self.phase.setXLink(self.modulus)
        self.modulus.getAxis("bottom").setStyle(showValues=False)
        self.canvas.ci.layout.setRowStretchFactor(0, 3)
        self.canvas.ci.layout.setRowStretchFactor(1, 2)
        for plot in self.plots:
            plot.getAxis("left").setWidth(AXIS_PX)
            plot.setLimits(**LOG_LIMITS)
        self._lines: list[tuple[Item, Item]] = []
        self._spectra = SpectraCache()
        self._curves: list[SpectrumCurve] = []

    def draw(self) -> None:
        self._curves = self._spectra.curves_of(one.view for one in self.shown)
        while len(self._lines) < len(self._curves):
            self._lines.append((self._new(self.modulus), self._new(self.phase)))
        for (modulus, phase), curve in zip(self._lines, self._curves, strict=False):
            f, size, angle = bode_points(curve)
            modulus.setData(f, size)
            phase.setData(f, angle)
            tell = _teller(curve, f, size, angle)
            if len(f):
                log_f = np.log10(f)
                self.cursor_curves.append(CursorCurve(self.modulus, log_f, np.log10(size), tell))
                self.cursor_curves.append(CursorCurve(self.phase, log_f, angle, tell))
        for pair in self._lines[len(self._curves) :]:
            for item in pair:
                item.setData([], [])
        self.restyle()

    def _new(self, plot: Item) -> Item:
        item = pg.PlotDataItem(antialias=True, symbol="o", symbolSize=4)
        plot.addItem(item)
        return item

    def restyle(self) -> None:
        low, high = range_of(self._curves)
        for pair, curve in zip(self._lines, self._curves, strict=False):
            colour = colour_of(self.theme, curve, low, high)
            for item in pair:
                item.setPen(pg.mkPen(colour, width=1))
                item.setSymbolPen(pg.mkPen(colour))
                item.setSymbolBrush(pg.mkBrush(colour))

    def fit_ranges(self) -> None:
        self.modulus.enableAutoRange()
        self.phase.enableAutoRange(axis="x")
        angles = [bode_points(one)[2] for one in self._curves]
        low = min((float(one.min()) for one in angles if len(one)), default=0.0)
        self.phase.setYRange(min(-5.0, max(low, -90.0)), 92, padding=0)

    def exported(self) -> list[ShownCurve]:
        found = []
        for curve in self._curves:
            f, size, angle = bode_points(curve)
            columns = (("frequency_Hz", f), ("modulus_ohm", size), ("minus_phase_deg", angle))
            found.append(ShownCurve(f"{curve.run.head.id} {curve.sample} {curve.label}", columns))
        return found


def bode_points(curve: SpectrumCurve) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Frequency, modulus, minus phase in degrees; what a log axis can't take is left out."""
    good = np.isfinite(curve.z_ohm) & (np.abs(curve.z_ohm) > 0) & (curve.frequency_Hz > 0)
    z = curve.z_ohm[good]
    return curve.frequency_Hz[good], np.abs(z), -np.degrees(np.angle(z))


def _teller(curve: SpectrumCurve, f: np.ndarray, size: np.ndarray, angle: np.ndarray) -> Callable[[int], str]:
    def tell(index: int) -> str:
        return (
            f"{curve.label}   f = {with_prefix(float(f[index]), 'Hz', 3)}"
            f"   |Z| = {with_prefix(float(size[index]), 'Ω')}   −φ = {angle[index]:.1f}°"
        )

    return tell
