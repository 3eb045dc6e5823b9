"""What is asked of a running run from outside: stop, make safe now, pause, and what broke it off from within."""

from __future__ import annotations

from typing import Protocol

from daq.clock import Clock, Event
from daq.errors import CellrigError, StepSkipped, Stopped


class Control(Protocol):
    """What may be asked of a run in progress, here or in another process."""

    paused: bool

    def stop(self, reason: str = ...) -> None: ...
    def make_safe_now(self) -> None: ...
    def pause(self) -> None: ...
    def go_on(self) -> None: ...
    def skip_step(self) -> None: ...


class RunControl:
    """Flags that the engine looks at on every wait. Any thread may set them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._wake: Event = clock.event()
        self._resume: Event = clock.event()
        self._broken: CellrigError | None = None
        self._skipping = False
        self.stop_reason: str | None = None
        self.urgent = False
        self.paused = False

    def stop(self, reason: str = "stopped by the user") -> None:
        """Leave the step in order, make safe, analyse what is there."""
        self.stop_reason = self.stop_reason or reason
        self._wake.set()
        self._resume.set()

    def make_safe_now(self) -> None:
        """Like stop, and nothing else is done after the instruments are safe."""
        self.urgent = True
        self.stop("make safe now, asked for by the user")

    def break_off(self, error: CellrigError) -> None:
        """The monitor found a broken limit or a lost instrument: the run fails with this error."""
        if self._broken is None:
            self._broken = error
        self._wake.set()
        self._resume.set()

    def pause(self) -> None:
        """Hold before the next step."""
        self._resume.clear()
        self.paused = True

    def go_on(self) -> None:
        self.paused = False
        self._resume.set()

    def skip_step(self) -> None:
        """Leave this step in order and go on with the next; before the first step and between steps, the next one."""
        self._skipping = True
        self._wake.set()

    def check(self) -> None:
        """Raises what broke the run off, or Stopped when that was asked for; StepSkipped, once, for this step."""
        self._check_end()
        if self._skipping:
            self._skipping = False
            self._wake.clear()
            if self._broken is not None or self.stop_reason is not None:  # asked for in this very moment
                self._wake.set()
            raise StepSkipped("skipped by the user")

    def wait(self, seconds: float) -> None:
        """Sleep bench time, but no longer than until something is asked for; then raises as `check`."""
        self.check()
        if self._clock.wait(self._wake, seconds):
            self.check()

    def wait_while_paused(self) -> None:
        while self.paused:
            self._check_end()
            self._clock.wait(self._resume, 3600)
        self._check_end()

    def _check_end(self) -> None:
        if self._broken is not None:
            raise self._broken
        if self.stop_reason is not None:
            raise Stopped(self.stop_reason)
