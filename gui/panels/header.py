"""The bar on top: state, run, step, progress, and what may be asked of a run. STOP is always there."""

from __future__ import annotations

from datetime import datetime, timedelta

from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtWidgets import QHBoxLayout, QProgressBar, QToolBar, QVBoxLayout, QWidget

from daq.clock import wall_unix
from gui.model.bench_status import BenchStatus
from gui.model.procedure_form import title_of
from gui.panels.small import ElidedLabel, button, label, set_look
from gui.words import span

PILLS = {
    "away": ("NO BENCH", ""),
    "connecting": ("CONNECTING", ""),
    "idle": ("IDLE", ""),
    "running": ("RUNNING", "good"),
    "paused": ("PAUSED", "warn"),
    "waiting": ("WAITING", "warn"),
    "stopping": ("STOPPING", "bad"),
}


class Header(QToolBar):
    stop_asked = pyqtSignal()
    pause_asked = pyqtSignal(bool)
    skip_asked = pyqtSignal()

    def __init__(self) -> None:
        super().__init__("Run")
        self.setObjectName("runBar")
        self.setMovable(False)
        self.setFloatable(False)
        inner = QWidget()
        row = QHBoxLayout(inner)
        row.setContentsMargins(12, 7, 12, 7)
        row.setSpacing(12)
        self.pill = label("NO BENCH", name="pill")
        row.addWidget(self.pill, 0, Qt.AlignmentFlag.AlignVCenter)
        texts = QVBoxLayout()
        texts.setSpacing(2)
        self.title = ElidedLabel("head", "runTitle")
        self.step = ElidedLabel("muted", "runStep")
        for one in (self.title, self.step):
            texts.addWidget(one)
        row.addLayout(texts, 3)
        side = QVBoxLayout()
        side.setSpacing(4)
        side.setContentsMargins(0, 0, 0, 0)
        self.ends = label("", "muted", "runEnds")
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setRange(0, 1000)
        self.progress.setAccessibleName("Progress of the run")
        side.addWidget(self.ends)
        side.addWidget(self.progress)
        self._side = QWidget()
        self._side.setLayout(side)
        row.addWidget(self._side, 2)
        self.skip = button("Skip step", "Leave this step in order, keep what was measured, go on (Ctrl+K)")
        self.pause = button("Pause after step", "Hold before the next step; the cell is open meanwhile (Ctrl+P)")
        self.stop = button("■  STOP", "Stop the run and make the bench safe (F12)", "stop", "stop")
        self.stop.setMinimumWidth(132)
        for one in (self.skip, self.pause, self.stop):
            row.addWidget(one)
        self.addWidget(inner)
        self.skip.clicked.connect(self.skip_asked)
        self.pause.clicked.connect(self._pause)
        self.stop.clicked.connect(self.stop_asked)
        self._paused = False
        self.show_status(BenchStatus("away"))

    def _pause(self) -> None:
        self.pause_asked.emit(not self._paused)

    def show_status(self, status: BenchStatus) -> None:
        word, tone = PILLS[status.state]
        self.pill.setText(word)
        set_look(self.pill, "tone", tone)
        self._paused = status.state == "paused"
        self.pause.setText("Go on" if self._paused else "Pause after step")
        self.pause.setEnabled(status.state in ("running", "paused", "waiting"))
        self.skip.setEnabled(status.state == "running")
        self._show_run(status)

    def _show_run(self, status: BenchStatus) -> None:
        run = status.run
        self._side.setVisible(run is not None)
        if run is None:
            self.title.setText(status.bench or "No bench")
            self.step.setText(status.problem or status.safe or "Nothing is running")
            self.ends.setText("")
            self.progress.setValue(0)
            return
        self.title.setText(f"{title_of(run.procedure)} · {run.sample}")
        text = f": {run.text}" if run.text and run.text != run.title else ""
        self.step.setText(f"Step {run.step} of {run.steps}: {run.title}{text}")
        self.progress.setValue(round(1000 * run.share))
        self.ends.setText(f"{100 * run.share:.0f} %" + _ending(run.remaining_s, status.speed))


def _ending(remaining_s: float | None, speed: float) -> str:
    """Bench time that is left; by the clock on the wall it is sooner on a bench that runs faster."""
    if remaining_s is None:
        return ""
    ends = datetime.fromtimestamp(wall_unix()) + timedelta(seconds=remaining_s / max(speed, 1e-9))
    days = (ends.date() - datetime.fromtimestamp(wall_unix()).date()).days
    when = f"{ends:%H:%M}" if days == 0 else f"{ends:%a %H:%M}" if days < 7 else f"{ends:%d %b}"
    return f"  ·  {span(remaining_s)} left  ·  ends {when}"
