"""What is asked of a running run from outside: stop, make safe now, pause, and what broke it off from within."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from daq.clock import Clock, Event
from daq.errors import CellrigError, LimitBroken, StepPaused, StepSkipped, Stopped


class Control(Protocol):
    """What may be asked of a run in progress, here or in another process."""

    paused: bool

    def stop(self, reason: str = ...) -> None: ...
    def make_safe_now(self) -> None: ...
    def pause(self) -> None: ...
    def go_on(self) -> None: ...
    def skip_step(self) -> None: ...


@dataclass(frozen=True)
class Hold:
    """An interlock that the run waits for. `until_s` is bench time; the run ends when it has not cleared by then."""

    name: str
    text: str
    until_s: float


class RunControl:
    """Flags that the engine looks at on every wait. Any thread may set them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._wake: Event = clock.event()
        self._resume: Event = clock.event()
        self._broken: CellrigError | None = None
        self._skipping = ""
        self._holds: dict[str, Hold] = {}
        self._listeners: list[Event] = []
        self.stop_reason: str | None = None
        self.urgent = False
        self.paused = False

    def stop(self, reason: str = "stopped by the user") -> None:
        """Leave the step in order, make safe, analyse what is there."""
        self.stop_reason = self.stop_reason or reason
        self._resume.set()
        self._news()

    def make_safe_now(self) -> None:
        """Like stop, and nothing else is done after the instruments are safe."""
        self.urgent = True
        self.stop("make safe now, asked for by the user")

    def break_off(self, error: CellrigError, urgent: bool = False) -> None:
        """A limit is broken, an instrument lost: the run fails with this error. `urgent`: made safe at once."""
        if self._broken is None:
            self._broken = error
        self.urgent = self.urgent or urgent
        self._resume.set()
        self._news()

    def hold(self, name: str, text: str, most_s: float) -> None:
        """An interlock has tripped: the step is left, to be taken up again when `name` is released."""
        self._holds[name] = Hold(name, text, self._clock.monotonic() + most_s)
        self._news()

    def release(self, name: str) -> None:
        if self._holds.pop(name, None) is not None:
            self._resume.set()

    def pause(self) -> None:
        """Hold before the next step."""
        self._resume.clear()
        self.paused = True

    def go_on(self) -> None:
        self.paused = False
        self._resume.set()

    def skip_step(self, reason: str = "skipped by the user") -> None:
        """Leave this step in order and go on with the next; before the first step and between steps, the next one."""
        self._skipping = reason
        self._news()

    def tell_news_to(self, event: Event) -> None:
        """`event` is set as well whenever the step has something to look at."""
        self._listeners.append(event)

    @property
    def holds(self) -> tuple[Hold, ...]:
        """What the run waits for now."""
        return tuple(self._holds.values())

    @property
    def is_ending(self) -> bool:
        return self._broken is not None or self.stop_reason is not None

    @property
    def wants_step_left(self) -> bool:
        return self.is_ending or bool(self._skipping) or bool(self._holds)

    def check(self) -> None:
        """Raises what broke the run off, or Stopped when that was asked for; once for a step, StepSkipped.

        Raises StepPaused while an interlock holds the run.
        """
        self.check_end()
        if self._skipping:
            reason, self._skipping = self._skipping, ""
            self._quiet()
            raise StepSkipped(reason)
        if self._holds:
            raise StepPaused("; ".join(one.text for one in self.holds))

    def wait(self, seconds: float) -> None:
        """Sleep bench time, but no longer than until something is asked for; then raises as `check`."""
        self.check()
        if self._clock.wait(self._wake, seconds):
            self.check()

    def wait_while_paused(self) -> None:
        """Until a person lets it go on. Raises what broke the run off meanwhile, or Stopped."""
        while self.paused:
            self.check_end()
            self._clock.wait(self._resume, 3600)
        self.check_end()

    def wait_while_held(self, look: Callable[[], None], every_s: float) -> None:
        """Until every interlock has cleared; `look` is called meanwhile.

        Raises LimitBroken when one takes too long, and as `wait_while_paused`.
        """
        while True:
            self._resume.clear()
            self.check_end()
            holds, now_s = self.holds, self._clock.monotonic()
            if not holds:
                break
            late = next((one for one in holds if now_s >= one.until_s), None)
            if late is not None:
                raise LimitBroken("interlock", f"{late.text}; it did not clear in time, the run ends safely")
            self._clock.wait(self._resume, min(every_s, *(one.until_s - now_s for one in holds)))
            look()
        self._quiet()

    def _news(self) -> None:
        self._wake.set()
        for event in self._listeners:
            event.set()

    def _quiet(self) -> None:
        """What was asked for has been seen; unless something else was asked for in this very moment."""
        self._wake.clear()
        if self.wants_step_left:
            self._wake.set()

    def check_end(self) -> None:
        """Raises what broke the run off, or Stopped when that was asked for."""
        if self._broken is not None:
            raise self._broken
        if self.stop_reason is not None:
            raise Stopped(self.stop_reason)
