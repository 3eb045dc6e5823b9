"""Readings that are known beforehand: what a simulated instrument will show for as long as nobody acts.

In virtual time nothing happens between two wake-ups of others. A month of cycling has 60 000 readings of its furnace,
and to take each by itself cost a third of such a run. So those up to the next wake-up are asked for at once; only where
none of them would begin or end a trip of an interlock does time move on to the last, else each comes by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

import numpy as np

from daq.clock import Clock
from daq.contracts import Columns, Instrument, Snapshot
from daq.interlock_watch import InterlockWatch
from daq.quantity import SILENCE
from daq.rows import rows_of
from daq.virtual_clock import VirtualClock

LEAST = 4  # readings; fewer are as quickly taken one by one
MOST = 1000

RecordMany = Callable[[str, Sequence[float], Columns], Sequence[float]]


@runtime_checkable
class Foreseeable(Protocol):
    """A simulated instrument that knows what it will read."""

    def foresee(self, times_s: Sequence[float]) -> tuple[int, Columns]:
        """How many of the first of these readings, at ascending times of the clock, are certain unless somebody acts;
        and their columns, as its stream has them: an array, or None for each. 0 where that is not known.
        """
        ...


class ForeseenReadings:
    """Of one instrument. `record_many(stream, times_s, columns)` returns the rows' t_s."""

    def __init__(
        self, instrument: Instrument, clock: Clock, interlocks: InterlockWatch, record_many: RecordMany | None
    ) -> None:
        self._name = instrument.name
        self._stream = instrument.snapshot_stream
        self._instrument = instrument if isinstance(instrument, Foreseeable) else None
        self._clock = clock if isinstance(clock, VirtualClock) else None
        self._interlocks = interlocks
        self._record_many = record_many

    def take(self, due_s: float, interval_s: float) -> list[tuple[float, Snapshot]]:
        """Those from `due_s` on, every `interval_s`, before anybody else wakes; the clock is at the last of them then.

        None, and no time has passed, where there are only a few, or one of them would matter to an interlock.
        """
        clock, instrument, record_many = self._clock, self._instrument, self._record_many
        if clock is None or instrument is None or record_many is None:
            return []
        until_s = clock.undisturbed_until()
        if due_s + (LEAST - 1) * interval_s >= until_s:
            return []
        times_s = [due_s]
        while len(times_s) < MOST and (following_s := times_s[-1] + interval_s) < until_s:
            times_s.append(following_s)
        count, columns = instrument.foresee(times_s)
        if count < LEAST or not self._interlocks.stays_as_it_is(self._name, {**columns, SILENCE: np.zeros(count)}):
            return []
        clock.skip_to(times_s[count - 1])
        t_s = record_many(self._stream.name, times_s[:count], columns)
        return [(at_s, Snapshot(row)) for at_s, row in zip(t_s, rows_of(columns), strict=True)]
