"""To whom the output belongs: one measurement at a time; and the way to take it away from it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from daq.clock import Clock
from daq.errors import InstrumentError

T = TypeVar("T")
POLL_s = 0.01


class Claim:
    """`take` for a measurement, `glance` for a reading in between; `end` from any thread ends what runs."""

    def __init__(self, name: str, clock: Clock) -> None:
        self._name = name
        self._clock = clock
        self._lock = threading.Lock()  # only ever tried, never waited for
        self._hurry = clock.event()
        self._ended = 0
        self._mine = 0
        self._is_glancing = False

    @contextmanager
    def take(self) -> Iterator[None]:
        """Raises InstrumentError when another measurement has it."""
        while not self._lock.acquire(blocking=False):
            if not self._is_glancing:
                raise InstrumentError(self._name, "is measuring already; wait or stop it")
            self._clock.sleep(POLL_s)
        self._mine = self._ended
        self._hurry.clear()
        try:
            yield
        finally:
            self._lock.release()

    def glance(self, look: Callable[[], T], otherwise: Callable[[], T]) -> T:
        """`look`, while no measurement runs and none begins; `otherwise` while one does. Never waits for it."""
        self._is_glancing = True  # before the look at the lock: a measurement waits for it
        try:
            if not self._lock.acquire(blocking=False):
                return otherwise()
            try:
                return look()
            finally:
                self._lock.release()
        finally:
            self._is_glancing = False

    def end(self) -> None:
        """The measurement that runs must not go on. Counts for it, not for the next."""
        self._ended += 1
        self._hurry.set()

    @property
    def is_ended(self) -> bool:
        return self._ended != self._mine

    def go_on(self) -> None:
        """Raises InstrumentError when the measurement was ended."""
        if self.is_ended:
            raise InstrumentError(self._name, "was switched off while it measured")

    def wait(self, seconds: float) -> None:
        """Raises InstrumentError as soon as the measurement is ended."""
        if seconds > 0:
            self._clock.wait(self._hurry, seconds)
        self.go_on()
