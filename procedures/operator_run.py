"""A cycler that a person starts and stops: what the person is told, and the wait until it was done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from daq.errors import BadInput
from daq.sample import Sample
from drivers.roles import BatteryCycler, HandOver, OperatorRunCycler
from drivers.schedule import Schedule
from drivers.step_sheet import sheet_id
from procedures.cell_memory import CellMemory

QUESTION = "cycler-started"
ENDED = "cycler-ended"
LOOK_S = 30.0
WATCHED_ONLY = "operator-run, watched only"


def check_start(cycler: BatteryCycler | OperatorRunCycler, schedule: Schedule, sample: Sample, place: str) -> list[str]:
    """Warnings of who starts the channel. Raises BadInput when nobody can."""
    if cycler.abilities().can_start:
        return []
    if not isinstance(cycler, OperatorRunCycler):
        raise BadInput(f"{cycler.name} can be watched, not started", place=f"{place}, procedure")
    code = sheet_id(schedule, sample.label)
    return [
        f"{cycler.name} is operator-run: cellrig neither starts nor stops it. Print the sheet {code} (cellrig sheet "
        "PLAN), type it in, start the channel when the run asks for it, and say so (cellrig acknowledge RUN)"
    ]


def told_to_stop(cycler: str, channel: int, why: str) -> str:
    return f"{why}: stop channel {channel} of {cycler} BY HAND now; cellrig can't, it runs on until somebody does"


def hand_over_now(memory: CellMemory, cycler: OperatorRunCycler, sample: Sample, schedule: Schedule) -> str | None:
    """The ref of the test if a person has started it by now; when that was is remembered, in the run's time."""
    rig = memory.rig
    ref = memory.recall("cycler ref")
    if ref is None:
        ref = cycler.expect(sample.channel, schedule, sample.label)
        memory.remember("cycler ref", ref)
    code = sheet_id(schedule, sample.label)
    text = (
        f"type the step sheet {code} into {cycler.name}, channel {sample.channel}, with {code} as battery code; "
        f"start the channel by hand; then: cellrig acknowledge {{run}} --channel {sample.channel} --by NAME"
    )
    channels = list(cycler.abilities().channels)
    details = {"cycler": cycler.name, "channel": sample.channel, "channels": channels, "sheet": code}
    while (told := cycler.handed_over(ref)) is None:
        answer = rig.ask(_question(memory), text, {**details, "not_before_unix": rig.clock.unix() - rig.t_s})
        if answer is None:
            return None
        try:
            cycler.hand_over(ref, _read_answer(answer))
        except BadInput as error:
            memory.remember("answers refused", int(memory.recall("answers refused", 0)) + 1)
            rig.log(f"the answer can't be used: {error}; answer again", "warning", "operator")
    rig.settle(_question(memory), {"channel": told.channel, "started_unix": told.started_unix, "by": told.by})
    _note(memory, cycler, sample, told, ref)
    return str(ref)


def _question(memory: CellMemory) -> str:
    """The key of the latest question: it is put anew after each answer that can't be used."""
    return f"{memory.question(QUESTION)}-{int(memory.recall('answers refused', 0)) + 1}"


def waits_for(samples: Sequence[Sample], schedules: Sequence[Schedule]) -> str:
    """What is shown while nobody has started these yet."""
    if len(samples) > 1:
        channels = ", ".join(str(one.channel) for one in samples)
        return f"waits for {len(samples)} sheets to be started by hand on channels {channels}; cellrig acknowledge"
    (sample,), (schedule,) = samples, schedules
    code = sheet_id(schedule, sample.label)
    return f"waits for sheet {code} to be started by hand on channel {sample.channel}; cellrig acknowledge"


def told_ended(memory: CellMemory, cycler: OperatorRunCycler, sample: Sample, ref: str) -> None:
    """A person may say at any time that the channel has ended before its schedule did; nothing else could tell."""
    rig = memory.rig
    whose = f"--channel {sample.channel} " if memory.whose else ""
    command = f"cellrig acknowledge {{run}} {whose}--ended WHY --by NAME"
    text = f"should the channel end before its schedule does, say so: {command}"
    answer = rig.ask(memory.question(ENDED), text, {"cycler": cycler.name, "ref": ref, "channel": sample.channel})
    if answer is None or memory.recall("ended by hand") is not None:
        return
    for _ in range(2):  # the last export may have been written just now, and counts when it has settled
        cycler.attach(ref)
        rig.wait(LOOK_S + 5)
    cycler.attach(ref)
    why = f"{answer.get('by')} says that it ended: {answer.get('why')}"
    cycler.ended(ref, why)
    memory.remember("ended by hand", {"by": answer.get("by"), "why": answer.get("why")})
    rig.log(why, "warning", "operator")


def _read_answer(answer: Mapping[str, Any]) -> HandOver:
    try:
        return HandOver(int(answer["channel"]), float(answer["started_unix"]), str(answer["by"]))
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput(f"{error!r}", place="answer", allowed="channel, started_unix, by") from error


def _note(memory: CellMemory, cycler: OperatorRunCycler, sample: Sample, told: HandOver, ref: str) -> None:
    """The record says who started it. Rows are put at the time that was told, never before the run began."""
    rig = memory.rig
    if memory.recall("cycler began") is not None:
        rig.log(f"{cycler.name} is watched again: {ref}")
        return
    memory.remember("cycler began", max(0.0, rig.t_s - (rig.clock.unix() - told.started_unix)))
    when = f"{datetime.fromtimestamp(told.started_unix):%Y-%m-%d %H:%M}"
    who = {"by": told.by, "channel": told.channel, "started_unix": told.started_unix, "ref": ref}
    memory.remember("started by hand", who)
    rig.log(
        f"started by hand by {told.by} on channel {told.channel} of {cycler.name}, {when}, as {ref}", "info", "operator"
    )
    if told.channel != sample.channel:
        rig.log(
            f"the plan says channel {sample.channel}, it was started on channel {told.channel}", "warning", "operator"
        )
