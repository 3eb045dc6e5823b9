"""A rehearsal of the form's plan as a process of its own: it shares neither time nor memory with the window."""

from __future__ import annotations

import json
import re
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PyQt5.QtCore import QObject, QProcess, QProcessEnvironment, pyqtSignal

from daq.bench import BenchConfig
from daq.runfile.schema import RUN_DB
from gui.model.drafts import plan_text

STEP = re.compile(r"\[(\d+)/(\d+)\] (.*)")
LEAVES_MS = 2000


class Rehearsal(QObject):
    """`progressed` (words, share 0 to 1), `began` with the folder of a run, then `ended` with what `cellrig rehearse
    --json` tells, or `failed` with a sentence; neither comes after `cancel`. What is recorded goes with `close`."""

    progressed = pyqtSignal(str, float)
    began = pyqtSignal(object)  # Path
    ended = pyqtSignal(dict)
    failed = pyqtSignal(str)

    def __init__(self) -> None:
        super().__init__()
        self._folder: Path | None = None
        self._times = 0
        self._known: set[Path] = set()
        self._said: list[str] = []
        self._process: QProcess | None = None

    @property
    def is_going(self) -> bool:
        return self._process is not None

    def start(self, table: Mapping[str, Any], bench: BenchConfig) -> None:
        """Raises OSError where there is no room for it. One that goes on is cancelled."""
        self.cancel()
        self._times += 1
        self._known, self._said = set(), []
        plan = self._runs.parent / "plan.toml"
        self._runs.mkdir(parents=True, exist_ok=True)
        plan.write_text(plan_text(table, bench.source and bench.source.absolute()), encoding="utf-8")
        process = self._process = QProcess()
        surroundings = QProcessEnvironment.systemEnvironment()
        surroundings.insert("PYTHONUTF8", "1")
        surroundings.insert("COLUMNS", "1000")  # a line of progress stays a line
        process.setProcessEnvironment(surroundings)
        process.readyReadStandardError.connect(self._hear)
        process.finished.connect(self._finished)
        process.errorOccurred.connect(self._not_started)
        words = ["-P", "-m", "cellrig", "rehearse", str(plan), "--keep", str(self._runs), "--json"]
        process.start(sys.executable, words)

    def cancel(self) -> None:
        """What goes on is simulated in that process alone: it can be ended at any moment."""
        process, self._process = self._process, None
        if process is not None:
            process.disconnect()
            process.kill()
            process.waitForFinished(LEAVES_MS)

    def close(self) -> None:
        self.cancel()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def _runs(self) -> Path:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="cellrig-rehearsal-"))
        return self._folder / str(self._times) / "runs"

    def _hear(self) -> None:
        if self._process is None:
            return
        for line in _text(self._process.readAllStandardError()).splitlines():
            step = STEP.match(line)
            if step is not None:
                number, of, title = step.groups()
                self.progressed.emit(f"step {number} of {of}: {title}", (int(number) - 1) / int(of))
            elif line.strip():
                self._said.append(line.strip())
        self._look_for_runs()

    def _look_for_runs(self) -> None:
        for folder in sorted(one.parent for one in self._runs.glob(f"*/{RUN_DB}")):
            if folder not in self._known:
                self._known.add(folder)
                self.began.emit(folder)

    def _finished(self, *_: object) -> None:
        process = self._process
        if process is None:
            return
        self._hear()
        self._process = None
        try:
            told = json.loads(_text(process.readAllStandardOutput()))
        except ValueError:
            last = self._said[-1] if self._said else "it ended without a word"
            self.failed.emit(f"the rehearsal could not be held: {last.removeprefix('cellrig: ')}")
        else:
            self.ended.emit(told)

    def _not_started(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart and self._process is not None:
            self._process = None
            self.failed.emit(f"the rehearsal could not be held: {sys.executable} cannot be started")


def _text(raw: Any) -> str:
    return bytes(raw).decode("utf-8", errors="replace")
