"""CV and LSV: current over potential, a curve per cycle, onsets marked. Oxidation is positive."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from PyQt5.QtCore import QSignalBlocker, Qt
from PyQt5.QtGui import QColor

from gui.graph import Item, pg
from gui.model.pyramid import thin
from gui.model.series import SeriesBy
from gui.plots.export import ShownCurve
from gui.plots.legend import Legend
from gui.plots.pane import CursorCurve, PlotPane, ShownRun
from gui.plots.ranges import Range, range_of, set_x, set_y
from gui.plots.room import Drawn, as_lines, evenly, place_mark
from gui.words import with_prefix
from procedures.result_words import value_of

STREAM = "voltammetry"
MOST_POINTS = 4000
MOST_ASKED = 40  # curves that words keep clear of: cycles lie close to each other
PADDING = 0.05
MARKS = {"oxidation_onset": "onset", "plating_onset": "plating"}
UNITS = (("j / mA cm⁻²", "current_density_mA_cm2", 1.0), ("I / mA", "current_A", 1e3))


Key = tuple[str, tuple[object, ...]]  # the run, and what its rows belong to


@dataclass(eq=False)
class _Curve:
    """One cycle of a run; made anew only where its rows, or what is shown of them, have changed."""

    shown: ShownRun
    key: tuple[object, ...]
    x: np.ndarray
    y: np.ndarray
    item: Item
    line: tuple[np.ndarray, np.ndarray]
    extent: tuple[Range | None, Range | None]
    unit: str
    cursor: CursorCurve = field(init=False)

    def text(self, index: int) -> str:
        """Of one of its points, for the cursor."""
        whose = self.shown.called(str(self.key[0]))
        return f"{whose} {self.cycle}   E = {with_prefix(float(self.x[index]), 'V')}   {self.y[index]:.4g} {self.unit}"

    @property
    def is_sweep(self) -> bool:
        cycle = self.key[1]
        return self.shown.view.head.procedure == "linear-sweep" or not cycle or cycle != cycle

    @property
    def cycle(self) -> str:
        return "sweep" if self.is_sweep else f"cycle {self.key[1]:g}"


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
        self._known: dict[Key, set[str]] = {}
        self._made: dict[Key, _Curve] = {}
        self._shown_as: tuple[str, float] = ("", 0.0)
        self._curves: list[_Curve] = []
        self._names: list[tuple[Item, str]] = []
        self._marks: list[Item] = []
        self._marked: list[tuple[float, str]] = []
        self._lines = as_lines([])
        self._arrow = pg.ArrowItem(headLen=13, tipAngle=38, pxMode=True)
        self.plot.addItem(self._arrow, ignoreBounds=True)
        self.plot.getViewBox().sigRangeChanged.connect(self._place_marks)

    def draw(self) -> None:
        """Of a finished cycle nothing is done again: what one more row costs is what its own cycle costs."""
        grew = self._read()
        self._leave_what_nobody_has()
        text, column, scale = UNITS[max(self.unit.currentIndex(), 0)]
        scale *= -1 if self.sign.currentIndex() == 1 else 1
        self.label(self.plot, "left", text)
        if self._shown_as != (column, scale):
            self._shown_as = (column, scale)
            grew = set(self._known)
        shown_of = {(one.view.head.id, key): one for one in self.shown for key in self._series[one.view.head.id].keys}
        wanted = {whose: one for whose, one in shown_of.items() if column in self._known[whose]}
        for whose in [one for one in self._made if one not in wanted]:
            self.plot.removeItem(self._made.pop(whose).item)
        for whose, shown in wanted.items():
            if whose in grew or whose not in self._made:
                self._make(whose, shown, column, scale)
            self._made[whose].shown = shown
        self._curves = [self._made[whose] for whose in wanted]
        self.cursor_curves += [one.cursor for one in self._curves]
        self._point_the_way()
        self._mark_onsets()
        few = evenly(self._curves, MOST_ASKED)
        self._lines = tuple(np.concatenate([one.line[side] for one in few] or [np.empty(0)]) for side in (0, 1))
        self._name_curves()
        self._place_marks()
        self.restyle()

    def _read(self) -> set[Key]:
        """What has grown, and of each cycle which of current and density are known: a file may have one of them."""
        grew = set()
        for shown in self.shown:
            series, run = self._series_of(shown), shown.view.head.id
            for key in series.refresh():
                grew.add((run, key))
                known, part = self._known.setdefault((run, key), set()), series.part(key)
                known |= {one for _, one, _ in UNITS if one not in known and np.isfinite(part[one]).any()}
        return grew

    def _leave_what_nobody_has(self) -> None:
        """Without an area there is no density: the current is drawn."""
        runs = {one.view.head.id for one in self.shown}
        parts = [known for (run, _), known in self._known.items() if run in runs]
        known = [any(column in part for part in parts) for _, column, _ in UNITS]
        if parts and not known[self.unit.currentIndex()] and any(known):
            with QSignalBlocker(self.unit):
                self.unit.setCurrentIndex(known.index(True))

    def _series_of(self, shown: ShownRun) -> SeriesBy:
        run = shown.view.head.id
        known = self._series.get(run)
        if known is None or known.run is not shown.view:
            wanted = ("t_s", "voltage_V", "current_A", "current_density_mA_cm2")
            known = SeriesBy(shown.view, STREAM, wanted, ("sample", "cycle", "attempt"))
            self._series[run] = known
            self._known = {whose: one for whose, one in self._known.items() if whose[0] != run}
        return known

    def _make(self, whose: Key, shown: ShownRun, column: str, scale: float) -> None:
        part = self._series[whose[0]].part(whose[1])
        x, y = part["voltage_V"], scale * part[column]
        if whose in self._made:
            item = self._made[whose].item
        else:
            item = pg.PlotDataItem(pen=pg.mkPen(0), antialias=True)
            self.plot.addItem(item)
        item.setData(*thin(x, y, MOST_POINTS))
        unit = "mA cm⁻²" if column == UNITS[0][1] else "mA"
        extent = (range_of(x), range_of(y))
        made = self._made[whose] = _Curve(shown, whose[1], x, y, item, as_lines([(x, y)]), extent, unit)
        made.cursor = CursorCurve(self.plot, x, y, made.text)

    def _name_curves(self) -> None:
        several_samples = len({one.key[0] for one in self._curves}) > 1
        names = []
        for one in self._curves[:24]:
            sample, _, attempt = one.key
            parts = [one.cycle]
            parts += [one.shown.called(str(sample))] if several_samples or len(self.shown) > 1 else []
            parts += [f"attempt {attempt}"] if attempt != 1 else []
            names.append((one.item, " · ".join(parts)))
        if names != self._names:
            self._names = names
            self.plot.legend.clear()
            for item, name in names:
                self.plot.legend.addItem(item, name)

    def _point_the_way(self) -> None:
        """An arrow on the first curve, in the direction of the scan."""
        self._arrow.setVisible(False)
        if not self._curves:
            return
        x, y = self._curves[0].x, self._curves[0].y
        if len(x) > 50:
            at = len(x) // 8
            forwards = x[at + len(x) // 50] > x[at]
            self._arrow.setStyle(angle=180 if forwards else 0)
            self._arrow.setPos(float(x[at]), float(np.nan_to_num(y[at])))
            self._arrow.setVisible(True)

    def _mark_onsets(self) -> None:
        marked = []
        for shown in self.shown:
            analysis = self.analyses.get(shown.view.head.id)
            found = (analysis.results if analysis is not None and analysis.results else shown.view.results) or ()
            told = [one for one in found if one.name in MARKS and one.value is not None]
            last = {one.name: one for one in told}.values()
            marked += [(one.value, f"{MARKS[one.name]} {value_of(one)}") for one in last]
        if marked == self._marked:
            return
        self._marked = marked
        for line in self._marks:
            self.plot.removeItem(line)
        self._marks = [pg.InfiniteLine(at, angle=90, label=text) for at, text in marked]
        for line in self._marks:
            self.plot.addItem(line, ignoreBounds=True)

    def _place_marks(self, *_: object) -> None:
        if self._marks:
            drawn = Drawn.on(self.plot, *self._lines)
            for line in self._marks:
                place_mark(self.plot, line, drawn, self._legend.boxes)

    def restyle(self) -> None:
        single, count = len(self.shown) <= 1, max(len(self._curves) - 1, 1)
        for index, one in enumerate(self._curves):
            colour = self.theme.temperature_colour(index / count) if single else QColor(one.shown.colour)
            if one.item.opts["pen"].color() != colour:
                one.item.setPen(pg.mkPen(colour, width=1))
        self._zero.setPen(pg.mkPen(self.theme.muted, width=1, style=Qt.PenStyle.DashLine))
        self._arrow.setStyle(brush=pg.mkBrush(self.theme.text), pen=None)
        for line in self._marks:
            line.setPen(pg.mkPen(self.theme.bad, width=1, style=Qt.PenStyle.DashLine))
            line.label.setColor(QColor(self.theme.bad))

    def fit_ranges(self) -> None:
        drawn = [one for one in self._curves if one.item.isVisible()]
        set_x(self.plot, [one.extent[0] for one in drawn], padding=PADDING)
        set_y(self.plot, [one.extent[1] for one in drawn], padding=PADDING)
        self._legend.settle(*self._lines)
        self._place_marks()

    def exported(self) -> list[ShownCurve]:
        unit = "current_density_mA_cm2" if self.unit.currentIndex() == 0 else "current_mA"
        return [
            ShownCurve(
                f"{one.shown.view.head.id} {one.key[0]} cycle {one.key[1]}", (("voltage_V", one.x), (unit, one.y))
            )
            for one in self._curves
        ]
