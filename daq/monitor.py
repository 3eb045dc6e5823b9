"""Every instrument sampled in the background; every reading is handed to the interlocks.

A reading that fails is told once and tried again: one missed reply must not end the night. How long an instrument has
been silent is a quantity like any other (`silence_s`); the interlocks decide when that is too long.
"""

from __future__ import annotations

import logging
import math
import threading
from collections import deque
from collections.abc import Callable, Mapping
from itertools import takewhile

from daq.clock import Clock, Thread
from daq.contracts import Instrument, Level, Settable, Snapshot, Traced, Value
from daq.control import RunControl
from daq.errors import CellrigError, InstrumentError, InstrumentLost
from daq.foreseen import ForeseenReadings, RecordMany
from daq.interlock_watch import InterlockWatch
from daq.quantity import SILENCE

log = logging.getLogger(__name__)
HISTORY = 5000
HELD_S = 10.0  # of the wall: a call for a reading that has not come back for so long is as good as none

Record = Callable[[str, Mapping[str, Value]], float]
Tell = Callable[[str, Level, str], None]


class Watch:
    """The sampling of one instrument."""

    def __init__(self, instrument: Instrument, monitor: Monitor) -> None:
        self.instrument = instrument
        self.interval_s = instrument.monitor_interval_s
        self._history: deque[tuple[float, Snapshot]] = deque(maxlen=HISTORY)
        self._mutex = threading.Lock()
        self.silent_since_s: float | None = None
        self._asked_s: float | None = None
        self._faults: tuple[str, ...] = ()
        self._monitor = monitor
        self._foreseen = ForeseenReadings(instrument, monitor.clock, monitor.interlocks, monitor.record_many)

    def sample_foreseen(self, due_s: float) -> bool:
        """As `sample`, of the readings from `due_s` on that are known beforehand; whether there were any."""
        if self._faults or self.silent_since_s is not None:
            return False
        entries = self._foreseen.take(due_s, self.interval_s)
        if entries:
            with self._mutex:
                self._history.extend(entries)
            self._monitor.interlocks.feed(self.instrument.name, {**entries[-1][1].values, SILENCE: 0.0})
        return bool(entries)

    def sample(self) -> None:
        """One reading: recorded, handed to the interlocks, its faults told when they change."""
        monitor = self._monitor
        self._asked_s = monitor.clock.monotonic()
        try:
            snapshot = self.instrument.read()
        except InstrumentError as error:
            self._silent(f"a reading is missing: {error}; trying again")
            return
        finally:
            self._asked_s = None
        if self.silent_since_s is not None:
            gap = monitor.clock.monotonic() - self.silent_since_s
            monitor.tell(self.instrument.name, "info", f"answers again after {gap:.0f} s")
            self.silent_since_s = None
            tell_trace(self.instrument, monitor.tell)
        t_s = monitor.record(self.instrument.snapshot_stream.name, snapshot.values)
        with self._mutex:
            self._history.append((t_s, snapshot))
        if snapshot.faults != self._faults:
            self._tell_faults(snapshot.faults)
        monitor.interlocks.feed(self.instrument.name, {**snapshot.values, SILENCE: 0.0})

    def look(self) -> None:
        """Called from another thread: is this one held up in its driver?"""
        asked_s, clock = self._asked_s, self._monitor.clock
        held_s = HELD_S * clock.speed if math.isfinite(clock.speed) else HELD_S  # a driver takes its time on the wall
        if asked_s is not None and clock.monotonic() - asked_s >= held_s:
            self._silent(f"a reading has not come back for {HELD_S:.0f} s: its driver hangs, or waits", asked_s)

    def latest(self) -> tuple[float, Snapshot] | None:
        with self._mutex:
            return self._history[-1] if self._history else None

    def later_than(self, t_s: float) -> list[tuple[float, Snapshot]]:
        """Readings after `t_s`, oldest first."""
        with self._mutex:
            found = list(takewhile(lambda entry: entry[0] > t_s, reversed(self._history)))
        return found[::-1]

    def _silent(self, told: str, since_s: float | None = None) -> None:
        monitor = self._monitor
        now = monitor.clock.monotonic()
        if self.silent_since_s is None:
            self.silent_since_s = now if since_s is None else since_s
            monitor.tell(self.instrument.name, "warning", told)
            if since_s is None:  # what hangs may hold its trace as well
                tell_trace(self.instrument, monitor.tell)
        since_s = self.silent_since_s
        if since_s is not None:  # the answer may have come while it was told, and was fed then
            monitor.interlocks.feed(self.instrument.name, {SILENCE: now - since_s})

    def _tell_faults(self, faults: tuple[str, ...]) -> None:
        for fault in faults:
            if fault not in self._faults:
                self._monitor.tell(self.instrument.name, "warning", f"reports: {fault}")
                tell_trace(self.instrument, self._monitor.tell)
        for fault in self._faults:
            if fault not in faults:
                self._monitor.tell(self.instrument.name, "info", f"no longer reports: {fault}")
        self._faults = faults


def tell_trace(instrument: Instrument, tell: Tell) -> None:
    """What passed on its wire, into the log, where it has one."""
    if isinstance(instrument, Traced):
        tell(instrument.name, "debug", instrument.wire_trace())


class Monitor:
    """The background sampling of all instruments of a bench.

    `record(stream, values)` returns the row's t_s, `record_many(stream, times_s, columns)` those of rows at other times
    of the clock; without it every reading comes by itself. `tell(source, level, text)` writes an event.
    """

    def __init__(
        self,
        instruments: Mapping[str, Instrument],
        clock: Clock,
        control: RunControl,
        record: Record,
        tell: Tell,
        interlocks: InterlockWatch,
        record_many: RecordMany | None = None,
    ) -> None:
        self.clock = clock
        self.control = control
        self.record = record
        self.tell = tell
        self.interlocks = interlocks
        self.record_many = record_many
        self.watches = {name: Watch(instrument, self) for name, instrument in instruments.items()}
        self._stopping = clock.event()
        self._threads: list[Thread] = []

    def start(self) -> None:
        """Sample each instrument once, here, so that a reading is there at once; then in the background."""
        for watch in self.watches.values():
            watch.sample()
        for name, watch in self.watches.items():
            self._threads.append(self.clock.spawn(lambda w=watch: self._run(w), f"monitor {name}"))

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join(timeout=10)
        self._threads.clear()

    def look(self) -> None:
        """Whether a driver holds one of the watches up. Called from time to time by whoever is not held up himself."""
        for watch in self.watches.values():
            watch.look()

    @property
    def shortest_interval_s(self) -> float:
        return min((watch.interval_s for watch in self.watches.values()), default=60.0)

    def set_interval(self, name: str, seconds: float) -> None:
        """Sample `name` every `seconds` from its next reading on."""
        self.watches[name].interval_s = seconds

    def latest(self, name: str) -> tuple[float, Snapshot]:
        """The last reading and its t_s. Raises InstrumentLost when there is none yet."""
        found = self.watches[name].latest()
        if found is None:
            raise InstrumentLost(name, "has not answered yet")
        return found

    def furnaces_C(self) -> dict[str, float]:
        """What each furnace of the bench read last, in degC; one that has not answered yet is left out."""
        found: dict[str, float] = {}
        for name, watch in self.watches.items():
            latest = watch.latest() if isinstance(watch.instrument, Settable) else None
            value = None if latest is None else latest[1].values.get("temperature_C")
            if isinstance(value, int | float):
                found[name] = float(value)
        return found

    def readings(self, name: str, after_t_s: float) -> list[tuple[float, Snapshot]]:
        """The readings later than `after_t_s`, oldest first (the last few thousand are kept)."""
        return self.watches[name].later_than(after_t_s)

    def _run(self, watch: Watch) -> None:
        due = self.clock.monotonic()
        while True:
            due = max(due + watch.interval_s, self.clock.monotonic())
            if self.clock.wait(self._stopping, due - self.clock.monotonic()):
                return
            try:
                watch.sample()
                if watch.sample_foreseen(due + watch.interval_s):
                    due = self.clock.monotonic()
            except CellrigError as error:  # the record can't be written: the engine must know
                self.control.break_off(error)
                return
            except Exception as error:  # a bug in a driver must end the run safely, not end its watch
                log.exception("the watch of %s failed", watch.instrument.name)
                self.control.break_off(InstrumentError(watch.instrument.name, f"its driver failed: {error!r}"))
                return
