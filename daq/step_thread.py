"""A step in a thread of its own: whatever hangs inside a driver holds up that thread, never the run's end."""

from __future__ import annotations

from collections.abc import Callable

from daq.clock import Clock, Event
from daq.errors import Stopped


class StepLife:
    """When a step was last heard of, and whether it still has a say. Times are the clock's monotonic seconds."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._heard_s = clock.monotonic()
        self._waiting = False
        self._given_up = False

    def heard(self, waiting: bool = False) -> None:
        """The step does something with its rig; `waiting`: it sleeps on purpose. Raises Stopped for one given up."""
        if self._given_up:
            raise Stopped("this step was given up; the run has ended without it")
        self._heard_s, self._waiting = self._clock.monotonic(), waiting

    def give_up(self) -> None:
        """From now on the step can neither record nor wait: it leaves as soon as whatever holds it lets it go."""
        self._given_up = True

    def silent_s(self) -> float:
        return 0.0 if self._waiting else self._clock.monotonic() - self._heard_s


class StepThread:
    """`work` begins at once; `news` is set when it is over. `finish` raises what it raised."""

    def __init__(self, clock: Clock, work: Callable[[], None], name: str, news: Event) -> None:
        self._work = work
        self._news = news
        self._error: BaseException | None = None
        self._over = clock.event()
        self._clock = clock
        clock.spawn(self._run, name)

    def _run(self) -> None:
        try:
            self._work()
        except BaseException as error:  # noqa: BLE001  carried over to the engine's thread, which judges it
            self._error = error
        finally:
            self._over.set()
            self._news.set()

    @property
    def is_over(self) -> bool:
        return self._over.is_set()

    def is_over_within(self, seconds: float) -> bool:
        return self._clock.wait(self._over, seconds)

    def finish(self) -> None:
        if self._error is not None:
            raise self._error
