"""The bench: which instruments belong together, as a TOML file names them, and the open bench itself."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar, cast

from pydantic import ConfigDict, Field

from daq import plugins
from daq.clock import Clock, SystemClock
from daq.contracts import Instrument
from daq.errors import BadInput, CellrigError, InstrumentError
from daq.in_time import in_time
from daq.interlock import InterlockTable
from daq.notify_table import NotifyTable
from daq.tables import StrictModel, parse, read_toml

log = logging.getLogger(__name__)
T = TypeVar("T")
CONNECT_S, DISCONNECT_S = 180.0, 15.0  # of the wall's time; a vendor's SDK takes its time to load
BUILT_IN = "built-in simulated bench"


class InstrumentTable(StrictModel):
    """`[instruments.NAME]`: the driver's entry point, limits, and whatever else the driver knows."""

    model_config = ConfigDict(extra="allow", frozen=True)
    driver: str
    limits: dict[str, float] = Field(default_factory=dict)


FASTEST = 10_000.0  # the simulated world must keep up with its clock: far above, it never answers again


class BenchTable(StrictModel):
    name: str = Field(min_length=1)
    speed: float | None = Field(default=None, gt=0, le=FASTEST)
    lost_after_s: float = Field(default=60, gt=0)
    leave_within_s: float = Field(default=60, gt=0)
    hung_after_s: float = Field(default=7200, ge=60)


class SafetyTable(StrictModel):
    """`[safety]`: for how long a furnace may keep a cell warm that a cycler runs by itself when cellrig is gone."""

    hold_h: float = Field(default=12, ge=0, le=24 * 60)


class QueueTable(StrictModel):
    """`[queue]`: what becomes of an interrupted run when cellrig starts again, and of the rest when a run fails."""

    after_interruption: Literal["ask", "resume"] = "ask"
    after_failure: Literal["go on", "hold"] = "go on"


class BenchFileModel(StrictModel):
    bench: BenchTable
    safety: SafetyTable = Field(default_factory=SafetyTable)
    queue: QueueTable = Field(default_factory=QueueTable)
    notify: NotifyTable = Field(default_factory=NotifyTable)
    interlock: list[InterlockTable] = Field(default_factory=list)
    instruments: dict[str, InstrumentTable] = Field(min_length=1)
    simulation: dict[str, Any] = Field(default_factory=dict)


@dataclass(frozen=True)
class BenchConfig:
    """A checked bench file. `source` is its path, None for the built-in simulated bench."""

    model: BenchFileModel
    source: Path | None

    @property
    def name(self) -> str:
        return self.model.bench.name

    @property
    def place(self) -> str:
        return str(self.source) if self.source else BUILT_IN

    def as_dict(self) -> dict[str, Any]:
        """What is stored with a run, enough to build the bench again."""
        return {**self.model.model_dump(), "source": str(self.source) if self.source else None}

    @classmethod
    def from_dict(cls, table: Mapping[str, Any]) -> BenchConfig:
        rest = dict(table)
        source = rest.pop("source", None)
        return cls(parse(BenchFileModel, rest, "stored bench"), Path(source) if source else None)


def load_bench(path: Path | None) -> BenchConfig:
    """The bench of a TOML file, or the built-in simulated one. Raises BadInput."""
    if path is None:
        return BenchConfig(parse(BenchFileModel, _BUILT_IN_TABLE, BUILT_IN), None)
    path = path.resolve()
    table = read_toml(path)
    if "run" in table and "instruments" not in table:
        raise BadInput("this is a plan, not a bench file", place=str(path), allowed="a file with [instruments.NAME]")
    return BenchConfig(parse(BenchFileModel, table, str(path)), path)


_BUILT_IN_TABLE: dict[str, Any] = {
    "bench": {"name": BUILT_IN},
    "instruments": {
        "furnace": {"driver": "simulated-furnace", "limits": {"max_temperature_C": 150}},
        "potentiostat": {"driver": "simulated-potentiostat", "channels": 8},
    },
    "simulation": {"cell": "blocking", "preset": "K001", "seed": 1},
}


@dataclass
class SharedParts:
    """Objects that drivers of one bench share (a bus, a simulated world): built once, closed with the bench."""

    parts: dict[str, Any] = field(default_factory=dict)

    def get(self, key: str, factory: Callable[[], T]) -> T:
        if key not in self.parts:
            self.parts[key] = factory()
        return cast(T, self.parts[key])

    def close(self) -> None:
        for part in reversed(list(self.parts.values())):
            close = getattr(part, "close", None)
            if close is not None:
                close()
        self.parts.clear()


@dataclass(frozen=True)
class DriverContext:
    """What a driver is built from. Building touches no hardware; `connect` does. `folder` is the bench file's."""

    name: str
    options: Mapping[str, Any]
    limits: Mapping[str, float]
    clock: Clock
    state_folder: Path
    simulation: Mapping[str, Any]
    place: str
    shared: SharedParts
    folder: Path = Path()

    def share(self, key: str, factory: Callable[[], T]) -> T:
        return self.shared.get(key, factory)


class Bench:
    """The instruments of one bench, not connected until `connect`. `build_bench` makes one from a bench file."""

    def __init__(
        self,
        config: BenchConfig,
        clock: Clock,
        state_folder: Path,
        instruments: Mapping[str, Instrument],
        shared: SharedParts | None = None,
    ) -> None:
        self.config = config
        self.clock = clock
        self.state_folder = state_folder
        self.instruments = dict(instruments)
        self._shared = shared or SharedParts()

    def by_role(self, role: str) -> Instrument:
        """The one instrument with this role. Raises BadInput when there is none, or a choice."""
        found = [one for one in self.instruments.values() if getattr(one, "role", None) == role]
        if len(found) != 1:
            what = "no" if not found else "more than one"
            raise BadInput(f"has {what} instrument with the role {role!r}", place=self.config.place)
        return found[0]

    def connect(self) -> None:
        """Connect every instrument; on a failure those already connected are let go.

        The caller takes part in the clock. Raises InstrumentLost for one whose driver does not come back in time.
        """
        done: list[Instrument] = []
        try:
            for name, instrument in self.instruments.items():
                in_time(self.clock, self._bench_s(CONNECT_S), instrument.connect, name, "connecting")
                done.append(instrument)
        except CellrigError:
            for instrument in reversed(done):
                self._let_go(instrument)
            raise

    def close(self) -> None:
        """Let everything go. A driver that hangs is left behind."""
        with self.clock.attached():
            for instrument in self.instruments.values():
                self._let_go(instrument)
        self._shared.close()

    def _let_go(self, instrument: Instrument) -> None:
        try:
            in_time(self.clock, self._bench_s(DISCONNECT_S), instrument.disconnect, instrument.name, "disconnecting")
        except InstrumentError as error:
            log.warning("%s", error)

    def _bench_s(self, wall_s: float) -> float:
        """So much of the wall's time, on this clock; in virtual time a driver takes no time of the wall's."""
        return wall_s if math.isinf(self.clock.speed) else wall_s * max(1.0, self.clock.speed)


def build_bench(config: BenchConfig, clock: Clock, state_folder: Path) -> Bench:
    """Every driver of the bench file built; no hardware touched.

    Raises BadInput when a driver is unknown or refuses its options.
    """
    shared = SharedParts()
    instruments: dict[str, Instrument] = {}
    for name, table in config.model.instruments.items():
        context = DriverContext(
            name=name,
            options=dict(table.model_extra or {}),
            limits=table.limits,
            clock=clock,
            state_folder=state_folder,
            simulation=config.model.simulation,
            place=f"{config.place}, instruments.{name}",
            shared=shared,
            folder=config.source.parent if config.source else Path(),
        )
        driver = plugins.load(plugins.DRIVERS, table.driver, f"{context.place}.driver")
        driver.check(context)
        instruments[name] = driver(context)
    return Bench(config, clock, state_folder, instruments, shared)


def is_virtual(config: BenchConfig) -> bool:
    """Whether every driver is simulated in this process and no speed is set: such a bench runs in virtual time."""
    if config.model.bench.speed is not None:
        return False
    drivers = [
        plugins.load(plugins.DRIVERS, table.driver, f"{config.place}, instruments.{name}.driver")
        for name, table in config.model.instruments.items()
    ]
    return all(getattr(driver, "in_process", False) for driver in drivers)


def dry_bench(config: BenchConfig) -> Bench:
    """The bench built for checking a plan: never connected, its state folder nowhere."""
    return build_bench(config, SystemClock(), Path("never-written"))
