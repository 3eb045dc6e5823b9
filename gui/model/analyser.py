"""The analysis of a run as it goes, in a thread of its own: the same functions that end a run, on what is there."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from PyQt5.QtCore import QObject, QThread, QTimer, pyqtSignal, pyqtSlot

from daq.clock import wall_monotonic
from daq.contracts import Result
from daq.errors import AnalysisRefused, CellrigError
from daq.plan import build_procedure
from daq.sample import samples_of
from gui.model.held_run import HeldRun
from gui.model.run_view import RunView
from procedures.analysis.capacity import HalfCycles, integrate_cycling
from procedures.analysis.sweep import SweepAnalysis
from procedures.eis_spectra import analyse_spectra, load_spectra
from procedures.sample_geometry import geometry_of

log = logging.getLogger(__name__)
SWEEP = "eis-sweep"
CYCLING = "cycling"


@dataclass(frozen=True, eq=False)
class Analysis:
    """`sweep` has fits and lines, for an impedance sweep; `halves` of each cell that was cycled the half cycles and
    the active mass in mg; `problem` says why there is nothing."""

    path: Path
    results: Sequence[Result] = ()
    sweep: SweepAnalysis | None = None
    halves: Mapping[str, tuple[HalfCycles, float | None]] = field(default_factory=dict)
    problem: str = ""
    took_s: float = 0.0


class Analyser(QObject):
    """Ask with `analyse`; asked again for the same run while it waits, it is done once, on what is there by then."""

    found = pyqtSignal(object)  # Analysis
    _asked = pyqtSignal(object)  # HeldRun
    _close = pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self._waiting: dict[Path, HeldRun] = {}
        self._asked.connect(self._enqueue)
        self._close.connect(self._leave)
        self._thread = QThread()
        self._thread.setObjectName("analysis")
        self.moveToThread(self._thread)
        self._thread.start(QThread.Priority.LowPriority)

    def analyse(self, view: RunView) -> None:
        self._asked.emit(HeldRun.of(view))

    def close(self) -> None:
        if self._thread.isRunning():
            self._close.emit()
            self._thread.wait(10_000)

    @pyqtSlot()
    def _leave(self) -> None:
        self._waiting.clear()
        self._thread.quit()

    @pyqtSlot(object)
    def _enqueue(self, run: HeldRun) -> None:
        if not self._waiting:
            QTimer.singleShot(0, self._next)
        self._waiting[run.path] = run

    @pyqtSlot()
    def _next(self) -> None:
        if not self._waiting:
            return
        path, run = next(iter(self._waiting.items()))
        began_s = wall_monotonic()
        analysis = analysis_of(run)
        self.found.emit(replace(analysis, took_s=wall_monotonic() - began_s))
        del self._waiting[path]
        if self._waiting:
            QTimer.singleShot(0, self._next)


def analysis_of(run: HeldRun) -> Analysis:
    """Never raises for a run that can't be analysed yet: it says so."""
    path = run.path
    try:
        if run.procedure == SWEEP:
            sweep = _sweep_of(run)
            return Analysis(path, sweep.results, sweep)
        procedure = build_procedure(run.procedure, run.parameters, str(path))
        return Analysis(path, procedure.analyse(run), halves=_halves_of(run))
    except (CellrigError, OSError) as error:
        return Analysis(path, problem=str(error))
    except Exception as error:  # an analysis of half a run must not take the window's thread with it
        log.exception("the analysis of %s failed", path)
        return Analysis(path, problem=f"the analysis failed: {error!r}")


def _sweep_of(run: HeldRun) -> SweepAnalysis:
    geometries = {one.label: geometry_of(one) for one in samples_of(run.sample)}
    known = {label: one for label, one in geometries.items() if one is not None}
    convention = "ln sigma T" if run.parameters.get("convention") == "ln sigma T" else "ln sigma"
    return analyse_spectra(run, load_spectra(run), known, convention)


def _halves_of(run: HeldRun) -> dict[str, tuple[HalfCycles, float | None]]:
    if CYCLING not in run.tables:
        return {}
    rows = run.table(CYCLING)
    masses = {one.label: one.active.mass_mg if one.active is not None else None for one in samples_of(run.sample)}
    found = {}
    for name in dict.fromkeys(rows["sample"].tolist()):
        mine = rows["sample"] == name
        with suppress(AnalysisRefused):
            halves = integrate_cycling({column: values[mine] for column, values in rows.items()})
            found[str(name)] = (halves, masses.get(str(name)))
    return found
