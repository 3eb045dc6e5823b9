"""What is asked before a cycler's cells are heated: does it take their schedules, are its channels free."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from daq.contracts import Rig
from daq.errors import BadInput, StepFailed
from daq.sample import Sample
from drivers.roles import BatteryCycler, ChoosyCycler, CyclerAbilities, OperatorRunCycler
from drivers.schedule import Schedule
from drivers.step_sheet import step_sheet
from procedures.operator_run import check_start
from procedures.schedule_checks import check_schedule

AnyCycler = BatteryCycler | OperatorRunCycler


def check_cells(
    cycler: AnyCycler, samples: Sequence[Sample], schedule_of: Callable[[Sample], Schedule], place: str
) -> list[str]:
    """Each cell's channel and schedule against the cycler, asking it nothing. Returns warnings.

    Raises BadInput for a channel that is not there, two cells on one, and what the cycler would refuse once the
    furnace is hot.
    """
    abilities, warnings = cycler.abilities(), []
    taken: dict[int, str] = {}
    for sample in samples:
        check_on_channel(sample, abilities, cycler.name, place)
        if sample.channel in taken:
            raise BadInput(f"{taken[sample.channel]} and {sample.label} are both on channel {sample.channel}",
                           place=f"{place}, sample.channel", allowed="a channel for each")  # fmt: skip
        taken[sample.channel] = sample.label
        schedule = schedule_of(sample)
        check_schedule(schedule, abilities, sample, place)
        warnings += check_start(cycler, schedule, sample, place)
        if isinstance(cycler, ChoosyCycler):
            cycler.check_submit(schedule, sample.label)
    return warnings


def sheets_told(samples: Sequence[Sample], schedule_of: Callable[[Sample], Schedule]) -> list[str]:
    """The step sheets in lines; cells with the same steps share one."""
    if len(samples) == 1:
        return step_sheet(schedule_of(samples[0]))
    sheets: dict[tuple[str, ...], list[str]] = {}
    for sample in samples:
        _, *steps = step_sheet(schedule_of(sample))
        sheets.setdefault(tuple(steps), []).append(f"{sample.label} (channel {sample.channel})")
    return [line for steps, cells in sheets.items() for line in (f"schedule of {', '.join(cells)}", *steps)]


def check_on_channel(sample: Sample, abilities: CyclerAbilities, instrument: str, place: str) -> None:
    """Raises BadInput for a channel that is not there."""
    if sample.channel not in abilities.channels:
        raise BadInput(
            f"{sample.label} is on channel {sample.channel}",
            place=f"{place}, sample.channel",
            allowed=f"{', '.join(map(str, abilities.channels))} on {instrument}",
        )


NOT_SOUND = (
    "shorted, not connected, the wrong cell, or cut-offs that are not this cell's; nothing was run; look at the cables "
    "and at the plan's voltages"
)


def check_channels_idle(rig: Rig, cycler: AnyCycler, samples: Sequence[Sample], low_V: float, high_V: float) -> None:
    """Raises StepFailed when a channel is not known to be free, or its cell not between the voltages: short, open.

    All are looked at first, and told together. An operator-run cycler can't be asked: what to look at is told.
    """
    problems = [found for one in samples for found in [_problem(rig, cycler, one, low_V, high_V)] if found]
    if problems:
        raise StepFailed("; ".join(problems))


def _problem(rig: Rig, cycler: AnyCycler, sample: Sample, low_V: float, high_V: float) -> str:
    if isinstance(cycler, OperatorRunCycler):
        text = f"{sample.label}: not checked, {cycler.name} can't be asked; see on it that the cell rests between"
        rig.log(f"{text} {low_V:g} and {high_V:g} V before you start it", "warning")
        return ""
    status = cycler.status(sample.channel)
    if status.state in ("running", "paused"):
        return f"channel {sample.channel} of {cycler.name} runs {status.ref}: nothing was started; wait or stop it"
    if status.state == "unknown":
        return f"channel {sample.channel} of {cycler.name} may not be free: {status.text}; nothing was started"
    rig.log(f"{sample.label}: {status.voltage_V:.4g} V at rest")
    if not low_V <= status.voltage_V <= high_V:
        text = f"{sample.label} shows {status.voltage_V:.3g} V, expected {low_V:g} to {high_V:g} V"
        return f"{text}: {NOT_SOUND}"
    return ""
