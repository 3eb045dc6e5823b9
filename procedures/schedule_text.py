"""Schedules as a plan gives them, checked against the cycler. `drivers.step_sheet` prints them.

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
from drivers.roles import CyclerAbilities
from drivers.schedule import (
    Current,
    CurrentThenVoltage,
    End,
    Loop,
    Protection,
    Record,
    Rest,
    Schedule,
    ScheduleStep,
    Voltage,
)
from procedures.amounts import CAPACITY_UNITS, CURRENT_UNITS, read_amount, resolve

_END = re.compile(r"\s*(voltage|time|current|capacity)\s+(.+?)\s*")
_SECONDS = {"s": 1.0, "min": 60.0, "h": 3600.0}
MOST_PASSES = 1_000_000


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


# ---------------------------------------------------------------- checks
def check_schedule(schedule: Schedule, abilities: CyclerAbilities, place: str) -> None:
    """Raises BadInput for the first step that the cycler can't do or that never ends."""
    if not schedule.steps:
        raise BadInput("has no step", place=f"{place}, schedule")
    upper: float | None = None
    for number, step in enumerate(schedule.steps, 1):
        here = f"{place}, own_schedule[{number}]"
        if isinstance(step, Loop):
            _check_loop(step, number, here)
            continue
        _check_record(step, abilities, here)
        if isinstance(step, Rest):
            continue
        _check_amps(step, abilities, here)
        upper = _check_ends(step, schedule.protection, abilities, upper, here)


def _check_loop(step: Loop, number: int, place: str) -> None:
    if not 1 <= step.to < number:
        raise BadInput(f"goes back to step {step.to}", place=f"{place}, to", allowed=f"1 to {number - 1}")
    if not 1 <= step.times <= MOST_PASSES:
        raise BadInput(f"{step.times} passes", place=f"{place}, times", allowed=f"1 to {MOST_PASSES}: a loop must end")


def _check_record(step: Any, abilities: CyclerAbilities, place: str) -> None:
    every, least = step.record.every_s, abilities.record_interval_min_s
    if every is not None and every < least:
        raise BadInput(f"a record every {every:g} s", place=f"{place}, record_s", allowed=f"{least:g} s or more")
    times = [end.value for end in getattr(step, "ends", ()) if end.quantity == "time_s"]
    for time_s in [*times, *([step.duration_s] if isinstance(step, Rest) else [])]:
        if time_s < abilities.step_time_min_s:
            least = abilities.step_time_min_s
            raise BadInput(f"a step of {time_s:g} s", place=place, allowed=f"{least:g} s or more on this cycler")


def _check_amps(step: Current | Voltage | CurrentThenVoltage, abilities: CyclerAbilities, place: str) -> None:
    amps = abs(step.current_limit_A if isinstance(step, Voltage) else step.current_A)
    if not abilities.current_resolution_A <= amps <= abilities.current_max_A:
        allowed = f"{abilities.current_resolution_A:g} to {abilities.current_max_A:g} A"
        raise BadInput(f"{amps:g} A", place=f"{place}, current", allowed=allowed)


def _check_ends(
    step: Current | Voltage | CurrentThenVoltage,
    protection: Protection,
    abilities: CyclerAbilities,
    upper: float | None,
    place: str,
) -> float | None:
    """Returns the last upper cut-off, which the next discharge must stay below."""
    if not step.ends:
        raise BadInput("never ends", place=f"{place}, until", allowed='"voltage 3.8 V", "time 3 h", "capacity 1 mAh"')
    low = max(protection.voltage_min_V, abilities.voltage_min_V)
    high = min(protection.voltage_max_V, abilities.voltage_max_V)
    held = [] if isinstance(step, Current) else [step.voltage_V]
    cut = [end.value for end in step.ends if end.quantity == "voltage_V"]
    for volt in [*held, *cut]:
        if not low <= volt <= high:
            raise BadInput(f"{volt:g} V", place=f"{place}, until", allowed=f"{low:g} to {high:g} V")
    if isinstance(step, Voltage):
        return upper
    if step.current_A > 0:
        return max([*held, *cut], default=upper)
    for volt in cut:
        if upper is not None and volt >= upper:
            raise BadInput(f"the discharge ends at {volt:g} V, the charge before it already at {upper:g} V",
                           place=f"{place}, until", allowed=f"below {upper:g} V")  # fmt: skip
    return upper
