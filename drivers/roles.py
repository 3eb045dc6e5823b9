"""The roles a driver can play. A procedure asks the bench for a role, never for a model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol, runtime_checkable

from daq.contracts import Instrument
from daq.errors import InstrumentError
from drivers.schedule import ChannelStatus, CyclerRecord, Schedule
from drivers.techniques import Point, Technique


@dataclass(frozen=True)
class PotentiostatAbilities:
    """What a potentiostat can do. Ranges are inclusive; `current_ranges_A` full scales, largest first.

    `resistance_noise`: relative standard error of a resistance from one short spectrum, repeated on a cell that does
    not change; settling weighs its short spectra by it.
    """

    channels: tuple[int, ...]
    techniques: tuple[str, ...]
    frequency_min_Hz: float
    frequency_max_Hz: float
    amplitude_max_V: float
    voltage_max_V: float
    current_ranges_A: tuple[float, ...]
    range_bandwidth_Hz: tuple[float, ...]
    overhead_s_per_point: float
    resistance_noise: float = 0.003


@dataclass(frozen=True)
class FurnaceAbilities:
    """`has_sample_sensor`: the snapshot carries `sample_temperature_C`."""

    temperature_min_C: float
    temperature_max_C: float
    ramp_max_K_per_min: float
    has_sample_sensor: bool


class FurnaceReading(NamedTuple):
    """One reading, degC. `sample_temperature_C` is None without a sensor at the sample.

    A tuple, for it is read every second or half minute for weeks: it is made in a fifth of the time of a dataclass.
    """

    temperature_C: float
    setpoint_C: float
    working_setpoint_C: float
    output_percent: float
    sample_temperature_C: float | None = None
    faults: tuple[str, ...] = ()


@runtime_checkable
class Potentiostat(Instrument, Protocol):
    role: Literal["potentiostat"]

    def abilities(self) -> PotentiostatAbilities: ...

    def measure(self, technique: Technique, channel: int = 1) -> Iterator[Point]:
        """Run one technique and yield its points as they are taken.

        The iterator may be closed at any point: the cell then goes to `technique.end_state`.
        Raises `BadInput` before anything is applied when the technique is beyond `abilities()`,
        `InstrumentError` when the instrument fails.
        """
        ...


@runtime_checkable
class MeasuresInBlocks(Protocol):
    """A potentiostat, as the simulated one in virtual time, of which many points can be had at one moment."""

    def measure_in_blocks(self, technique: Technique, channel: int = 1) -> Iterator[Iterable[Point]]:
        """As `measure`: the points of one moment together, each of them taken only when it is asked for."""
        ...


@runtime_checkable
class TemperatureController(Instrument, Protocol):
    role: Literal["temperature"]

    def abilities(self) -> FurnaceAbilities: ...
    def set_target(self, temperature_C: float, ramp_K_per_min: float | None = None) -> None: ...
    def hold(self) -> None: ...
    def read_temperature(self) -> FurnaceReading: ...


@dataclass(frozen=True)
class CyclerAbilities:
    """What a cycler can do. `record_interval_min_s` is the fastest record it can make."""

    channels: tuple[int, ...]
    voltage_min_V: float
    voltage_max_V: float
    current_max_A: float
    current_resolution_A: float
    record_interval_min_s: float
    step_time_min_s: float
    can_start: bool


@runtime_checkable
class ObservedCycler(Instrument, Protocol):
    """A cycler that can be watched. It runs on by itself: losing it never stops it."""

    role: Literal["cycler"]

    def abilities(self) -> CyclerAbilities: ...
    def status(self, channel: int) -> ChannelStatus: ...

    def records(self, ref: str, after: int = 0, limit: int = 100_000) -> Sequence[CyclerRecord]:
        """The records of a test later than the cursor `after`, oldest first."""
        ...

    def attach(self, ref: str) -> ChannelStatus:
        """Find a test again, after a restart. Raises InstrumentError when it is not there."""
        ...


@runtime_checkable
class ChoosyCycler(Protocol):
    """A cycler that can't run every schedule within its ranges, or not under every name."""

    def check_submit(self, schedule: Schedule, sample_id: str) -> None:
        """Raises BadInput as `submit` would for what is wrong whatever the channel does. Asks the cycler nothing."""
        ...


@runtime_checkable
class BatteryCycler(ObservedCycler, Protocol):
    """A cycler that can also be started and stopped."""

    def submit(self, channel: int, schedule: Schedule, sample_id: str) -> str:
        """Start a schedule; returns the ref of the test. Raises BadInput when the channel is not free."""
        ...

    def stop(self, ref: str) -> None:
        """Stop that test, and no other: its identity is checked first."""
        ...


@runtime_checkable
class StopsMany(Protocol):
    """A cycler that stops many tests in the time of one."""

    def stop_all(self, refs: Sequence[str]) -> Sequence[InstrumentError]:
        """Each as `stop` does; returns what went wrong, of each that did. All are tried."""
        ...


@dataclass(frozen=True)
class HandOver:
    """What the person who started a channel by hand says: which channel, when (Unix time), and who."""

    channel: int
    started_unix: float
    by: str


@runtime_checkable
class OperatorRunCycler(ObservedCycler, Protocol):
    """A cycler that a person starts and stops. There is no way for cellrig to do either, and it never says it did."""

    def expect(self, channel: int, schedule: Schedule, sample_id: str) -> str:
        """Remember what a person will type in, so that its data are known when they come; returns the ref.

        Starts nothing. Asked again for the same, it returns the same, until that was handed over.
        """
        ...

    def hand_over(self, ref: str, told: HandOver) -> None:
        """The channel was started by hand: from now on its data are looked for. Raises BadInput."""
        ...

    def handed_over(self, ref: str) -> HandOver | None:
        """None until it was. Raises InstrumentError when the test is not known."""
        ...

    def ended(self, ref: str, why: str) -> None:
        """A person says that the channel does nothing more of this test: its data are as they are."""
        ...

    def account(self, ref: str) -> Sequence[str]:
        """What was taken for this test and what was set aside, in sentences; each stays as it is once it was told."""
        ...
