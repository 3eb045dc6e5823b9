"""A clock that is set from outside, and a run under it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from bench_doubles import Counting, two_gauges

from daq.clock import Clock, Event, Thread
from daq.control import RunControl
from daq.engine import Engine, RunEnd
from daq.interlock import InterlockTable
from daq.run_interlocks import interlocks_of_run
from daq.runfile.writer import RunWriter
from daq.tables import parse
from daq.virtual_clock import VirtualClock

HOUR_S = 3600.0
SLEPT_S = 8 * HOUR_S


class Jumping:
    """A clock whose calendar, and where `bench` says so bench time as well, is set ahead from outside."""

    def __init__(self, epoch_unix: float = 1.8e9) -> None:
        self._inner: Clock = VirtualClock(0.0, epoch_unix)
        self.speed = self._inner.speed
        self.calendar_s = 0.0
        self.bench_s = 0.0

    def monotonic(self) -> float:
        return self._inner.monotonic() + self.bench_s

    def unix(self) -> float:
        return self._inner.unix() + self.calendar_s

    def sleep(self, seconds: float) -> None:
        self._inner.sleep(seconds)

    def event(self) -> Event:
        return self._inner.event()

    def wait(self, event: Event, timeout: float | None = None) -> bool:
        return self._inner.wait(event, timeout)

    def spawn(self, target: Callable[[], None], name: str) -> Thread:
        return self._inner.spawn(target, name)

    def attached(self) -> AbstractContextManager[None]:
        return self._inner.attached()


def run_with(
    folder: Path, clock: Jumping, trouble: Callable[[float, float], float], **table: float
) -> tuple[RunEnd, Path]:
    """100 rows a step, three steps, under one interlock; `trouble(t_s, reading)` is asked at each reading."""
    bench, one, two = two_gauges(clock, folder)

    def follow(t_s: float) -> None:
        one.temperature_C = trouble(t_s, one.temperature_C)

    one.trouble = follow
    control = RunControl(clock)
    experiment = Counting(100)
    words = {"name": "mine", "quantity": "one.temperature_C", "maximum": 60, "action": "stop"}
    interlocks = interlocks_of_run(bench, (), [parse(InterlockTable, words, "plan")], experiment.streams)
    writer = RunWriter.create(
        folder / "runs",
        procedure="counting",
        sample={"name": "pellet"},
        parameters={},
        bench=bench.config.as_dict(),
        streams=[*experiment.streams, one.snapshot_stream, two.snapshot_stream],
        steps=experiment.steps(),
        plan={},
        versions={},
        started_unix=clock.unix(),
        bench_unix=clock.unix(),
    )
    writer.anchor(0.0, clock.unix(), "start")
    return Engine(bench, experiment, writer, control, interlocks=interlocks).run(), writer.path
