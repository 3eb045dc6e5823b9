"""The step sheet: a schedule as a person types it into a cycler's own program, with an id to find its data again by.

One row per step, in lines of text and as CSV; currents and capacities in both units that cyclers are typed in
(uA and mA, uAh and mAh). The id is made of the schedule and the sample: the same test has the same id.
"""

from __future__ import annotations

import csv
import hashlib
import json
from dataclasses import asdict, dataclass
from io import StringIO

from daq.errors import BadInput
from drivers.schedule import Current, CurrentThenVoltage, End, Loop, Rest, Schedule, ScheduleStep, Voltage

ID_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # no I, L, O, U: nobody takes one for another
ID_LENGTH = 8
COLUMNS = (
    "step", "type", "direction", "current_uA", "current_mA", "voltage_V", "until_above_V", "until_below_V",
    "until_time_s", "until_capacity_uAh", "until_capacity_mAh", "until_current_below_uA", "until_current_below_mA",
    "loop_to", "loop_times", "record_every_s", "record_every_V", "record_every_uA",
)  # fmt: skip
PROTECTION = ("voltage_min_V", "voltage_max_V", "current_max_uA", "current_max_mA", "capacity_max_mAh", "delay_s")


@dataclass(frozen=True)
class StepSheet:
    """`rows` and `protection` by the names of COLUMNS and PROTECTION, as they are printed; blank where nothing is."""

    id: str
    title: str
    sample_id: str
    rows: tuple[dict[str, str], ...]
    protection: dict[str, str]
    lines: tuple[str, ...]

    def csv(self) -> str:
        """Name and value in lines, an empty line, and the table of steps."""
        out = StringIO()
        table = csv.writer(out, lineterminator="\n")
        table.writerows([("id", self.id), ("schedule", self.title), ("sample", self.sample_id)])
        table.writerows(self.protection.items())
        table.writerow(())
        table.writerow(COLUMNS)
        table.writerows([row[name] for name in COLUMNS] for row in self.rows)
        return out.getvalue()


def sheet_id(schedule: Schedule, sample_id: str) -> str:
    """Eight letters and digits for this schedule on this sample. The schedule's own `id` does not enter."""
    content = [[asdict(step) for step in schedule.steps], asdict(schedule.protection), sample_id]
    number = int.from_bytes(hashlib.sha256(json.dumps(content, sort_keys=True).encode()).digest()[:5], "big")
    return "".join(ID_LETTERS[number >> 5 * place & 31] for place in reversed(range(ID_LENGTH)))


def sheet_of(schedule: Schedule, sample_id: str) -> StepSheet:
    """Raises BadInput, naming the step, for an end that a sheet has no column for."""
    p = schedule.protection
    protection = {
        "voltage_min_V": _number(p.voltage_min_V),
        "voltage_max_V": _number(p.voltage_max_V),
        "current_max_uA": _number(1e6 * p.current_max_A),
        "current_max_mA": _number(1e3 * p.current_max_A),
        "capacity_max_mAh": "" if p.capacity_max_Ah is None else _number(1e3 * p.capacity_max_Ah),
        "delay_s": _number(p.delay_s),
    }
    rows = tuple(_row(number, step) for number, step in enumerate(schedule.steps, 1))
    lines = tuple(step_sheet(schedule))
    return StepSheet(sheet_id(schedule, sample_id), schedule.id, sample_id, rows, protection, lines)


def _number(value: float) -> str:
    return f"{value:.7g}"


def _row(number: int, step: ScheduleStep) -> dict[str, str]:
    row = dict.fromkeys(COLUMNS, "") | {"step": str(number), "type": step.kind}
    if isinstance(step, Loop):
        return row | {"loop_to": str(step.to), "loop_times": str(step.times)}
    record = step.record
    row |= {
        "record_every_s": "" if record.every_s is None else _number(record.every_s),
        "record_every_V": "" if record.every_V is None else _number(record.every_V),
        "record_every_uA": "" if record.every_A is None else _number(1e6 * record.every_A),
    }
    if isinstance(step, Rest):
        return row | {"until_time_s": _number(step.duration_s)}
    amps = step.current_limit_A if isinstance(step, Voltage) else abs(step.current_A)
    row |= {"current_uA": _number(1e6 * amps), "current_mA": _number(1e3 * amps)}
    if not isinstance(step, Voltage):
        row["direction"] = "charge" if step.current_A > 0 else "discharge"
    if not isinstance(step, Current):
        row["voltage_V"] = _number(step.voltage_V)
    for end in step.ends:
        for name, text in _end_cells(end, number).items():
            if row[name]:
                raise BadInput(
                    f"step {number} has two ends on {end.quantity}", place="step sheet", allowed="one of each"
                )
            row[name] = text
    return row


def _end_cells(end: End, number: int) -> dict[str, str]:
    if end.quantity == "voltage_V":
        return {f"until_{end.direction}_V": _number(end.value)}
    if end.quantity == "time_s" and end.direction == "above":
        return {"until_time_s": _number(end.value)}
    if end.quantity == "capacity_Ah" and end.direction == "above":
        return {"until_capacity_uAh": _number(1e6 * end.value), "until_capacity_mAh": _number(1e3 * end.value)}
    if end.quantity == "current_A" and end.direction == "below":
        return {"until_current_below_uA": _number(1e6 * end.value), "until_current_below_mA": _number(1e3 * end.value)}
    raise BadInput(f"step {number} ends with {end.quantity} {end.direction} {end.value:g}: a sheet has no such column",
                   place="step sheet")  # fmt: skip


# ---------------------------------------------------------------- in lines
def step_sheet(schedule: Schedule) -> list[str]:
    """Lines to print and put beside the cycler."""
    p = schedule.protection
    lines = [f"{number:3d}  {_told(step)}" for number, step in enumerate(schedule.steps, 1)]
    guard = f"protection: {p.voltage_min_V:g} to {p.voltage_max_V:g} V, {1e3 * p.current_max_A:.4g} mA, {p.delay_s:g} s"
    return [f"schedule {schedule.id}", *lines, guard]


def _told(step: ScheduleStep) -> str:
    if isinstance(step, Rest):
        return f"rest {step.duration_s / 3600:.4g} h"
    if isinstance(step, Loop):
        return f"back to step {step.to}, {step.times} times in all"
    until = " or ".join(_end_told(end) for end in step.ends)
    if isinstance(step, Voltage):
        return f"hold {step.voltage_V:g} V, at most {1e3 * step.current_limit_A:.5g} mA, until {until}"
    way = "charge" if step.current_A > 0 else "discharge"
    then = f" to {step.voltage_V:g} V and hold" if isinstance(step, CurrentThenVoltage) else ""
    return f"{way} at {1e3 * abs(step.current_A):.5g} mA{then}, until {until}"


def _end_told(end: End) -> str:
    if end.quantity == "time_s":
        return f"{end.value / 3600:.4g} h"
    if end.quantity == "capacity_Ah":
        return f"{1e3 * end.value:.5g} mAh"
    sign = ">" if end.direction == "above" else "<"
    unit, factor = ("V", 1.0) if end.quantity == "voltage_V" else ("mA", 1e3)
    return f"{end.quantity[0].upper() if unit == 'V' else '|I|'} {sign} {factor * end.value:.5g} {unit}"
