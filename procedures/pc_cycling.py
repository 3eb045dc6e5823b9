"""A schedule that this computer runs on a potentiostat or source-meter, where the bench has no cycler.

Each step is one constant current, one held potential or one rest. Where it is stands in the run before a step begins;
after a break it goes on with the time and charge that are left. Time stands still meanwhile: `time_s` is the
schedule's own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace

import numpy as np

from daq.contracts import Rig, RunReader
from daq.errors import BadInput, StepFailed
from daq.sample import Sample
from drivers.roles import CyclerAbilities, Potentiostat
from drivers.schedule import Current, CurrentThenVoltage, End, Loop, Protection, Rest, Schedule, Voltage
from drivers.techniques import ConstantCurrent, ConstantPotential, CutOffs, DcPoint, OpenCircuit
from procedures.cycler_checks import NOT_SOUND
from procedures.dc_taking import check_cell
from procedures.overload_seen import OverloadSeen
from procedures.sample_geometry import electrode_area_cm2

RECORD_MIN_s = 0.5  # what software keeps up with
LONGEST_s = 1e8
WATCH_EVERY_s = 10.0
PLACE, ENDED = "schedule place", "schedule ended"
NEEDED = ("open-circuit", "constant-current", "constant-potential")
Technique = OpenCircuit | ConstantCurrent | ConstantPotential


@dataclass
class Place:
    """Where a schedule is when a piece of it begins: a step, or the hold of one (`holds`). Steps count from 0."""

    step: int = 0
    holds: bool = False
    cycle: int = 1
    passes: dict[str, int] = field(default_factory=dict)
    step_Ah: float = 0.0  # passed in this step before this piece
    record: int = 0
    time_s: float = 0.0
    charge_Ah: float = 0.0
    discharge_Ah: float = 0.0


@dataclass(frozen=True)
class Cursor:
    """The last row: what the next one counts on from."""

    record: int = 0
    time_s: float = 0.0
    charge_Ah: float = 0.0
    discharge_Ah: float = 0.0


class PcCycling:
    """`run` returns when the schedule has ended, or when its protection ended it. Speaks V, A, Ah, s."""

    def __init__(self, potentiostat: Potentiostat, sample: Sample, watch: Callable[[Rig], None]) -> None:
        self.name = potentiostat.name
        self._potentiostat = potentiostat
        self._sample = sample
        self._watch = watch
        self._area_cm2 = electrode_area_cm2(sample)
        self._last = Cursor()

    def abilities(self) -> CyclerAbilities:
        able = self._potentiostat.abilities()
        most_V = able.voltage_max_V
        return CyclerAbilities(
            able.channels, -most_V, most_V, able.current_ranges_A[0], 1e-9, RECORD_MIN_s, 2 * RECORD_MIN_s, True
        )

    def check(self, schedule: Schedule, place: str) -> list[str]:
        """Raises BadInput when the instrument lacks a technique; returns what a person should know."""
        missing = [one for one in NEEDED if one not in self._potentiostat.abilities().techniques]
        if missing:
            raise BadInput(f"{self.name} cannot do {', '.join(missing)}", place=f"{place}, procedure",
                           allowed="a bench with a cycler")  # fmt: skip
        guard, asked = self._guard(schedule), schedule.protection
        told = [f"this computer runs the schedule on {self.name}: when it stops, the cell is switched off"]
        if any(getattr(one, "record", None) and one.record.every_V for one in schedule.steps if one.kind != "loop"):
            told.append("records are made in time only, not on a change of voltage")
        if guard != asked:
            told.append(f"the protection is {guard.voltage_min_V:g} to {guard.voltage_max_V:g} V, all that it can do")
        return told

    def _guard(self, schedule: Schedule) -> Protection:
        """The schedule's protection within what the instrument can do."""
        most_V, asked = self._potentiostat.abilities().voltage_max_V, schedule.protection
        low_V, high_V = max(asked.voltage_min_V, -most_V), min(asked.voltage_max_V, most_V)
        return replace(asked, voltage_min_V=low_V, voltage_max_V=high_V)

    def recover(self, run: RunReader) -> None:
        rows = run.table("cycling", columns=("record", "time_s", "charge_capacity_Ah", "discharge_capacity_Ah"))
        if len(rows["record"]):
            at = int(np.argmax(rows["record"]))
            self._last = Cursor(
                int(rows["record"][at]),
                *(float(rows[name][at]) for name in ("time_s", "charge_capacity_Ah", "discharge_capacity_Ah")),
            )

    def check_sound(self, rig: Rig, low_V: float, high_V: float) -> None:
        """Raises StepFailed for a cell that is not between the two voltages at rest: shorted, open or another."""
        rest_V = check_cell(rig, self._potentiostat, self._sample)
        if not low_V <= rest_V <= high_V:
            text = f"{self._sample.label} shows {rest_V:.3g} V, expected {low_V:g} to {high_V:g} V"
            raise StepFailed(f"{text}: {NOT_SOUND}")

    def run(
        self, rig: Rig, schedule: Schedule, after_cycle: Callable[[Rig, int], None] = lambda rig, cycle: None
    ) -> None:
        """`after_cycle` is called with the cycles that are done, 0 before the first; again after a break."""
        place = Place(**rig.recall(PLACE, {}))
        self._resumed = self._last.record > place.record
        if not self._resumed:  # also where it was broken between a piece's beginning and its first row
            self._last = Cursor(place.record, place.time_s, place.charge_Ah, place.discharge_Ah)
        if not self._last.record:
            after_cycle(rig, 0)
        while place.step < len(schedule.steps) and not rig.recall(ENDED):
            step = schedule.steps[place.step]
            if isinstance(step, Loop):
                self._loop(step, place)
                after_cycle(rig, place.cycle - 1)
                continue
            if not self._resumed:
                self._arrive(rig, place)
            stopped = self._work(rig, step, schedule, place)
            self._resumed = False
            if stopped:
                rig.remember(ENDED, stopped)
                rig.log(f"the schedule ends at step {place.step + 1}: {stopped}", "warning")
                return
            place.step, place.holds, place.step_Ah = place.step + 1, False, 0.0
        rig.remember(PLACE, asdict(place))

    # ------------------------------------------------------------ steps
    def _loop(self, loop: Loop, place: Place) -> None:
        key = str(place.step)
        done = place.passes.get(key, 0) + 1
        place.cycle += 1
        self._last = Cursor(self._last.record, self._last.time_s)
        place.passes[key] = done if done < loop.times else 0
        place.step = loop.to - 1 if done < loop.times else place.step + 1

    def _arrive(self, rig: Rig, place: Place) -> None:
        """A piece begins here: durable before anything is applied."""
        place.record, place.time_s = self._last.record, self._last.time_s
        place.charge_Ah, place.discharge_Ah = self._last.charge_Ah, self._last.discharge_Ah
        rig.remember(PLACE, asdict(place))

    def _work(
        self, rig: Rig, step: Rest | Current | Voltage | CurrentThenVoltage, schedule: Schedule, place: Place
    ) -> str:
        """One step to its end; returns why the schedule must end, or nothing."""
        every_s = step.record.every_s or 10.0
        if isinstance(step, Rest):
            left_s = step.duration_s - self._done_s(place)
            if left_s >= RECORD_MIN_s:
                self._take(rig, OpenCircuit(left_s, min(every_s, left_s)), place)
            return ""
        if isinstance(step, Voltage):
            way = 1.0 if self._rest_V() < step.voltage_V else -1.0
            step = CurrentThenVoltage(way * step.current_limit_A, step.voltage_V, step.ends, step.record)
        then_V = step.voltage_V if isinstance(step, CurrentThenVoltage) else None
        if not place.holds:
            ended, stopped = self._current(rig, step, then_V, every_s, schedule, place)
            if stopped or then_V is None or not ended.startswith("voltage"):
                return stopped
            place.holds, place.step_Ah = True, place.step_Ah + self._done_Ah(place)
            self._arrive(rig, place)
        assert then_V is not None
        return self._hold(rig, step, then_V, every_s, place)

    def _current(
        self,
        rig: Rig,
        step: Current | CurrentThenVoltage,
        then_V: float | None,
        every_s: float,
        schedule: Schedule,
        place: Place,
    ) -> tuple[str, str]:
        """How it ended, and why the schedule must end."""
        guard = self._guard(schedule)
        wanted = {"voltage_max_V": _tightest(step.ends, "above"), "voltage_min_V": _tightest(step.ends, "below")}
        if then_V is not None:
            wanted["voltage_max_V" if step.current_A > 0 else "voltage_min_V"] = then_V
        high, low = wanted["voltage_max_V"], wanted["voltage_min_V"]
        left_s, left_C = self._left(step.ends, place)
        if left_s < RECORD_MIN_s or left_C == 0:
            return "duration", ""
        cut_offs = CutOffs(
            voltage_min_V=guard.voltage_min_V if low is None else low,
            voltage_max_V=guard.voltage_max_V if high is None else high,
            charge_C=left_C,
        )
        end = "off" if then_V is None else "hold"
        technique = ConstantCurrent(step.current_A, left_s, min(every_s, left_s), cut_offs, end)
        ended = self._take(rig, technique, place)
        is_asked = not ended.startswith("voltage") or wanted[ended] is not None
        return ended, "" if is_asked else f"the protection was reached ({ended} of {getattr(cut_offs, ended):g} V)"

    def _hold(self, rig: Rig, step: Current | CurrentThenVoltage, then_V: float, every_s: float, place: Place) -> str:
        left_s, left_C = self._left(step.ends, place)
        if left_s < RECORD_MIN_s or left_C == 0:
            return ""
        below = [end.value for end in step.ends if end.quantity == "current_A"]
        most_A = 1.2 * abs(step.current_A)
        cut_offs = CutOffs(current_min_A=max(below, default=None), current_max_A=most_A, charge_C=left_C)
        ended = self._take(rig, ConstantPotential(then_V, left_s, min(every_s, left_s), cut_offs), place)
        return f"more than {most_A:g} A flowed at {then_V:g} V" if ended == "current_max_A" else ""

    def _left(self, ends: tuple[End, ...], place: Place) -> tuple[float, float | None]:
        """Seconds and coulombs until the ends in time and capacity; what a broken attempt passed counts."""
        times = [end.value for end in ends if end.quantity == "time_s"]
        amounts = [end.value for end in ends if end.quantity == "capacity_Ah"]
        left_s = min(times, default=LONGEST_s) - self._done_s(place)
        left_Ah = min(amounts, default=np.inf) - place.step_Ah - self._done_Ah(place)
        return left_s, None if np.isinf(left_Ah) else max(0.0, 3600 * float(left_Ah))

    def _done_s(self, place: Place) -> float:
        return self._last.time_s - place.time_s

    def _done_Ah(self, place: Place) -> float:
        """Of this piece, either way: it has one direction."""
        last = self._last
        return last.charge_Ah - place.charge_Ah + last.discharge_Ah - place.discharge_Ah

    # ------------------------------------------------------------ points
    def _take(self, rig: Rig, technique: Technique, place: Place) -> str:
        """Measure and record one piece; how it ended. Raises StepFailed without a point."""
        base, ended, told_s = self._last, "", -np.inf
        where, seen = f"cycle {place.cycle}, step {place.step + 1}", OverloadSeen()
        try:
            for point in self._potentiostat.measure(technique, self._sample.channel):
                if not isinstance(point, DcPoint):
                    continue
                passed_Ah = point.charge_C / 3600
                self._last = Cursor(
                    self._last.record + 1,
                    base.time_s + point.time_s,
                    base.charge_Ah + max(0.0, passed_Ah),
                    base.discharge_Ah + max(0.0, -passed_Ah),
                )
                seen.see((point,))
                self._record(rig, point, place)
                ended = point.ended
                rig.check()
                if point.time_s - told_s >= WATCH_EVERY_s:
                    told_s = point.time_s
                    self._watch(rig)
                    rig.progress(f"{where}, {point.voltage_V:.4g} V", self._last.time_s)
        finally:
            seen.tell(rig, self.name, f"{self._sample.label}, {where}, {technique.kind}")
        if not ended:
            raise StepFailed(f"{self.name} gave no point of {technique.kind}, or not its last one")
        return ended

    def _record(self, rig: Rig, point: DcPoint, place: Place) -> None:
        last = self._last
        rig.record(
            "cycling", sample=self._sample.label, channel=self._sample.channel, record=last.record,
            schedule_step=place.step + 1, cycle=place.cycle, time_s=last.time_s, voltage_V=point.voltage_V,
            current_A=point.current_A,
            current_density_mA_cm2=None if self._area_cm2 is None else 1e3 * point.current_A / self._area_cm2,
            charge_capacity_Ah=last.charge_Ah, discharge_capacity_Ah=last.discharge_Ah, temperature_C=None,
        )  # fmt: skip

    def _rest_V(self) -> float:
        points = self._potentiostat.measure(OpenCircuit(2.0, 0.5), self._sample.channel)
        return float(np.median([point.voltage_V for point in points if isinstance(point, DcPoint)]))


def _tightest(ends: tuple[End, ...], direction: str) -> float | None:
    values = [end.value for end in ends if end.quantity == "voltage_V" and end.direction == direction]
    if not values:
        return None
    return min(values) if direction == "above" else max(values)
