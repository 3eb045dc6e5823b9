"""Virtual time for simulated benches in one process: a day of bench time passes in seconds, and repeatably.

Threads that take part run one at a time, handing a baton on whenever they block on the clock; when all are
blocked, time jumps to the earliest wake-up. Two that wake at the same moment run in the order in which they
blocked, so the same program gives the same sequence every time.

A thread that takes part must block on nothing but the clock: holding an ordinary lock over a clock wait
would stop the world. Threads made by `spawn` take part; the one that starts it all enters with `attached`.
"""

from __future__ import annotations

import logging
import math
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from daq.clock import Event, Thread

log = logging.getLogger(__name__)


class ClockStalled(RuntimeError):
    """Every thread waits for another: a bug. The text carries all their stacks."""


class _Flag:
    """An event. Setting is a plain store, so that a signal handler may do it at any moment."""

    __slots__ = ("_is_set",)

    def __init__(self) -> None:
        self._is_set = False

    def set(self) -> None:
        self._is_set = True

    def clear(self) -> None:
        self._is_set = False

    def is_set(self) -> bool:
        return self._is_set


class _Task:
    """A thread that takes part: what it waits for, and the lock it sleeps on meanwhile."""

    __slots__ = ("baton", "event", "name", "order", "thread_id", "wake_s")

    def __init__(self, name: str, wake_s: float, order: int) -> None:
        self.name = name
        self.baton = threading.Lock()
        self.baton.acquire()
        self.event: Event | None = None
        self.wake_s: float = wake_s
        self.order = order
        self.thread_id = 0


class _SpawnedThread:
    def __init__(self, clock: VirtualClock, name: str, done: Event) -> None:
        self.name = name
        self._clock = clock
        self._done = done

    def join(self, timeout: float | None = None) -> None:
        self._clock.wait(self._done, timeout)

    def is_alive(self) -> bool:
        return not self._done.is_set()


class VirtualClock:
    """Bench time that jumps from wake-up to wake-up. `start_s` is where it begins (a resumed run goes on)."""

    speed = math.inf

    def __init__(self, start_s: float = 0.0, epoch_unix: float = 0.0) -> None:
        self._now_s = float(start_s)
        self._epoch_unix = epoch_unix
        self._guard = threading.Lock()
        self._tasks: list[_Task] = []
        self._current: _Task | None = None
        self._stalled: str | None = None
        self._orders = 0
        self._mine = threading.local()

    def monotonic(self) -> float:
        return self._now_s

    def unix(self) -> float:
        return self._epoch_unix + self._now_s

    def event(self) -> Event:
        return _Flag()

    def sleep(self, seconds: float) -> None:
        self._block(None, self._now_s + max(0.0, seconds))

    def wait(self, event: Event, timeout: float | None = None) -> bool:
        if not event.is_set():
            self._block(event, math.inf if timeout is None else self._now_s + max(0.0, timeout))
        return event.is_set()

    def undisturbed_until(self) -> float:
        """When the next of the other threads wakes; until then nothing happens but what the calling one does."""
        mine, now_s = self._task(), self._now_s
        with self._guard:
            others = [task for task in self._tasks if task is not mine]
            if any(task.event is not None and task.event.is_set() for task in others):
                return now_s
            return max(now_s, min((task.wake_s for task in others), default=math.inf))

    def skip_to(self, when_s: float) -> None:
        """Time that nobody else has a part in is over. Raises ValueError for what lies behind, or past a wake-up."""
        if not self._now_s <= when_s <= self.undisturbed_until():
            raise ValueError(f"{when_s:g} s lies behind, or past the next wake-up")
        self._now_s = when_s

    @contextmanager
    def attached(self) -> Iterator[None]:
        """Let the calling thread take part inside the block. Nesting is harmless."""
        if self._task() is not None:
            yield
            return
        with self._guard:
            task = self._add(threading.current_thread().name)
            task.thread_id = threading.get_ident()
            runs_now = self._current is None
            if runs_now:
                self._current = task
        if not runs_now:
            task.baton.acquire()
        self._mine.task = task
        try:
            yield
        finally:
            self._mine.task = None
            self._leave(task)

    def spawn(self, target: Callable[[], None], name: str) -> Thread:
        """Start `target` in a thread that takes part. It runs when the caller next blocks; at once if nobody runs."""
        done = self.event()
        with self._guard:
            task = self._add(name)
            if self._current is None:
                self._current = task
                task.baton.release()

        def body() -> None:
            task.baton.acquire()
            task.thread_id = threading.get_ident()
            self._mine.task = task
            try:
                target()
            except Exception:  # the last wall of a thread: without it the failure would be silent
                log.exception("thread %s ended with an error", name)
            finally:
                done.set()
                self._leave(task)

        threading.Thread(target=body, name=name, daemon=True).start()
        return _SpawnedThread(self, name, done)

    # ------------------------------------------------------------ the baton
    def _task(self) -> _Task | None:
        return getattr(self._mine, "task", None)

    def _add(self, name: str) -> _Task:
        self._orders += 1
        task = _Task(name, self._now_s, self._orders)
        self._tasks.append(task)
        return task

    def _block(self, event: Event | None, wake_s: float) -> None:
        task = self._task()
        if task is None:
            raise RuntimeError("this thread does not take part in virtual time: enter with clock.attached()")
        with self._guard:
            self._orders += 1
            task.event, task.wake_s, task.order = event, wake_s, self._orders
            following = self._next()
            if following is None:
                raise ClockStalled(self._stacks())
            self._current = following
        if following is not task:
            following.baton.release()
            task.baton.acquire()
        task.event = None
        if self._stalled is not None:
            text, self._stalled = self._stalled, None
            raise ClockStalled(text)

    def _leave(self, task: _Task) -> None:
        with self._guard:
            self._tasks.remove(task)
            following = self._next()
            if following is None and self._tasks:
                self._stalled = self._stacks()
                following = self._tasks[0]
            self._current = following
        if following is not None:
            following.baton.release()

    def _next(self) -> _Task | None:
        """The task to run now; moves time to its wake-up. None when nobody ever wakes."""
        now_s, best, best_s = self._now_s, None, math.inf
        for task in self._tasks:
            wake_s = task.wake_s
            if wake_s < now_s or (task.event is not None and task.event.is_set()):
                wake_s = now_s
            if wake_s < best_s or (best is not None and wake_s == best_s and task.order < best.order):
                best, best_s = task, wake_s
        if best is not None:
            self._now_s = best_s
        return best

    def _stacks(self) -> str:
        frames = sys._current_frames()  # noqa: SLF001  the only way to show where the others wait
        parts = ["every thread waits for another, and none has a time-out:"]
        for task in self._tasks:
            parts.append(f"--- {task.name}")
            frame = frames.get(task.thread_id)
            if frame is not None:
                parts.extend(line.rstrip() for line in traceback.format_stack(frame)[-4:])
        return "\n".join(parts)
