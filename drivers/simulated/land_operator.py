"""Somebody at a LAND tester: types the printed step sheet in, starts the channel, says so, and exports every so often.

Knows of the test what stands on the sheet, and nothing else: what the sheet leaves out, no cell will do.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from daq.clock import Clock
from drivers.roles import HandOver
from drivers.schedule import (
    Current,
    CurrentThenVoltage,
    CyclerRecord,
    End,
    Loop,
    Protection,
    Record,
    Rest,
    Schedule,
    ScheduleStep,
    Voltage,
)
from drivers.simulated.cycler_driver import SimulatedCycler
from drivers.simulated.land_exports import ENDING, Dialect, write_export

NAME = "the simulated operator"
ALL = 100_000_000


def schedule_from_sheet(text: str) -> Schedule:
    """The schedule as it can be typed in from a sheet's CSV."""
    rows = list(csv.reader(text.splitlines()))
    blank = rows.index([])
    head = {row[0]: row[1] for row in rows[:blank]}
    names = rows[blank + 1]
    steps = tuple(_step(dict(zip(names, row, strict=True))) for row in rows[blank + 2 :])
    capacity = head["capacity_max_mAh"]
    protection = Protection(
        float(head["voltage_min_V"]), float(head["voltage_max_V"]), 1e-3 * float(head["current_max_mA"]),
        1e-3 * float(capacity) if capacity else None, float(head["delay_s"]),
    )  # fmt: skip
    return Schedule(head["id"], steps, protection)


def _step(row: Mapping[str, str]) -> ScheduleStep:
    kind = row["type"]
    if kind == "loop":
        return Loop(int(row["loop_to"]), int(row["loop_times"]))
    numbers = {name: float(cell) for name, cell in row.items() if cell and name not in ("type", "direction")}
    micro_A = numbers.get("record_every_uA")
    record = Record(numbers.get("record_every_s"), numbers.get("record_every_V"), micro_A and 1e-6 * micro_A)
    if kind == "rest":
        return Rest(numbers["until_time_s"], record)
    found = (
        End("voltage_V", "above", numbers["until_above_V"]) if "until_above_V" in numbers else None,
        End("voltage_V", "below", numbers["until_below_V"]) if "until_below_V" in numbers else None,
        End("time_s", "above", numbers["until_time_s"]) if "until_time_s" in numbers else None,
        End("capacity_Ah", "above", 1e-6 * numbers["until_capacity_uAh"]) if "until_capacity_uAh" in numbers else None,
        End("current_A", "below", 1e-6 * numbers["until_current_below_uA"])
        if "until_current_below_uA" in numbers
        else None,
    )
    ends = tuple(end for end in found if end is not None)
    amps = 1e-6 * numbers["current_uA"] * (-1 if row["direction"] == "discharge" else 1)
    if kind == "voltage":
        return Voltage(numbers["voltage_V"], amps, ends, record)
    if kind == "current":
        return Current(amps, ends, record)
    return CurrentThenVoltage(amps, numbers["voltage_V"], ends, record)


@dataclass
class Started:
    """A test that was typed in. `exported`: how many were made when due. `dated_unix`: its start in the exports, where
    the calendar of the tester's computer is not that of the clock here.
    """

    ref: str
    channel: int
    code: str
    cycler_ref: str
    started_unix: float
    exported: int = 0
    is_done: bool = False
    dated_unix: float | None = None


@dataclass(frozen=True)
class Habits:
    typing_s: float
    export_every_s: float
    dialect: Dialect
    digits: int


class LandOperator:
    """`act` does whatever is due by now. Printed sheets are found in `sheets`, as `REF_CHANNEL.csv`."""

    def __init__(self, cycler: SimulatedCycler, clock: Clock, sheets: Path, exports: Path, habits: Habits) -> None:
        self._cycler = cycler
        self._clock = clock
        self._sheets = sheets
        self._exports = exports
        self.habits = habits
        self._started: dict[str, Started] = {}

    def come_in(self) -> None:
        """Find what was done before."""
        self._sheets.mkdir(parents=True, exist_ok=True)
        self._exports.mkdir(parents=True, exist_ok=True)
        for path in self._sheets.glob("*.started.json"):
            one = Started(**json.loads(path.read_text(encoding="utf-8")))
            self._started[one.ref] = one

    def print_sheet(self, ref: str, channel: int, text: str) -> None:
        path = self._sheets / f"{ref}_{channel}.csv"
        if not path.exists():
            path.write_text(f"{self._clock.unix()}\n{text}", encoding="utf-8")

    def act(self, say: Callable[[str, HandOver], None]) -> None:
        """`say(ref, what)`: the channel was started."""
        for path in sorted(self._sheets.glob("*.csv")):
            ref, _, channel = path.stem.rpartition("_")
            if ref not in self._started:
                self._type_in(path, ref, int(channel), say)
        for one in self._started.values():
            if not one.is_done:
                self._export_when_due(one)

    def _type_in(self, path: Path, ref: str, channel: int, say: Callable[[str, HandOver], None]) -> None:
        printed, _, sheet = path.read_text(encoding="utf-8").partition("\n")
        now = self._clock.unix()
        if now - float(printed) < self.habits.typing_s:
            return
        self.start(ref, channel, sheet)
        say(ref, HandOver(channel, now, NAME))

    def start(self, ref: str, channel: int, sheet: str, dated_unix: float | None = None) -> Started:
        """Type a sheet's CSV in and start the channel. Raises BadInput for a channel that runs, or is not there."""
        schedule = schedule_from_sheet(sheet)
        cycler_ref = self._cycler.submit(channel, schedule, ref)
        started = Started(ref, channel, schedule.id, cycler_ref, self._clock.unix(), dated_unix=dated_unix)
        self._keep(started)
        return started

    def latest(self, channel: int) -> Started | None:
        """The test that was started last on a channel."""
        found = (one for one in self._started.values() if one.channel == channel)
        return max(found, key=lambda one: one.started_unix, default=None)

    def stop(self, one: Started) -> None:
        self._cycler.stop(one.cycler_ref)

    def export_now(self, one: Started, code: str = "") -> Path | None:
        """The whole test so far, in a file of the name that it always has; None while it has no records.

        `code`: as another test's, with that battery code in it.
        """
        records = self._cycler.records(one.cycler_ref, 0, ALL)
        return self._write(one, records, code or one.code) if records else None

    def _write(self, one: Started, records: Sequence[CyclerRecord], code: str) -> Path:
        path = self._exports / f"{code}_{one.channel}{ENDING[self.habits.dialect]}"
        began_unix = one.started_unix if one.dated_unix is None else one.dated_unix
        write_export(path, self.habits.dialect, records, code, began_unix, self.habits.digits)
        return path

    def _export_when_due(self, one: Started) -> None:
        """The test as it was at the last time of exporting; whole, once it is over."""
        every_s = self.habits.export_every_s
        due = int((self._clock.unix() - one.started_unix) / every_s)
        status = self._cycler.status(one.channel)
        is_over = status.ref != one.cycler_ref or status.state != "running"
        if due <= one.exported and not is_over:
            return
        records = self._cycler.records(one.cycler_ref, 0, ALL)
        if not is_over:
            records = [record for record in records if record.time_s <= due * every_s]
        if records:
            self._write(one, records, one.code)
        one.exported, one.is_done = due, is_over
        self._keep(one)

    def _keep(self, one: Started) -> None:
        self._started[one.ref] = one
        path = self._sheets / f"{one.ref}.started.json"
        temporary = path.with_suffix(".tmp")
        temporary.write_text(json.dumps(asdict(one)), encoding="utf-8")
        os.replace(temporary, path)
