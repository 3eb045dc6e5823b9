"""Step files of a Neware tester: a plan as the XML that BTS Client 8 starts, and such XML as a plan again.

Elements, types and units as the MIT-licensed aurora-unicycler writes them for a tester of Empa: time in ms, voltage
in 0.1 mV, current in mA, capacity in mA s. Only what it writes is written here.
"""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import NAMESPACE_URL, uuid5
from xml.etree import ElementTree

from drivers.neware.step_plan import CC, CV, DC, DV, END, LOOP, REST, NewareStep, StepPlan
from drivers.neware.xml_text import Element, parse_xml
from drivers.schedule import Protection, Record

CLIENT = "BTS Client 8.0.0.478(2024.06.24)(R3)"
MS, TENTH_MV, MA, MAS = 1e3, 1e4, 1e3, 3.6e6
CREATOR = "cellrig"


def step_file(plan: StepPlan, remark: str, unix: float) -> bytes:
    """The file of a plan. `remark` is shown by the client; `unix` dates it. The same arguments give the same bytes."""
    root = ElementTree.Element("root")
    date = datetime.fromtimestamp(unix, UTC).strftime("%Y%m%d%H%M%S")
    config = _add(root, "config", type="Step File", version="17", client_version=CLIENT, date=date,
                  Guid=str(uuid5(NAMESPACE_URL, f"{remark} {unix} {plan}")))  # fmt: skip
    head = _add(config, "Head_Info")
    for name, value in (("Operate", "66"), ("Scale", "1")):
        _add(head, name, Value=value)
    _add(head, "Start_Step", Value="1", Hide_Ctrl_Step="0")
    for name, value in (("Creator", CREATOR), ("Remark", remark), ("RateType", "103")):
        _add(head, name, Value=value)
    _whole(_add(config, "Whole_Prt"), plan)
    info = _add(config, "Step_Info", Num=str(len(plan.steps) + 1))
    for number, step in enumerate(plan.steps, start=1):
        _step(info, number, step)
    number = len(plan.steps) + 1
    _add(info, f"Step{number}", Step_ID=str(number), Step_Type=str(END))
    _add(_add(config, "SMBUS"), "SMBUS_Info", Num="0", AdjacentInterval="0")
    ElementTree.indent(root)
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="utf-8")


def _whole(whole: Element, plan: StepPlan) -> None:
    guard, record = plan.protection, plan.record
    main = _add(_add(whole, "Protect"), "Main")
    volt = _add(main, "Volt")
    _number(volt, "Upper", guard.voltage_max_V, TENTH_MV)
    _number(volt, "Lower", guard.voltage_min_V, TENTH_MV)
    current = _add(main, "Curr")
    _number(current, "Upper", guard.current_max_A, MA)
    _number(current, "Lower", -guard.current_max_A, MA)
    _number(main, "Delay_Time", guard.delay_s, MS)
    _number(_add(main, "Cap"), "Upper", guard.capacity_max_Ah, MAS)
    main = _add(_add(whole, "Record"), "Main")
    _number(main, "Time", record.every_s, MS)
    _number(main, "Volt", record.every_V, TENTH_MV)
    _number(main, "Curr", record.every_A, MA)


def _step(info: Element, number: int, step: NewareStep) -> None:
    limit = _add(_add(info, f"Step{number}", Step_ID=str(number), Step_Type=str(step.kind)), "Limit")
    if step.kind == LOOP:
        other = _add(limit, "Other")
        _add(other, "Start_Step", Value=str(step.loop_to))
        _add(other, "Cycle_Count", Value=str(step.loop_times))
        return
    main = _add(limit, "Main")
    if step.kind in (CC, DC):
        _number(main, "Curr", step.current_A, MA)
        _number(main, "Time", step.time_s, MS)
        _number(main, "Stop_Volt", step.stop_voltage_V, TENTH_MV)
        return
    _number(main, "Volt", step.voltage_V, TENTH_MV)
    _number(main, "Time", step.time_s, MS)
    _number(main, "Stop_Curr", step.stop_current_A, MA)
    _number(main, "Curr", step.current_A, MA)


def _add(parent: Element, tag: str, **attributes: str) -> Element:
    return ElementTree.SubElement(parent, tag, attributes)


def _number(parent: Element, tag: str, value: float | None, scale: float) -> None:
    if value is not None:
        _add(parent, tag, Value=f"{value * scale:.6f}")


# ---------------------------------------------------------------- reading
def read_step_file(data: bytes) -> StepPlan:
    """Raises ValueError, in words, for a file that is none, or says more than a `StepPlan` holds."""
    root = parse_xml(data.decode("utf-8-sig"))
    config = root if root.tag == "config" else root.find("config")
    info = None if config is None else config.find("Step_Info")
    if config is None or info is None:
        raise ValueError("it has no config with Step_Info")
    elements = list(info)
    if len(elements) != int(info.get("Num", "0")) or int(elements[-1].get("Step_Type", "0")) != END:
        raise ValueError("the number of its steps is wrong, or there is no end step")
    steps = [_read_step(one, number) for number, one in enumerate(elements[:-1], start=1)]
    return StepPlan(tuple(steps), _read_protection(config), _read_record(config))


def _read_step(element: Element, number: int) -> NewareStep:
    kind = int(element.get("Step_Type", "0"))
    if int(element.get("Step_ID", "0")) != number or kind not in (CC, DC, CV, DV, REST, LOOP):
        raise ValueError(f"its step {number} is of type {kind}, which is not known here")
    if kind == LOOP:
        to, times = _value(element, "Limit/Other/Start_Step"), _value(element, "Limit/Other/Cycle_Count")
        return NewareStep(kind, number, loop_to=int(to or 0), loop_times=int(times or 0))
    main = element.find("Limit/Main")
    known = {"Curr", "Time", "Stop_Volt", "Volt", "Stop_Curr", "Rate", "Stop_Rate"}
    unknown = sorted({one.tag for one in main} - known) if main is not None else ["no Limit/Main"]
    if unknown:
        raise ValueError(f"its step {number} has {', '.join(unknown)}, which is not known here")
    return NewareStep(
        kind,
        number,
        _value(element, "Limit/Main/Curr", MA),
        _value(element, "Limit/Main/Volt", TENTH_MV),
        _value(element, "Limit/Main/Time", MS),
        _value(element, "Limit/Main/Stop_Volt", TENTH_MV),
        _value(element, "Limit/Main/Stop_Curr", MA),
    )


def _read_protection(config: Element) -> Protection:
    main = "Whole_Prt/Protect/Main"
    upper, lower = _value(config, f"{main}/Volt/Upper", TENTH_MV), _value(config, f"{main}/Volt/Lower", TENTH_MV)
    current_A = _value(config, f"{main}/Curr/Upper", MA)
    if upper is None or lower is None or current_A is None:
        raise ValueError("it protects neither voltage nor current")
    delay_s, capacity_Ah = _value(config, f"{main}/Delay_Time", MS), _value(config, f"{main}/Cap/Upper", MAS)
    return Protection(lower, upper, current_A, capacity_Ah, 1.0 if delay_s is None else delay_s)


def _read_record(config: Element) -> Record:
    main = "Whole_Prt/Record/Main"
    every_V, every_A = _value(config, f"{main}/Volt", TENTH_MV), _value(config, f"{main}/Curr", MA)
    return Record(_value(config, f"{main}/Time", MS), every_V, every_A)


def _value(parent: Element, path: str, scale: float = 1.0) -> float | None:
    found = parent.find(path)
    return None if found is None else float(found.get("Value", "nan")) / scale
