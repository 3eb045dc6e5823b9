"""What a step works on: the bench, bench time, and the door to the record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from numpy.typing import NDArray

from daq.bench import Bench
from daq.contracts import Columns, Level, Snapshot, Value
from daq.control import RunControl
from daq.interlock_watch import InterlockWatch
from daq.monitor import Monitor
from daq.questions import Question, answer, answer_to, ask, calendar_of
from daq.rows import rows_of
from daq.runfile.writer import RunWriter
from daq.step_thread import StepLife


class RunState(Protocol):
    """The part of the engine that a step and its rig need."""

    @property
    def t_s(self) -> float: ...
    def tell(self, source: str, level: str, text: str) -> None: ...
    def progress(self, text: str, done_s: float | None = None) -> None: ...
    def step_begins(self) -> None: ...


class EngineRig:
    """The rig of one attempt at one step. Implements `daq.contracts.Rig`."""

    def __init__(
        self,
        bench: Bench,
        monitor: Monitor,
        control: RunControl,
        writer: RunWriter,
        state: RunState,
        step: str,
        attempt: int,
        interlocks: InterlockWatch,
        life: StepLife,
    ) -> None:
        self.bench = bench
        self.clock = bench.clock
        self.attempt = attempt
        self._monitor = monitor
        self._control = control
        self._writer = writer
        self._state = state
        self._step = step
        self._interlocks = interlocks
        self._life = life

    @property
    def t_s(self) -> float:
        return self._state.t_s

    def record(self, stream: str, **values: Value) -> None:
        self._life.heard()
        self._writer.record(stream, self._step, self.attempt, self.t_s, values)
        self._interlocks.feed(stream, values)

    def record_many(self, stream: str, t_s: Sequence[float] | NDArray[Any], columns: Columns) -> None:
        self._life.heard()
        self._writer.record_many(stream, self._step, self.attempt, t_s, columns)
        if self._interlocks.watches(stream):
            for row in rows_of(columns):
                self._interlocks.feed(stream, row)

    def remember(self, key: str, value: Any) -> None:
        self._life.heard()
        self._writer.remember(key, value)

    def recall(self, key: str, default: Any = None) -> Any:
        return self._writer.recall(key, default)

    def wait(self, seconds: float) -> None:
        self._life.heard(waiting=True)
        try:
            self._control.wait(seconds)
        finally:
            self._life.heard()

    def check(self) -> None:
        self._life.heard()
        self._control.check()

    def sampling(self, instrument: str, interval_s: float) -> None:
        self._monitor.set_interval(instrument, interval_s)

    def latest(self, instrument: str) -> tuple[float, Snapshot]:
        return self._monitor.latest(instrument)

    def readings(self, instrument: str, after_t_s: float) -> list[tuple[float, Snapshot]]:
        return self._monitor.readings(instrument, after_t_s)

    def progress(self, text: str, done_s: float | None = None) -> None:
        self._life.heard()
        self._state.progress(text, done_s)

    def ask(self, key: str, text: str, details: Mapping[str, Any]) -> Mapping[str, Any] | None:
        question = Question(key, text.replace("{run}", self._writer.id), {**details, **calendar_of(self.clock)})
        if self.recall(f"asked {key}") is None:
            ask(self._writer.path, question)
            self._state.tell("operator", "warning", question.text)
            self.remember(f"asked {key}", True)
        return answer_to(self._writer.path, key)

    def settle(self, key: str, values: Mapping[str, Any]) -> None:
        if self.recall(f"asked {key}") is not None and answer_to(self._writer.path, key) is None:
            answer(self._writer.path, key, values)

    def log(self, text: str, level: Level = "info", source: str = "procedure") -> None:
        self._state.tell(source, level, text)
