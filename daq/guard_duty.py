"""What a guard does when the host is gone: lock, end what is left, open, make safe, verify, write it down."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

from daq import untold
from daq.bench import Bench, BenchConfig
from daq.bench_lock import GUARD, bench_folder, bench_lock
from daq.clock import wall_monotonic, wall_sleep
from daq.errors import BenchBusy
from daq.furnace_kept import FurnaceKept
from daq.guard_words import broken_off, write_into_run
from daq.host_note import QUEUE
from daq.interruption import is_interrupted
from daq.notifier import notifier_of
from daq.safe_first import build_again, make_safe_first
from daq.system import ProcessId, System

log = logging.getLogger(__name__)
LOCK_S = 30.0  # a dead process's lock is free at once; somebody else's is not ours to wait for
CHILDREN_S = 5.0  # a driver's own child makes its instrument safe when its pipe breaks, and ends


class Duty:
    """Built before anything happens, so that what can't be loaded is known early."""

    def __init__(self, config: BenchConfig, system: System) -> None:
        self._config = config
        self._system = system
        self._speed = config.model.bench.speed or 1.0
        self._run: Path | None = None
        self._notifier = notifier_of(config, partial(untold.keep, config))
        self._build()  # drivers are imported now, while all is well

    def act(self, why: str, children: Sequence[ProcessId]) -> None:
        """The whole duty; returns when nothing is kept any more. Raises BenchBusy when somebody else has the bench."""
        try:
            self._act(why, children)
        finally:
            self._notifier.close()

    def _act(self, why: str, children: Sequence[ProcessId]) -> None:
        self._run = broken_off(bench_folder(self._config) / QUEUE)
        began_s = wall_monotonic()
        with self._lock():
            self._system.end(children, patience_s=CHILDREN_S if children else 0.0)
            is_kept = self._first(why)
        keeping = FurnaceKept(self._config, began_s)
        while is_kept:
            wall_sleep(keeping.pause_s)
            try:
                with self._lock():
                    is_kept = self._look(keeping)
            except BenchBusy:  # a new host has come; one that only refused another run leaves the cells to us again
                is_kept = self._run is not None and is_interrupted(self._run)

    def _first(self, why: str) -> bool:
        """Make safe what nobody keeps; True when a furnace is kept for cells that a cycler runs."""
        bench = self._build()
        try:
            lines, is_kept = make_safe_first(bench, self._config.model.safety.hold_h)
            self._write([f"{why}; the guard has the bench", *lines])
            return is_kept
        finally:
            bench.close()

    def _look(self, keeping: FurnaceKept) -> bool:
        """True while the furnace is still kept."""
        bench = self._build()
        try:
            ended = keeping.look(bench, "the guard")
            if ended:
                self._write(ended)
            return not ended
        finally:
            bench.close()

    # ------------------------------------------------------------ tools
    def _build(self) -> Bench:
        return build_again(self._config)

    def _lock(self) -> AbstractContextManager[None]:
        return bench_lock(self._config, GUARD, patience_s=LOCK_S)

    def _write(self, lines: Sequence[str]) -> None:
        for line in lines:
            log.warning("%s", line)
        self._notifier.tell("guard", "\n".join(lines))
        if self._run is not None:
            write_into_run(self._run, lines, self._speed)
