"""One whole schedule on a cycler: started or found again, its records fetched by cursor until it ends."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from daq.contracts import Rig, RunReader
from daq.errors import StepFailed, Stopped
from daq.sample import Sample
from drivers.roles import BatteryCycler, OperatorRunCycler
from drivers.schedule import ChannelStatus, CyclerRecord, Schedule
from procedures.operator_run import WATCHED_ONLY, told_ended, told_to_stop, wait_for_hand_over
from procedures.sample_geometry import electrode_area_cm2

AT_ONCE = 100_000
MOST_POLLS = 400  # a poll costs the cycler a look at its file
LEAST_POLL_S, LIVE_POLL_S, MOST_POLL_S = 10.0, 60.0, 3600.0  # nobody looks on in virtual time
Judge = Callable[[Sequence[CyclerRecord]], str]


def last_record(run: RunReader) -> int:
    """The cursor of the latest record that the run has."""
    records = run.table("cycling", columns=("record",))["record"]
    return int(np.max(records)) if len(records) else 0


def check_channel_idle(
    rig: Rig, cycler: BatteryCycler | OperatorRunCycler, sample: Sample, low_V: float, high_V: float
) -> None:
    """Raises StepFailed when the channel is taken, or its cell is not between the two voltages: shorted or open.

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
    rig.log(f"{sample.label}: {status.voltage_V:.4g} V at rest")
    if not low_V <= status.voltage_V <= high_V:
        text = f"{sample.label} shows {status.voltage_V:.3g} V, expected {low_V:g} to {high_V:g} V"
        raise StepFailed(f"{text}: shorted, not connected or the wrong cell; nothing was run")


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
        self._told = int(rig.recall("account told", 0))  # sentences of the cycler's account
        self._asked_to_stop = False

    def run(
        self, schedule: Schedule, expected_s: float, after: int, judge: Judge = lambda records: ""
    ) -> ChannelStatus:
        """`after`: the cursor of the last record kept. `judge` sees new records; a text ends the schedule."""
        rig = self._rig
        ref = self._ref(schedule)
        status = self._cycler.attach(ref)
        self._began_s = float(rig.recall("cycler began", rig.t_s))
        is_virtual = rig.clock.speed == math.inf
        poll_s = float(np.clip(expected_s / MOST_POLLS, LEAST_POLL_S, MOST_POLL_S if is_virtual else LIVE_POLL_S))
        rig.sampling(self._cycler.name, max(poll_s, self._cycler.monitor_interval_s))
        try:
            while True:
                if isinstance(self._cycler, OperatorRunCycler):
                    told_ended(rig, self._cycler, ref)
                status = self._cycler.attach(ref)
                after, why = self._fetch(ref, after, judge)
                if why and status.state in ("running", "paused") and self._stop(ref, status.channel, why):
                    continue
                if status.state not in ("running", "paused", "unknown"):
                    break
                self._watch(rig)
                rig.progress(self._progress(status))
                rig.wait(poll_s)
        except Stopped:
            self._stop(ref, status.channel, "the run is stopped")
            self._fetch(ref, after, judge)
            raise
        self._fetch(ref, after, judge)
        level = "info" if status.state == "finished" else "warning"
        rig.log(f"{self._cycler.name} says {status.state}{': ' + status.text if status.text else ''}", level)
        return status

    def _stop(self, ref: str, channel: int, why: str) -> bool:
        """Whether the channel was stopped. What is operator-run can't be: the operator is told, once."""
        if not isinstance(self._cycler, OperatorRunCycler):
            self._rig.log(f"the schedule is stopped: {why}", "warning")
            self._cycler.stop(ref)
            return True
        if not self._asked_to_stop:
            self._asked_to_stop = True
            self._rig.log(told_to_stop(self._cycler.name, channel, why), "error", "operator")
        return False

    def _progress(self, status: ChannelStatus) -> str:
        at = f"cycle {status.cycle}, step {status.step}, {status.voltage_V:.4g} V"
        if not isinstance(self._cycler, OperatorRunCycler):
            return at
        return f"{WATCHED_ONLY}; {at if status.cycle else status.text}{f' ({status.text})' if status.cycle else ''}"

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
            rig.log(f"{self._cycler.name}, channel {channel}: schedule {schedule.id} started as {now}")
        else:
            rig.log(f"{now} was started just before the break and is taken up", "warning")
        rig.remember("cycler ref", now)
        return str(now)

    def _fetch(self, ref: str, after: int, judge: Judge) -> tuple[int, str]:
        why = ""
        while records := self._cycler.records(ref, after, AT_ONCE):
            self._record(records)
            after = records[-1].number
            why = why or judge(records)
        if isinstance(self._cycler, OperatorRunCycler):
            account = self._cycler.account(ref)
            for text in account[self._told :]:
                self._rig.log(text, "info" if " rows taken " in text else "warning", self._cycler.name)
            if self._told != len(account):
                self._told = len(account)
                self._rig.remember("account told", self._told)
        return after, why

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
