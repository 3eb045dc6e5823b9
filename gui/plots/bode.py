"""Bode: modulus and phase over frequency."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gui.graph import Item, pg
from gui.model.spectra import SpectrumCurve
from gui.plots.axes import LOG_LIMITS, LogAxis
from gui.plots.export import ShownCurve
from gui.plots.legend import Legend
from gui.plots.pane import CursorCurve, PlotPane
from gui.plots.room import as_lines
from gui.plots.spectra_shown import SpectraShown
from gui.plots.spectrum_colours import colour_of, range_of
from gui.words import with_prefix

AXIS_PX = 64
MOST_IN_LEGEND = 5


@dataclass(frozen=True, eq=False)
class _Drawn:
    """What is on the plots for one spectrum."""

    modulus: Item
    phase: Item
    modulus_fit: Item
    phase_fit: Item

    @property
    def all(self) -> tuple[Item, ...]:
        return self.modulus, self.phase, self.modulus_fit, self.phase_fit


class BodePane(PlotPane):
    title = "Bode"
    key = "bode"
    streams = ("impedance",)

    def build(self) -> None:
        self.spectra = SpectraShown(self)
        self.modulus = self.add_plot(0, {"left": LogAxis("left"), "bottom": LogAxis("bottom")}, left="|Z| / Ω")
        self.phase = self.add_plot(1, {"bottom": LogAxis("bottom")}, left="−φ / °", bottom="f / Hz")
        self._legend = Legend(self.modulus)
        self._in_legend: list[tuple[int, str]] = []
        self.modulus.setLogMode(True, True)
        self.phase.setLogMode(True, False)
        self.phase.setXLink(self.modulus)
        self.modulus.getAxis("bottom").setStyle(showValues=False)
        self.canvas.ci.layout.setRowStretchFactor(0, 3)
        self.canvas.ci.layout.setRowStretchFactor(1, 2)
        for plot in self.plots:
            plot.getAxis("left").setWidth(AXIS_PX)
            plot.setLimits(**LOG_LIMITS)
        self._lines: list[_Drawn] = []

    def draw(self) -> None:
        self.spectra.refresh()
        unit = self.spectra.normalisation.unit
        name = "ρ" if self.spectra.normalisation.column == "ohm_cm" else "|Z|"
        self.modulus.setLabel("left", f"{name} / {unit}")
        while len(self._lines) < len(self.spectra.curves):
            self._lines.append(self._new())
        for drawn, curve in zip(self._lines, self.spectra.curves, strict=False):
            f, size, angle = self._points(curve)
            drawn.modulus.setData(f, size)
            drawn.phase.setData(f, angle)
            fitted = self.spectra.fitted(curve)
            fit = bode_points(*fitted) if fitted is not None else (np.empty(0), np.empty(0), np.empty(0))
            drawn.modulus_fit.setData(fit[0], fit[1])
            drawn.phase_fit.setData(fit[0], fit[2])
            tell = _teller(curve, f, size, angle, unit)
            if len(f):
                log_f = np.log10(f)
                self.cursor_curves.append(CursorCurve(self.modulus, log_f, np.log10(size), tell))
                self.cursor_curves.append(CursorCurve(self.phase, log_f, angle, tell))
        for drawn in self._lines[len(self.spectra.curves) :]:
            for item in drawn.all:
                item.setData([], [])
        self._name()
        self.restyle()

    def _name(self) -> None:
        """A key to the colours: the coldest, the hottest, and some between. Of them all it would hide the curves."""
        known = {one.setpoint_C: place for place, one in enumerate(self.spectra.curves)}
        places = [known[degree] for degree in sorted(known)]
        shown = places if len(places) <= MOST_IN_LEGEND else [places[i] for i in _spread(len(places))]
        named = [(place, self.spectra.curves[place].label) for place in shown]
        if named != self._in_legend:
            self._in_legend = named
            self.modulus.legend.clear()
            self.modulus.legend.setColumnCount(max(len(named), 1))
            for place, name in named:
                self.modulus.legend.addItem(self._lines[place].modulus, name)

    def _points(self, curve: SpectrumCurve) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return bode_points(curve.frequency_Hz, self.spectra.z(curve))

    def _new(self) -> _Drawn:
        dots = [pg.PlotDataItem(antialias=True, symbol="o", symbolSize=4) for _ in self.plots]
        fits = [pg.PlotDataItem(antialias=True) for _ in self.plots]
        for items in (dots, fits):
            for plot, item in zip(self.plots, items, strict=True):
                plot.addItem(item)
        return _Drawn(*dots, *fits)

    def restyle(self) -> None:
        low, high = range_of(self.spectra.curves)
        for drawn, curve in zip(self._lines, self.spectra.curves, strict=False):
            colour = colour_of(self.theme, curve, low, high)
            is_fitted = self.spectra.fitted(curve) is not None
            for item in (drawn.modulus, drawn.phase):
                item.setPen(None if is_fitted else pg.mkPen(colour, width=1))
                item.setSymbolPen(pg.mkPen(colour))
                item.setSymbolBrush(pg.mkBrush(colour))
            for item in (drawn.modulus_fit, drawn.phase_fit):
                item.setPen(pg.mkPen(colour, width=1))

    def fit_ranges(self) -> None:
        """With room for the key to the colours above the highest modulus."""
        self.modulus.enableAutoRange()
        self.phase.enableAutoRange(axis="x")
        log_sizes = [curve.y for curve in self.cursor_curves if curve.plot is self.modulus]
        if log_sizes:
            low, high = float(np.concatenate(log_sizes).min()), float(np.concatenate(log_sizes).max())
            span = max(high - low, 0.1)
            self.modulus.setYRange(low - 0.05 * span, high + 0.2 * span, padding=0)
        angles = [self._points(one)[2] for one in self.spectra.curves]
        low = min((float(one.min()) for one in angles if len(one)), default=0.0)
        self.phase.setYRange(min(-5.0, max(low, -90.0)), 92, padding=0)
        self.modulus.getViewBox().updateAutoRange()
        self._legend.settle(*as_lines([(curve.x, curve.y) for curve in self.cursor_curves[::2]]))

    def exported(self) -> list[ShownCurve]:
        found = []
        for curve in self.spectra.curves:
            f, size, angle = self._points(curve)
            unit = self.spectra.normalisation.column
            columns = (("frequency_Hz", f), (f"modulus_{unit}", size), ("minus_phase_deg", angle))
            found.append(ShownCurve(self.spectra.label(curve), columns))
        return found


def _spread(count: int) -> list[int]:
    """Places from the first to the last of so many."""
    return np.linspace(0, count - 1, MOST_IN_LEGEND).round().astype(int).tolist()


def bode_points(frequency_Hz: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Frequency, modulus, minus phase in degrees; what a log axis can't take is left out."""
    good = np.isfinite(z) & (np.abs(z) > 0) & (frequency_Hz > 0)
    return frequency_Hz[good], np.abs(z[good]), -np.degrees(np.angle(z[good]))


def _teller(
    curve: SpectrumCurve, f: np.ndarray, size: np.ndarray, angle: np.ndarray, unit: str
) -> Callable[[int], str]:
    def tell(index: int) -> str:
        return (
            f"{curve.label}   f = {with_prefix(float(f[index]), 'Hz', 3)}"
            f"   |Z| = {with_prefix(float(size[index]), unit)}   −φ = {angle[index]:.1f}°"
        )

    return tell
