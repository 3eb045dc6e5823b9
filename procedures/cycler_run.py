"""One whole schedule on a cycler: started or found again, its records fetched by cursor until it ends."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from daq.contracts import Patient, Rig, RunReader
from daq.errors import InstrumentError, InstrumentLost, StepFailed, Stopped
from daq.sample import Sample
from drivers.roles import BatteryCycler, ChoosyCycler, OperatorRunCycler
from drivers.schedule import ChannelStatus, CyclerRecord, Schedule
from drivers.transport import BadReply
from procedures.operator_run import WATCHED_ONLY, told_ended, told_to_stop, wait_for_hand_over
from procedures.sample_geometry import electrode_area_cm2

AT_ONCE = 20_000
MOST_POLLS = 400  # a poll costs the cycler a look at its file
LEAST_POLL_S, LIVE_POLL_S, MOST_POLL_S = 10.0, 60.0, 3600.0  # nobody looks on in virtual time
LOOKS_AFTER_STOP = 6
Judge = Callable[[Sequence[CyclerRecord]], str]


def last_record(run: RunReader) -> int:
    """The cursor of the latest record that the run has."""
    records = run.table("cycling", columns=("record",))["record"]
    return int(np.max(records)) if len(records) else 0


def check_channel_idle(
    rig: Rig, cycler: BatteryCycler | OperatorRunCycler, sample: Sample, low_V: float, high_V: float
) -> None:
    """Raises StepFailed when the channel is not known to be free, or its cell not between the voltages: short, open.

    An operator-run cycler can't be asked: what to look at is told.
    """
    if isinstance(cycler, OperatorRunCycler):
        text = f"{sample.label}: not checked, {cycler.name} can't be asked; see on it that the cell rests between"
        rig.log(f"{text} {low_V:g} and {high_V:g} V before you start it", "warning")
        return
    status = cycler.status(sample.channel)
    if status.state in ("running", "paused"):
        text = f"channel {sample.channel} of {cycler.name} runs {status.ref}: nothing was started; wait or stop it"
        raise StepFailed(text)
    if status.state == "unknown":
        text = f"channel {sample.channel} of {cycler.name} may not be free: {status.text}; nothing was started"
        raise StepFailed(text)
    rig.log(f"{sample.label}: {status.voltage_V:.4g} V at rest")
    if not low_V <= status.voltage_V <= high_V:
        text = f"{sample.label} shows {status.voltage_V:.3g} V, expected {low_V:g} to {high_V:g} V"
        raise StepFailed(f"{text}: shorted, not connected or the wrong cell; nothing was run; look at the cables")


def check_submit(cycler: BatteryCycler | OperatorRunCycler, schedule: Schedule, sample: Sample) -> None:
    """Before anything is applied. Raises BadInput for what this cycler would refuse once the furnace is hot."""
    if isinstance(cycler, ChoosyCycler):
        cycler.check_submit(schedule, sample.label)


class CyclerRun:
    """`run` returns when the schedule has ended. Losing this process never stops it: it is attached to again.

    On an operator-run cycler it waits until a person has started the channel, and tells the person where it would stop.
    """

    def __init__(
        self, rig: Rig, cycler: BatteryCycler | OperatorRunCycler, sample: Sample, watch: Callable[[Rig], None]
    ) -> None:
        self._rig = rig
        self._cycler = cycler
        self._sample = sample
        self._watch = watch
        self._area_cm2 = electrode_area_cm2(sample)
        self._silent_since_s: float | None = None
        self._told = int(rig.recall("account told", 0))  # sentences of the cycler's account
        self._is_stopped = False

    def run(
        self, schedule: Schedule, expected_s: float, after: int, judge: Judge = lambda records: ""
    ) -> ChannelStatus:
        """`after`: the cursor of the last record kept. `judge` sees new records; a text ends the schedule."""
        rig = self._rig
        self._after, self._why = after, ""
        ref = self._ref(schedule)
        self._began_s = float(rig.recall("cycler began", rig.t_s))
        is_virtual = rig.clock.speed == math.inf
        poll_s = float(np.clip(expected_s / MOST_POLLS, LEAST_POLL_S, MOST_POLL_S if is_virtual else LIVE_POLL_S))
        rig.sampling(self._cycler.name, max(poll_s, self._cycler.monitor_interval_s))
        try:
            while True:
                if isinstance(self._cycler, OperatorRunCycler):
                    told_ended(rig, self._cycler, ref)
                status = self._look(ref, judge)
                if status is not None:
                    if self._why and status.state in ("running", "paused") and self._stop(ref, self._why):
                        continue
                    if status.state not in ("running", "paused", "unknown"):
                        break
                    rig.progress(self._progress(status), rig.t_s - self._began_s)
                self._watch(rig)
                rig.wait(poll_s)
        except Stopped:
            self._stop(ref, "the run is stopped")
            self._fetch_the_last(ref, judge)
            raise
        level = "info" if status.state == "finished" else "warning"
        rig.log(f"{self._cycler.name} says {status.state}{': ' + status.text if status.text else ''}", level)
        return status

    def _stop(self, ref: str, why: str) -> bool:
        """Whether the channel was stopped now. What is operator-run can't be: the operator is told, once."""
        if self._is_stopped:
            return False
        self._is_stopped = True
        if not isinstance(self._cycler, OperatorRunCycler):
            self._rig.log(f"the schedule is stopped: {why}", "warning")
            self._cycler.stop(ref)
            return True
        told = self._cycler.handed_over(ref)
        channel = self._sample.channel if told is None else told.channel
        self._rig.log(told_to_stop(self._cycler.name, channel, why), "error", "operator")
        return False

    def _progress(self, status: ChannelStatus) -> str:
        at = f"cycle {status.cycle}, step {status.step}, {status.voltage_V:.4g} V"
        if not isinstance(self._cycler, OperatorRunCycler):
            return at
        return f"{WATCHED_ONLY}; {at if status.cycle else status.text}{f' ({status.text})' if status.cycle else ''}"

    def _fetch_the_last(self, ref: str, judge: Judge) -> None:
        """After a stop: a cycler counts as running until its records are there. Nobody waits for long.

        One that only a person can stop runs on: what is there now is fetched, once.
        """
        if isinstance(self._cycler, OperatorRunCycler):
            self._look(ref, judge, must=False)
            return
        for _ in range(LOOKS_AFTER_STOP):
            status = self._look(ref, judge, must=False)
            if status is None or status.state != "running":
                return
            self._rig.clock.sleep(LEAST_POLL_S)

    def _look(self, ref: str, judge: Judge, *, must: bool = True) -> ChannelStatus | None:
        """A status, and then all records that were there by then: when it has ended, all. None: it can't be asked,
        and is still to be waited for where it `must`."""
        try:
            status = self._cycler.attach(ref)
            self._fetch(ref, judge)
        except (InstrumentLost, BadReply) as error:
            if must:
                self._silent(error)
            else:
                self._rig.log(f"its last records are not here: {error}", "warning")
            return None
        self._heard()
        return status

    def _silent(self, error: InstrumentError) -> None:
        """The cycler runs on by itself, and keeps its records: a run waits for it as long as the driver's patience."""
        rig, name = self._rig, self._cycler.name
        if self._silent_since_s is None:
            self._silent_since_s = rig.t_s
            rig.log(f"{error}; trying again", "warning")
        patience_s = self._cycler.lost_after_s if isinstance(self._cycler, Patient) else 0.0
        if rig.t_s - self._silent_since_s >= patience_s:
            gap_s = rig.t_s - self._silent_since_s
            raise InstrumentLost(name, f"gave no records for {gap_s:.0f} s ({error})") from error

    def _heard(self) -> None:
        if self._silent_since_s is not None:
            gap_s = self._rig.t_s - self._silent_since_s
            self._rig.log(f"{self._cycler.name} answers again after {gap_s:.0f} s; its records are fetched")
            self._silent_since_s = None

    def _ref(self, schedule: Schedule) -> str:
        """The test of this step: remembered, or found on its channel, or started now."""
        rig, channel = self._rig, self._sample.channel
        if isinstance(self._cycler, OperatorRunCycler):
            return wait_for_hand_over(rig, self._cycler, self._sample, schedule, self._watch)
        known = rig.recall("cycler ref")
        if known is not None:
            rig.log(f"{self._cycler.name} is attached to again: {known}")
            return str(known)
        now = self._cycler.status(channel).ref
        before = rig.recall("cycler ref before")
        if before is None or before == (now or ""):
            rig.remember("cycler ref before", now or "")
            rig.remember("cycler began", rig.t_s)
            now = self._cycler.submit(channel, schedule, self._sample.label)
            rig.remember("cycler began", rig.t_s)  # a tester takes its time until it has started
            rig.log(f"{self._cycler.name}, channel {channel}: schedule {schedule.id} started as {now}")
        else:
            rig.log(f"{now} was started just before the break and is taken up", "warning")
        rig.remember("cycler ref", now)
        return str(now)

    def _fetch(self, ref: str, judge: Judge) -> None:
        """What is recorded stays, and is not fetched again, when the connection fails in between."""
        while records := self._cycler.records(ref, self._after, AT_ONCE):
            self._record(records)
            self._after = records[-1].number
            self._why = self._why or judge(records)
        if isinstance(self._cycler, OperatorRunCycler):
            self._tell_account(self._cycler.account(ref))

    def _tell_account(self, account: Sequence[str]) -> None:
        """What was taken of the exports, and what was set aside and why: each sentence once, over all breaks."""
        for text in account[self._told :]:
            self._rig.log(text, "info" if " rows taken " in text else "warning", self._cycler.name)
        if self._told != len(account):
            self._told = len(account)
            self._rig.remember("account told", self._told)

    def _record(self, records: Sequence[CyclerRecord]) -> None:
        many = len(records)
        number, time_s, step, cycle, volt, current, charge, discharge, temperature = map(
            list, zip(*records, strict=True)
        )
        per_area = None if self._area_cm2 is None else 1e3 / self._area_cm2
        self._rig.record_many(
            "cycling",
            [self._began_s + one for one in time_s],
            {
                "sample": [self._sample.label] * many,
                "channel": [self._sample.channel] * many,
                "record": number,
                "schedule_step": step,
                "cycle": cycle,
                "time_s": time_s,
                "voltage_V": volt,
                "current_A": current,
                "current_density_mA_cm2": [None if per_area is None else per_area * one for one in current],
                "charge_capacity_Ah": charge,
                "discharge_capacity_Ah": discharge,
                "temperature_C": temperature,
            },
        )
