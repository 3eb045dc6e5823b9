"""One test on one channel of the simulated cycler: it runs its schedule on its cell for as long as it is told.

Within a step of constant current the records are computed at once where the cell can, else one by one. What it is
depends on the schedule, the cell and the temperature, not on how often it was looked at.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from drivers.schedule import ChannelState, Current, CurrentThenVoltage, End, Loop, Record, Rest, Schedule, Voltage
from drivers.simulated.cells.cell import Cell, until_beyond

COLUMNS = 8  # time_s, step, cycle, voltage_V, current_A, charge_Ah, discharge_Ah, temperature_C
SHORTEST_STEP_s = 0.1
FINE_s = 1.0  # how often triggers on change are looked at
TINY_s = 1e-6
Working = Rest | Current | Voltage | CurrentThenVoltage


@dataclass
class Position:
    """Where a test is: all that has to be kept besides the cell's state. `step` counts from 0."""

    at_s: float  # on the world's clock
    time_s: float = 0.0
    step: int = 0
    step_s: float = 0.0
    step_Ah: float = 0.0
    cycle: int = 1
    holds_voltage: bool = False
    charge_Ah: float = 0.0
    discharge_Ah: float = 0.0
    voltage_V: float = 0.0
    current_A: float = 0.0
    recorded_V: float = 0.0
    recorded_A: float = 0.0
    recorded_s: float = -1.0
    state: ChannelState = "running"
    text: str = ""
    passes: dict[int, int] = field(default_factory=dict)


class CyclerTest:
    """`rows` are the records since they were last taken."""

    def __init__(self, schedule: Schedule, position: Position, cell: Cell) -> None:
        self.schedule = schedule
        self.position = position
        self.rows: list[NDArray[np.float64]] = []
        self._cell = cell

    def advance(self, until_s: float, temperature_C: float, high_phase: float) -> None:
        """Run to this moment of the world's clock."""
        self._temperature_C, self._phase = temperature_C, high_phase
        position = self.position
        while position.state == "running" and position.at_s < until_s - TINY_s:
            if position.step >= len(self.schedule.steps):
                position.state, position.text = "finished", "the schedule is done"
                break
            step = self.schedule.steps[position.step]
            if isinstance(step, Loop):
                self._loop(step)
            else:
                self._work(step, until_s - position.at_s)
        if position.state != "running":
            position.current_A = 0.0

    # ------------------------------------------------------------ steps
    def _loop(self, loop: Loop) -> None:
        p = self.position
        done = p.passes.get(p.step, 0) + 1
        p.cycle += 1
        p.charge_Ah = p.discharge_Ah = 0.0
        if done < loop.times:
            p.passes[p.step] = done
            p.step = loop.to - 1
        else:
            p.passes[p.step] = 0
            p.step += 1

    def _next_step(self) -> None:
        p = self.position
        p.step, p.step_s, p.step_Ah, p.holds_voltage, p.recorded_s = p.step + 1, 0.0, 0.0, False, -1.0

    def _work(self, step: Working, span_s: float) -> None:
        if isinstance(step, Rest):
            self._current(0.0, (End("time_s", "above", step.duration_s),), step.record, span_s, None)
        elif isinstance(step, Current):
            self._current(step.current_A, step.ends, step.record, span_s, None)
        elif isinstance(step, Voltage):
            self._voltage(step.voltage_V, step.current_limit_A, step.ends, step.record, span_s)
        elif self.position.holds_voltage:
            self._voltage(step.voltage_V, abs(step.current_A), step.ends, step.record, span_s)
        else:
            self._current(step.current_A, step.ends, step.record, span_s, step.voltage_V)

    def _current(
        self, current_A: float, ends: tuple[End, ...], record: Record, span_s: float, hold_V: float | None
    ) -> None:
        """Constant current to the first of its ends, the voltage to be held, or the end of the span."""
        p = self.position
        last_s, is_over = self._known_end(current_A, ends, span_s)
        times = self._grid(record, last_s)
        volts = self._cell.project(current_A, times, self._temperature_C)
        if volts is None:
            volts, times, is_crossed = self._one_by_one(current_A, times, ends, hold_V)
        else:
            beyond = self._beyond(volts, ends, hold_V)
            is_crossed = bool(beyond.any())
            first = int(np.argmax(beyond)) if is_crossed else len(times) - 1
            before_s = float(times[first - 1]) if first > 0 else 0.0
            if before_s > 0:
                self._cell.at_current(current_A, before_s, self._temperature_C, self._phase)
            reached_V, passed_s, _ = until_beyond(
                self._cell,
                current_A,
                float(times[first]) - before_s,
                self._temperature_C,
                self._phase,
                lambda volt: is_crossed and self._is_beyond(volt, ends, hold_V),
            )
            times, volts = times[: first + 1].copy(), volts[: first + 1].copy()
            times[-1], volts[-1] = before_s + passed_s, reached_V
        ends_here = is_crossed or is_over
        self._write(times, volts, np.full(len(times), current_A), record, ends_here)
        if self._protects(float(volts[-1]), current_A):
            return
        reached_V = float(volts[-1])
        if is_crossed and hold_V is not None and not self._ends_at(reached_V, ends):
            p.holds_voltage, p.step_s = True, 0.0
        elif ends_here:
            self._next_step()

    def _one_by_one(
        self, current_A: float, times: NDArray[np.float64], ends: tuple[End, ...], hold_V: float | None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], bool]:
        volts: list[float] = []
        reached: list[float] = []
        before_s = 0.0
        for time_s in times.tolist():
            voltage_V, passed_s, is_beyond = until_beyond(
                self._cell,
                current_A,
                time_s - before_s,
                self._temperature_C,
                self._phase,
                lambda volt: self._is_beyond(volt, ends, hold_V),
            )
            volts.append(voltage_V)
            reached.append(before_s + passed_s)
            if is_beyond:
                return np.array(volts), np.array(reached), True
            before_s = time_s
        return np.array(volts), times, False

    def _voltage(self, voltage_V: float, limit_A: float, ends: tuple[End, ...], record: Record, span_s: float) -> None:
        """Held at a potential, stair by stair of the records' grid; at the limit of the current below it."""
        times = self._grid(record, self._known_end(0.0, ends, span_s)[0])
        before_s, passed_Ah = 0.0, self.position.step_Ah
        volts: list[float] = []
        currents: list[float] = []
        is_over = False
        for time_s in times.tolist():
            seconds = time_s - before_s
            kept = self._cell.state()
            shown_V, current_A = voltage_V, self._cell.at_voltage(voltage_V, seconds, self._temperature_C, self._phase)
            if abs(current_A) > limit_A:
                self._cell.adopt(kept)
                current_A = limit_A if current_A > 0 else -limit_A
                shown_V = self._cell.at_current(current_A, seconds, self._temperature_C, self._phase)
            before_s = time_s
            passed_Ah += abs(current_A) * seconds / 3600
            volts.append(shown_V)
            currents.append(current_A)
            step_s = self.position.step_s + time_s
            if step_s >= SHORTEST_STEP_s and any(_met(end, step_s, current_A, passed_Ah) for end in ends):
                is_over = True
                break
        count = len(volts)
        self._write(times[:count], np.array(volts), np.array(currents), record, is_over)
        if not self._protects(volts[-1], currents[-1]) and is_over:
            self._next_step()

    # ------------------------------------------------------------ ends
    def _known_end(self, current_A: float, ends: tuple[End, ...], span_s: float) -> tuple[float, bool]:
        """Seconds from now to the end of time or capacity, at most the span; and whether that is the step's end."""
        p, left_s = self.position, np.inf
        for end in ends:
            if end.quantity == "time_s":
                left_s = min(left_s, end.value - p.step_s)
            elif end.quantity == "capacity_Ah" and current_A:
                left_s = min(left_s, (end.value - p.step_Ah) * 3600 / abs(current_A))
        left_s = max(float(left_s), SHORTEST_STEP_s - p.step_s, 1e-3)
        return (left_s, True) if left_s <= span_s else (span_s, False)

    def _grid(self, record: Record, last_s: float) -> NDArray[np.float64]:
        """Seconds from now at which there may be a record, and the last moment."""
        every_s = record.every_s or 10.0
        if record.every_V is not None or record.every_A is not None:
            every_s = min(every_s, FINE_s)
        done_s = self.position.step_s
        first = int(done_s / every_s + TINY_s) + 1  # as near as `_triggered` calls it done: else it is there twice
        last = int((done_s + last_s) / every_s - 1e-9)
        times = np.arange(first, last + 1, dtype=float) * every_s - done_s
        return np.append(times[times < last_s - TINY_s], last_s)

    def _beyond(self, volts: NDArray[np.float64], ends: tuple[End, ...], hold_V: float | None) -> NDArray[np.bool_]:
        guard = self.schedule.protection
        found = (volts > guard.voltage_max_V) | (volts < guard.voltage_min_V)
        for end in _voltage_ends(ends):
            found |= volts > end.value if end.direction == "above" else volts < end.value
        if hold_V is not None:
            found |= volts > hold_V if self._charges() else volts < hold_V
        return found

    def _is_beyond(self, voltage_V: float, ends: tuple[End, ...], hold_V: float | None) -> bool:
        return bool(self._beyond(np.array([voltage_V]), ends, hold_V)[0])

    def _ends_at(self, voltage_V: float, ends: tuple[End, ...]) -> bool:
        return any(
            voltage_V > end.value if end.direction == "above" else voltage_V < end.value for end in _voltage_ends(ends)
        )

    def _charges(self) -> bool:
        step = self.schedule.steps[self.position.step]
        return isinstance(step, CurrentThenVoltage) and step.current_A > 0

    def _protects(self, voltage_V: float, current_A: float) -> bool:
        """Beyond a limit the channel stops by itself after the delay."""
        p, guard = self.position, self.schedule.protection
        what = ""
        if not guard.voltage_min_V <= voltage_V <= guard.voltage_max_V:
            what = f"{voltage_V:.4f} V is outside {guard.voltage_min_V:g} to {guard.voltage_max_V:g} V"
        elif abs(current_A) > guard.current_max_A:
            what = f"{abs(current_A):.4g} A is above {guard.current_max_A:g} A"
        elif guard.capacity_max_Ah is not None and p.step_Ah > guard.capacity_max_Ah:
            what = f"{p.step_Ah:.4g} Ah is above {guard.capacity_max_Ah:g} Ah"
        if not what:
            return False
        self._cell.at_current(current_A, guard.delay_s, self._temperature_C, self._phase)
        p.at_s, p.time_s = p.at_s + guard.delay_s, p.time_s + guard.delay_s
        p.state, p.text = "protected", f"step {p.step + 1}: {what}"
        return True

    # ------------------------------------------------------------ records
    def _write(
        self,
        times: NDArray[np.float64],
        volts: NDArray[np.float64],
        currents: NDArray[np.float64],
        record: Record,
        ends_here: bool,
    ) -> None:
        """Count the charge, move on to the last of the times, and keep the rows that a trigger asks for."""
        p = self.position
        amounts_Ah = np.cumsum(currents * np.diff(times, prepend=0.0)) / 3600
        rows = np.empty((len(times), COLUMNS))
        rows[:, 0], rows[:, 1], rows[:, 2] = p.time_s + times, p.step + 1, p.cycle
        rows[:, 3], rows[:, 4] = volts, currents
        rows[:, 5] = p.charge_Ah + np.maximum(amounts_Ah, 0)
        rows[:, 6] = p.discharge_Ah + np.maximum(-amounts_Ah, 0)
        rows[:, 7] = self._temperature_C
        wanted = self._triggered(p.step_s + times, volts, currents, record, ends_here)
        if wanted.any():
            self.rows.append(rows[wanted])
        length_s = float(times[-1])
        p.at_s, p.time_s, p.step_s = p.at_s + length_s, p.time_s + length_s, p.step_s + length_s
        p.charge_Ah, p.discharge_Ah = float(rows[-1, 5]), float(rows[-1, 6])
        p.step_Ah += abs(float(amounts_Ah[-1]))
        p.voltage_V, p.current_A = float(volts[-1]), float(currents[-1])

    def _triggered(
        self,
        step_s: NDArray[np.float64],
        volts: NDArray[np.float64],
        currents: NDArray[np.float64],
        record: Record,
        ends_here: bool,
    ) -> NDArray[np.bool_]:
        p = self.position
        wanted = np.zeros(len(step_s), dtype=bool)
        if record.every_V is None and record.every_A is None:
            wanted[:-1] = True
            every_s = record.every_s or 10.0
            before_s = float(step_s[-2]) if len(step_s) > 1 else p.step_s
            due, done = _due(float(step_s[-1]), every_s), _due(before_s, every_s)
            wanted[-1] = ends_here or (due is not None and due != done)  # a look a hair later makes no second one
            return wanted
        for n, (time_s, volt, current) in enumerate(
            zip(step_s.tolist(), volts.tolist(), currents.tolist(), strict=True)
        ):
            wanted[n] = (
                p.recorded_s < 0
                or (record.every_s is not None and time_s - p.recorded_s >= record.every_s - TINY_s)
                or (record.every_V is not None and abs(volt - p.recorded_V) >= record.every_V)
                or (record.every_A is not None and abs(current - p.recorded_A) >= record.every_A)
            )
            if wanted[n]:
                p.recorded_s, p.recorded_V, p.recorded_A = time_s, volt, current
        wanted[-1] |= ends_here
        return wanted


def _due(step_s: float, every_s: float) -> int | None:
    """Which record by time is due at this moment of a step; None: none is."""
    nearest = round(step_s / every_s)
    return nearest if abs(step_s / every_s - nearest) < TINY_s else None


def _voltage_ends(ends: tuple[End, ...]) -> list[End]:
    return [end for end in ends if end.quantity == "voltage_V"]


def _met(end: End, step_s: float, current_A: float, passed_Ah: float) -> bool:
    """Of a held potential: all but the voltage's ends."""
    if end.quantity == "voltage_V":
        return False
    value = {"time_s": step_s + TINY_s, "current_A": abs(current_A), "capacity_Ah": passed_Ah}[end.quantity]
    return value >= end.value if end.direction == "above" else value <= end.value
