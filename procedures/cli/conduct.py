"""A run under the eyes of a person: the engine in a thread of its own, display and Ctrl-C in this one.

Signals only count; what they ask for is passed on here, in the waiting loop. So a run is stopped in order
wherever its threads are, and a terminal that hangs or dies does not hold the engine up.
"""

from __future__ import annotations

import logging
import queue
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from daq.control import Control
from daq.engine import Progress
from daq.runner import Watcher
from procedures.cli.progress import Display

log = logging.getLogger(__name__)
T = TypeVar("T")
POLL_S = 0.1
STOPPING = "stopping in order: the step is left, instruments are made safe, what is there is analysed"
AGAIN = "press Ctrl-C again to make the bench safe at once and leave out the rest"
URGENT = "making the bench safe now"


class Presses:
    """How often somebody asked to stop, by Ctrl-C or a request to end the process."""

    def __init__(self) -> None:
        self.count = 0

    def add(self, number: int, frame: object) -> None:
        self.count += 1


@contextmanager
def counted_signals() -> Iterator[Presses]:
    """Ctrl-C and requests to end are counted while the block lasts; a hang-up of the terminal is ignored."""
    presses = Presses()
    counted = [signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGBREAK", None)]
    before = {number: signal.signal(number, presses.add) for number in counted if number is not None}
    hang_up = getattr(signal, "SIGHUP", None)
    if hang_up is not None:
        before[hang_up] = signal.signal(hang_up, signal.SIG_IGN)
    try:
        yield presses
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Conductor:
    """Passes news to the display and requests to the run that is in progress."""

    def __init__(self, display: Display, presses: Presses) -> None:
        self._display: Display | None = display
        self._presses = presses
        self._news: queue.SimpleQueue[Progress | str] = queue.SimpleQueue()
        self._control: Control | None = None
        self._passed_on = 0

    def watcher(self) -> Watcher:
        return Watcher(on_start=self._started, on_progress=self._news.put)

    def _started(self, path: Path, control: Control) -> None:
        self._control, self._passed_on = control, 0
        self._news.put(f"recording into {path}")

    def turn(self) -> None:
        """What is due now: requests first, then the display."""
        control, asked = self._control, self._presses.count
        if control is not None and asked > self._passed_on:
            if asked > 1:
                control.make_safe_now()
                self._say(URGENT)
            else:
                control.stop("stopped by the user")
                self._say(f"{STOPPING}; {AGAIN}")
            self._passed_on = asked
        while not self._news.empty():
            news = self._news.get()
            if isinstance(news, str):
                self._say(news)
            else:
                self._draw(lambda display, one=news: display.show(one))

    def close(self) -> None:
        self._draw(lambda display: display.close())

    def _say(self, line: str) -> None:
        self._draw(lambda display: display.say(line))

    def _draw(self, what: Callable[[Display], None]) -> None:
        if self._display is None:
            return
        try:
            what(self._display)
        except (OSError, ValueError):  # the terminal or pipe is gone; the run goes on without it
            log.info("the display is gone", exc_info=True)
            self._display = None


def conduct(work: Callable[[Watcher], T], display: Display) -> T:
    """Do `work` (of `daq.runner`) with this display. Returns what it returns, raises what it raises."""
    with counted_signals() as presses, ThreadPoolExecutor(1, thread_name_prefix="engine") as pool:
        conductor = Conductor(display, presses)
        future = pool.submit(work, conductor.watcher())
        try:
            while not wait([future], timeout=POLL_S).done:
                conductor.turn()
            conductor.turn()
        finally:
            conductor.close()
        return future.result()
