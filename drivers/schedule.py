"""The step list that a battery cycler runs by itself. Amounts are resolved to amperes and ampere-hours before.

Charge is positive current. A step ends at the first of its ends; a loop repeats the steps before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

Quantity = Literal["time_s", "voltage_V", "current_A", "capacity_Ah"]
Direction = Literal["above", "below"]


@dataclass(frozen=True)
class End:
    """One end condition: `quantity` of this step passing `value` in `direction`.

    `time_s` and `capacity_Ah` are counted from the start of the step, capacity as a magnitude, `current_A` as a
    magnitude (a constant-voltage step ends `below`). Voltages have their sign: 0 V is a value like any other.
    """

    quantity: Quantity
    direction: Direction
    value: float


@dataclass(frozen=True)
class Record:
    """What makes the cycler write a record: the first of these that has passed since the last one."""

    every_s: float | None = 10.0
    every_V: float | None = None
    every_A: float | None = None


@dataclass(frozen=True)
class Rest:
    duration_s: float
    record: Record = Record()
    kind: Literal["rest"] = "rest"


@dataclass(frozen=True)
class Current:
    """Constant current; positive charges. At least one end."""

    current_A: float
    ends: tuple[End, ...]
    record: Record = Record()
    kind: Literal["current"] = "current"


@dataclass(frozen=True)
class Voltage:
    """Constant voltage, at most `current_limit_A` (magnitude)."""

    voltage_V: float
    current_limit_A: float
    ends: tuple[End, ...]
    record: Record = Record()
    kind: Literal["voltage"] = "voltage"


@dataclass(frozen=True)
class CurrentThenVoltage:
    """Constant current to `voltage_V`, then held there until an end (`current_A` below ..., `time_s`)."""

    current_A: float
    voltage_V: float
    ends: tuple[End, ...]
    record: Record = Record()
    kind: Literal["current-then-voltage"] = "current-then-voltage"


@dataclass(frozen=True)
class Loop:
    """Go back to step `to` (counted from 1) until it has run `times` times in all. A finished pass is a cycle."""

    to: int
    times: int
    kind: Literal["loop"] = "loop"


ScheduleStep: TypeAlias = Rest | Current | Voltage | CurrentThenVoltage | Loop


@dataclass(frozen=True)
class Protection:
    """Limits in the cycler's own firmware: beyond one for longer than `delay_s`, the channel stops by itself."""

    voltage_min_V: float
    voltage_max_V: float
    current_max_A: float
    capacity_max_Ah: float | None = None
    delay_s: float = 1.0


@dataclass(frozen=True)
class Schedule:
    """A whole test of one channel. `id` is printed on the step sheet and travels with the records where it can."""

    id: str
    steps: tuple[ScheduleStep, ...]
    protection: Protection


class CyclerRecord(NamedTuple):
    """One record of a cycler. `number` is its cursor: it grows by at least one from record to record.

    A tuple, for there are hundreds of thousands of them: it is made in a fifth of the time of a dataclass.
    """

    number: int
    time_s: float
    step: int
    cycle: int
    voltage_V: float
    current_A: float
    charge_capacity_Ah: float
    discharge_capacity_Ah: float
    temperature_C: float | None = None


ChannelState = Literal["idle", "running", "paused", "finished", "stopped", "protected", "unknown"]


@dataclass(frozen=True)
class ChannelStatus:
    """What a channel is doing. `ref` is the test it runs or ran last; `text` says why it ended, in words."""

    channel: int
    state: ChannelState
    ref: str | None
    step: int
    cycle: int
    voltage_V: float
    current_A: float
    text: str = ""
