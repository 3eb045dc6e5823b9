"""A schedule in the steps that a Neware tester knows: a hold after a current becomes a step of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace

from daq.errors import BadInput
from drivers.schedule import (
    Current,
    End,
    Loop,
    Protection,
    Record,
    Rest,
    Schedule,
    ScheduleStep,
    Voltage,
)

LEAST_V = 1e-4  # the last digit of a step file's voltages
CC, DC, CV, REST, LOOP, END, DV = 1, 2, 3, 4, 5, 6, 19  # step types, as step files carry them
WORDS = {CC: "cc", DC: "dc", CV: "cv", REST: "rest", DV: "dv", LOOP: "cycle", END: "end"}  # and as records do


@dataclass(frozen=True)
class NewareStep:
    """One step of a step file; None where it says nothing. Currents are magnitudes, the type gives the direction.

    `origin` is the step of the schedule that it came from, counted from 1.
    """

    kind: int
    origin: int
    current_A: float | None = None
    voltage_V: float | None = None
    time_s: float | None = None
    stop_voltage_V: float | None = None
    stop_current_A: float | None = None
    loop_to: int | None = None
    loop_times: int | None = None


@dataclass(frozen=True)
class StepPlan:
    """All steps without the end step, and what holds for the whole test."""

    steps: tuple[NewareStep, ...]
    protection: Protection
    record: Record

    def origins(self) -> list[int]:
        return [one.origin for one in self.steps]


def plan_of(schedule: Schedule, instrument: str) -> StepPlan:
    """Raises BadInput, naming the step, for what no step file is known to express."""
    steps: list[NewareStep] = []
    first_of: dict[int, int] = {}  # step of the schedule: its first step here
    direction = 1.0
    for number, step in enumerate(schedule.steps, start=1):
        here = f"{instrument}: step {number}"
        first_of[number] = len(steps) + 1
        if isinstance(step, Loop):
            steps.append(NewareStep(LOOP, number, loop_to=first_of[step.to], loop_times=step.times))
        elif isinstance(step, Rest):
            steps.append(NewareStep(REST, number, time_s=step.duration_s))
        elif isinstance(step, Current):
            steps.append(_current(step, number, here))
            direction = step.current_A or direction
        elif isinstance(step, Voltage):
            steps.append(_held(step.voltage_V, step.current_limit_A, step.ends, direction, number, here))
        else:
            direction = step.current_A or direction
            steps.append(
                NewareStep(
                    CC if step.current_A > 0 else DC,
                    number,
                    current_A=_nonzero(step.current_A, here),
                    stop_voltage_V=_volt(step.voltage_V, here),
                )
            )
            steps.append(_held(step.voltage_V, step.current_A, step.ends, direction, number, here))
    return StepPlan(tuple(steps), _inside_zero(schedule.protection), _finest(schedule.steps))


def schedule_of(plan: StepPlan, name: str) -> Schedule:
    """The plan as a schedule again, step by step: what a tester is going to do."""
    return Schedule(name, tuple(_step_of(one, plan.record) for one in plan.steps), plan.protection)


def _step_of(step: NewareStep, record: Record) -> ScheduleStep:
    if step.kind == LOOP:
        return Loop(step.loop_to or 1, step.loop_times or 1)
    if step.kind == REST:
        return Rest(step.time_s or 0.0, record)
    ends: list[End] = []
    if step.kind in (CC, DC):
        if step.stop_voltage_V is not None:
            ends.append(End("voltage_V", "above" if step.kind == CC else "below", step.stop_voltage_V))
    elif step.stop_current_A is not None:
        ends.append(End("current_A", "below", step.stop_current_A))
    if step.time_s is not None:
        ends.append(End("time_s", "above", step.time_s))
    current_A = step.current_A or 0.0
    if step.kind in (CC, DC):
        return Current(current_A if step.kind == CC else -current_A, tuple(ends), record)
    return Voltage(step.voltage_V or 0.0, current_A, tuple(ends), record)


def _current(step: Current, number: int, here: str) -> NewareStep:
    """A capacity at a constant current is a time, and is written as one."""
    amount_A = _nonzero(step.current_A, here)
    made = NewareStep(CC if step.current_A > 0 else DC, number, current_A=amount_A)
    for end in step.ends:
        if end.quantity == "time_s":
            made = replace(made, time_s=_least(made.time_s, end.value))
        elif end.quantity == "capacity_Ah":
            made = replace(made, time_s=_least(made.time_s, end.value * 3600 / amount_A))
        elif end.quantity == "voltage_V":
            if (end.direction == "above") != (step.current_A > 0):
                raise BadInput(
                    f"{here} stops {end.direction} {end.value:g} V, which a Neware step cannot",
                    allowed="a charge stops above, a discharge below a voltage",
                )
            if made.stop_voltage_V is not None:
                raise BadInput(f"{here} has two voltages to stop at", allowed="one")
            made = replace(made, stop_voltage_V=_volt(end.value, here))
        else:
            raise BadInput(f"{here} stops at a current, and is itself a constant current", allowed="time, voltage")
    return made


def _held(
    voltage_V: float, limit_A: float, ends: tuple[End, ...], direction: float, number: int, here: str
) -> NewareStep:
    made = NewareStep(
        CV if direction > 0 else DV, number, current_A=_nonzero(limit_A, here), voltage_V=_volt(voltage_V, here)
    )
    for end in ends:
        if end.quantity == "time_s":
            made = replace(made, time_s=_least(made.time_s, end.value))
        elif end.quantity == "current_A" and end.direction == "below":
            made = replace(made, stop_current_A=max(made.stop_current_A or 0.0, end.value))
        else:
            raise BadInput(
                f"{here} holds a voltage and ends by {end.quantity} {end.direction} {end.value:g}",
                allowed="time, or a current that falls below a value",
            )
    return made


def _least(one: float | None, other: float) -> float:
    return other if one is None else min(one, other)


def _nonzero(current_A: float, here: str) -> float:
    if round(abs(current_A) * 1e9) == 0:
        raise BadInput(f"{here} has a current of {current_A:g} A", allowed="1 nA or more; for no current, a rest")
    return abs(current_A)


def _volt(voltage_V: float, here: str) -> float:
    """0 V in a step file may mean "no limit": unproven, so refused."""
    if round(voltage_V * 1e4) == 0:
        raise BadInput(
            f"{here} goes to 0 V, which a step file may not be able to say",
            allowed="0.0001 V or more away from zero",
        )
    return voltage_V


def _inside_zero(guard: Protection) -> Protection:
    """A bound of 0 V may be read as none: it is put a tenth of a millivolt inside."""
    lower = LEAST_V if round(guard.voltage_min_V / LEAST_V) == 0 else guard.voltage_min_V
    upper = -LEAST_V if round(guard.voltage_max_V / LEAST_V) == 0 else guard.voltage_max_V
    return replace(guard, voltage_min_V=lower, voltage_max_V=upper)


def _finest(steps: tuple[ScheduleStep, ...]) -> Record:
    """A step file has one rule of recording: the finest of all steps."""
    records = [step.record for step in steps if not isinstance(step, Loop)]

    def least(values: list[float | None]) -> float | None:
        return min((one for one in values if one is not None), default=None)

    return Record(
        least([one.every_s for one in records]),
        least([one.every_V for one in records]),
        least([one.every_A for one in records]),
    )
