"""Whether a schedule can be run, before a channel starts."""

from __future__ import annotations

import math

from daq.errors import BadInput
from drivers.roles import CyclerAbilities
from drivers.schedule import Current, CurrentThenVoltage, Loop, Rest, Schedule, Voltage


def check_schedule(schedule: Schedule, abilities: CyclerAbilities, instrument: str) -> None:
    """Raises BadInput, naming the step, for what is beyond the cycler or never ends."""
    if not schedule.steps:
        raise BadInput(f"{instrument}: the schedule has no steps")
    for number, step in enumerate(schedule.steps, start=1):
        here = f"{instrument}: step {number}"
        if isinstance(step, Loop):
            if not (1 <= step.to < number and step.times >= 1):
                raise BadInput(
                    f"{here} goes back to {step.to}, {step.times} times", allowed="an earlier step, 1 time on"
                )
            continue
        every_s = step.record.every_s
        if every_s is not None and not every_s >= abilities.record_interval_min_s:
            raise BadInput(
                f"{here} records every {every_s:g} s", allowed=f"{abilities.record_interval_min_s:g} s or more"
            )
        if isinstance(step, Rest):
            _within(step.duration_s, abilities.step_time_min_s, 1e9, f"{here}: a rest", "s")
            continue
        _working(step, abilities, here)
    guard = schedule.protection
    if not guard.voltage_min_V < guard.voltage_max_V or not guard.current_max_A > 0 or not guard.delay_s >= 0:
        raise BadInput(f"{instrument}: the protection leaves nothing", allowed="a lower below an upper voltage")


def _working(step: Current | Voltage | CurrentThenVoltage, abilities: CyclerAbilities, here: str) -> None:
    if not step.ends:
        raise BadInput(f"{here} has no end", allowed="at least one of time, voltage, current, capacity")
    for end in step.ends:
        if not math.isfinite(end.value):
            raise BadInput(f"{here} ends at {end.value:g}", allowed="a number")
    most_A = abilities.current_max_A
    amount_A = step.current_limit_A if isinstance(step, Voltage) else step.current_A
    _within(amount_A, -most_A, most_A, f"{here}: a current", "A")
    if not isinstance(step, Current):
        _within(step.voltage_V, abilities.voltage_min_V, abilities.voltage_max_V, f"{here}: a voltage", "V")


def _within(value: float, lowest: float, highest: float, what: str, unit: str) -> None:
    if not lowest <= value <= highest:
        raise BadInput(f"{what} of {value:g} {unit} is out of reach", allowed=f"{lowest:g} to {highest:g} {unit}")
