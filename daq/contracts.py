"""What an instrument and an experiment must offer, and what passes between the floors.

`daq` knows no instrument model and no experiment: it sees these Protocols only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

from numpy.typing import NDArray

from daq.clock import Clock, Event
from daq.stream import Stream

Value: TypeAlias = float | int | str | None
Values: TypeAlias = Sequence[Value] | NDArray[Any]  # of many rows, each of which may be a Value
Columns: TypeAlias = Mapping[str, Values]  # by name, of one length
Reason = Literal["finished", "stopped", "failed", "engine_lost"]
Outcome = Literal["running", "finished", "stopped", "failed", "interrupted"]
StepState = Literal["waiting", "running", "finished", "skipped", "broken", "failed"]
Level = Literal["debug", "info", "warning", "error"]
AfterBreak = Literal["repeat", "continue", "ask", "end"]


# ---------------------------------------------------------------- instruments
@dataclass(frozen=True)
class Limit:
    """A bound on one live quantity of an instrument, checked on every reading (inclusive)."""

    quantity: str
    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True)
class Snapshot:
    """A live reading: quantities by name with the unit in the name; faults in words, empty when well."""

    values: Mapping[str, Value]
    faults: tuple[str, ...] = ()


@dataclass(frozen=True)
class Identity:
    maker: str
    model: str
    serial: str
    firmware: str = ""

    @property
    def text(self) -> str:
        """Maker, model and serial number in one line; what is not known is left out."""
        return " ".join(filter(None, (self.maker, self.model, self.serial)))


@dataclass(frozen=True)
class SafeReport:
    """What `make_safe` did and what it read back."""

    verified: bool
    text: str


@runtime_checkable
class Instrument(Protocol):
    """A driver. The class is built as `Driver(name, options, context)`; see `daq.bench.DriverContext`.

    `read` never blocks on a running measurement. `make_safe` is idempotent, tries everything before it
    raises `NotSafe`, and is over within `safe_within_s`.
    """

    name: str
    safe_within_s: float
    monitor_interval_s: float
    snapshot_stream: Stream

    def connect(self) -> None: ...
    def disconnect(self) -> None: ...
    def identity(self) -> Identity: ...
    def capabilities(self) -> Mapping[str, Any]: ...
    def limits(self) -> Sequence[Limit]: ...
    def read(self) -> Snapshot: ...
    def make_safe(self, reason: Reason) -> SafeReport: ...


@runtime_checkable
class Traced(Protocol):
    """An instrument on a wire: the last bytes that passed, bounded, for the log when something went wrong."""

    def wire_trace(self) -> str: ...


@runtime_checkable
class Patient(Protocol):
    """An instrument whose tests go on without us: it may be silent for so long, not for the bench's 60 s."""

    lost_after_s: float


def patience_s(instrument: object, lost_after_s: float) -> float:
    """For how long an instrument may be silent: as it says itself, else as the bench does."""
    return instrument.lost_after_s if isinstance(instrument, Patient) else lost_after_s


@runtime_checkable
class CarriesOn(Instrument, Protocol):
    """An instrument whose tests go on without us: what it does by itself now, one text for each; empty when nothing."""

    def carrying_on(self) -> Sequence[str]: ...


@runtime_checkable
class Settable(Instrument, Protocol):
    """An instrument with a temperature to go to and to hold: what a person may set by hand, what a guard may keep."""

    def set_target(self, temperature_C: float, ramp_K_per_min: float | None = None) -> None: ...
    def hold(self) -> None: ...


# ---------------------------------------------------------------- experiments
@dataclass(frozen=True)
class Step:
    """The journalled unit of a procedure. `key` is unique in the run and stable over resumes."""

    key: str
    title: str
    after_break: AfterBreak = "repeat"
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Result:
    """A named number of an analysis. A refused number has `value` None and a `reason`."""

    name: str
    value: float | None
    unit: str
    uncertainty: float | None = None
    interval: tuple[float, float] | None = None
    at: Mapping[str, Any] = field(default_factory=dict)
    method: str = ""
    reason: str | None = None


class Rig(Protocol):
    """What a step works on: the bench, time, and the door to the record.

    `wait` sleeps bench time but leaves at once with `Stopped` when the run is asked to stop, and with
    `LimitBroken` when the monitor saw a broken limit. `remember` is durable before it returns.
    """

    bench: Any  # daq.bench.Bench; Any, so that a plain Worker's rig can stand in
    clock: Clock
    attempt: int

    @property
    def t_s(self) -> float: ...
    def record(self, stream: str, **values: Value) -> None: ...
    def record_many(self, stream: str, t_s: Sequence[float] | NDArray[Any], columns: Columns) -> None: ...
    def remember(self, key: str, value: Any) -> None: ...
    def recall(self, key: str, default: Any = None) -> Any: ...
    def wait(self, seconds: float) -> None: ...
    def check(self) -> None: ...
    def sampling(self, instrument: str, interval_s: float) -> None: ...
    def latest(self, instrument: str) -> tuple[float, Snapshot]: ...
    def readings(self, instrument: str, after_t_s: float) -> list[tuple[float, Snapshot]]: ...
    def progress(self, text: str, done_s: float | None = None) -> None:
        """`done_s`: seconds of the step's estimate that have passed, where that is more than since it was begun."""
        ...

    def ask(self, key: str, text: str, details: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """What a person answered; None until then. The question is put, and told, once; `{run}` is the run's id."""
        ...

    def settle(self, key: str, values: Mapping[str, Any]) -> None:
        """It became known otherwise: a question that is still open gets this answer, and nobody is waited for."""
        ...

    def log(self, text: str, level: Level = "info", source: str = "procedure") -> None: ...


class RunReader(Protocol):
    """A run as the analysis sees it; `daq.runfile.reader.RunFile` is the one on disk."""

    @property
    def parameters(self) -> Mapping[str, Any]: ...
    @property
    def sample(self) -> Mapping[str, Any]: ...
    @property
    def outcome(self) -> Outcome: ...
    def table(self, stream: str, after: int = 0, columns: Sequence[str] | None = None) -> Mapping[str, Any]: ...
    def recall(self, key: str, default: Any = None) -> Any: ...


class Experiment(Protocol):
    """A procedure, as the engine sees it."""

    procedure_name: str
    streams: tuple[Stream, ...]

    def steps(self) -> Sequence[Step]: ...
    def estimate(self) -> Mapping[str, float]: ...
    def run_step(self, step: Step, rig: Rig) -> None: ...
    def recover(self, run: RunReader) -> None:
        """Before a step is taken up again, here or after a resume: take from the record what only memory held."""
        ...

    def analyse(self, run: RunReader) -> list[Result]: ...


__all__ = [
    "AfterBreak",
    "CarriesOn",
    "Clock",
    "Columns",
    "Event",
    "Experiment",
    "Identity",
    "Instrument",
    "Level",
    "Limit",
    "Outcome",
    "Patient",
    "Reason",
    "Result",
    "Rig",
    "RunReader",
    "SafeReport",
    "Settable",
    "Snapshot",
    "Step",
    "StepState",
    "Traced",
    "Value",
    "Values",
]
