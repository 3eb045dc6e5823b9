"""The interlocks of a run, fed with every reading: which has tripped, which has cleared, and what is done about it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from daq.clock import Clock
from daq.contracts import Columns, Level
from daq.control import RunControl
from daq.errors import InstrumentLost, LimitBroken
from daq.interlock import Action, Interlock
from daq.quantity import SILENCE, Gauge

Tell = Callable[[str, Level, str], None]
SOURCE = "interlock"
MOST_KEPT = 500
WHAT_IS_DONE: Mapping[Action, str] = {
    "warn": "nothing is done about it",
    "pause": "the run waits until it clears",
    "skip": "this step is left",
    "stop": "the run ends safely",
    "make_safe": "the bench is made safe now",
}


@dataclass(frozen=True)
class Trip:
    """One tripping. Times in seconds of the run; `cleared_t_s` is None while it lasts."""

    name: str
    quantity: str
    unit: str
    action: Action
    value: float
    minimum: float | None
    maximum: float | None
    tripped_t_s: float
    cleared_t_s: float | None = None
    text: str = ""


@dataclass
class _Watched:
    interlock: Interlock
    gauge: Gauge
    value: float | None = None
    beyond_since_s: float | None = None
    inside_since_s: float | None = None
    trip: Trip | None = None

    @property
    def is_counting(self) -> bool:
        """Whether time alone can change it."""
        return self.beyond_since_s is not None or self.inside_since_s is not None

    def stays_clear(self, source: str, columns: Columns) -> bool:
        if self.trip is not None or self.is_counting:
            return False
        values = self.gauge.of_columns(source, columns)
        if values is None:
            return False
        return not values.size or not (
            self.interlock.is_beyond(float(values.min())) or self.interlock.is_beyond(float(values.max()))
        )

    def look(self, t_s: float) -> Trip | None:
        """The trip that begins or ends at this moment, if one does."""
        if self.value is None:
            return None
        one = self.interlock
        if self.trip is None:
            return self._begin(one, self.value, t_s) if one.is_beyond(self.value) else self._well()
        if one.is_beyond(self.value, by=one.hysteresis):
            self.inside_since_s = None
            return None
        self.inside_since_s = t_s if self.inside_since_s is None else self.inside_since_s
        if t_s - self.inside_since_s < one.clear_after_s:
            return None
        ended, self.trip, self.inside_since_s = self.trip, None, None
        return replace(ended, cleared_t_s=t_s)

    def _well(self) -> None:
        self.beyond_since_s = None

    def _begin(self, one: Interlock, value: float, t_s: float) -> Trip | None:
        self.beyond_since_s = t_s if self.beyond_since_s is None else self.beyond_since_s
        if t_s - self.beyond_since_s < one.delay_s:
            return None
        self.beyond_since_s = None
        unit, text = one.quantity.unit, one.passed_text(value)
        self.trip = Trip(
            one.name, one.quantity.text, unit, one.action, value, one.minimum, one.maximum, t_s, None, text
        )
        return self.trip


class InterlockWatch:
    """Fed by any thread. `keep(trips)` is called with all trips so far whenever one begins or ends.

    `origin_s`: the clock's time at the start of the run, which the times of trips are counted from.
    """

    def __init__(
        self,
        interlocks: Sequence[Interlock],
        clock: Clock,
        control: RunControl,
        tell: Tell,
        origin_s: float = 0.0,
        keep: Callable[[Sequence[Trip]], None] = lambda trips: None,
        before: Iterable[Trip] = (),
    ) -> None:
        self._watched = [_Watched(one, Gauge(one.quantity, one.window_s)) for one in interlocks]
        self._by_source = {
            source: [one for one in self._watched if source in one.interlock.quantity.sources]
            for source in {source for one in interlocks for source in one.quantity.sources}
        }
        self._clock = clock
        self._origin_s = origin_s
        self._control = control
        self._tell = tell
        self._keep = keep
        self._trips: list[Trip] = list(before)
        self._mutex = threading.Lock()
        self._on = False

    def watches(self, source: str) -> bool:
        return source in self._by_source

    def feed(self, source: str, values: Mapping[str, object]) -> None:
        """A reading of an instrument, or a row of a stream."""
        watched = self._by_source.get(source)
        if watched is None:
            return
        t_s = self._t_s()
        with self._mutex:
            for one in watched:
                value = one.gauge.feed(source, values, t_s)
                one.value = one.value if value is None else value
            changes = self._look(watched, t_s)
        self._act(changes)

    def stays_as_it_is(self, source: str, columns: Columns) -> bool:
        """Whether readings of an instrument would change nothing, were they fed one by one: each of its interlocks is
        clear, and stays so. False also where that can't be said without feeding them (a rate, another's reading).
        """
        with self._mutex:
            return all(one.stays_clear(source, columns) for one in self._by_source.get(source, ()))

    def look(self) -> None:
        """Nothing new was read, but time has passed: delays run out."""
        with self._mutex:
            changes = self._look([one for one in self._watched if one.is_counting], self._t_s())
        self._act(changes)

    def arm(self) -> None:
        """From here on a limit that is passed has its consequence; what was passed already has it now."""
        self._on = True
        with self._mutex:
            changes = self._look(self._watched, self._t_s())
        self._act(changes)

    def begin_step(self) -> None:
        """A step that was skipped says nothing of the next one: what skips steps looks afresh at each."""
        t_s = self._t_s()
        with self._mutex:
            skipping = [one for one in self._watched if one.interlock.action == "skip"]
            ended = [(one.interlock, replace(one.trip, cleared_t_s=t_s)) for one in skipping if one.trip is not None]
            for one in skipping:
                one.trip, one.value, one.beyond_since_s, one.inside_since_s = None, None, None, None
            for _, trip in ended:
                self._trips = [trip if _is_same(known, trip) else known for known in self._trips]
        if ended:
            self._keep(self._trips)

    def broken(self) -> list[str]:
        """What is beyond its limits now, whatever its delay, in words; those that only warn are left out."""
        with self._mutex:
            return [
                _named(one.interlock, one.interlock.passed_text(one.value))
                for one in self._watched
                if one.value is not None and one.interlock.is_beyond(one.value) and one.interlock.action != "warn"
            ]

    def tripped(self) -> list[str]:
        """What has tripped and not cleared, in words."""
        with self._mutex:
            return [_named(one.interlock, one.trip.text) for one in self._watched if one.trip is not None]

    # ------------------------------------------------------------ what follows
    def _t_s(self) -> float:
        return self._clock.monotonic() - self._origin_s

    def _look(self, watched: Sequence[_Watched], t_s: float) -> list[tuple[Interlock, Trip]]:
        if not self._on:
            return []
        changes = [(one.interlock, change) for one in watched if (change := one.look(t_s)) is not None]
        for _, trip in changes:
            if trip.cleared_t_s is None:
                self._trips = [*self._trips[-MOST_KEPT + 1 :], trip]
            else:
                self._trips = [trip if _is_same(one, trip) else one for one in self._trips]
        return changes

    def _act(self, changes: Sequence[tuple[Interlock, Trip]]) -> None:
        for interlock, trip in changes:
            text = _named(interlock, trip.text)
            if trip.cleared_t_s is not None:
                after_s = trip.cleared_t_s - trip.tripped_t_s
                self._tell(SOURCE, "info", f"cleared after {after_s:.0f} s: {text}")
                self._control.release(interlock.name)
                continue
            level: Level = "error" if interlock.action in ("stop", "make_safe") else "warning"
            self._tell(SOURCE, level, f"{text}; {WHAT_IS_DONE[interlock.action]}")
            self._do(interlock, text)
        if changes:
            self._keep(self._trips)

    def _do(self, interlock: Interlock, text: str) -> None:
        control = self._control
        if interlock.action == "pause":
            control.hold(interlock.name, text, interlock.wait_max_s)
        elif interlock.action == "skip":
            control.skip_step(f"skipped: {text}")
        elif interlock.action in ("stop", "make_safe"):
            is_lost = interlock.quantity.terms[0].column == SILENCE
            advice = "the run ends. Check cable and power" if is_lost else WHAT_IS_DONE[interlock.action]
            kind = InstrumentLost if is_lost else LimitBroken
            control.break_off(
                kind(interlock.owner, f"{text.removeprefix(f'{interlock.owner}: ')}; {advice}"),
                urgent=interlock.action == "make_safe",
            )


def _named(interlock: Interlock, text: str) -> str:
    """With the name that a person gave it; silence and a driver's limit with their instrument."""
    if interlock.quantity.terms[0].column == SILENCE or interlock.name == f"limit of {interlock.owner}":
        return f"{interlock.owner}: {text}"
    return text if interlock.name == interlock.quantity.text else f"{interlock.name}: {text}"


def _is_same(one: Trip, other: Trip) -> bool:
    return (one.name, one.tripped_t_s) == (other.name, other.tripped_t_s)
