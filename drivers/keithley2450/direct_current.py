"""Rests, levels and staircases by software; what the instrument keeps by itself is watched, the rest is enforced."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from daq.clock import Clock
from daq.errors import InstrumentLost
from drivers.cut_offs import CutOffWatch
from drivers.keithley2450.claim import Claim
from drivers.keithley2450.drive import Drive, at_rest, drive_for, is_beyond, needs_rest
from drivers.keithley2450.options import RANGES_A, Keithley2450Options
from drivers.keithley2450.source import Reading, Source
from drivers.roles import PotentiostatAbilities
from drivers.staircase import DirectCurrentTechnique, Stair, stairs
from drivers.techniques import ConstantCurrent, ConstantPotential, DcPoint, OpenCircuit
from drivers.transport import BadReply

FALLEN = 0.99  # of the current that was set: below, the instrument holds a voltage
AT_CUT_OFF_V, AT_CUT_OFF = 5e-3, 5e-4  # how far a 2450 may read beside what it holds
OFF_BY = 0.02  # of the current: further off, the point says overload
RETRY_s = 0.5


@dataclass
class Measuring:
    """One technique, of an output that is `claim`'s. The caller takes care of the end state."""

    source: Source
    claim: Claim
    clock: Clock
    options: Keithley2450Options
    able: PotentiostatAbilities
    charge_C: float = 0.0
    began_s: float = 0.0
    _before: tuple[float, float] = field(default=(0.0, 0.0))  # time_s, current_A of the last reading

    # ------------------------------------------------------------ rest
    def open_circuit(self, technique: OpenCircuit) -> Iterator[DcPoint]:
        """The first point at once, then one every `interval_s`. The source gives 0 A: off, its relay is open."""
        self.source.apply(at_rest(self.able.voltage_max_V), self.claim.go_on)
        began_s = self.clock.monotonic()
        count = int(technique.duration_s / technique.interval_s + 1e-9) + 1
        for number in range(count):
            self.claim.wait(began_s + number * technique.interval_s - self.clock.monotonic())
            now = self.reading()
            ended = "duration" if number == count - 1 else ""
            is_open = abs(now.voltage_V) >= self.able.voltage_max_V * (1 - AT_CUT_OFF)
            time_s = self.clock.monotonic() - began_s
            yield DcPoint(time_s, now.voltage_V, 0.0, RANGES_A[-1], is_open, ended=ended)

    def _rest_V(self) -> float:
        self.source.apply(at_rest(self.able.voltage_max_V), self.claim.go_on)
        self.claim.wait(self.options.reading_s)
        return self.reading().voltage_V

    # ------------------------------------------------------------ under current
    def points(self, technique: DirectCurrentTechnique) -> Iterator[DcPoint]:
        rest_V = self._rest_V() if needs_rest(technique) else 0.0
        self._watch = CutOffWatch(technique.cut_offs)
        self._technique = technique
        due_s: float | None = None
        for stair in stairs(technique, rest_V):
            if due_s is None:
                self._drive = drive_for(technique, stair.level, self.able.voltage_max_V, self.able.current_ranges_A[0])
                if isinstance(technique, ConstantCurrent) and is_beyond(technique, self._drive, rest_V):
                    yield DcPoint(0.0, rest_V, 0.0, self._range_A(0.0), False, 0.0, 1, self._drive.guarded)
                    return
                self.source.apply(self._drive, self.claim.go_on)
                self.began_s = due_s = self.clock.monotonic()
            elif not self._is_level() and stair.level != self._drive.level:
                self._drive = Drive("voltage", stair.level, self._drive.limit)
                self.source.apply(self._drive, self.claim.go_on)
            seconds, is_charged = self._shortened(stair)
            due_s += seconds
            point = self._stair(stair, due_s, seconds, is_charged)
            yield point
            if point.ended:
                return

    def _is_level(self) -> bool:
        return isinstance(self._technique, ConstantCurrent | ConstantPotential)

    def _stair(self, stair: Stair, due_s: float, seconds: float, is_charged: bool) -> DcPoint:
        """The point at the end of a stair, or sooner where a cut-off is passed. A loop that is late is not hurried."""
        look_s, tick_s = due_s - seconds, self._tick_s()
        while True:
            look_s = min(look_s + tick_s, due_s)
            self.claim.wait(look_s - self.options.reading_s / 2 - self.clock.monotonic())
            now = self.reading()
            is_end = look_s >= due_s
            time_s = self.clock.monotonic() - self.began_s
            self._count(time_s, now.current_A)
            ended = self._ended(time_s, now)
            if is_end and not ended:
                whole = "duration" if self._is_level() else "end of sweep"
                ended = "charge_C" if is_charged else whole if stair.is_last else ""
            if is_end or ended:
                break
        range_A = self._range_A(now.current_A)
        overload = self._is_overload(now, ended)
        return DcPoint(time_s, now.voltage_V, now.current_A, range_A, overload, self.charge_C, stair.cycle, ended)

    def _tick_s(self) -> float:
        """What the instrument keeps by itself need not be looked at between two records, unless it ends the step."""
        if self._drive.function == "current" and self._technique.cut_offs.voltage_rate_max_V_s is None:
            return math.inf
        return self.options.watch_interval_s if self._watch.needs_close_watch else math.inf

    def _count(self, time_s: float, current_A: float) -> None:
        then_s, before_A = self._before
        mean_A = current_A if then_s == 0 else (before_A + current_A) / 2
        self.charge_C += mean_A * (time_s - then_s)
        self._before = (time_s, current_A)

    def _ended(self, time_s: float, now: Reading) -> str:
        passed = self._watch.passed(time_s, now.voltage_V, now.current_A, self.charge_C)
        return passed or (self._drive.guarded if self._is_held(now) else "")

    def _is_held(self, now: Reading) -> bool:
        """Whether the instrument has taken over: it holds the cut-off's voltage, and the current has fallen."""
        drive = self._drive
        if not drive.guarded or not isinstance(self._technique, ConstantCurrent):
            return False
        cut_off_V = drive.level if drive.function == "voltage" else drive.limit
        way = 1 if self._technique.current_A > 0 else -1
        held_V = cut_off_V if drive.function == "voltage" else way * cut_off_V
        has_fallen = way * now.current_A < FALLEN * abs(self._technique.current_A)
        return has_fallen and abs(now.voltage_V - held_V) <= AT_CUT_OFF_V + AT_CUT_OFF * abs(held_V)

    def _is_overload(self, now: Reading, ended: str) -> bool:
        """Under constant current: another current flows. At a potential: the limit is reached."""
        if isinstance(self._technique, ConstantCurrent):
            wanted_A = self._technique.current_A
            return not ended and abs(now.current_A - wanted_A) > OFF_BY * abs(wanted_A) + RANGES_A[-1]
        return abs(now.current_A) >= FALLEN * self._drive.limit

    def _shortened(self, stair: Stair) -> tuple[float, bool]:
        """A constant current ends at its charge, not at the sample after it."""
        most_C, technique = self._technique.cut_offs.charge_C, self._technique
        if most_C is None or not isinstance(technique, ConstantCurrent) or technique.current_A == 0:
            return stair.seconds, False
        left_s = max(0.0, most_C - abs(self.charge_C)) / abs(technique.current_A)
        return (left_s, True) if left_s <= stair.seconds else (stair.seconds, False)

    def _range_A(self, current_A: float) -> float:
        """The range that autoranging is in, told from the current: the lowest that has it."""
        fitting = [one for one in RANGES_A if 1.05 * one >= max(abs(current_A), abs(self._set_A()))]
        return fitting[-1] if fitting else RANGES_A[0]

    def _set_A(self) -> float:
        return self._technique.current_A if isinstance(self._technique, ConstantCurrent) else 0.0

    # ------------------------------------------------------------ readings
    def reading(self) -> Reading:
        """A reading, waited for while the instrument is out of reach: it holds what was set, and keeps its limits.

        Raises InstrumentLost when it stays away for `patience_s`, InstrumentError when its output is off.
        """
        since_s = self.clock.monotonic()
        while True:
            try:
                return self.source.read()
            except (InstrumentLost, BadReply) as error:
                away_s = self.clock.monotonic() - since_s
                if away_s >= self.options.patience_s:
                    raise InstrumentLost(
                        self.source.name,
                        f"is out of reach for {away_s:.0f} s while it measures ({error}); its output may still be on, "
                        f"at {self._now_told()}; look at it",
                    ) from error
                self.claim.wait(RETRY_s)

    def _now_told(self) -> str:
        drive = getattr(self, "_drive", None)
        return "0 A" if drive is None else drive.told
