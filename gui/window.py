"""The bench window: bar on top, instruments left, new run right, queue, runs and log below, plots in the middle."""

from __future__ import annotations

from pathlib import Path

from PyQt5.QtCore import QSettings, Qt, QTimer
from PyQt5.QtGui import QCloseEvent, QShowEvent
from PyQt5.QtWidgets import (
    QMainWindow,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from daq.errors import CellrigError
from gui.dialogs import ask_to_open, ask_to_save
from gui.dropping import Dropping
from gui.filling import Filling
from gui.layout import Panels, lay_out, make_docks
from gui.looks import Looks
from gui.menus import KEYS, add_shortcuts, fill_menus
from gui.model.bench_status import BenchStatus
from gui.model.catalog_feed import CatalogFeed
from gui.model.library import Library
from gui.model.link import BenchLink
from gui.panels.banner import AlertBar, Banner
from gui.panels.header import Header
from gui.panels.instruments import InstrumentsPanel
from gui.panels.log import LogPanel
from gui.panels.new_run import NewRunPanel
from gui.panels.results import ResultsPane
from gui.panels.runs import RunsPanel
from gui.panels.runs_model import RunRow
from gui.plots.arrhenius import ArrheniusPane
from gui.plots.bode import BodePane
from gui.plots.capacity import CapacityPane
from gui.plots.nyquist import NyquistPane
from gui.plots.over_time import OverTimePane
from gui.plots.pane import PlotPane
from gui.plots.profiles import ProfilesPane
from gui.plots.temperature import TemperaturePane
from gui.plots.voltammogram import VoltammogramPane
from gui.rehearsing import Rehearsing
from gui.row_actions import RowActions
from gui.screens import Screens
from gui.showing import Showing
from gui.telling import Telling
from gui.theme import Theme

PLOTS = (
    NyquistPane,
    BodePane,
    TemperaturePane,
    ArrheniusPane,
    VoltammogramPane,
    OverTimePane,
    ProfilesPane,
    CapacityPane,
)


class BenchWindow(QMainWindow):
    """Everything it shows comes from run files and from the bench's own words; closing it touches no run."""

    def __init__(self, link: BenchLink, runs: Path, settings: QSettings | None = None) -> None:
        super().__init__()
        self.setWindowTitle("cellrig")
        self.setObjectName("benchWindow")
        self.looks = Looks(self, settings)
        self.runs_folder = runs.absolute()  # as the bench names the run in progress, which is told once
        self.link = link
        self.status = BenchStatus("away")
        self.library = Library()
        self.catalog = CatalogFeed(self.runs_folder)
        self._build()
        self.telling = Telling(self)
        self.showing = Showing(self)
        self.screens = Screens(self)
        self.rehearsing = Rehearsing(self)
        self.filling = Filling(self)
        self.dropping = Dropping(self)
        self.actions_of_rows = RowActions(self)
        self._connect()
        fill_menus(self)
        add_shortcuts(self)
        self.looks.apply_kept()
        if link.bench is not None:
            self.new_run.set_bench(link.bench)
        link.open()
        self.catalog.start()

    # ------------------------------------------------------------ building
    def _build(self) -> None:
        self.header = Header()
        self.addToolBar(Qt.ToolBarArea.TopToolBarArea, self.header)
        toggle = self.header.toggleViewAction()
        if toggle is not None:
            toggle.setEnabled(False)
        self.alerts = AlertBar()
        self.notes = AlertBar("notes", "warn-box", "")
        self.banner = Banner()
        self.panes: list[PlotPane] = [kind() for kind in PLOTS]
        self.results = ResultsPane()
        self.tabs = QTabWidget()
        self.tabs.setObjectName("plots")
        self.tabs.setAccessibleName("Plots")
        bar = self.tabs.tabBar()
        if bar is not None:
            bar.setAccessibleName("Plots")
        for pane in (*self.panes, self.results):
            self.tabs.addTab(pane, pane.title)
        centre = QWidget()
        column = QVBoxLayout(centre)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.alerts)
        column.addWidget(self.notes)
        column.addWidget(self.banner)
        column.addWidget(self.tabs, 1)
        self.setCentralWidget(centre)
        self.instruments = InstrumentsPanel()
        self.new_run = NewRunPanel()
        self.runs = RunsPanel()
        self.log = LogPanel()
        self.docks = make_docks(
            self,
            Panels(instruments=self.instruments, new_run=self.new_run, runs=self.runs, log=self.log),
        )

    def _connect(self) -> None:
        self.link.status.connect(self.show_status)
        self.link.answered.connect(self.telling.answered)
        self.header.stop_asked.connect(self.stop)
        self.header.pause_asked.connect(lambda on: self.link.ask("pause", on=on))
        self.header.skip_asked.connect(lambda: self.link.ask("skip"))
        self.instruments.manual_asked.connect(self._manual)
        self.instruments.connect_asked.connect(lambda name, on: self.link.ask("connect", instrument=name, on=on))
        self.new_run.submitted.connect(lambda table: self.link.ask("submit", plan=table))
        self.new_run.save_asked.connect(self.filling.save_plan)
        self.runs.asked.connect(self._asked)
        self.runs.load_asked.connect(self.load_data)
        self.catalog.failed.connect(lambda text: self.log.say("warning", text))
        for pane in self.panes:
            pane.export_button.clicked.connect(self.export_plot)

    # ------------------------------------------------------------ what the bench says
    def show_status(self, status: BenchStatus) -> None:
        before, self.status = self.status, status
        self.header.show_status(status)
        self.instruments.show_status(status)
        self.new_run.show_status(status)
        if status.problem and status.problem != before.problem:
            levels = {"away": "warning", "connecting": "info"}
            self.log.say(levels.get(status.state, "error"), status.problem)
            if status.is_there:
                self.banner.tell(status.problem, "bad-box")
        self.telling.alerts(status)
        self.notes.show_alerts(status.notes)
        self.showing.attach(status)
        if status.state != before.state:
            self.telling.offer_to_resume(self.status, self.showing.summaries)
        self.showing.refresh_rows()

    # ------------------------------------------------------------ what a person asks
    def stop(self) -> None:
        self.log.say("warning", "STOP was pressed")
        self.link.ask("stop")

    def make_safe(self) -> None:
        self.log.say("warning", "make safe now was asked for")
        self.link.ask("make_safe")

    def hold(self) -> None:
        self.link.ask("hold", on=not self.status.held)

    def _manual(self, name: str, command: dict[str, object]) -> None:
        self.link.ask("manual", instrument=name, command=command)

    def _asked(self, what: str, row: RunRow | None) -> None:
        if what == "hold":
            self.hold()
        elif row is not None:
            self.actions_of_rows.do(what, row)

    def load_data(self) -> None:
        take = self.actions_of_rows.load_file
        ask_to_open(self, "Compare with a run or a data file", str(self.runs_folder), "", take, several=True)

    def export_plot(self) -> None:
        pane = self.tabs.currentWidget()
        if isinstance(pane, PlotPane):
            kinds = "PNG (*.png);;SVG (*.svg);;CSV (*.csv)"
            ask_to_save(self, "Export plot", f"{pane.key}.png", kinds, lambda target: self.export_to(pane, target))

    def export_to(self, pane: PlotPane, target: Path) -> None:
        try:
            pane.export(target)
        except CellrigError as error:
            self.telling.answered("error", str(error))
        else:
            self.log.say("info", f"{pane.title} was written to {target}")

    # ------------------------------------------------------------ Qt's
    @property
    def theme(self) -> Theme:
        return self.looks.theme

    def set_theme(self, theme: Theme) -> None:
        self.looks.set_theme(theme)

    def lay_out_docks(self) -> None:
        lay_out(self, self.docks)

    def show_keys(self) -> None:
        self.banner.tell(KEYS, "good-box")

    def showEvent(self, a0: QShowEvent | None) -> None:
        super().showEvent(a0)
        QTimer.singleShot(0, self.lay_out_docks)

    def closeEvent(self, a0: QCloseEvent | None) -> None:
        """Runs belong to the bench, not to the window: they go on."""
        self.rehearsing.close()
        self.link.close()
        self.library.close()
        self.catalog.close()
        super().closeEvent(a0)
