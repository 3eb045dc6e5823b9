"""A run's folder, looked at while it is written: room on its disk (a warning first, then an end while the file can
still be closed), and what somebody deleted there.

It looks by the wall's time, in a thread of its own, so that a bench in virtual time runs the same with and without.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from daq.clock import wall_monotonic
from daq.contracts import Level
from daq.disk import STOP_BYTES, WARN_BYTES, free_bytes
from daq.disk_forecast import DiskForecast, in_words
from daq.errors import BadInput, CellrigError, StorageError
from daq.runfile.owner import LOCK
from daq.runfile.schema import RUN_DB

log = logging.getLogger(__name__)
LOOK_S = 0.5  # a disk takes 100 MB/s: what another program writes in this time is less than the warning leaves
MB = 1e6
AGAIN = 0.5  # a forecast is told anew when it has come down to this share of what was told
CLEAR = 1.5  # and taken back when the disk lasts so many times as long as the run


class DiskWatch:
    """Watches the disk of one run's folder from `start` to `stop`.

    `tell(source, level, text)` writes an event, `break_off(error)` ends the run safely; both are called in the
    watch's own thread, `break_off` once at most. `remaining_s()` is how long the run will still take, in the wall's
    seconds, None while that is not known. `keep_lock()` puts the run's lock back where it was deleted, and says so.
    """

    def __init__(
        self,
        folder: Path,
        tell: Callable[[str, Level, str], None],
        break_off: Callable[[CellrigError], None],
        free: Callable[[Path], int] = free_bytes,
        remaining_s: Callable[[], float | None] = lambda: None,
        now_s: Callable[[], float] = wall_monotonic,
        keep_lock: Callable[[], bool] = lambda: False,
    ) -> None:
        self._folder = folder
        self._tell = tell
        self._break_off = break_off
        self._free = free
        self._remaining_s = remaining_s
        self._now_s = now_s
        self._keep_lock = keep_lock
        self._forecast = DiskForecast()
        self._foretold_s: float | None = None
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
        if self._keep_lock():
            text = f"somebody deleted {LOCK} while the run was written; it was put back, and nothing is lost"
            self._tell("disk", "warning", f"{text}. Leave it where it is: it keeps a second process out of the run")
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
        self._foretell(free)
        return False

    @property
    def full_in_s(self) -> float | None:
        """Wall seconds until the disk is full, at the rate at which it fills now; None when it does not."""
        return self._forecast.full_in_s

    @property
    def words(self) -> str:
        """The same for a person, when it matters; else empty."""
        return in_words(self.full_in_s, self._remaining_s())

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

    def _foretell(self, free: int) -> None:
        """Early, while there is time to make room: the disk would be full before the run is over."""
        self._forecast.feed(self._now_s(), free)
        full_s, left_s = self._forecast.full_in_s, self._remaining_s()
        if full_s is not None and left_s is not None and full_s < left_s:
            if self._foretold_s is None or full_s < AGAIN * self._foretold_s:
                self._foretold_s = full_s
                rate = self._forecast.bytes_per_s * 3600 / MB
                text = f"the disk fills by {rate:.3g} MB an hour: it is full in {full_s / 3600:.1f} h, and the run has "
                self._tell("disk", "warning", f"{text}{left_s / 3600:.1f} h to go; it would end safely then. Make room")
        elif self._foretold_s is not None and left_s is not None and (full_s is None or full_s > CLEAR * left_s):
            self._foretold_s = None
            self._tell("disk", "info", "at its present rate the disk lasts until the run is over")

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
