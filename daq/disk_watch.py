"""Room on disk, looked at while a run is written: a warning first, then an end while its file can still be closed.

It looks by the wall's time, in a thread of its own, so that a bench in virtual time runs the same with and without.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from daq.contracts import Level
from daq.disk import STOP_BYTES, WARN_BYTES, free_bytes
from daq.errors import BadInput, CellrigError, StorageError
from daq.runfile.schema import RUN_DB

log = logging.getLogger(__name__)
LOOK_S = 0.5  # a disk takes 100 MB/s: what another program writes in this time is less than the warning leaves
MB = 1e6


class DiskWatch:
    """Watches the disk of one run's folder from `start` to `stop`.

    `tell(source, level, text)` writes an event, `break_off(error)` ends the run safely; both are called in the
    watch's own thread, `break_off` once at most.
    """

    def __init__(
        self,
        folder: Path,
        tell: Callable[[str, Level, str], None],
        break_off: Callable[[CellrigError], None],
        free: Callable[[Path], int] = free_bytes,
    ) -> None:
        self._folder = folder
        self._tell = tell
        self._break_off = break_off
        self._free = free
        self._warn_below = WARN_BYTES
        self._warned = False
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="disk watch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def look(self) -> bool:
        """One look; True when the run had to be broken off."""
        if not (self._folder / RUN_DB).exists():
            return self._end(
                f"{self._folder / RUN_DB} is gone: somebody removed or renamed it while the run was written. "
                "The run was ended safely; what was measured since is lost"
            )
        try:
            free = self._free(self._folder)
        except BadInput as error:
            return self._end(f"the disk of the run can't be reached any more: {error}; the run was ended safely")
        if free < STOP_BYTES:
            return self._end(
                f"the disk of {self._folder} is almost full ({free / MB:.1f} MB free, the run needs "
                f"{STOP_BYTES / MB:.0f} MB to end in order); the run was ended safely with its file whole. "
                "Free some space and resume it"
            )
        self._warn(free)
        return False

    def _warn(self, free: int) -> None:
        """Below the mark once, then again at each half of it; and once when there is room again."""
        if free < self._warn_below:
            self._warned = True
            self._warn_below = free // 2
            text = f"only {free / MB:.0f} MB are free on the disk; the run ends safely below {STOP_BYTES / MB:.0f} MB"
            self._tell("disk", "warning", text)
        elif self._warned and free > 2 * WARN_BYTES:
            self._warned = False
            self._warn_below = WARN_BYTES
            self._tell("disk", "info", f"there is room on the disk again: {free / MB:.0f} MB")

    def _end(self, why: str) -> bool:
        self._break_off(StorageError(why))
        return True

    def _watch(self) -> None:
        while True:
            try:
                if self.look():
                    return
            except Exception:  # the watch is a help: a bug in it must not take the run along
                log.exception("the disk could not be looked at")
            if self._ended.wait(LOOK_S):
                return
