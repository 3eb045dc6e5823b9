"""Step files say what the schedule says, to us and to an independent writer; what they can't say is refused."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from aurora_unicycler import (
    ConstantCurrent,
    ConstantVoltage,
    CyclingProtocol,
    OpenCircuitVoltage,
    RecordParams,
    SafetyParams,
    SampleParams,
)
from aurora_unicycler import Loop as TheirLoop

from daq.errors import BadInput
from drivers.neware.step_file import read_step_file, step_file
from drivers.neware.step_plan import plan_of, schedule_of
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

RECORD = Record(10.0, 0.1)
GUARD = Protection(2.5, 4.2, 1e-3)


def schedule(*steps: ScheduleStep) -> Schedule:
    return Schedule("test", steps, GUARD)


COMMON = schedule(
    Rest(60, RECORD),
    CurrentThenVoltage(1.25e-5, 3.8, (End("current_A", "below", 1e-6), End("time_s", "above", 3600)), RECORD),
    Current(-1.25e-5, (End("voltage_V", "below", 2.9), End("time_s", "above", 90_000)), RECORD),
    Loop(2, 3),
)


def theirs() -> str:
    made = CyclingProtocol(
        sample=SampleParams(name="cell", capacity_mAh=0.25),
        record=RecordParams(time_s=10, voltage_V=0.1),
        safety=SafetyParams(max_voltage_V=4.2, min_voltage_V=2.5, max_current_mA=1, min_current_mA=-1, delay_s=1),
        method=[
            OpenCircuitVoltage(until_time_s=60),
            ConstantCurrent(current_mA=0.0125, until_voltage_V=3.8),
            ConstantVoltage(voltage_V=3.8, until_current_mA=0.001, until_time_s=3600),
            ConstantCurrent(current_mA=-0.0125, until_voltage_V=2.9, until_time_s=90_000),
            TheirLoop(loop_to=2, cycle_count=3),
        ],
    )
    return made.to_neware_xml()


def facts(element: ElementTree.Element, path: str = "") -> dict[str, dict[str, str]]:
    """All elements by path, with their attributes; what is of the writer (date, names) or of the cell is left out."""
    found: dict[str, dict[str, str]] = {}
    for child in element:
        here = f"{path}/{child.tag}"
        if child.tag == "config":
            found[here] = {"version": child.attrib["version"], "type": child.attrib["type"]}
        elif child.tag not in ("Creator", "MultCap"):
            found[here] = dict(child.attrib)
        found |= facts(child, here)
    return found


def test_an_independent_writer_writes_the_same() -> None:
    ours = step_file(plan_of(COMMON, "cycler"), "cell", 1.7e9)
    assert facts(ElementTree.fromstring(ours)) == facts(ElementTree.fromstring(theirs()))


def test_the_file_of_an_independent_writer_is_read_as_our_own() -> None:
    ours, other = read_step_file(step_file(plan_of(COMMON, "cycler"), "cell", 0.0)), read_step_file(theirs().encode())
    assert ours == other


def test_what_is_read_back_is_what_was_written() -> None:
    steps = (
        Rest(60, RECORD),
        Current(1.25e-5, (End("voltage_V", "above", 3.8), End("time_s", "above", 7200)), RECORD),
        Voltage(3.8, 1.25e-5, (End("current_A", "below", 1e-6),), RECORD),
        Current(-2.5e-5, (End("time_s", "above", 1800),), RECORD),
        Voltage(-0.3, 2.5e-5, (End("time_s", "above", 600),), RECORD),
        Loop(2, 5),
    )
    whole = Schedule("test", steps, Protection(-4.5, 4.5, 2e-3, 1e-3, 2.5))
    read = read_step_file(step_file(plan_of(whole, "cycler"), "cell", 0.0))
    back = schedule_of(read, "test")
    assert repr(back) == repr(rounded(whole, back))


def rounded(schedule: Schedule, like: Schedule) -> Schedule:
    """`like` itself where every number of it is that of `schedule` to nine digits."""
    import re

    numbers = r"-?\d+(?:\.\d+)?(?:e-?\d+)?"
    one, other = (re.findall(numbers, repr(x)) for x in (schedule, like))
    assert re.sub(numbers, "#", repr(schedule)) == re.sub(numbers, "#", repr(like))
    assert [float(x) for x in one] == pytest.approx([float(x) for x in other], rel=1e-9)
    return like


def test_a_loop_goes_back_to_the_step_it_meant_where_holds_became_steps_of_their_own() -> None:
    plan = plan_of(
        schedule(
            CurrentThenVoltage(1e-4, 3.8, (End("time_s", "above", 60),)),
            CurrentThenVoltage(-1e-4, 3.0, (End("time_s", "above", 60),)),
            Loop(2, 2),
        ),
        "cycler",
    )
    assert plan.steps[-1].loop_to == 3
    assert plan.origins() == [1, 1, 2, 2, 3]
    assert [one.kind for one in plan.steps] == [1, 3, 2, 19, 5]


def test_a_capacity_at_constant_current_is_written_as_a_time() -> None:
    plan = plan_of(schedule(Current(-1e-3, (End("capacity_Ah", "above", 5e-4),))), "cycler")
    assert plan.steps[0].time_s == pytest.approx(1800)


@pytest.mark.parametrize(
    ("step", "says"),
    [
        (Current(1e-4, (End("voltage_V", "above", 0.0),)), "0 V"),
        (Current(1e-4, (End("voltage_V", "below", 1.0),)), "cannot"),
        (Current(0.0, (End("time_s", "above", 60),)), "rest"),
        (Voltage(3.8, 1e-4, (End("capacity_Ah", "above", 1e-3),)), "capacity_Ah"),
        (Current(1e-4, (End("current_A", "below", 1e-5),)), "constant current"),
    ],
    ids=["to zero volt", "the wrong way", "no current", "a capacity while held", "a current of its own"],
)
def test_what_no_step_file_is_known_to_say_is_refused(step: ScheduleStep, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        plan_of(schedule(step), "cycler")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<root/>",
        '<!DOCTYPE a [<!ENTITY b "c">]><root>&b;</root>',
        theirs().replace('Num="6"', 'Num="5"'),
        theirs().replace('Step_Type="2"', 'Step_Type="7"'),
    ],
    ids=["nothing", "no steps", "a document type", "a wrong number", "a type that is not known"],
)
def test_what_is_no_step_file_is_told(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        read_step_file(text.encode())
