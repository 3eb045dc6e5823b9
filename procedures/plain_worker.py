"""A procedure under a plain pymeasure Worker or ManagedWindow: same steps, rows of its main stream emitted.

What the engine adds (journal, resume, the run file) is not there; safety at the end and limits are.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from daq.bench import Bench, build_bench, is_virtual, load_bench
from daq.clock import Clock, SystemClock
from daq.contracts import Columns, Level, Snapshot, Value
from daq.control import RunControl
from daq.errors import NotSafe
from daq.interlock_watch import InterlockWatch
from daq.monitor import Monitor
from daq.rows import rows_of
from daq.run_interlocks import interlocks_of_run
from daq.safety import make_all_safe
from daq.sample import Sample
from daq.virtual_clock import VirtualClock
from procedures.base import BenchProcedure

log = logging.getLogger(__name__)
_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def run_plainly(procedure: BenchProcedure) -> None:
    """Walk the procedure's steps on its bench; an unbound one runs on the built-in simulated bench."""
    if procedure.is_bound:
        _walk(procedure, procedure.bench)
        return
    config = load_bench(None)
    clock: Clock = VirtualClock() if is_virtual(config) else SystemClock()
    with tempfile.TemporaryDirectory() as folder:
        bench = build_bench(config, clock, Path(folder))
        procedure.bind(bench, [Sample(name="sample")])
        try:
            _walk(procedure, bench)
        finally:
            bench.close()


def _walk(procedure: BenchProcedure, bench: Bench) -> None:
    with bench.clock.attached():
        bench.connect()
        _steps(procedure, bench)


def _steps(procedure: BenchProcedure, bench: Bench) -> None:
    control = RunControl(bench.clock)
    rig = PlainRig(procedure, bench, control)
    reason = "failed"
    rig.monitor.start()
    rig.monitor.interlocks.arm()
    try:
        steps = procedure.steps()
        for index, step in enumerate(steps):
            if procedure.should_stop():
                reason = "stopped"
                return
            procedure.run_step(step, rig)
            procedure.emit("progress", 100.0 * (index + 1) / len(steps))
        reason = "finished"
    finally:
        outcomes = make_all_safe(bench.instruments, bench.clock, reason)
        rig.monitor.stop()
    for one in outcomes:
        if not one.verified:
            raise NotSafe(one.instrument, one.text)


class PlainRig:
    """The rig of a plain Worker. Implements `daq.contracts.Rig`; what is remembered lives in memory."""

    attempt = 1

    def __init__(self, procedure: BenchProcedure, bench: Bench, control: RunControl) -> None:
        self.bench = bench
        self.clock = bench.clock
        origin_s = bench.clock.monotonic()
        watch = InterlockWatch(interlocks_of_run(bench, procedure.samples), bench.clock, control, self._tell, origin_s)
        self.monitor = Monitor(bench.instruments, bench.clock, control, self._reading, self._tell, watch)
        self._procedure = procedure
        self._control = control
        self._origin_s = origin_s
        self._memory: dict[str, Any] = {}

    @property
    def t_s(self) -> float:
        return self.clock.monotonic() - self._origin_s

    def record(self, stream: str, **values: Value) -> None:
        if stream == self._procedure.main_stream.name:
            self._procedure.emit("results", {name: _plain(value) for name, value in values.items()})

    def record_many(self, stream: str, t_s: Sequence[float] | NDArray[Any], columns: Columns) -> None:
        for row in rows_of(columns):
            self.record(stream, **row)

    def remember(self, key: str, value: Any) -> None:
        self._memory[key] = value

    def recall(self, key: str, default: Any = None) -> Any:
        return self._memory.get(key, default)

    def wait(self, seconds: float) -> None:
        self.check()
        self._control.wait(seconds)

    def check(self) -> None:
        if self._procedure.should_stop():
            self._control.stop("stopped from pymeasure")
        self._control.check()

    def sampling(self, instrument: str, interval_s: float) -> None:
        self.monitor.set_interval(instrument, interval_s)

    def latest(self, instrument: str) -> tuple[float, Snapshot]:
        return self.monitor.latest(instrument)

    def readings(self, instrument: str, after_t_s: float) -> list[tuple[float, Snapshot]]:
        return self.monitor.readings(instrument, after_t_s)

    def progress(self, text: str, done_s: float | None = None) -> None:
        log.info(text)

    def ask(self, key: str, text: str, details: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """There is no run to answer in: it is told once, and waits until the worker is stopped."""
        if f"asked {key}" not in self._memory:
            self._memory[f"asked {key}"] = True
            self._tell("operator", "warning", text)
        return None

    def settle(self, key: str, values: Mapping[str, Any]) -> None:
        """Nothing was put where it could be answered."""

    def log(self, text: str, level: Level = "info", source: str = "procedure") -> None:
        self._tell(source, level, text)

    def _reading(self, stream: str, values: Mapping[str, Value]) -> float:
        return self.t_s

    def _tell(self, source: str, level: Level, text: str) -> None:
        log.log(_LEVELS[level], "%s: %s", source, text)


def _plain(value: Value) -> float | int | str:
    """What pymeasure's CSV can carry: no comma in a text, no None, booleans as numbers."""
    if value is None:
        return float("nan")
    if isinstance(value, str):
        return value.replace(",", ";")
    return int(value) if isinstance(value, bool) else value
