"""Direct-current techniques by software control: rests, staircases, levels; cut-offs are watched in between."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from daq.errors import InstrumentError
from drivers.autolab.control import Control, Sampled
from drivers.autolab.halting import Halt
from drivers.autolab.models import CurrentRange
from drivers.autolab.ranging import FIRST_RANGE_A, choose, for_current, next_for_current
from drivers.autolab.spectrum import Note
from drivers.cut_offs import CutOffWatch
from drivers.staircase import DirectCurrentTechnique, Stair, stairs
from drivers.techniques import ConstantCurrent, DcPoint, OpenCircuit

SHORTEST_s = 0.1  # a sample with its reads takes up to 65 ms
SAMPLE_s = 0.06  # so much before the end of a stair the sample begins
OPEN_LEAD_A = 1e-8  # what is less is noise
OFFSET = 3e-4  # of a range, as found on a rig: what it shows when nothing flows
RANGE_REPEATS = 2


def open_circuit(control: Control, technique: OpenCircuit, halt: Halt) -> Iterator[DcPoint]:
    """The first point at once, then one every `interval_s` up to `duration_s`; the cell is off."""
    began_s = control.clock.monotonic()
    count = int(technique.duration_s / technique.interval_s + 1e-9) + 1
    for number in range(count):
        halt.wait(began_s + number * technique.interval_s - control.clock.monotonic())
        now = control.sample()
        range_A = control.range.full_scale_A if control.range else 0.0
        ended = "duration" if number == count - 1 else ""
        time_s = control.clock.monotonic() - began_s
        yield DcPoint(time_s, now.voltage_V, 0.0, range_A, "PotentialOverload" in now.flags, ended=ended)


@dataclass
class DirectCurrent:
    """One technique. The caller has the cell off before and takes care of the end state after."""

    control: Control
    technique: DirectCurrentTechnique
    halt: Halt
    note: Note
    charge_C: float = 0.0
    began_s: float = 0.0
    flowed: bool = False  # a current that is more than a range's own offset

    def points(self) -> Iterator[DcPoint]:
        control, technique = self.control, self.technique
        self._watch = CutOffWatch(technique.cut_offs)
        self._whole = "duration" if technique.kind.startswith("constant") else "end of sweep"
        resting = control.sample()
        plan = stairs(technique, resting.voltage_V)
        control.set_mode(isinstance(technique, ConstantCurrent))
        control.set_range(self._first_range())
        self.began_s = due_s = control.clock.monotonic()
        level: float | None = None
        for stair in plan:
            if stair.level != level:
                self._apply(stair.level)
            if level is None:
                control.switch(True)
                self.began_s = due_s = control.clock.monotonic()
            level = stair.level
            seconds, is_charged = self._shortened(stair)
            due_s += seconds
            point = self._stair(stair, due_s, seconds, is_charged)
            yield point
            if point.ended:
                self._check_lead(resting.voltage_V)
                return

    # ------------------------------------------------------------ one stair
    def _apply(self, level: float) -> None:
        if isinstance(self.technique, ConstantCurrent):
            self.control.set_current(level)
        else:
            self.control.set_potential(level)

    def _stair(self, stair: Stair, due_s: float, seconds: float, is_charged: bool) -> DcPoint:
        """The point at the end of a stair, or sooner where a cut-off is passed. A loop that is late is not hurried."""
        clock, began_s = self.control.clock, due_s - seconds
        tick_s = self.control.options.watch_interval_s if self._watch.needs_close_watch else math.inf
        look_s = began_s
        while True:
            look_s = min(look_s + tick_s, due_s)
            self.halt.wait(look_s - SAMPLE_s - clock.monotonic())
            now = self._sampled()
            is_end = look_s >= due_s
            passed_s = seconds if is_end else clock.monotonic() - began_s
            charge_C = self.charge_C + passed_s * self._flowing_A(now, stair)
            time_s = clock.monotonic() - self.began_s
            ended = self._watch.passed(time_s, now.voltage_V, now.current_A, charge_C)
            if is_charged and is_end and not ended:
                ended = "charge_C"
            if is_end and stair.is_last and not ended:
                ended = self._whole
            if is_end or ended:
                break
        self.charge_C = charge_C
        self.flowed = self.flowed or abs(now.current_A) > max(OPEN_LEAD_A, OFFSET * self._range.full_scale_A)
        range_A = self._range.full_scale_A
        self._follow(now)
        return DcPoint(
            time_s, now.voltage_V, now.current_A, range_A, now.is_overload, self.charge_C, stair.cycle, ended
        )

    def _flowing_A(self, now: Sampled, stair: Stair) -> float:
        return stair.level if isinstance(self.technique, ConstantCurrent) else now.current_A

    def _shortened(self, stair: Stair) -> tuple[float, bool]:
        """A constant current ends at its charge, not at the sample after it."""
        most_C = self.technique.cut_offs.charge_C
        if most_C is None or not isinstance(self.technique, ConstantCurrent) or stair.level == 0:
            return stair.seconds, False
        left_s = (most_C - abs(self.charge_C)) / abs(stair.level)
        return (left_s, True) if left_s <= stair.seconds else (stair.seconds, False)

    # ------------------------------------------------------------ ranges
    @property
    def _range(self) -> CurrentRange:
        if self.control.range is None:
            raise InstrumentError(self.control.name, "no current range is set")
        return self.control.range

    def _is_free(self) -> bool:
        is_current = isinstance(self.technique, ConstantCurrent)
        return not is_current and getattr(self.technique, "current_range_A", None) is None

    def _first_range(self) -> CurrentRange:
        if isinstance(self.technique, ConstantCurrent):
            return for_current(self.control.ranges, abs(self.technique.current_A))
        wanted_A = self.technique.current_range_A
        if wanted_A is None:
            return choose(self.control.ranges, 0.0, FIRST_RANGE_A * 0.7, 1.0).range
        return next(one for one in self.control.ranges if math.isclose(one.full_scale_A, wanted_A, rel_tol=1e-6))

    def _sampled(self) -> Sampled:
        """At an overload again one range up, at most twice, where ranges may be changed with the cell on."""
        now = self.control.sample()
        for _ in range(RANGE_REPEATS):
            if not (self._is_free() and "CurrentOverload" in now.flags):
                break
            wanted = next_for_current(self.control.ranges, self._range, now.current_A, True)
            if wanted == self._range:
                break
            self.control.set_range(wanted)
            now = self.control.sample()
        return now

    def _follow(self, now: Sampled) -> None:
        """The range for the next point, as this one's current asks for."""
        if self._is_free():
            wanted = next_for_current(self.control.ranges, self._range, now.current_A, now.is_overload)
            if wanted != self._range:
                self.control.set_range(wanted)

    def _check_lead(self, resting_V: float) -> None:
        """An open lead sets no flag: the data look complete, and are noise."""
        if isinstance(self.technique, ConstantCurrent):
            return
        if not self.flowed:
            self.note(
                f"no more than {OPEN_LEAD_A:g} A flowed from {resting_V:.3f} V on: is a lead off, or the cell open?"
            )
