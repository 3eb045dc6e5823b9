"""What a plan's own temperatures say of its interlocks before the start: which will trip, which never can.

Only what is certain, or nearly, from set-points, ramps and the limits themselves; how a furnace and a cell really
behave is for a rehearsal.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise

from daq.interlock import Interlock
from daq.interlock_watch import WHAT_IS_DONE

ROOM_C = 20.0
WARM_C = 30.0  # no room is warmer: a furnace that has to be above this at the start must have been heated before
OVERSHOOT_K = 2.0  # by so much a furnace may pass its set-point before it settles
OVERSHOOT_S = 300.0  # and for so long
REACHED = frozenset({"temperature_C", "sample_temperature_C", "setpoint_C"})
ENDING = frozenset({"stop", "make_safe"})


@dataclass(frozen=True)
class Course:
    """Where a run takes a furnace: set-points in degC in their order, and how fast (K/min)."""

    furnace: str
    targets_C: tuple[float, ...]
    ramp_K_per_min: float

    def longest_ramp_s(self, upwards: bool) -> float:
        """How long the longest ramp in this direction lasts, begun at 20 degC; 0 when there is none."""
        spans = [after - before for before, after in pairwise((ROOM_C, *self.targets_C))]
        return max([0.0, *(span if upwards else -span for span in spans)]) / self.ramp_K_per_min * 60


def foreseen(
    interlocks: Sequence[Interlock], course: Course | None, recorded: Collection[str], seconds: float
) -> list[str]:
    """One sentence for each written interlock that is certain to trip or can't.

    `recorded`: the streams of the run; `seconds`: how long it will take, as estimated.
    """
    found: list[str] = []
    for one in interlocks:
        if one.is_built_in:
            continue
        told = _never(one, interlocks, seconds)
        if not told and course is not None:
            told = _by_rate(one, course) if one.quantity.form == "rate" else _by_target(one, course, recorded)
        found += [f"interlock {one.name!r} {text}" for text in told]
    return found


def _never(one: Interlock, interlocks: Sequence[Interlock], seconds: float) -> list[str]:
    if 0 < seconds <= one.delay_s:
        return [f"can never trip: its delay of {one.delay_s:g} s is longer than the whole run"]
    before = [
        other
        for other in interlocks
        if other is not one
        and other.action in ENDING
        and (other.quantity.terms, other.quantity.form) == (one.quantity.terms, one.quantity.form)
        and other.delay_s <= one.delay_s
    ]
    lower = [other for other in before if _is_within(other.maximum, one.maximum)]
    higher = [other for other in before if _is_within(one.minimum, other.minimum)]
    found = []
    if lower:
        found.append(f"can never pass its maximum of {one.maximum:g}: {lower[0].name!r} ends the run"
                     f" at {lower[0].maximum:g} before")  # fmt: skip
    if higher:
        found.append(f"can never pass its minimum of {one.minimum:g}: {higher[0].name!r} ends the run"
                     f" at {higher[0].minimum:g} before")  # fmt: skip
    return found


def _is_within(low: float | None, high: float | None) -> bool:
    return low is not None and high is not None and low < high


def _by_target(one: Interlock, course: Course, recorded: Collection[str]) -> list[str]:
    term = one.quantity.terms[0]
    if one.quantity.form != "value" or term.column not in REACHED or not course.targets_C:
        return []
    if term.source != course.furnace and term.source not in recorded:
        return []  # another instrument's thermometer
    highest_C, lowest_C = max(course.targets_C), min(course.targets_C)
    found = []
    if one.maximum is not None and highest_C > one.maximum:
        found.append(f"will trip: the plan goes to {highest_C:g} °C, beyond its maximum of {one.maximum:g}; "
                     + _consequence(one))  # fmt: skip
    elif one.maximum is not None and highest_C > one.maximum - OVERSHOOT_K and one.delay_s < OVERSHOOT_S:
        found.append(f"may trip: the plan goes to {highest_C:g} °C, and a furnace passes its set-point a little before "
                     f"it settles; its maximum is {one.maximum:g}. Give it more room, or a delay_s")  # fmt: skip
    if one.minimum is not None and lowest_C < one.minimum:
        found.append(f"will trip: the plan goes to {lowest_C:g} °C, beyond its minimum of {one.minimum:g}; "
                     + _consequence(one))  # fmt: skip
    elif one.minimum is not None and term.source == course.furnace and one.minimum > WARM_C and one.action != "warn":
        found.append(f"lets no run begin with a cold furnace: its minimum is {one.minimum:g} °C. "
                     "What the procedure records, such as hold.temperature_C, is watched only then")  # fmt: skip
    return found


def _consequence(one: Interlock) -> str:
    if one.action == "pause":
        return f"the run waits for it with the furnace where it is, and ends safely after {one.wait_max_s / 3600:g} h"
    return WHAT_IS_DONE[one.action]


def _by_rate(one: Interlock, course: Course) -> list[str]:
    term = one.quantity.terms[0]
    if term.source != course.furnace or term.column not in REACHED - {"sample_temperature_C"}:
        return []  # a sample follows later and more slowly than its furnace
    asked = course.ramp_K_per_min / 60 * one.quantity.seconds
    seen_s = one.delay_s + 0.5 * one.window_s
    unit = one.quantity.unit
    found = []
    if one.maximum is not None and asked > one.maximum and course.longest_ramp_s(upwards=True) > seen_s:
        found.append(f"will trip where the furnace can follow: the plan heats at {asked:g} {unit}, beyond its maximum "
                     f"of {one.maximum:g}; {WHAT_IS_DONE[one.action]}")  # fmt: skip
    if one.minimum is not None and -asked < one.minimum and course.longest_ramp_s(upwards=False) > seen_s:
        found.append(f"will trip where the furnace can follow: the plan cools at {asked:g} {unit}, beyond its minimum "
                     f"of {one.minimum:g}; {WHAT_IS_DONE[one.action]}")  # fmt: skip
    return found
