"""How a measurement is left: asked from another thread, noticed at the next wait or between two points."""

from __future__ import annotations

from typing import Literal

from daq.clock import Clock

Why = Literal["closed", "safe"]


class Left(Exception):
    """The measurement was asked to end; `why` says whether its end state holds ("closed") or all goes off."""

    def __init__(self, why: Why) -> None:
        self.why: Why = why
        super().__init__(why)


class Halt:
    """One for all measurements of a channel. A request counts for the measurement that runs, not for the next."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._event = clock.event()
        self._asked = 0
        self._mine = 0
        self._why: Why = "closed"

    def begin(self) -> None:
        self._event.clear()
        self._mine = self._asked

    def ask(self, why: Why) -> None:
        self._why = why
        self._asked += 1
        self._event.set()

    def wait(self, seconds: float) -> None:
        """Raises Left as soon as it is asked for."""
        if seconds > 0:
            self._clock.wait(self._event, seconds)
        if self._asked != self._mine:
            raise Left(self._why)
