"""One cell's test on a cycler: started or found again, its records fetched by cursor and kept, stopped."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from daq.contracts import Rig
from daq.sample import Sample
from drivers.cycler_records import columns_of
from drivers.roles import BatteryCycler, OperatorRunCycler
from drivers.schedule import ChannelStatus, CyclerRecord, Schedule
from procedures.cell_memory import CellMemory
from procedures.operator_run import hand_over_now, told_ended, told_to_stop
from procedures.sample_geometry import electrode_area_cm2

AT_ONCE = 20_000
FAILED = "failed"
RUNNING = ("running", "paused")
NOT_ENDED = (*RUNNING, "unknown")
Judge = Callable[[Sequence[CyclerRecord]], str]


def lets_run(records: Sequence[CyclerRecord]) -> str:
    """A judge that ends nothing."""
    del records
    return ""


@dataclass(frozen=True)
class CellJob:
    """What one cell is to do. `after`: the cursor of the last record kept. `judge` and `check` see new records; a text
    ends it: that of `check` as a cell that failed."""

    sample: Sample
    schedule: Schedule
    seconds: float
    after: int = 0
    judge: Judge = lets_run
    check: Judge = lets_run


@dataclass(frozen=True)
class CellEnd:
    """How a cell's schedule ended: as the cycler says, or `failed` where it was lost to this run."""

    state: str
    text: str


class CycledCell:
    """Losing this process never stops its test: `begin` finds it again. Methods raise what the cycler raises."""

    def __init__(self, rig: Rig, cycler: BatteryCycler | OperatorRunCycler, job: CellJob, is_alone: bool) -> None:
        self.sample = job.sample
        self.ref: str | None = None
        self.end: CellEnd | None = None
        self.status: ChannelStatus | None = None
        self.silent_since_s: float | None = None
        self.heard_s = -math.inf
        self.cycle = 0  # of the latest record
        self.began_s = 0.0  # in the run's time
        self.why = ""  # its judge's reason to stop
        self.fault = ""  # what its check says is wrong with the cell
        self._rig, self._cycler, self._job = rig, cycler, job
        # asked once: to ask whether something has a protocol's members costs as much as a look at the cycler
        self._by_operator = cycler if isinstance(cycler, OperatorRunCycler) else None
        self._memory = CellMemory.of(rig, job.sample, is_alone)
        self._after = job.after
        self._area_cm2 = electrode_area_cm2(job.sample)
        self._told = int(self._memory.recall("account told", 0))  # sentences of the cycler's account
        self._is_stopped = False

    # ------------------------------------------------------------ starting
    def begin(self) -> bool:
        """The test of this cell: remembered, or found on its channel, or started now. False: a person has not yet."""
        if isinstance(self._cycler, OperatorRunCycler):
            self.ref = hand_over_now(self._memory, self._cycler, self.sample, self._job.schedule)
        else:
            self.ref = self._started(self._cycler)
        if self.ref is not None:
            self.began_s = float(self._memory.recall("cycler began", self._rig.t_s))
        return self.ref is not None

    def _started(self, cycler: BatteryCycler) -> str:
        rig, memory, channel = self._rig, self._memory, self.sample.channel
        known = memory.recall("cycler ref")
        if known is not None:
            rig.log(f"{cycler.name} is attached to again: {known}")
            return str(known)
        now = cycler.status(channel).ref
        before = memory.recall("cycler ref before")
        if before is None or before == (now or ""):
            memory.remember("cycler ref before", now or "")
            memory.remember("cycler began", rig.t_s)
            now = cycler.submit(channel, self._job.schedule, self.sample.label)
            memory.remember("cycler began", rig.t_s)  # a tester takes its time until it has started
            rig.log(f"{cycler.name}, channel {channel}: schedule {self._job.schedule.id} started as {now}")
        else:
            rig.log(f"{now} was started just before the break and is taken up", "warning")
        memory.remember("cycler ref", now)
        return str(now)

    # ------------------------------------------------------------ looking
    def hear_person(self) -> None:
        """Who runs the channel by hand may say that it has ended."""
        if self._by_operator is not None and self.ref is not None:
            told_ended(self._memory, self._by_operator, self.sample, self.ref)

    def look(self) -> ChannelStatus:
        """A status, and then all records that were there by then: when it has ended, all."""
        assert self.ref is not None
        self.status = self._cycler.attach(self.ref)
        self._fetch(self.ref)
        self.heard_s = self._rig.t_s
        return self.status

    def _fetch(self, ref: str) -> None:
        """What is recorded stays, and is not fetched again, when the connection fails in between."""
        while records := self._cycler.records(ref, self._after, AT_ONCE):
            self._record(records)
            self._after = records[-1].number
            self.fault = self.fault or self._job.check(records)
            self.why = self.why or self.fault or self._job.judge(records)
        if self._by_operator is not None:
            self._tell_account(self._by_operator.account(ref))

    def _tell_account(self, account: Sequence[str]) -> None:
        """What was taken of the exports, and what was set aside and why: each sentence once, over all breaks."""
        for text in account[self._told :]:
            self._rig.log(text, "info" if " rows taken " in text else "warning", self._cycler.name)
        if self._told != len(account):
            self._told = len(account)
            self._memory.remember("account told", self._told)

    def _record(self, records: Sequence[CyclerRecord]) -> None:
        many, columns = len(records), columns_of(records)
        self.cycle = int(columns["cycle"][-1])
        current_A = np.asarray(columns["current_A"], dtype=float)
        per_area = None if self._area_cm2 is None else 1e3 / self._area_cm2
        self._rig.record_many(
            "cycling",
            self.began_s + np.asarray(columns["time_s"], dtype=float),
            {
                "sample": [self.sample.label] * many,
                "channel": [self.sample.channel] * many,
                "record": columns["number"],
                "schedule_step": columns["step"],
                "cycle": columns["cycle"],
                "time_s": columns["time_s"],
                "voltage_V": columns["voltage_V"],
                "current_A": columns["current_A"],
                "current_density_mA_cm2": [None] * many if per_area is None else per_area * current_A,
                "charge_capacity_Ah": columns["charge_capacity_Ah"],
                "discharge_capacity_Ah": columns["discharge_capacity_Ah"],
                "temperature_C": columns["temperature_C"],
            },
        )

    # ------------------------------------------------------------ stopping
    def may_stop(self) -> bool:
        """Once: whether it runs and was not told to stop before."""
        if self._is_stopped or self.ref is None or self.end is not None:
            return False
        self._is_stopped = True
        return True

    def stop(self, why: str) -> bool:
        """Whether the channel was stopped now. What is operator-run can't be: the operator is told, once."""
        if not self.may_stop() or self.ref is None:
            return False
        if not isinstance(self._cycler, OperatorRunCycler):
            self._rig.log(f"the schedule is stopped: {why}", "warning")
            self._cycler.stop(self.ref)
            return True
        told = self._cycler.handed_over(self.ref)
        channel = self.sample.channel if told is None else told.channel
        self._rig.log(told_to_stop(self._cycler.name, channel, why), "error", "operator")
        return False
