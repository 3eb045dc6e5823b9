"""A cycler that works through a schedule on a clock, whether or not anyone listens; its cell is `voltage_V(Q, I)`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

from daq.clock import Clock
from daq.contracts import Identity, Limit, Reason, SafeReport, Snapshot
from daq.stream import Column, Stream
from drivers.roles import CyclerAbilities
from drivers.schedule import ChannelStatus, Current, CyclerRecord, Loop, Schedule

CellLaw = Callable[[float, float], float]


class Kept:
    """What the cycler's firmware keeps while its driver comes and goes: tests by ref, when begun and stopped."""

    def __init__(self, voltage_V: CellLaw, rest_V: float) -> None:
        self.voltage_V = voltage_V
        self.rest_V = rest_V
        self.records: dict[str, list[CyclerRecord]] = {}
        self.began_s: dict[str, float] = {}
        self.stopped_s: dict[str, float] = {}
        self.submitted: list[Schedule] = []


class DcCycler:
    role: Literal["cycler"] = "cycler"
    safe_within_s = 2.0
    monitor_interval_s = 60.0
    snapshot_stream = Stream("cycler", (Column("voltage_V", "V"),))

    def __init__(self, clock: Clock, tests: Kept) -> None:
        self.name = "cycler"
        self._clock = clock
        self.tests = tests

    def connect(self) -> None: ...
    def disconnect(self) -> None: ...
    def identity(self) -> Identity:
        return Identity("cellrig", "double", "1")

    def capabilities(self) -> Mapping[str, Any]:
        return {}

    def limits(self) -> Sequence[Limit]:
        return ()

    def read(self) -> Snapshot:
        return Snapshot({"voltage_V": self.tests.rest_V})

    def make_safe(self, reason: Reason) -> SafeReport:
        return SafeReport(True, "left to itself")

    def abilities(self) -> CyclerAbilities:
        return CyclerAbilities((1, 2), -5.0, 5.0, 0.1, 1e-7, 0.1, 1.0, True)

    def status(self, channel: int) -> ChannelStatus:
        refs = list(self.tests.records)
        if not refs:
            return ChannelStatus(channel, "idle", None, 0, 0, self.tests.rest_V, 0.0)
        return self.attach(refs[-1])

    def attach(self, ref: str) -> ChannelStatus:
        seen, whole = self._seen(ref), self.tests.records[ref]
        state: Any = "stopped" if ref in self.tests.stopped_s else "finished" if len(seen) == len(whole) else "running"
        last = seen[-1] if seen else whole[0]
        return ChannelStatus(1, state, ref, last.step, last.cycle, last.voltage_V, last.current_A)

    def records(self, ref: str, after: int = 0, limit: int = 100_000) -> Sequence[CyclerRecord]:
        return [one for one in self._seen(ref) if one.number > after][:limit]

    def submit(self, channel: int, schedule: Schedule, sample_id: str) -> str:
        ref = f"test-{len(self.tests.records) + 1}"
        self.tests.records[ref] = list(self._work(schedule))
        self.tests.began_s[ref] = self._clock.monotonic()
        self.tests.submitted.append(schedule)
        return ref

    def stop(self, ref: str) -> None:
        self.tests.stopped_s.setdefault(ref, self._clock.monotonic())

    def _seen(self, ref: str) -> list[CyclerRecord]:
        until_s = self.tests.stopped_s.get(ref, self._clock.monotonic()) - self.tests.began_s[ref]
        return [one for one in self.tests.records[ref] if one.time_s <= until_s]

    def _work(self, schedule: Schedule) -> Iterator[CyclerRecord]:
        at, passes, cycle, index, time_s, held_Ah = 0, {}, 1, 0, 0.0, 0.0
        while at < len(schedule.steps):
            step = schedule.steps[at]
            if isinstance(step, Loop):
                cycle += 1
                passes[at] = passes.get(at, 0) + 1
                at = step.to - 1 if passes[at] < step.times else at + 1
                continue
            assert isinstance(step, Current)
            every_s = step.record.every_s or 10.0
            began_s, passed_Ah, done = time_s, 0.0, False
            while not done:
                volt = self.tests.voltage_V(held_Ah, step.current_A)
                index += 1
                charge, discharge = (passed_Ah, 0.0) if step.current_A > 0 else (0.0, passed_Ah)
                yield CyclerRecord(index, time_s, at + 1, cycle, volt, step.current_A, charge, discharge)
                reached = {"time_s": time_s - began_s, "voltage_V": volt, "capacity_Ah": passed_Ah}
                done = any(
                    reached[end.quantity] >= end.value
                    if end.direction == "above"
                    else reached[end.quantity] <= end.value
                    for end in step.ends
                )
                if not done:
                    time_s += every_s
                    held_Ah += step.current_A * every_s / 3600
                    passed_Ah += abs(step.current_A) * every_s / 3600
            at += 1
