"""What all plots have in common: tools, cursor, follow or zoom, theme, export. Each kind of plot fills it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PyQt5.QtCore import QMimeData, QSignalBlocker, Qt, pyqtSignal
from PyQt5.QtGui import QColor, QKeySequence, QShowEvent
from PyQt5.QtWidgets import (
    QApplication,
    QComboBox,
    QFrame,
    QLabel,
    QShortcut,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from daq.errors import BadInput
from gui.flow import FlowLayout
from gui.graph import Item, pg
from gui.model.analyser import Analysis
from gui.model.run_view import RunView
from gui.plots.axes import PlainAxis
from gui.plots.export import ShownCurve, as_image, csv_text, write_csv, write_png, write_svg
from gui.plots.hint import Hint
from gui.plots.long_curve import LongCurve
from gui.theme import LIGHT, Theme

CURSOR_PX = 60
SIDES = ("left", "bottom", "right", "top")
SECOND_SIDES = ("right", "top")


@dataclass(frozen=True)
class ShownRun:
    """A run that is ticked, with the colour of its row. `when` tells it from another one of the same sample."""

    view: RunView
    colour: str
    when: str = ""

    def called(self, sample: str = "") -> str:
        """What it, or one of its cells, is called among others."""
        name = sample or self.view.head.sample_name
        return f"{name}, {self.when}" if self.when else name


@dataclass(frozen=True)
class CursorCurve:
    """Points that the cursor snaps to, in the plot's own coordinates; `text` tells of the point with an index."""

    plot: Item
    x: np.ndarray
    y: np.ndarray
    text: Callable[[int], str]


class PlotPane(QWidget):
    """A subclass has `title`, `key`, `streams` (what it draws from), and fills `build`, `draw`, `restyle`.

    `draw` brings the picture up to date with `self.shown`; it is called for the visible pane only.
    """

    title = ""
    key = ""
    streams: Collection[str] = ()
    messaged = pyqtSignal(str, str)  # level, text

    def __init__(self) -> None:
        super().__init__()
        self.theme: Theme = LIGHT
        self.shown: list[ShownRun] = []
        self.analyses: dict[str, Analysis] = {}
        self.plots: list[Item] = []
        self.cursor_curves: list[CursorCurve] = []
        self._long: list[LongCurve] = []
        self._stale = True
        self.setObjectName(f"plot_{self.key}")
        self.setAccessibleName(f"{self.title} plot")
        self.canvas = pg.GraphicsLayoutWidget()
        self.canvas.setObjectName(f"canvas_{self.key}")
        self.canvas.setAccessibleName(f"{self.title} graph")
        self.canvas.setFrameShape(QFrame.Shape.NoFrame)
        self.canvas.ci.layout.setContentsMargins(8, 8, 14, 6)
        self._bar = FlowLayout()
        self._bar.setContentsMargins(8, 5, 8, 0)
        self._choices = 0
        self._lay_out()
        self._mouse = pg.SignalProxy(self.canvas.scene().sigMouseMoved, rateLimit=30, slot=self._moved)
        self.build()
        self._hint = Hint(self.plots[0])
        for plot in self.plots:
            plot.hideButtons()
            plot.getViewBox().sigRangeChangedManually.connect(self._stop_following)

    # ------------------------------------------------------------ for the subclasses
    def build(self) -> None:
        raise NotImplementedError

    def draw(self) -> None:
        raise NotImplementedError

    def restyle(self) -> None:
        raise NotImplementedError

    def exported(self) -> list[ShownCurve]:
        """The numbers behind the picture."""
        raise NotImplementedError

    def has_data(self, run: RunView) -> bool:
        return any(run.table(name).size for name in self.streams)

    def add_plot(self, row: int = 0, axes: dict[str, PlainAxis] | None = None, **labels: str) -> Item:
        chosen = {side: PlainAxis(side) for side in ("left", "bottom")} | (axes or {})
        plot = self.canvas.addPlot(row=row, col=0, axisItems=chosen)
        plot.getViewBox().setDefaultPadding(0.05)
        for side, text in labels.items():
            plot.setLabel(side, text)
        self.plots.append(plot)
        return plot

    def add_long(self, plot: Item, name: str = "", view: Item | None = None) -> LongCurve:
        """A curve of any length, shown after `draw` and `fit_ranges`."""
        self._long.append(LongCurve(plot, name, view))
        return self._long[-1]

    def label(self, plot: Item, side: str, text: str) -> None:
        """Setting an axis' label lays the plot out anew, so only where it says something else."""
        if plot.getAxis(side).labelText != text:
            plot.setLabel(side, text)

    def add_choice(self, name: str, choices: Sequence[str]) -> QComboBox:
        """A combo box among the tools: units, normalisation; the plot is drawn anew when it changes."""
        box = QComboBox()
        box.addItems(list(choices))
        box.setAccessibleName(name)
        box.setToolTip(name)
        box.currentIndexChanged.connect(self._chosen)
        self._bar.insert(self._choices, box)
        self._choices += 1
        return box

    # ------------------------------------------------------------ from the window
    def set_runs(self, shown: Sequence[ShownRun]) -> None:
        """The ticked runs that have something for this plot."""
        self.shown = [one for one in shown if self.has_data(one.view)]
        self.refresh()

    def set_analysis(self, run_id: str, analysis: Analysis) -> None:
        self.analyses[run_id] = analysis
        if any(one.view.head.id == run_id for one in self.shown):
            self.refresh()

    def refresh(self) -> None:
        """Draw now if it can be seen, else when it is."""
        self._stale = True
        if self.isVisible():
            self._draw_now()

    def set_theme(self, theme: Theme) -> None:
        self.theme = theme
        self.canvas.setBackground(theme.plot)
        ink = QColor(theme.text)
        for plot in self.plots:
            for side in SIDES:
                axis = plot.getAxis(side)
                axis.setPen(pg.mkPen(theme.muted, width=1))
                axis.setTickPen(pg.mkPen(theme.muted, width=1))
                axis.setTextPen(ink)
            if plot.legend is not None:
                ground = QColor(theme.plot)
                ground.setAlpha(205)
                plot.legend.setBrush(pg.mkBrush(ground))
                plot.legend.setLabelTextColor(ink)
        self._set_grid()
        self.restyle()
        self._ink_legends()

    def fit(self) -> None:
        """Show all, and follow from now on."""
        self.fit_ranges()
        with QSignalBlocker(self.following):
            self.following.setChecked(True)

    def fit_ranges(self) -> None:
        for plot in self.plots:
            plot.enableAutoRange()

    def export(self, target: Path) -> None:
        """PNG, SVG or CSV by the file's ending. Raises BadInput, StorageError."""
        if self._stale:
            self._draw_now()
        kind = target.suffix.lower()
        if kind == ".png":
            write_png(self.canvas, QColor(self.theme.plot), target, self.title)
        elif kind == ".svg":
            write_svg(self.canvas, target)
        elif kind == ".csv":
            write_csv(self.exported(), target)
        else:
            raise BadInput(f"{kind or 'no ending'} is no kind of file that a plot can be", allowed=".png, .svg, .csv")

    def copy(self) -> None:
        """The picture, and for who pastes text the numbers."""
        if self._stale:
            self._draw_now()
        clipboard = QApplication.clipboard()
        if clipboard is not None:
            data = QMimeData()
            data.setImageData(as_image(self.canvas, QColor(self.theme.plot)))
            data.setText(csv_text(self.exported(), "\t"))
            clipboard.setMimeData(data)

    # ------------------------------------------------------------ its own
    def _lay_out(self) -> None:
        self.following = self.add_tool("Follow", "F", "Keep all in view while it grows; zooming or panning ends it (F)")
        self._fit_button = self.add_tool("Fit all", "A", "Show all (A)", checkable=False)
        self.grid = self.add_tool("Grid", "G", "Grid lines (G)")
        self.cursor_tool = self.add_tool("Cursor", "C", "Read the nearest point (C)")
        self.legend_tool = self.add_tool("Legend", "L", "Names of the curves; a click on one hides its curve (L)")
        self.copy_button = self.add_tool(
            "Copy", "Ctrl+C", "Picture and numbers to the clipboard (Ctrl+C)", checkable=False
        )
        self.export_button = self.add_tool("Export…", "", "Save picture or numbers (Ctrl+E)", checkable=False)
        self.readout = QLabel("")
        self.readout.setProperty("look", "mono")
        self.readout.setObjectName(f"readout_{self.key}")
        self.readout.setAccessibleName(f"{self.title} cursor")
        self.readout.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.readout.setContentsMargins(10, 0, 10, 3)
        self.readout.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(self._bar)
        column.addWidget(self.canvas, 1)
        column.addWidget(self.readout)
        self.following.toggled.connect(self._follow_toggled)
        self._fit_button.clicked.connect(self.fit)
        self.grid.toggled.connect(self._set_grid)
        self.cursor_tool.toggled.connect(self._cursor_toggled)
        self.legend_tool.toggled.connect(self._legend_toggled)
        self.copy_button.clicked.connect(self.copy)

    def add_tool(
        self, text: str, key: str, tip: str, *, checkable: bool = True, checked: bool | None = None
    ) -> QToolButton:
        """A button among the tools. One that can be switched is on unless `checked` says otherwise."""
        button = QToolButton()
        button.setText(text)
        button.setObjectName("plain")
        button.setCheckable(checkable)
        button.setChecked(checkable if checked is None else checked)
        button.setToolTip(tip)
        button.setAccessibleName(f"{text} ({self.title})")
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        if key:
            shortcut = QShortcut(QKeySequence(key), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(button.click)
        self._bar.insert(self._bar.count(), button)
        return button

    def _draw_now(self) -> None:
        self._stale = False
        self.cursor_curves = []
        self.draw()
        if self.following.isChecked():
            self.fit_ranges()
        for curve in self._long:
            curve.show_taken()
        self._hint.show(ticked=bool(self.shown), drawn=bool(self.cursor_curves), theme=self.theme)

    def _ink_legends(self) -> None:
        """Setting the text colour of a legend leaves the labels that are there already as they were."""
        for plot in self.plots:
            if plot.legend is not None:
                for _, label in plot.legend.items:
                    label.setText(label.text, color=QColor(self.theme.text))

    def _chosen(self, *_: object) -> None:
        self.refresh()
        self.fit()

    def _follow_toggled(self, on: bool) -> None:
        if on:
            self.fit_ranges()
        else:
            self._freeze()

    def _stop_following(self, *_: object) -> None:
        self.following.setChecked(False)

    def _freeze(self) -> None:
        for plot in self.plots:
            plot.disableAutoRange()

    def _set_grid(self, *_: object) -> None:
        on = self.grid.isChecked()
        for plot in self.plots:
            plot.showGrid(x=on, y=on, alpha=0.14)
            for side in SECOND_SIDES:  # a grid of theirs would lie between the lines of the first
                plot.getAxis(side).setGrid(False)

    def _legend_toggled(self, on: bool) -> None:
        for plot in self.plots:
            if plot.legend is not None:
                plot.legend.setVisible(on)

    def _cursor_toggled(self, on: bool) -> None:
        if not on:
            self.readout.setText("")

    def _moved(self, event: tuple[object, ...]) -> None:
        if not self.cursor_tool.isChecked():
            return
        for plot in self.plots:
            if plot.sceneBoundingRect().contains(event[0]):
                at = plot.getViewBox().mapSceneToView(event[0])
                self.readout.setText(self.nearest(plot, at.x(), at.y()))
                return

    def nearest(self, plot: Item, x: float, y: float) -> str:
        """What stands at the point next to (x, y), measured in pixels; empty when none is near."""
        width, height = plot.getViewBox().viewPixelSize()
        if not width or not height:  # a plot that has just been made has no size yet
            return ""
        best, text = float(CURSOR_PX), ""
        for curve in self.cursor_curves:
            if curve.plot is not plot or not len(curve.x):
                continue
            away = np.hypot((curve.x - x) / width, (curve.y - y) / height)
            if np.isnan(away).all():
                continue
            index = int(np.nanargmin(away))
            if away[index] < best:
                best, text = float(away[index]), curve.text(index)
        return text

    # ------------------------------------------------------------ Qt's
    def showEvent(self, a0: QShowEvent | None) -> None:
        super().showEvent(a0)
        if self._stale:
            self._draw_now()
