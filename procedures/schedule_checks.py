"""A schedule against the cycler, the sample and itself, before a channel starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from daq.errors import BadInput
from daq.sample import Sample
from drivers.roles import CyclerAbilities
from drivers.schedule import Current, CurrentThenVoltage, Loop, Protection, Rest, Schedule, Voltage
from procedures.dc_taking import require_borne

MOST_PASSES = 1_000_000


def check_schedule(schedule: Schedule, abilities: CyclerAbilities, sample: Sample, place: str) -> None:
    """Raises BadInput for the first step that the cycler can't do, the sample does not bear, or that never ends."""
    if not schedule.steps:
        raise BadInput("has no step", place=f"{place}, schedule", allowed='{ kind = "rest", hours = 1 } and others')
    cut_offs = CutOffs()
    for number, step in enumerate(schedule.steps, 1):
        here = f"{place}, schedule, step {number}"
        if isinstance(step, Loop):
            _check_loop(step, number, here)
            continue
        _check_record(step, abilities, here)
        if isinstance(step, Rest):
            continue
        _check_amps(step, abilities, here)
        _check_end(step, here)
        _check_lasts(step, here)
        _check_reach(step, schedule.protection, abilities, sample, here)
        cut_offs = _check_sides(step, cut_offs, here)
    _check_passes(schedule, place)


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


def _check_end(step: Current | Voltage | CurrentThenVoltage, place: str) -> None:
    """At least one end that can come: a constant current does not fall, a held voltage does not move."""
    still = "current_A" if isinstance(step, Current) else "voltage_V"
    if not any(end.quantity != still for end in step.ends):
        told = f": its {still.partition('_')[0]} is held" if step.ends else ""
        example = '"voltage 3.8 V", "time 3 h", "capacity 1 mAh"'
        if not isinstance(step, Current):
            example = '"current 0.1 mA", "time 3 h", "capacity 1 mAh"'
        raise BadInput(f"never ends{told}", place=f"{place}, until", allowed=example)


def _check_lasts(step: Current | Voltage | CurrentThenVoltage, place: str) -> None:
    """A current that is kept below its own end ends the step at once: mostly the two were interchanged."""
    most_A = abs(step.current_limit_A if isinstance(step, Voltage) else step.current_A)
    most = f"{1e3 * most_A:.4g} mA"
    for end in step.ends:
        if end.quantity == "current_A" and end.value > 1.001 * most_A:  # the same in two units is the same
            raise BadInput(
                f"ends at once: its current is at most {most}, below its end of {1e3 * end.value:.4g} mA",
                place=f"{place}, until",
                allowed=f"a current of less than {most} as its end, or a larger current",
            )


def targets_V(step: Current | Voltage | CurrentThenVoltage) -> list[float]:
    """The potentials that a step holds or ends at."""
    held = [] if isinstance(step, Current) else [step.voltage_V]
    return [*held, *(end.value for end in step.ends if end.quantity == "voltage_V")]


def _check_reach(
    step: Current | Voltage | CurrentThenVoltage,
    protection: Protection,
    abilities: CyclerAbilities,
    sample: Sample,
    place: str,
) -> None:
    low = max(protection.voltage_min_V, abilities.voltage_min_V)
    high = min(protection.voltage_max_V, abilities.voltage_max_V)
    targets = targets_V(step)
    for volt in targets:
        if not low <= volt <= high:
            raise BadInput(f"{volt:g} V", place=f"{place}, until", allowed=f"{low:g} to {high:g} V")
    if not targets and isinstance(step, Current):  # nothing but the protection keeps it
        targets = [high if step.current_A > 0 else low]
    for volt in targets:
        require_borne(volt, sample, place, "voltage")


@dataclass(frozen=True)
class CutOffs:
    """Where the last charge and the last discharge before a step ended, in V; None: by something else."""

    upper: float | None = None
    lower: float | None = None


def _check_sides(step: Current | Voltage | CurrentThenVoltage, before: CutOffs, place: str) -> CutOffs:
    """A charge must end above the discharge before it, a discharge below the charge. Returns both for the next step."""
    targets = targets_V(step)
    if isinstance(step, Voltage) or not targets:
        return CutOffs() if not isinstance(step, Voltage) else before
    for volt in targets:
        if step.current_A > 0 and before.lower is not None and volt <= before.lower:
            raise BadInput(f"the charge ends at {volt:g} V, the discharge before it already at {before.lower:g} V",
                           place=f"{place}, until", allowed=f"above {before.lower:g} V")  # fmt: skip
        if step.current_A < 0 and before.upper is not None and volt >= before.upper:
            raise BadInput(f"the discharge ends at {volt:g} V, the charge before it already at {before.upper:g} V",
                           place=f"{place}, until", allowed=f"below {before.upper:g} V")  # fmt: skip
    return CutOffs(upper=max(targets)) if step.current_A > 0 else CutOffs(lower=min(targets))


def _check_passes(schedule: Schedule, place: str) -> None:
    """Loops in loops multiply: what they come to is bounded as one loop is."""
    passes = [1] * len(schedule.steps)
    for number, step in enumerate(schedule.steps):
        if isinstance(step, Loop):
            passes[step.to - 1 : number] = [count * step.times for count in passes[step.to - 1 : number]]
    if max(passes) > MOST_PASSES:
        raise BadInput(f"its loops within loops come to {max(passes)} passes", place=f"{place}, schedule",
                       allowed=f"up to {MOST_PASSES}: a schedule must end")  # fmt: skip
