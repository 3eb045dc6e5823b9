"""Capacity and coulombic efficiency over the cycles, as the analysis integrates them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PyQt5.QtGui import QColor

from daq.contracts import Result
from gui.graph import Item, pg
from gui.plots.axes import CountAxis, SecondAxis
from gui.plots.export import ShownCurve
from gui.plots.legend import Legend
from gui.plots.pane import CursorCurve, PlotPane, ShownRun
from gui.plots.ranges import set_y

NAMES = ("charge_capacity", "discharge_capacity", "coulombic_efficiency")


class CapacityPane(PlotPane):
    title = "Capacity"
    key = "capacity"
    streams = ("cycling",)

    def build(self) -> None:
        self.plot = self.add_plot(axes={"bottom": CountAxis("bottom")}, bottom="Cycle", left="Capacity / mAh g⁻¹")
        self._legend = Legend(self.plot, (24, -24))
        self._second = SecondAxis(self.plot, "Coulombic efficiency / %")
        self._items: list[tuple[Item, ...]] = []
        self._columns: list[tuple[ShownRun, str, dict[str, np.ndarray]]] = []

    def draw(self) -> None:
        self._columns = [found for shown in self.shown for found in self._columns_of(shown)]
        while len(self._items) < len(self._columns):
            items = tuple(pg.PlotDataItem(pen=None, symbol=one, symbolSize=6) for one in ("o", "o", "d"))
            for item in items[:2]:
                self.plot.addItem(item)
            self._second.add(items[2])
            self._items.append(items)
        self.plot.legend.clear()
        for items, (shown, sample, columns) in zip(self._items, self._columns, strict=False):
            for item, name in zip(items, NAMES, strict=True):
                known = np.isfinite(columns[name])
                item.setData(columns["cycle"][known], columns[name][known])
                if len(self._columns) == 1:
                    self.plot.legend.addItem(item, name.replace("_", " "))
            if len(self._columns) > 1:  # by its filled sign: the open one is the charge, the rhomb the efficiency
                self.plot.legend.addItem(items[1], shown.called(sample))
            self.cursor_curves.append(
                CursorCurve(self.plot, columns["cycle"], columns["discharge_capacity"], _teller(columns))
            )
        for items in self._items[len(self._columns) :]:
            for item in items:
                item.setData([], [])
        self.restyle()

    def _columns_of(self, shown: ShownRun) -> list[tuple[ShownRun, str, dict[str, np.ndarray]]]:
        analysis = self.analyses.get(shown.view.head.id)
        results = analysis.results if analysis is not None and analysis.results else shown.view.results
        samples = dict.fromkeys(str(one.at.get("sample", "")) for one in results if "cycle" in one.at)
        found = []
        for sample in samples:
            mine = [one for one in results if str(one.at.get("sample", "")) == sample and one.name in NAMES]
            if mine:
                self._label_unit(mine)
                found.append((shown, sample, _by_cycle(mine)))
        return found

    def _label_unit(self, results: list[Result]) -> None:
        unit = next((one.unit for one in results if one.name == "discharge_capacity"), "mAh/g")
        self.plot.setLabel("left", f"Capacity / {unit.replace('/g', ' g⁻¹')}")

    def restyle(self) -> None:
        for index, (items, (shown, _, _)) in enumerate(zip(self._items, self._columns, strict=False)):
            single = len(self._columns) == 1
            colour = QColor(self.theme.category(0) if single else shown.colour)
            if not single and len(self.shown) == 1:
                colour = QColor(self.theme.category(index))
            charge, discharge, efficiency = items
            charge.setSymbolBrush(None)
            charge.setSymbolPen(pg.mkPen(colour, width=1))
            discharge.setSymbolBrush(colour)
            discharge.setSymbolPen(pg.mkPen(colour))
            green = QColor(self.theme.category(2))
            efficiency.setSymbolBrush(green if single else None)
            efficiency.setSymbolPen(pg.mkPen(green if single else colour))
        self._second.ink(QColor(self.theme.category(2)))

    def fit_ranges(self) -> None:
        cycles = [columns["cycle"] for _, _, columns in self._columns if len(columns["cycle"])]
        if not cycles:
            return
        last = max(float(one.max()) for one in cycles)
        self.plot.setXRange(0, last + 1, padding=0.02)
        tops = [
            float(np.nanmax(c[name])) for _, _, c in self._columns for name in NAMES[:2] if np.isfinite(c[name]).any()
        ]
        set_y(self.plot, [(0.0, max(tops, default=1.0) * 1.12)], padding=0.01)
        ce = np.concatenate([c[NAMES[2]][np.isfinite(c[NAMES[2]])] for _, _, c in self._columns])
        low = min(80.0, float(ce.min())) if len(ce) else 80.0
        set_y(self._second.view, [(max(low, 0.0), 101.0)], padding=0.01)
        self._legend.settle(*self._all_drawn())

    def _all_drawn(self) -> tuple[np.ndarray, np.ndarray]:
        """In the coordinates of the capacities, the efficiencies too."""
        (low, high), (first, last) = self.plot.getViewBox().viewRange()[1], self._second.view.viewRange()[1]
        x = [c["cycle"] for _, _, c in self._columns for _ in NAMES]
        y = [c[name] for _, _, c in self._columns for name in NAMES]
        scaled = [
            low + (one - first) * (high - low) / (last - first) if index % 3 == 2 else one
            for index, one in enumerate(y)
        ]
        return (np.concatenate(x), np.concatenate(scaled)) if x else (np.empty(0), np.empty(0))

    def exported(self) -> list[ShownCurve]:
        return [
            ShownCurve(f"{shown.view.head.id} {sample}", list(columns.items()))
            for shown, sample, columns in self._columns
        ]


def _by_cycle(results: list[Result]) -> dict[str, np.ndarray]:
    cycles = sorted({int(one.at["cycle"]) for one in results if "cycle" in one.at})
    place = {cycle: index for index, cycle in enumerate(cycles)}
    columns = {name: np.full(len(cycles), np.nan) for name in NAMES}
    for one in results:
        if one.value is not None and "cycle" in one.at:
            columns[one.name][place[int(one.at["cycle"])]] = one.value
    return {"cycle": np.array(cycles, dtype=float), **columns}


def _teller(columns: dict[str, np.ndarray]) -> Callable[[int], str]:
    def tell(index: int) -> str:
        charge, discharge, efficiency = (columns[name][index] for name in NAMES)
        return (
            f"cycle {columns['cycle'][index]:.0f}   charge {charge:.2f}   discharge {discharge:.2f}"
            f"   efficiency {efficiency:.2f} %"
        )

    return tell
