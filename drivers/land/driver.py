"""A LAND tester as an instrument: `driver = "land"`. It is watched; it is never started, stopped or set by cellrig.

There is no public protocol, no driver library and no reader of the binary records for these testers; what people use
is what LAND's own program exports. So a person types the printed step sheet into it, starts the channel, and says so;
cellrig finds the exports of that test by the sheet's id, checks them against the schedule and takes their rows.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from daq.bench import DriverContext
from daq.contracts import Identity, Limit, Reason, SafeReport, Snapshot
from daq.errors import BadInput, InstrumentError, InstrumentLost
from daq.stream import Column, Stream
from drivers.land.folder import ExportFolder
from drivers.land.options import folder_of, options_of
from drivers.land.records import records_of
from drivers.land.taking import Taker
from drivers.land.tests_kept import KeptTest, KeptTests
from drivers.roles import CyclerAbilities, HandOver
from drivers.schedule import ChannelState, ChannelStatus, CyclerRecord, Schedule
from drivers.step_sheet import sheet_id, sheet_of

FOLDER = "land"
FUTURE_S = 600.0
NOT_OURS = "cellrig neither starts nor stops a LAND channel"


class Land:
    """A LAND tester, watched through its exports. Speaks V, A and Ah; charge is positive current.

    What it shows is as old as the last export. cellrig neither starts nor stops its channels: `make_safe` tells the
    operator what runs on.
    """

    role: Literal["cycler"] = "cycler"
    operator_run = True  # nobody but a person starts or stops it
    safe_within_s = 5.0
    monitor_interval_s = 600.0
    lost_after_s = 24 * 3600.0  # a share that is away costs nothing: the tester runs on, the exports are still made
    snapshot_stream = Stream(
        "cycler",
        (
            Column("channel", kind="int", help="of the test that was started last"),
            Column("voltage_V", "V", help="as of the last export"),
            Column("current_A", "A", help="as of the last export; charge positive"),
            Column("data_age_s", "s", help="how long ago its last row was measured"),
            Column("state", kind="text"),
        ),
        help="the battery cycler, operator-run: as its last export shows it",
    )

    def __init__(self, context: DriverContext) -> None:
        self.name = context.name
        self._clock = context.clock
        self._options = options_of(context)
        self._exports = ExportFolder(folder_of(self._options, context.folder), context.clock, self._options.settled_s)
        self._kept = KeptTests(Path(context.state_folder) / FOLDER / context.name)
        self._taker = Taker(self._kept.folder, 60 * self._options.clock_tolerance_min, self._clock.unix)
        self._is_connected = False
        self._lock = threading.Lock()

    @classmethod
    def check(cls, context: DriverContext) -> None:
        """Raises BadInput for options that can't be used, and for any limit. Touches nothing."""
        options_of(context)

    # ------------------------------------------------------------ the instrument
    def connect(self) -> None:
        """Finds the tests that were handed over before. Raises InstrumentLost when the folder can't be listed."""
        self._kept.load()
        self._is_connected = True
        try:
            self._look()
        except InstrumentError:
            self._is_connected = False
            raise

    def disconnect(self) -> None:
        """The channels run on."""
        self._is_connected = False

    def identity(self) -> Identity:
        return Identity("LAND", "tester, operator-run (watched through its exports)", "")

    def capabilities(self) -> Mapping[str, Any]:
        return {**asdict(self.abilities()), "observe_files": True, "operator_run": NOT_OURS}

    def abilities(self) -> CyclerAbilities:
        return self._options.abilities()

    def limits(self) -> Sequence[Limit]:
        return ()

    def read(self) -> Snapshot:
        """The test that was started last, as its last export shows it. Raises InstrumentLost without the folder."""
        self._look()
        with self._lock:
            tests = [one for one in self._kept.tests.values() if one.hand_over is not None]
            if not tests:
                values = {"channel": None, "voltage_V": None, "current_A": None, "data_age_s": None, "state": "unknown"}
                return Snapshot(values)
            test = max(tests, key=lambda one: one.hand_over.started_unix if one.hand_over else 0.0)
            now = self._status(test)
            return Snapshot(
                {
                    "channel": now.channel,
                    "voltage_V": now.voltage_V if math.isfinite(now.voltage_V) else None,
                    "current_A": now.current_A if math.isfinite(now.current_A) else None,
                    "data_age_s": self._age_s(test),
                    "state": now.state,
                }
            )

    def make_safe(self, reason: Reason) -> SafeReport:
        """Nothing is done, for nothing can be: the text tells the operator what runs on, and what to do."""
        with self._lock:
            open_tests = self._kept.looked_for()
        told = ", ".join(f"channel {one.hand_over.channel} ({one.ref})" for one in open_tests if one.hand_over)
        if not told:
            return SafeReport(True, f"no test is known to run; {NOT_OURS}")
        if reason in ("finished", "engine_lost"):
            return SafeReport(True, f"{told}: runs on by itself; {NOT_OURS}")
        return SafeReport(False, f"{told}: runs on, stop it BY HAND in LAND's program; {NOT_OURS}")

    def carrying_on(self) -> list[str]:
        """The tests that were started by hand and whose end no export has shown yet."""
        with self._lock:
            return [
                f"channel {one.hand_over.channel} runs {one.ref}" for one in self._kept.looked_for() if one.hand_over
            ]

    # ------------------------------------------------------------ the role
    def expect(self, channel: int, schedule: Schedule, sample_id: str) -> str:
        """Raises BadInput for a channel that is not there or a schedule that no sheet can show. Starts nothing."""
        self._check_channel(channel)
        sheet_of(schedule, sample_id)
        code = sheet_id(schedule, sample_id)
        with self._lock:
            for test in self._kept.tests.values():
                if test.sheet_id == code and test.channel == channel and test.hand_over is None:
                    return test.ref
            return self._kept.add(code, channel, sample_id, schedule).ref

    def hand_over(self, ref: str, told: HandOver) -> None:
        """Raises BadInput for a channel that is not there, no name, or a start that lies ahead."""
        self._check_channel(told.channel)
        if not told.by.strip():
            raise BadInput("says no name", place="by", allowed="who started the channel")
        if not told.started_unix <= self._clock.unix() + FUTURE_S:
            raise BadInput(f"{_minute(told.started_unix)} lies ahead", place="started", allowed="when it was started")
        with self._lock:
            test = self._test(ref)
            for other in self._kept.tests.values():
                if other is not test and other.hand_over and other.hand_over.channel == told.channel:
                    other.is_over = True  # a channel does one thing at a time
                    other.why_over = other.why_over or "another test was started on its channel"
                    self._kept.save(other)
            test.hand_over = told
            self._kept.save(test)
            self._taker.forget_files()

    def handed_over(self, ref: str) -> HandOver | None:
        self._look_if_it_can()
        with self._lock:
            return self._test(ref).hand_over

    def ended(self, ref: str, why: str) -> None:
        with self._lock:
            test = self._test(ref)
            test.is_over, test.why_over = True, why
            self._kept.save(test)

    def account(self, ref: str) -> Sequence[str]:
        with self._lock:
            return tuple(self._test(ref).account)

    def status(self, channel: int) -> ChannelStatus:
        """As the last export shows it. A channel of which nothing was told is `unknown`: LAND can't be asked."""
        self._check_channel(channel)
        self._look_if_it_can()
        with self._lock:
            test = self._kept.on_channel(channel)
            if test is None:
                return ChannelStatus(channel, "unknown", None, 0, 0, math.nan, math.nan, "LAND can't be asked")
            return self._status(test)

    def attach(self, ref: str) -> ChannelStatus:
        self._look_if_it_can()
        with self._lock:
            return self._status(self._test(ref))

    def records(self, ref: str, after: int = 0, limit: int = 100_000) -> Sequence[CyclerRecord]:
        with self._lock:
            test = self._test(ref)
            self._restore(test)
            found = self._taker.attached.get(ref)
            return [] if found is None else records_of(found.table, found.verdict, after, limit)

    # ------------------------------------------------------------ inside
    def _check_channel(self, channel: int) -> None:
        if channel not in self.abilities().channels:
            raise BadInput(f"{self.name} has no channel {channel!r}", allowed=f"1 to {self._options.channels}")

    def _test(self, ref: str) -> KeptTest:
        found = self._kept.tests.get(ref)
        if found is None:
            raise InstrumentError(self.name, f"no test {ref!r} was ever expected here")
        return found

    def _look(self) -> None:
        """Take what is new. Raises InstrumentLost when the folder can't be listed."""
        if not self._is_connected:
            raise InstrumentError(self.name, "is not connected; connect the bench first")
        with self._lock:
            try:
                exports = self._exports.look()
            except OSError as error:
                raise InstrumentLost(
                    self.name,
                    f"the folder of its exports, {self._exports.folder}, can't be read ({error.strerror or error}); "
                    "see that the share is there. The tester runs on, nothing is lost",
                ) from error
            for test in self._taker.take(exports, self._kept.looked_for()):
                self._kept.save(test)

    def _look_if_it_can(self) -> None:
        """A share that is away for a while ends no run here: what is known is told with its time."""
        try:
            self._look()
        except InstrumentLost:
            return

    def _restore(self, test: KeptTest) -> None:
        try:
            self._taker.restore(test)
        except BadInput as error:
            raise InstrumentError(self.name, f"the kept copy of {test.ref} can't be read: {error}") from error

    def _status(self, test: KeptTest) -> ChannelStatus:
        self._restore(test)
        channel = test.hand_over.channel if test.hand_over else test.channel
        found = self._taker.attached.get(test.ref)
        if found is None:
            waits = "; ".join(f"{name} {why}" for name, why in self._exports.waiting.items())
            text = f"no export of {test.ref} yet{': ' + waits if waits else ''}"
            state: ChannelState = "stopped" if test.is_over else "unknown"
            return ChannelStatus(channel, state, test.ref, 0, 0, math.nan, math.nan, text)
        table, verdict = found.table, found.verdict
        state = "finished" if verdict.is_done else "stopped" if test.is_over else "running"
        until = "" if table.last_unix is None else f"data up to {_minute(table.last_unix)}"
        text = {"finished": "the schedule is done", "stopped": test.why_over}.get(state, until)
        return ChannelStatus(
            channel, state, test.ref, int(verdict.step[-1]), int(verdict.cycle[-1]), float(table.voltage_V[-1]),
            float(table.current_A[-1]), text,
        )  # fmt: skip

    def _age_s(self, test: KeptTest) -> float | None:
        found = self._taker.attached.get(test.ref)
        if found is None or test.hand_over is None:
            return None
        last = found.table.last_unix or test.hand_over.started_unix + float(found.table.time_s[-1])
        return self._clock.unix() - last


def _minute(unix: float) -> str:
    return f"{datetime.fromtimestamp(unix):%Y-%m-%d %H:%M}"
