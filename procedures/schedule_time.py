"""How long a schedule takes, as far as its steps tell: for the estimate of a run, never for its end."""

from __future__ import annotations

from collections.abc import Sequence

from daq.sample import Sample
from drivers.schedule import Current, CurrentThenVoltage, End, Loop, Rest, ScheduleStep

GUESS_h = 10.0  # of a half cycle whose capacity nobody told
GUESS_mAh_g = 150.0
FAST_C = 30.0  # a solid cell takes no such current


def full_Ah_of(sample: Sample) -> float | None:
    """The capacity of the active material, 150 mAh/g where the plan does not say; None without its mass."""
    active = sample.active
    if active is None or active.mass_mg is None:
        return None
    return 1e-6 * active.mass_mg * (GUESS_mAh_g if active.capacity_mAh_g is None else active.capacity_mAh_g)


def seconds_of(steps: Sequence[ScheduleStep], full_Ah: float | None) -> float:
    """`full_Ah`: what is charged or discharged between two cut-offs of voltage; None where it is not known."""
    each: list[float] = []
    for place, step in enumerate(steps):
        if isinstance(step, Loop):  # the steps before it, inner loops and all, once more and once more
            each.append((step.times - 1) * sum(each[step.to - 1 : place]))
        else:
            each.append(_seconds_of(step, full_Ah))
    return sum(each)


def _seconds_of(step: ScheduleStep, full_Ah: float | None) -> float:
    if isinstance(step, Rest):
        return step.duration_s
    assert not isinstance(step, Loop)
    amps = abs(step.current_A) if isinstance(step, Current | CurrentThenVoltage) else 0.0
    bounds = [_bound_s(end, amps) for end in step.ends]
    if amps:
        bounds.append(GUESS_h * 3600 if full_Ah is None else 3600 * full_Ah / amps)
    known = [one for one in bounds if one is not None]
    return min(known, default=GUESS_h * 360)


def _bound_s(end: End, amps: float) -> float | None:
    if end.quantity == "time_s":
        return end.value
    return 3600 * end.value / amps if end.quantity == "capacity_Ah" and amps else None


def fast_told(steps: Sequence[ScheduleStep], sample: Sample) -> str:
    """A warning where a current would fill the sample in two minutes: mA written for mA/g, say. "" else."""
    full_Ah = full_Ah_of(sample)
    most_A = max((abs(one.current_A) for one in steps if isinstance(one, Current | CurrentThenVoltage)), default=0.0)
    if not full_Ah or most_A < FAST_C * full_Ah:
        return ""
    return (
        f"{sample.label}: {1e3 * most_A:.3g} mA is {most_A / full_Ah:.0f} C for its {1e3 * full_Ah:.3g} mAh; "
        "is the unit of the current the right one (mA, mA/g, mA/cm2, C)?"
    )
