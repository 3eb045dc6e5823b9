"""Voltage and current over time: CCD, symmetric cells, constant current, cycling; shorts marked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PyQt5.QtCore import Qt
from PyQt5.QtGui import QColor

from gui.graph import Item, pg
from gui.model.series import SeriesBy
from gui.plots.axes import SecondAxis, TimeAxis
from gui.plots.export import ShownCurve
from gui.plots.interlock_marks import InterlockMarks
from gui.plots.legend import Legend
from gui.plots.long_curve import LongCurve
from gui.plots.pane import CursorCurve, PlotPane, ShownRun
from gui.plots.ranges import joined, set_x, set_y
from gui.words import hours_exact

TIME_OF = {"polarisation": "t_s", "cycling": "time_s"}
UNITS = (("E / mV", 1e3), ("E / V", 1.0))
CURRENTS = ("j / mA cm⁻²", "I / mA")
MOST_VOLTAGES = 8
GROWTH = 0.03  # room beyond what is there: an axis that moves at each row costs two milliseconds


@dataclass(eq=False)
class _Cell:
    """One cell of one run: what it is drawn from. `current` times `to_mA` is in mA/cm2, without an area in mA."""

    shown: ShownRun
    sample: str
    time_s: np.ndarray
    voltage_V: np.ndarray
    current: np.ndarray
    to_mA: float
    has_area: bool
    on_run_s_time: bool  # else on the cycler's own, which goes on over a break


class OverTimePane(PlotPane):
    """All ticked cells' voltages; the current of the first."""

    title = "E and j over time"
    key = "over_time"
    streams = tuple(TIME_OF)

    def build(self) -> None:
        self.unit = self.add_choice("Unit of the voltage", [text for text, _ in UNITS])
        self.current = self.add_choice("Current density or current", CURRENTS)
        self.plot = self.add_plot(axes={"bottom": TimeAxis("bottom")}, bottom="Time / h:mm", left=UNITS[0][0])
        Legend(self.plot, (14, 10))
        self._second = SecondAxis(self.plot, "j / mA cm⁻²")
        self._current = self.add_long(self.plot, view=self._second.view)
        self._second.add(self._current.item)
        self._voltages: list[LongCurve] = []
        self._series: dict[tuple[str, str], SeriesBy] = {}
        self._looked: dict[SeriesBy, dict[tuple[object, ...], tuple[int, bool]]] = {}
        self._cells: list[_Cell] = []
        self._names: list[str] = []
        self._shorts: list[Item] = []
        self._interlocks = InterlockMarks(self.plot)
        self._scale = 1.0

    def draw(self) -> None:
        self._cells = [cell for shown in self.shown for cell in self._cells_of(shown)][-MOST_VOLTAGES:]
        text, self._scale = UNITS[max(self.unit.currentIndex(), 0)]
        self.label(self.plot, "left", text)
        while len(self._voltages) < len(self._cells):
            self._voltages.append(self.add_long(self.plot))
        for line, cell in zip(self._voltages, self._cells, strict=False):
            whose = (cell.shown.view, cell.sample)
            line.take(cell.time_s, cell.voltage_V, of=whose, scale=self._scale, cuts=_cuts_of(cell))
            self.cursor_curves.append(CursorCurve(self.plot, line.x, line.y, self._teller(cell)))
        for line in self._voltages[len(self._cells) :]:
            line.clear()
        self._draw_current()
        self._mark_shorts()
        on_its_time = [one.view for one in self.shown if one.view.table("polarisation").size]  # not on a cycler's own
        self._interlocks.take(on_its_time[-1].events if on_its_time else ())
        self._name()
        self.restyle()

    def _draw_current(self) -> None:
        if not self._cells:
            self._current.clear()
            return
        cell = self._cells[0]
        whose = (cell.shown.view, cell.sample, cell.has_area)
        self._current.take(cell.time_s, cell.current, of=whose, scale=cell.to_mA, cuts=_cuts_of(cell))
        self.label(self.plot, "right", CURRENTS[0] if cell.has_area else CURRENTS[1])

    def _cells_of(self, shown: ShownRun) -> list[_Cell]:
        found = []
        for stream, time in TIME_OF.items():
            if not shown.view.table(stream).size:
                continue
            wanted = (time, "voltage_V", "current_A", "current_density_mA_cm2")
            series = self._series.get((shown.view.head.id, stream))
            if series is None or series.run is not shown.view:
                if series is not None:
                    self._looked.pop(series, None)
                series = SeriesBy(shown.view, stream, wanted, ("sample",))
                self._series[shown.view.head.id, stream] = series
            series.refresh()
            for key in series.keys:
                part = series.part(key)
                wanted_per_area = self.current.currentIndex() == 0
                has_area = wanted_per_area and self._has_density(series, key)
                current = part["current_density_mA_cm2" if has_area else "current_A"]
                to_mA = 1.0 if has_area else 1e3
                volts, on_run_s_time = part["voltage_V"], stream == "polarisation"
                found.append(_Cell(shown, str(key[0]), part[time], volts, current, to_mA, has_area, on_run_s_time))
        return found

    def _has_density(self, series: SeriesBy, key: tuple[object, ...]) -> bool:
        """In any of its rows; where it is missing there is a gap. What was looked at before is not looked at again."""
        density = series.part(key)["current_density_mA_cm2"]
        of_series = self._looked.setdefault(series, {})
        looked, found = of_series.get(key, (0, False))
        found = found or bool(np.isfinite(density[looked:]).any())
        of_series[key] = (len(density), found)
        return found

    def _name(self) -> None:
        names = []
        for cell in self._cells:
            whose = cell.shown.called(cell.sample)
            names.append("Cell voltage" if len(self._cells) == 1 else f"E of {whose}")
        if names != self._names:
            self._names = names
            self.plot.legend.clear()
            for line, name in zip(self._voltages, names, strict=False):
                self.plot.legend.addItem(line.item, name)
            if names:
                self.plot.legend.addItem(self._current.item, "Current density" if len(names) == 1 else "j of the first")

    def _mark_shorts(self) -> None:
        for line in self._shorts:
            self.plot.removeItem(line)
        self._shorts = []
        for shown in self.shown:
            analysis = self.analyses.get(shown.view.head.id)
            results = analysis.results if analysis is not None and analysis.results else shown.view.results
            short = [one for one in results if one.name == "short_circuit" and one.value is not None]
            critical = [one for one in results if one.name == "critical_current_density" and one.value is not None]
            for one in short:
                text = f"short circuit at {one.value:.4g} h"
                if critical:
                    text += f", CCD {critical[0].value:.3g} mA cm⁻²"
                line = pg.InfiniteLine(
                    3600 * (one.value or 0.0),
                    angle=90,
                    label=text,
                    labelOpts={"position": 0.93, "anchors": [(1.02, 0.5), (1.02, 0.5)]},
                )
                self.plot.addItem(line, ignoreBounds=True)
                self._shorts.append(line)

    def _teller(self, cell: _Cell) -> Callable[[int], str]:
        unit = "mA cm⁻²" if cell.has_area else "mA"

        def tell(index: int) -> str:
            volt, density = cell.voltage_V[index], cell.to_mA * cell.current[index]
            told = f"{cell.sample}   t = {hours_exact(cell.time_s[index])}   E = {1e3 * volt:.4g} mV"
            told += f"   j = {density:+.3g} {unit}"
            if cell.has_area and density:
                told += f"   |E/j| = {abs(1e3 * volt / density):.4g} Ω cm²"
            return told

        return tell

    def restyle(self) -> None:
        for index, (line, cell) in enumerate(zip(self._voltages, self._cells, strict=False)):
            one_run = len({id(other.shown.view) for other in self._cells}) == 1
            colour = self.theme.category(index if index < 4 else index + 1) if one_run else cell.shown.colour
            line.set_pen(pg.mkPen(colour, width=1))
        amber = QColor(self.theme.category(4))
        self._current.set_pen(pg.mkPen(amber, width=1))
        self._second.ink(amber)
        self._interlocks.restyle(self.theme)
        for line in self._shorts:
            line.setPen(pg.mkPen(self.theme.bad, width=1, style=Qt.PenStyle.SolidLine))
            line.label.setColor(QColor(self.theme.bad))

    def fit_ranges(self) -> None:
        """Where both change sign, the zeros of voltage and current lie on one line."""
        set_x(self.plot, [line.range_x() for line in self._voltages[: len(self._cells)]])
        volts = joined([line.range_y() for line in self._voltages[: len(self._cells)]])
        density = self._current.range_y()
        if volts and density and volts[0] < 0 < volts[1] and density[0] < 0 < density[1]:
            most = 1.15 * max(abs(volts[0]), abs(volts[1]))
            most_j = 1.8 * max(abs(density[0]), abs(density[1]))
            set_y(self.plot, [(-most, most)], padding=GROWTH)
            set_y(self._second.view, [(-most_j, most_j)], padding=GROWTH)
        else:
            set_y(self.plot, [volts])
            set_y(self._second.view, [density], padding=0.3)

    def exported(self) -> list[ShownCurve]:
        return [
            ShownCurve(
                f"{cell.shown.view.head.id} {cell.sample}",
                (
                    ("time_s", cell.time_s),
                    ("voltage_V", cell.voltage_V),
                    ("current_density_mA_cm2" if cell.has_area else "current_mA", cell.to_mA * cell.current),
                ),
            )
            for cell in self._cells
        ]


def _cuts_of(cell: _Cell) -> list[float]:
    """Where the run was broken off and a step was begun again: nothing was recorded before it."""
    if not cell.on_run_s_time:
        return []
    return [one.started_t_s for one in cell.shown.view.steps if one.attempt > 1 and one.started_t_s is not None]
