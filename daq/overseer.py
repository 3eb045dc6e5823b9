"""Watches over a step that works in a thread of its own: hangs, delays that run out, and a step that won't leave.

What a run may wait for has a deadline here, so that nothing that hangs inside a driver holds up the end of a run.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

from daq.bench import Bench
from daq.contracts import Settable, patience_s
from daq.control import RunControl
from daq.disk import free_bytes
from daq.errors import BadInput, CellrigError, InstrumentLost, StepFailed
from daq.in_time import in_time
from daq.interlock_watch import InterlockWatch, Tell
from daq.monitor import Monitor
from daq.quantity import DISK, FREE
from daq.step_thread import StepLife, StepThread

LOOK_S, LOOK_WALL_S = 10.0, 0.25  # between two looks at most this much bench time, at least this much of the wall's
LONGEST_S = 60.0
CALM_READINGS = 60  # in virtual time: readings between two looks are taken at once, and each is looked at
BACK_S = 5.0
URGENT_S = 2.0  # make safe now: so long may a step take to leave in order
LEAVE_VIRTUAL_S = 3600.0  # in virtual time a step's longest point may take its time
HOLD_S = 30.0


class Overseer:
    """Belongs to one run. `given_up`: the step that had to be left where it hangs."""

    def __init__(
        self, bench: Bench, control: RunControl, monitor: Monitor, interlocks: InterlockWatch, run: Path, tell: Tell
    ) -> None:
        self._bench = bench
        self._clock = bench.clock
        self._control = control
        self._monitor = monitor
        self._interlocks = interlocks
        self._run = run
        self._tell = tell
        self._table = bench.config.model.bench
        self._news = bench.clock.event()
        self.given_up: StepThread | None = None
        control.tell_news_to(self._news)

    def run(self, work: Callable[[], None], title: str, life: StepLife) -> None:
        """Do `work` in a thread of its own and return with it, raising what it raised.

        A step that does not leave within its time when it should is given up; raises why it should, or StepFailed.
        """
        self._news.clear()
        thread = StepThread(self._clock, work, title, self._news)
        asked_s: float | None = None
        while not thread.is_over:
            now = self._clock.monotonic()
            if self._control.wants_step_left and asked_s is None:
                asked_s = now
            if asked_s is not None and now - asked_s >= self._patience_s:
                return self._give_up(thread, title, life)
            hangs_in_s = self._table.hung_after_s - life.silent_s()
            if asked_s is None and hangs_in_s <= 0:
                hours = self._table.hung_after_s / 3600
                self._control.break_off(
                    StepFailed(f"{title}: nothing was heard of it for {hours:.3g} h; a driver hangs")
                )
                return self._give_up(thread, title, life)
            left_s = max(1.0, hangs_in_s) if asked_s is None else asked_s + self._patience_s - now
            self._clock.wait(self._news, max(0.0, min(self._period_s, left_s)))
            self._news.clear()
            self.look()
        thread.finish()

    def look(self) -> None:
        """What only time brings about."""
        self._monitor.look()
        if self._interlocks.watches(DISK):
            try:
                self._interlocks.feed(DISK, {FREE: free_bytes(self._run) / 1e9})
            except BadInput as error:
                self._tell(DISK, "warning", str(error))
        self._interlocks.look()

    def hold_furnaces(self) -> None:
        """Stop ramps where they are, for a pause; what fails is told, not raised."""
        for name, instrument in self._bench.instruments.items():
            if not isinstance(instrument, Settable):
                continue
            try:
                in_time(self._clock, HOLD_S, instrument.hold, name, "holding its temperature")
                self._tell(name, "info", "holds its temperature meanwhile")
            except CellrigError as error:
                self._tell(name, "warning", f"could not be told to hold its temperature: {error}")

    def wait_while_held(self) -> None:
        """As `RunControl.wait_while_held`, and what only time brings about is looked at meanwhile."""
        self._control.wait_while_held(self.look, self._period_s)

    def wait_for_answer(self, lost: InstrumentLost) -> None:
        """Until `lost.instrument` has answered anew. Raises what ends the run, or `lost` when it takes too long."""
        watch = self._monitor.watches.get(lost.instrument)
        if watch is None:
            raise lost
        known = watch.latest()
        since = -math.inf if known is None else known[0]
        patience = patience_s(watch.instrument, self._table.lost_after_s)
        until_s = self._clock.monotonic() + patience + watch.interval_s
        while not watch.later_than(since):
            if self._clock.monotonic() >= until_s:
                raise lost
            self._control.wait(1.0)
            self.look()

    def is_back(self) -> bool:
        """Whether a step that was given up has come back meanwhile; waits a moment for it."""
        seconds = BACK_S if self._is_virtual else BACK_S * max(1.0, self._clock.speed)
        return self.given_up is not None and self.given_up.is_over_within(seconds)

    @property
    def is_hung(self) -> bool:
        return self.given_up is not None and not self.given_up.is_over

    @property
    def _is_virtual(self) -> bool:
        return math.isinf(self._clock.speed)

    @property
    def _period_s(self) -> float:
        interval_s = self._monitor.shortest_interval_s
        if self._is_virtual:
            return max(LOOK_S, CALM_READINGS * interval_s)
        return max(LOOK_S, LOOK_WALL_S * self._clock.speed, min(interval_s, LONGEST_S))

    @property
    def _patience_s(self) -> float:
        """How long a step may take to leave, in bench time; a person who waits for STOP waits on the wall."""
        if self._is_virtual:
            return URGENT_S if self._control.urgent else LEAVE_VIRTUAL_S
        return (URGENT_S if self._control.urgent else self._table.leave_within_s) * max(1.0, self._clock.speed)

    def _give_up(self, thread: StepThread, title: str, life: StepLife) -> None:
        life.give_up()
        self.given_up = thread
        self._tell("engine", "warning", f"{title}: does not come back and is left where it is")
        self._control.check_end()
        raise StepFailed(f"{title}: it did not leave when it was told to; a driver hangs")
