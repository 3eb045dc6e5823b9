"""Cycling profiles: voltage over capacity, or dQ/dV, of chosen cycles; from the half cycles of the analysis."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PyQt5.QtCore import Qt
from PyQt5.QtGui import QColor

from daq.errors import AnalysisRefused
from gui.graph import Item, pg
from gui.model.pyramid import thin
from gui.plots.export import ShownCurve
from gui.plots.legend import Legend
from gui.plots.pane import CursorCurve, PlotPane, ShownRun
from gui.plots.room import as_lines
from procedures.analysis.capacity import HalfCycles
from procedures.analysis.capacity_curves import differential_capacity

KINDS = ("E over Q", "dQ/dV")
PER = ("per gram", "of the cell")
CHOICES = ("first, last and some between", "all (up to 60)", "last only")
FEW, MANY = 8, 60
TALL_LEGEND = 4
MOST_POINTS = 3000
DASHES = (Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine, Qt.PenStyle.DotLine)


@dataclass(eq=False)
class _Profile:
    shown: ShownRun
    sample: str
    cycle: int
    charging: bool
    x: np.ndarray
    y: np.ndarray


class ProfilesPane(PlotPane):
    title = "Profiles"
    key = "profiles"
    streams = ("cycling",)

    def build(self) -> None:
        self.kind = self.add_choice("What is drawn", KINDS)
        self.which = self.add_choice("Which cycles", CHOICES)
        self.per = self.add_choice("Capacity per gram, where the mass is known, or of the cell", PER)
        self.plot = self.add_plot()
        self._legend = Legend(self.plot)
        self._items: list[Item] = []
        self._profiles: list[_Profile] = []
        self._lines = as_lines([])

    def draw(self) -> None:
        self._profiles = []
        unit = "mAh"
        for shown in self.shown:
            analysis = self.analyses.get(shown.view.head.id)
            for sample, (halves, mass_mg) in (analysis.halves if analysis is not None else {}).items():
                per_gram = mass_mg if self.per.currentIndex() == 0 else None
                unit = "mAh g⁻¹" if per_gram else "mAh"
                self._profiles += self._of_cell(shown, sample, halves, 1e6 / per_gram if per_gram else 1e3)
        differential = self.kind.currentIndex() == 1
        self.plot.setLabel("bottom", "E / V" if differential else f"Capacity / {unit}")
        self.plot.setLabel("left", f"dQ/dV / {unit} V⁻¹" if differential else "E / V")
        while len(self._items) < len(self._profiles):
            self._items.append(pg.PlotDataItem(antialias=True))
            self.plot.addItem(self._items[-1])
        for item, one in zip(self._items, self._profiles, strict=False):
            item.setData(*thin(one.x, one.y, MOST_POINTS))
            self.cursor_curves.append(CursorCurve(self.plot, one.x, one.y, _teller(one, differential)))
        for item in self._items[len(self._profiles) :]:
            item.setData([], [])
        self._lines = as_lines([(one.x, one.y) for one in self._profiles])
        self.restyle()
        self._name()

    def _of_cell(self, shown: ShownRun, sample: str, halves: HalfCycles, per_Ah: float) -> list[_Profile]:
        cycles = chosen(np.unique(halves.cycle[halves.cycle > 0]), CHOICES[max(self.which.currentIndex(), 0)])
        found = []
        for index in np.flatnonzero(np.isin(halves.cycle, cycles)):
            points = self._points(halves, int(index), per_Ah)
            if points is not None:
                charging = bool(halves.segments.direction[index] > 0)
                found.append(_Profile(shown, sample, int(halves.cycle[index]), charging, *points))
        return found

    def _points(self, halves: HalfCycles, index: int, per_Ah: float) -> tuple[np.ndarray, np.ndarray] | None:
        if self.kind.currentIndex() == 1:
            try:
                curve = differential_capacity(halves, index)
            except AnalysisRefused:
                return None
            sign = 1 if halves.segments.direction[index] > 0 else -1
            return curve.voltage_V, sign * per_Ah * curve.dQ_dV_Ah_V
        rows = slice(int(halves.segments.start[index]), int(halves.segments.stop[index]))
        charge = np.abs(halves.cumulative_Ah[rows] - halves.cumulative_Ah[rows.start])
        return per_Ah * charge, halves.record.voltage_V[rows]

    def _name(self) -> None:
        self.plot.legend.clear()
        named, is_told = set(), len(self.shown) > 1 or len({one.sample for one in self._profiles}) > 1
        for item, one in zip(self._items, self._profiles, strict=False):
            whose = f" · {one.shown.called(one.sample)}" if is_told else ""
            name = f"cycle {one.cycle}{whose}"
            if name not in named and len(named) < 24:
                named.add(name)
                self.plot.legend.addItem(item, name)
        self.plot.legend.setColumnCount(1 + (len(named) > TALL_LEGEND))

    def restyle(self) -> None:
        last = max((one.cycle for one in self._profiles), default=1)
        cells = list(dict.fromkeys((one.shown.view.head.id, one.sample) for one in self._profiles))
        for item, one in zip(self._items, self._profiles, strict=False):
            dash = DASHES[cells.index((one.shown.view.head.id, one.sample)) % len(DASHES)]
            colour = QColor(self.theme.temperature_colour(1 - (one.cycle - 1) / max(last - 1, 1)))
            item.setPen(pg.mkPen(colour, width=1, style=dash))

    def fit_ranges(self) -> None:
        super().fit_ranges()
        self.plot.getViewBox().updateAutoRange()
        self._legend.settle(*self._lines)

    def exported(self) -> list[ShownCurve]:
        names = ("voltage_V", "dQ_dV") if self.kind.currentIndex() == 1 else ("capacity", "voltage_V")
        return [
            ShownCurve(
                f"{one.shown.view.head.id} {one.sample} cycle {one.cycle} {'charge' if one.charging else 'discharge'}",
                ((names[0], one.x), (names[1], one.y)),
            )
            for one in self._profiles
        ]


def chosen(cycles: np.ndarray, choice: str) -> np.ndarray:
    """Which of the cycles are drawn."""
    if choice == CHOICES[2] or not len(cycles):
        return cycles[-1:]
    most = MANY if choice == CHOICES[1] else FEW
    return cycles[np.unique(np.linspace(0, len(cycles) - 1, min(most, len(cycles))).round().astype(int))]


def _teller(one: _Profile, differential: bool) -> Callable[[int], str]:
    def tell(index: int) -> str:
        names = ("E", "dQ/dV") if differential else ("Q", "E")
        half = "charge" if one.charging else "discharge"
        return f"cycle {one.cycle} {half}   {names[0]} = {one.x[index]:.4g}   {names[1]} = {one.y[index]:.4g}"

    return tell
