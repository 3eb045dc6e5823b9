"""Which runs are on the plots: ticked rows of the table, their colours, what is read of them, and where it is drawn."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from daq.catalog import RunSummary
from gui.model.analyser import Analysis
from gui.model.bench_status import BenchStatus
from gui.model.run_view import RunView
from gui.panels.runs_model import RunRow
from gui.plots.pane import PlotPane, ShownRun
from gui.rows import rows_of

if TYPE_CHECKING:
    from gui.window import BenchWindow

FIRST_PLOT = {
    "eis-sweep": "nyquist",
    "cyclic-voltammetry": "voltammogram",
    "linear-sweep": "voltammogram",
    "galvanostatic-cycling": "capacity",
    "rate-capability": "capacity",
    "temperature-hold": "temperature",
}


class Showing:
    """`attached`: the run in progress, shown by itself. `summaries`: the runs on disk, oldest first."""

    def __init__(self, window: BenchWindow) -> None:
        self._window = window
        self._model = window.runs.model
        self._library = window.library
        self._files: list[RunRow] = []
        self.summaries: list[RunSummary] = []
        self.attached: Path | None = None
        self._model.shown_changed.connect(self._ticked)
        self._library.opened.connect(self._opened)
        self._library.changed.connect(self._grew)
        self._library.analysed.connect(self._analysed)
        self._library.failed.connect(self._unreadable)
        window.catalog.found.connect(self._catalogued)

    # ------------------------------------------------------------ rows
    def refresh_rows(self) -> None:
        status = self._window.status
        rows = rows_of(status, self.summaries, self._library.views, self._files)
        if status.run is not None:
            for row in rows:
                if row.path == status.run.path and row.key not in {one.key for one in self._model.rows}:
                    row.shown, row.colour = True, self._free_colour()
        self._window.runs.set_rows(rows, held=status.held)

    def attach(self, status: BenchStatus) -> None:
        """The run in progress is shown whole, from its file, whoever started it."""
        run = status.run
        if run is None or run.path == self.attached:
            return
        self.attached = run.path
        self._library.follow(run.path)
        self._window.catalog.look_now()
        self._show_first_plot(run.procedure)

    def add_row(self, row: RunRow) -> None:
        """Of something that lies elsewhere; shown at once."""
        if row.key not in {one.key for one in self._model.rows}:
            row.colour = self._free_colour()
            self._files.append(row)
        self.refresh_rows()
        if row.path is not None:
            self._library.follow(row.path)
        self._model.show_run(row.key, True)
        self.show()

    def remove_row(self, row: RunRow) -> None:
        self._files = [one for one in self._files if one.key != row.key]
        if row.path is not None:
            self._library.forget(row.path)
        self.refresh_rows()
        self.show()

    def _catalogued(self, runs: list[RunSummary]) -> None:
        first = not self.summaries and runs
        self.summaries = runs
        self.refresh_rows()
        if first and self._window.status.run is None:
            self._model.show_run(str(runs[-1].path), True)
        self._window.telling.offer_to_resume(self._window.status, self.summaries)

    def _ticked(self, row: RunRow) -> None:
        if row.path is None:
            return
        run = self._window.status.run
        if row.shown:
            if not row.colour or row.colour in {one.colour for one in self._model.rows if one.shown and one is not row}:
                row.colour = self._free_colour()
            self._library.follow(row.path)
        elif run is None or row.path != run.path:
            self._library.forget(row.path)
        self.show()

    def _free_colour(self) -> str:
        """One that no run has had; then one that no other on the plots has; then the one that fewest of them have."""
        had = {row.colour for row in self._model.rows}
        used = Counter(row.colour for row in self._model.rows if row.shown)
        colours = self._window.theme.categories
        least = sorted(colours, key=lambda colour: used[colour])
        return next((one for one in least if one not in had and not used[one]), least[0])

    # ------------------------------------------------------------ plots
    def show(self) -> None:
        """What is ticked, on the plots that have something to draw of it; the others' tabs are grey."""
        shown = _told_apart(
            [
                (self._library.views[row.path], row)
                for row in self._model.rows
                if row.shown and row.path is not None and row.path in self._library.views
            ]
        )
        panes, tabs = self._window.panes, self._window.tabs
        for pane in (*panes, self._window.results):
            pane.set_runs(shown)
        current = tabs.currentWidget()
        for number, pane in enumerate(panes):
            waits = any(FIRST_PLOT.get(one.view.head.procedure) == pane.key for one in shown)  # its data are to come
            tabs.setTabEnabled(number, bool(pane.shown) or waits or not shown)
        if shown and isinstance(current, PlotPane) and not tabs.isTabEnabled(panes.index(current)):
            self._show_first_plot(shown[-1].view.head.procedure)

    def _show_first_plot(self, procedure: str) -> None:
        key = FIRST_PLOT.get(procedure, "over_time")
        self._window.tabs.setCurrentIndex([pane.key for pane in self._window.panes].index(key))

    # ------------------------------------------------------------ what the library tells
    def _opened(self, view: RunView) -> None:
        if view.path == self.attached:
            self._window.instruments.fill_from(view, self._window.status)
        self._model.show_run(str(view.path), True)
        files = [row for row in self._files if row.path == view.path and row.state == "file"]
        for row in files:
            row.procedure, row.sample = view.head.procedure, view.head.sample_name
        self.show()
        pane = self._window.tabs.currentWidget()
        if files and isinstance(pane, PlotPane) and all(one.view is not view for one in pane.shown):
            self._show_first_plot(view.head.procedure)

    def _grew(self, view: RunView, changed: set[str]) -> None:
        for pane in self._window.panes:
            known = any(one.view is view for one in pane.shown)
            if known and changed & {*pane.streams, "spectra", "outcome"}:
                pane.refresh()
            elif not known and changed & set(pane.streams) and self._is_ticked(view):
                self.show()
        if "results" in changed:
            self._window.results.refresh()
        if "events" in changed and view.path == self.attached:
            self._window.telling.events(view)

    def _is_ticked(self, view: RunView) -> bool:
        return any(row.shown and row.path == view.path for row in self._model.rows)

    def _analysed(self, view: RunView, analysis: Analysis) -> None:
        for pane in (*self._window.panes, self._window.results):
            pane.set_analysis(view.head.id, analysis)

    def _unreadable(self, path: Path, text: str) -> None:
        self._window.telling.answered("error", text)
        self._model.show_run(str(path), False)
        for row in [one for one in self._files if one.path == path]:
            self.remove_row(row)


def _told_apart(ticked: list[tuple[RunView, RunRow]]) -> list[ShownRun]:
    """Two runs of one sample also by when they were begun; in the same minute, by their number."""
    names = Counter(view.head.sample_name for view, _ in ticked)
    moments: Counter[tuple[str, str]] = Counter()
    shown = []
    for view, row in ticked:
        name, when = view.head.sample_name, row.started
        moments[name, when] += 1
        if moments[name, when] > 1:
            when = f"{when} ({moments[name, when]})".strip()
        shown.append(ShownRun(view, row.colour, when if names[name] > 1 else ""))
    return shown
