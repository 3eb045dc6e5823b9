"""The runs that the window holds: read from disk on first sight, analysed as they grow."""

from __future__ import annotations

from pathlib import Path

from PyQt5.QtCore import QObject, QTimer, pyqtSignal

from daq.clock import wall_monotonic
from gui.model.analyser import SWEEP, Analyser, Analysis
from gui.model.feed import RunFeed
from gui.model.foreign import ForeignReader, is_foreign
from gui.model.run_view import Growth, RunView

LIVE_ANALYSIS_MS = 10_000
REST = 20.0  # so many times as long as an analysis took is waited before the next: a long run is not analysed all day


class Library(QObject):
    """`changed` with the run and the names of what is new in it; `analysed` with the run and its Analysis."""

    changed = pyqtSignal(object, object)  # RunView, set[str]
    opened = pyqtSignal(object)  # RunView
    analysed = pyqtSignal(object, object)  # RunView, Analysis
    failed = pyqtSignal(object, str)

    def __init__(self) -> None:
        super().__init__()
        self.views: dict[Path, RunView] = {}
        self._stale: set[Path] = set()
        self._rest_until_s: dict[Path, float] = {}
        self._feed = RunFeed()
        self._analyser = Analyser()
        self._foreign = ForeignReader()
        self._foreign.found.connect(self._read)
        self._foreign.failed.connect(self.failed)
        self._feed.grew.connect(self.take)
        self._feed.failed.connect(self.failed)
        self._analyser.found.connect(self._found)
        self._timer = QTimer(self)
        self._timer.setInterval(LIVE_ANALYSIS_MS)
        self._timer.timeout.connect(self._analyse_stale)
        self._timer.start()

    def follow(self, path: Path) -> None:
        """A run, by its folder; or a file of another program, which is read once."""
        if not is_foreign(path):
            self._feed.follow(path)
        elif path not in self.views:
            self._foreign.read(path)

    def forget(self, path: Path) -> None:
        """Lets the rows of a run go; it can be followed again."""
        self._feed.forget(path)
        self.views.pop(path, None)
        self._stale.discard(path)
        self._rest_until_s.pop(path, None)

    def close(self) -> None:
        self._timer.stop()
        self._feed.close()
        self._analyser.close()
        self._foreign.close()

    def _read(self, view: RunView, analysis: Analysis) -> None:
        self.views[view.path] = view
        self.opened.emit(view)
        self.analysed.emit(view, analysis)

    def take(self, growth: Growth) -> None:
        """What a look into a run file has found."""
        view = self.views.get(growth.path)
        new = view is None
        if view is None:
            view = self.views[growth.path] = RunView(growth.path, growth.head)
        changed = view.take(growth)
        if new:
            self.opened.emit(view)
        self.changed.emit(view, changed)
        if (
            new
            or "outcome" in changed
            or "results" in changed
            or (view.head.procedure == SWEEP and "spectra" in changed)
        ):
            self._analyser.analyse(view)
            self._stale.discard(growth.path)
        elif changed & {"voltammetry", "polarisation", "cycling", "impedance"}:
            self._stale.add(growth.path)

    def _analyse_stale(self) -> None:
        now_s = wall_monotonic()
        for path in [one for one in self._stale if now_s >= self._rest_until_s.get(one, 0.0)]:
            self._analyser.analyse(self.views[path])
            self._stale.discard(path)

    def _found(self, analysis: Analysis) -> None:
        view = self.views.get(analysis.path)
        if view is not None:
            self._rest_until_s[analysis.path] = wall_monotonic() + REST * analysis.took_s
            self.analysed.emit(view, analysis)
