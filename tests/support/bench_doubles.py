"""Instruments that can be told to misbehave, and an experiment of counting steps, for the tests of the engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from daq.bench import Bench, BenchConfig, BenchFileModel
from daq.clock import Clock
from daq.contracts import AfterBreak, Identity, Limit, Reason, Result, Rig, RunReader, SafeReport, Snapshot, Step
from daq.stream import Column, Stream
from daq.tables import parse

READINGS = Stream("readings", (Column("temperature_C", "degC"),))
COUNTS = Stream("counts", (Column("number", kind="int"), Column("label", kind="text")))


class Gauge:
    """An instrument. `trouble(t)` is called at each reading and may raise; `safe_calls` lists the reasons it got."""

    role = "gauge"
    safe_within_s = 2.0
    monitor_interval_s = 1.0
    snapshot_stream = READINGS

    def __init__(self, name: str, clock: Clock) -> None:
        self.name = name
        self.clock = clock
        self.temperature_C = 25.0
        self.trouble: Callable[[float], None] = lambda t_s: None
        self.safe_calls: list[Reason] = []
        self.safe_trouble: Callable[[], None] = lambda: None
        self.faults: tuple[str, ...] = ()

    def connect(self) -> None:
        pass

    def disconnect(self) -> None:
        pass

    def identity(self) -> Identity:
        return Identity("cellrig", "gauge", "1")

    def capabilities(self) -> Mapping[str, Any]:
        return {}

    def limits(self) -> Sequence[Limit]:
        return (Limit("temperature_C", maximum=150.0),)

    def read(self) -> Snapshot:
        self.trouble(self.clock.monotonic())
        return Snapshot({"temperature_C": self.temperature_C}, self.faults)

    def make_safe(self, reason: Reason) -> SafeReport:
        self.safe_calls.append(reason)
        self.safe_trouble()
        return SafeReport(True, "output off, read back")


class SecondGauge(Gauge):
    snapshot_stream = Stream("readings_2", (Column("temperature_C", "degC"),))


class Counting:
    """Steps `a`, `b`, `c`, each counting to `rows` a second apart. `act` may do harm at a chosen row."""

    procedure_name = "counting"
    streams = (COUNTS,)

    def __init__(self, rows: int = 5, act: Callable[[Step, int, Rig], None] | None = None) -> None:
        self.rows = rows
        self.act = act or (lambda step, row, rig: None)
        self.after_break: AfterBreak = "repeat"
        self.recovered = 0
        self.fail_analysis: Exception | None = None

    def steps(self) -> Sequence[Step]:
        return [Step(key, f"step {key}", self.after_break) for key in "abc"]

    def estimate(self) -> Mapping[str, float]:
        return {key: float(self.rows) for key in "abc"}

    def run_step(self, step: Step, rig: Rig) -> None:
        for row in range(self.rows):
            self.act(step, row, rig)
            rig.record("counts", number=row, label=step.key)
            rig.progress(f"row {row}")
            rig.wait(1.0)

    def recover(self, run: RunReader) -> None:
        self.recovered += 1

    def analyse(self, run: RunReader) -> list[Result]:
        if self.fail_analysis is not None:
            raise self.fail_analysis
        return [Result("rows", float(len(run.table("counts")["number"])), "1")]


def two_gauges(clock: Clock, folder: Path, **bench: float) -> tuple[Bench, Gauge, Gauge]:
    """A bench of two gauges, built without entry points; `bench`: keys of its file's `[bench]`."""
    table = {"bench": {"name": "doubles", **bench}, "instruments": {"one": {"driver": "x"}, "two": {"driver": "x"}}}
    config = BenchConfig(parse(BenchFileModel, table, "doubles"), folder / "bench.toml")
    one, two = Gauge("one", clock), SecondGauge("two", clock)
    return Bench(config, clock, folder, {"one": one, "two": two}), one, two
