"""Every wait goes through a Clock; nothing else in cellrig touches `time` (a test checks it).

* `SystemClock`: the wall's time.
* `ScaledClock`: the wall's time, `speed` times as fast, shared with other processes through its epoch.
* `VirtualClock` (`daq.virtual_clock`): for simulated benches in one process; jumps to the next wake-up.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from typing import Protocol


class Event(Protocol):
    """A flag that threads of one clock wait on (`Clock.wait`)."""

    def set(self) -> None: ...
    def clear(self) -> None: ...
    def is_set(self) -> bool: ...


class Thread(Protocol):
    """A thread made by `Clock.spawn`."""

    name: str

    def join(self, timeout: float | None = None) -> None: ...
    def is_alive(self) -> bool: ...


class Clock(Protocol):
    """Bench time. Seconds everywhere.

    `monotonic` never jumps; `unix` is what a calendar says. `wait` returns whether the event is set.
    Threads that wait on a clock are made by its `spawn`, or enter through `attached()`.
    """

    speed: float  # bench seconds per wall second; inf for virtual time

    def monotonic(self) -> float: ...
    def unix(self) -> float: ...
    def sleep(self, seconds: float) -> None: ...
    def event(self) -> Event: ...
    def wait(self, event: Event, timeout: float | None = None) -> bool: ...
    def spawn(self, target: Callable[[], None], name: str) -> Thread: ...
    def attached(self) -> AbstractContextManager[None]: ...


wall_monotonic: Callable[[], float] = time.monotonic
"""The wall's own monotonic time: for deadlines of transports, heartbeats, progress on screen."""


def wall_unix() -> float:
    """Host time: for `started` and folder names."""
    return time.time()


def date_of(unix: float) -> str:
    """The local calendar day, `2026-11-25`."""
    return time.strftime("%Y-%m-%d", time.localtime(unix))


def iso_time(unix: float) -> str:
    """Local time with its offset from UTC, `2026-11-25T03:09:47+01:00`."""
    return datetime.fromtimestamp(unix).astimezone().isoformat(timespec="seconds")


def wall_sleep(seconds: float) -> None:
    time.sleep(seconds)


def _real_event(event: Event) -> threading.Event:
    if not isinstance(event, threading.Event):
        raise TypeError("this clock waits only on events it made itself")
    return event


class ScaledClock:
    """Wall time `speed` times as fast since `epoch_unix`, so that several processes agree on bench time."""

    def __init__(self, speed: float = 1.0, epoch_unix: float | None = None) -> None:
        if not speed > 0:
            raise ValueError("speed must be positive")
        self.speed = speed
        self._epoch_unix = time.time() if epoch_unix is None else epoch_unix
        self._origin_wall = time.monotonic() - (time.time() - self._epoch_unix)

    def monotonic(self) -> float:
        return (time.monotonic() - self._origin_wall) * self.speed

    def unix(self) -> float:
        return self._epoch_unix + self.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(max(0.0, seconds / self.speed))

    def event(self) -> Event:
        return threading.Event()

    def wait(self, event: Event, timeout: float | None = None) -> bool:
        return _real_event(event).wait(None if timeout is None else max(0.0, timeout / self.speed))

    def spawn(self, target: Callable[[], None], name: str) -> Thread:
        thread = threading.Thread(target=target, name=name, daemon=True)
        thread.start()
        return thread

    def attached(self) -> AbstractContextManager[None]:
        return nullcontext()


class SystemClock(ScaledClock):
    """The wall's time, as it is."""

    def __init__(self) -> None:
        super().__init__(1.0)

    def unix(self) -> float:
        return time.time()
