"""Temperature over time: controller, sample, set-point, heater power; where the spectra were taken."""

from __future__ import annotations

import numpy as np
from PyQt5.QtCore import Qt
from PyQt5.QtGui import QColor

from gui.graph import Item, pg
from gui.model.run_view import RunView
from gui.plots.axes import TimeAxis
from gui.plots.export import ShownCurve
from gui.plots.interlock_marks import InterlockMarks
from gui.plots.legend import Legend
from gui.plots.pane import CursorCurve, PlotPane
from gui.plots.ranges import set_x, set_y
from gui.words import hours

STREAM = "temperature"
LINES = (("Set point", "working_setpoint_C"), ("Furnace", "temperature_C"), ("Sample", "sample_temperature_C"))


class TemperaturePane(PlotPane):
    """Of the run that is live, or else of the last that is ticked."""

    title = "Temperature"
    key = "temperature"
    streams = (STREAM,)

    def build(self) -> None:
        self.degrees = self.add_plot(0, {"bottom": TimeAxis("bottom")}, left="T / °C")
        self.power = self.add_plot(1, {"bottom": TimeAxis("bottom")}, left="Power / %", bottom="Time / h:mm")
        self.power.setXLink(self.degrees)
        self.degrees.getAxis("bottom").setStyle(showValues=False)
        self.canvas.ci.layout.setRowStretchFactor(0, 5)
        self.canvas.ci.layout.setRowStretchFactor(1, 2)
        for plot in self.plots:
            plot.getAxis("left").setWidth(58)
        Legend(self.degrees, (14, 10))
        self._lines = [self.add_long(self.degrees, name) for name, _ in LINES]
        self._output = self.add_long(self.power)
        self._regions: list[Item] = []
        self._interlocks = InterlockMarks(self.degrees)
        self._run: RunView | None = None

    def draw(self) -> None:
        live = [one.view for one in self.shown if one.view.is_live]
        self._run = (live or [one.view for one in self.shown] or [None])[-1]
        self._mark_spectra()
        self._interlocks.take(self._run.events if self._run is not None else ())
        self.restyle()
        if self._run is None:
            for line in (*self._lines, self._output):
                line.clear()
            return
        table = self._run.table(STREAM)
        t = table["t_s"]
        for line, (_, column) in zip(self._lines, LINES, strict=True):
            line.take(t, table[column], of=self._run)
        self._output.take(t, table["output_percent"], of=self._run)
        self._aim(t, table["temperature_C"], table["working_setpoint_C"], table["output_percent"])

    def _aim(self, t: np.ndarray, actual: np.ndarray, target: np.ndarray, output: np.ndarray) -> None:
        def tell(index: int) -> str:
            furnace = f"T = {actual[index]:.2f} °C   set {target[index]:.1f} °C   P = {output[index]:.0f} %"
            return f"t = {hours(t[index])}   {furnace}"

        line = self._lines[1]
        self.cursor_curves.append(CursorCurve(self.degrees, line.x, line.y, tell))
        self.cursor_curves.append(CursorCurve(self.power, self._output.x, self._output.y, tell))

    def _mark_spectra(self) -> None:
        rows = self._run.table("spectra") if self._run is not None else None
        count = rows.size if rows is not None else 0
        while len(self._regions) < count:
            region = pg.LinearRegionItem((0, 0), movable=False)
            region.setZValue(-20)
            self.degrees.addItem(region, ignoreBounds=True)
            self._regions.append(region)
        for index, region in enumerate(self._regions):
            region.setVisible(index < count)
            if rows is not None and index < count:
                region.setRegion((rows["started_s"][index], rows["ended_s"][index]))

    def restyle(self) -> None:
        theme = self.theme
        self._lines[0].set_pen(pg.mkPen(theme.muted, width=1, style=Qt.PenStyle.DashLine))
        self._lines[1].set_pen(pg.mkPen(theme.category(1), width=1))
        self._lines[2].set_pen(pg.mkPen(theme.category(0), width=1))
        self._output.set_pen(pg.mkPen(theme.category(4), width=1))
        self._interlocks.restyle(theme)
        band = QColor(theme.accent)
        band.setAlpha(40)
        for region in self._regions:
            region.setBrush(pg.mkBrush(band))
            for line in region.lines:
                line.setPen(pg.mkPen(None))

    def fit_ranges(self) -> None:
        set_x(self.degrees, [one.range_x() for one in self._lines])
        set_y(self.degrees, [one.range_y() for one in self._lines])
        set_y(self.power, [(0.0, 100.0)], padding=0.02)

    def exported(self) -> list[ShownCurve]:
        if self._run is None:
            return []
        table = self._run.table(STREAM)
        names = ("t_s", "temperature_C", "working_setpoint_C", "sample_temperature_C", "output_percent")
        return [ShownCurve(self._run.head.id, [(name, table[name]) for name in names])]
