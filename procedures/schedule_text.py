"""Schedules as a plan gives them. `drivers.step_sheet` prints them, `procedures.schedule_checks` checks them.

own_schedule = [
    { kind = "rest", hours = 1 },
    { kind = "current", direction = "charge", current = "80 mA/g", until = ["voltage 3.8 V", "time 3 h"] },
    { kind = "current-then-voltage", direction = "charge", current = "80 mA/g", voltage_V = 3.8,
      until = ["current 8 mA/g"] },
    { kind = "current", direction = "discharge", current = "80 mA/g", until = ["voltage 2.9 V"] },
    { kind = "loop", to = 3, times = 150 },
]
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from pydantic import Field

from daq.errors import BadInput
from daq.sample import Sample
from daq.tables import StrictModel, parse
from drivers.schedule import (
    Current,
    CurrentThenVoltage,
    End,
    Loop,
    Record,
    Rest,
    ScheduleStep,
    Voltage,
)
from procedures.amounts import CAPACITY_UNITS, CURRENT_UNITS, read_amount, resolve

_END = re.compile(r"\s*(voltage|time|current|capacity)\s+(.+?)\s*")
_SECONDS = {"s": 1.0, "min": 60.0, "h": 3600.0}


class StepTable(StrictModel):
    """One step of `own_schedule`."""

    kind: Literal["rest", "current", "voltage", "current-then-voltage", "loop"]
    direction: Literal["charge", "discharge"] = "charge"
    current: str | None = None
    voltage_V: float | None = Field(default=None, allow_inf_nan=False)
    hours: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    until: list[str] = Field(default_factory=list)
    record_s: float = Field(default=10.0, gt=0, allow_inf_nan=False)
    record_V: float | None = Field(default=None, gt=0)
    to: int | None = None
    times: int | None = None


def read_steps(tables: Sequence[Mapping[str, Any]], sample: Sample, place: str) -> tuple[ScheduleStep, ...]:
    """The steps of a plan's `own_schedule`, in amperes. Raises BadInput naming step and key."""
    steps = []
    for number, given in enumerate(tables, 1):
        here = f"{place}, own_schedule[{number}]"
        table = parse(StepTable, given, here)
        steps.append(_READERS[table.kind](table, sample, here))
    return tuple(steps)


def _need(value: Any, key: str, place: str, example: str) -> Any:
    if value is None:
        raise BadInput("is missing", place=f"{place}, {key}", allowed=example)
    return value


def _amps(text: str, sample: Sample, place: str, units: Sequence[str] = CURRENT_UNITS) -> float:
    try:
        amount = read_amount(text, units)
    except ValueError as error:
        raise BadInput(str(error), place=place) from None
    return resolve(amount, sample, place)


def _record(table: StepTable) -> Record:
    return Record(table.record_s, table.record_V)


def _rest(table: StepTable, sample: Sample, place: str) -> ScheduleStep:
    return Rest(3600 * _need(table.hours, "hours", place, "hours = 1"), _record(table))


def _current(table: StepTable, sample: Sample, place: str) -> ScheduleStep:
    sign = 1 if table.direction == "charge" else -1
    amps = sign * _amps(_need(table.current, "current", place, 'current = "0.1 mA/cm2"'), sample, f"{place}, current")
    ends = _ends(table, sample, place, rising=sign > 0)
    if table.kind == "current":
        return Current(amps, ends, _record(table))
    volt = _need(table.voltage_V, "voltage_V", place, "voltage_V = 3.8")
    return CurrentThenVoltage(amps, volt, ends, _record(table))


def _voltage(table: StepTable, sample: Sample, place: str) -> ScheduleStep:
    limit = _amps(_need(table.current, "current", place, 'current = "1 mA", its limit'), sample, f"{place}, current")
    volt = _need(table.voltage_V, "voltage_V", place, "voltage_V = 3.8")
    return Voltage(volt, limit, _ends(table, sample, place, rising=True), _record(table))


def _loop(table: StepTable, sample: Sample, place: str) -> ScheduleStep:
    return Loop(_need(table.to, "to", place, "to = 1"), _need(table.times, "times", place, "times = 150"))


_READERS: Mapping[str, Callable[[StepTable, Sample, str], ScheduleStep]] = {
    "rest": _rest, "current": _current, "current-then-voltage": _current, "voltage": _voltage, "loop": _loop,
}  # fmt: skip


def _ends(table: StepTable, sample: Sample, place: str, rising: bool) -> tuple[End, ...]:
    ends = [_end(text, sample, f"{place}, until", rising) for text in table.until]
    if table.hours is not None:
        ends.append(End("time_s", "above", 3600 * table.hours))
    return tuple(ends)


def _end(text: str, sample: Sample, place: str, rising: bool) -> End:
    found = _END.fullmatch(text)
    if not found:
        raise BadInput(f"{text!r} is no end", place=place, allowed='"voltage 3.8 V", "time 3 h", "capacity 1 mAh/cm2"')
    what, amount = found[1], found[2]
    if what == "capacity":
        return End("capacity_Ah", "above", _amps(amount, sample, place, CAPACITY_UNITS))
    if what == "current":
        return End("current_A", "below", _amps(amount, sample, place))
    number, _, unit = amount.partition(" ")
    try:
        value = float(number)
    except ValueError:
        raise BadInput(f"{number!r} is not a number", place=place) from None
    if what == "time" and unit in _SECONDS:
        return End("time_s", "above", value * _SECONDS[unit])
    if what == "voltage" and unit == "V":
        return End("voltage_V", "above" if rising else "below", value)
    raise BadInput(f"the unit {unit!r} does not go with {what}", place=place, allowed="V, or s, min, h")
