"""Links without a port: to a protocol core in this process under any clock, and to a recorded trace."""

from __future__ import annotations

import heapq
import math
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol, runtime_checkable

from daq.clock import Clock
from drivers.transport.trace import Passage, hex_of

POLL_s = 0.001


class Core(Protocol):
    """A protocol without I/O: what was received at `now` gives replies, each after its delay in seconds."""

    def feed(self, data: bytes, now: float) -> Sequence[tuple[float, bytes]]: ...


@runtime_checkable
class SpeakingCore(Core, Protocol):
    """A core that also speaks unasked, as an instrument that measures by itself."""

    def due_s(self, now: float) -> float:
        """When it next has something to say, in the link's time; inf: not before it is fed."""
        ...

    def spoken(self, now: float) -> Sequence[tuple[float, bytes]]:
        """What it has said up to now, each with its delay."""
        ...


class PollingLock(AbstractContextManager[None]):
    """A re-entrant lock that waits on the clock, so that a thread of virtual time never blocks outside it."""

    def __init__(self, sleep: Callable[[float], None]) -> None:
        self._lock = threading.RLock()
        self._sleep = sleep

    def __enter__(self) -> None:
        while not self._lock.acquire(blocking=False):
            self._sleep(POLL_s)

    def __exit__(self, *_: object) -> None:
        self._lock.release()


class MemoryLink:
    """A cable inside this process, in the time of `clock`. `unplugged` makes every use of it fail, as a real one.

    `outages` are (after, for) in seconds since it was first opened, when it is out by itself.
    """

    def __init__(
        self, core: Core, clock: Clock, where: str = "memory", outages: Sequence[tuple[float, float]] = ()
    ) -> None:
        self.where = where
        self.unplugged = False
        self._outages = outages
        self._first_opened_s: float | None = None
        self._core = core
        self._speaking = core if isinstance(core, SpeakingCore) else None
        self._clock = clock
        self._coming: list[tuple[float, int, bytes]] = []
        self._number = 0
        self._arrived = bytearray()
        self._is_open = False

    def open(self) -> None:
        self._is_open = True
        if self._first_opened_s is None:
            self._first_opened_s = self.now()
        self._check()
        self._coming.clear()
        self._arrived.clear()

    def close(self) -> None:
        self._is_open = False

    def write(self, data: bytes) -> None:
        self._check()
        now = self.now()
        self._expect(self._core.feed(data, now), now)

    def read(self, at_most: int, timeout_s: float) -> bytes:
        self._check()
        deadline = self.now() + timeout_s
        self._collect()
        while not self._arrived:
            due = self._coming[0][0] if self._coming else math.inf
            if self._speaking is not None:
                due = min(due, self._speaking.due_s(self.now()))
            # a hair later than due: a clock that was added up may else wake just before it
            self.sleep(max(0.0, min(due, deadline) - self.now()) + 1e-9)
            self._check()
            self._collect()
            if due > deadline:
                break
        got = bytes(self._arrived[:at_most])
        del self._arrived[:at_most]
        return got

    def waiting(self) -> bytes:
        self._check()
        self._collect()
        got = bytes(self._arrived)
        self._arrived.clear()
        return got

    def now(self) -> float:
        return self._clock.monotonic()

    def sleep(self, seconds: float) -> None:
        self._clock.sleep(seconds)

    def lock(self) -> AbstractContextManager[object]:
        return PollingLock(self._clock.sleep)

    def _expect(self, replies: Sequence[tuple[float, bytes]], now: float) -> None:
        for delay_s, reply in replies:
            self._number += 1
            heapq.heappush(self._coming, (now + delay_s, self._number, reply))

    def _collect(self) -> None:
        now = self.now()
        if self._speaking is not None:
            self._expect(self._speaking.spoken(now), now)
        while self._coming and self._coming[0][0] <= now:
            self._arrived += heapq.heappop(self._coming)[2]

    def _check(self) -> None:
        if not self._is_open:
            raise OSError("the link is not open")
        passed_s = self.now() - (self._first_opened_s or 0.0)
        if self.unplugged or any(after <= passed_s < after + out for after, out in self._outages):
            raise OSError("the cable is out")


class ReplayLink:
    """Plays a recorded trace: what is written must be what was sent then; what was got then is read. No time passes."""

    def __init__(self, passages: Sequence[Passage], where: str = "replay") -> None:
        self.where = where
        self._left = [one for one in passages if one.way != "note"]
        self._time_s = 0.0

    def open(self) -> None:
        pass

    def close(self) -> None:
        pass

    def write(self, data: bytes) -> None:
        while self._left and self._left[0].way == "got":  # what nobody read then
            self._left.pop(0)
        expected = self._left.pop(0).data if self._left else b""
        if data != expected:
            raise AssertionError(f"the trace has {hex_of(expected)} here, not {hex_of(data)}")

    def read(self, at_most: int, timeout_s: float) -> bytes:
        if not self._left or self._left[0].way == "sent":
            self._time_s += timeout_s
            return b""
        first = self._left.pop(0)
        if len(first.data) > at_most:
            self._left.insert(0, Passage(first.t_s, "got", first.data[at_most:]))
        return first.data[:at_most]

    def waiting(self) -> bytes:
        return b""

    def all_played(self) -> bool:
        return not [one for one in self._left if one.way == "sent"]

    def now(self) -> float:
        return self._time_s

    def sleep(self, seconds: float) -> None:
        self._time_s += seconds

    def lock(self) -> AbstractContextManager[object]:
        return threading.RLock()
