"""The report of each run that has ended in a host, made in a process of its own that gives way to all others.

What makes it is found by entry point, group `cellrig.reports`: a module that is run with the run's folder as its one
word, and prints the page that it wrote. A report that can't be made is a line in the host's log: the run stands.
"""

from __future__ import annotations

import logging
import subprocess
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path

from daq import plugins
from daq.clock import wall_monotonic
from daq.system import System

log = logging.getLogger(__name__)
LONGEST_S = 600.0  # of one report; one of 4 million rows takes 10 s
PATIENCE_S = 120.0  # of a host that has to end while one is made


def installed() -> list[str]:
    """The modules that make a report."""
    return [plugins.module(plugins.REPORTS, name) for name in plugins.names(plugins.REPORTS)]


class RunReports:
    """`make` returns at once. One at a time: a queue of short runs must not fill the computer with them.

    `on_made(page)` is called in a thread of its own.
    """

    def __init__(self, programs: Callable[[], list[str]] = installed, longest_s: float = LONGEST_S) -> None:
        self._programs = programs
        self._longest_s = longest_s
        self._system = System()
        self._news = threading.Condition()
        self._waiting: deque[tuple[Path, Callable[[Path], None]]] = deque()
        self._closing = False
        self._child: subprocess.Popen[str] | None = None
        self._thread: threading.Thread | None = None

    def make(self, run: Path, on_made: Callable[[Path], None] = lambda page: None) -> None:
        """The report of the run in this folder, after those that were asked for before."""
        with self._news:
            self._waiting.append((run, on_made))
            self._news.notify_all()
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="reports", daemon=True)
                self._thread.start()

    @property
    def pid(self) -> int | None:
        """Of the process that makes one now. It owns no instrument: a guard need not wait for its end."""
        child = self._child
        return child.pid if child is not None else None

    def close(self, patience_s: float = PATIENCE_S) -> None:
        """Finish what was asked for, but end what is not done in time; `cellrig report` makes it later."""
        with self._news:
            self._closing = True
            self._news.notify_all()
            thread = self._thread
        if thread is None:
            return
        thread.join(patience_s)
        if thread.is_alive():
            with self._news:
                left = [run for run, _ in self._waiting]
                self._waiting.clear()
                if self._child is not None:
                    self._child.kill()
            log.warning("not all reports are made; still to do: %s", ", ".join(map(str, left)) or "the last one")
            thread.join(PATIENCE_S)

    def _work(self) -> None:
        while True:
            with self._news:
                while not self._waiting and not self._closing:
                    self._news.wait()
                if not self._waiting:
                    return
                run, on_made = self._waiting.popleft()
            for program in self._programs():
                page = self._made(program, run)
                if page is not None:
                    on_made(page)

    def _made(self, program: str, run: Path) -> Path | None:
        began_s = wall_monotonic()
        try:
            child = self._system.start_aside(["-m", program, str(run)])
        except OSError as error:
            log.warning("no report of %s: %s", run, error)
            return None
        with child:
            with self._news:
                self._child = child
            try:
                said, complained = child.communicate(timeout=self._longest_s)
            except subprocess.TimeoutExpired:
                child.kill()
                said, complained = child.communicate()
            with self._news:
                self._child = None
        if child.returncode != 0:
            why = (complained.strip().splitlines() or [f"ended with {child.returncode}"])[-1]
            log.warning("no report of %s after %.0f s: %s", run, wall_monotonic() - began_s, why)
            return None
        return Path(said.strip())
