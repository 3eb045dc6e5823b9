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
from drivers.simulated.cycler_ends import TINY_s, due_record, is_met, passed_limit, voltage_ends

COLUMNS = 8  # time_s, step, cycle, voltage_V, current_A, charge_Ah, discharge_Ah, temperature_C
SHORTEST_STEP_s = 0.1
FINE_s = 1.0  # how often triggers on change are looked at
DELAY_LOOKS = 10  # how often it is looked, within the delay of the protection, whether the limit is still passed
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
    beyond_s: float | None = None  # how long a limit of the protection has been passed
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
        if self.position.beyond_s is not None:
            delay_s = self.schedule.protection.delay_s
            span_s = min(span_s, delay_s - self.position.beyond_s, max(delay_s / DELAY_LOOKS, SHORTEST_STEP_s))
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
        reached_V = float(volts[-1])
        is_over = self._ends_at(reached_V, ends) or (is_over and not is_crossed)
        holds_now = not is_over and hold_V is not None and self._is_held(reached_V, hold_V)
        length_s = float(times[-1])
        is_stopped = self._protects(reached_V, current_A, length_s, p.step_Ah + abs(current_A) * length_s / 3600)
        self._write(times, volts, np.full(len(times), current_A), record, is_crossed or is_over or is_stopped)
        if is_stopped:
            return
        if holds_now:
            p.holds_voltage, p.step_s = True, 0.0
        elif is_over:
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
            if self.position.beyond_s is None and passed_limit(self.schedule.protection, shown_V, current_A, passed_Ah):
                break
            if step_s >= SHORTEST_STEP_s and any(is_met(end, step_s, current_A, passed_Ah) for end in ends):
                is_over = True
                break
        count = len(volts)
        is_stopped = self._protects(volts[-1], currents[-1], float(times[count - 1]), passed_Ah)
        self._write(times[:count], np.array(volts), np.array(currents), record, is_over or is_stopped)
        if is_over and not is_stopped:
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
        most_Ah = self.schedule.protection.capacity_max_Ah
        if most_Ah is not None and current_A and p.beyond_s is None:
            span_s = min(span_s, max((most_Ah - p.step_Ah) * 3600 / abs(current_A), 0.0) + 1e-3)
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
        if self.position.beyond_s is not None:  # seen already: it is the delay that counts now
            found[:] = False
        for end in voltage_ends(ends):
            found |= volts > end.value if end.direction == "above" else volts < end.value
        if hold_V is not None:
            found |= volts > hold_V if self._charges() else volts < hold_V
        return found

    def _is_held(self, voltage_V: float, hold_V: float) -> bool:
        return voltage_V > hold_V if self._charges() else voltage_V < hold_V

    def _is_beyond(self, voltage_V: float, ends: tuple[End, ...], hold_V: float | None) -> bool:
        return bool(self._beyond(np.array([voltage_V]), ends, hold_V)[0])

    def _ends_at(self, voltage_V: float, ends: tuple[End, ...]) -> bool:
        return any(
            voltage_V > end.value if end.direction == "above" else voltage_V < end.value for end in voltage_ends(ends)
        )

    def _charges(self) -> bool:
        step = self.schedule.steps[self.position.step]
        return isinstance(step, CurrentThenVoltage) and step.current_A > 0

    def _protects(self, voltage_V: float, current_A: float, passed_s: float, step_Ah: float) -> bool:
        """Whether the channel stops by itself: when a limit has been passed for the whole delay, without a break."""
        p, guard = self.position, self.schedule.protection
        what = passed_limit(guard, voltage_V, current_A, step_Ah)
        if not what:
            p.beyond_s = None
            return False
        p.beyond_s = 0.0 if p.beyond_s is None else p.beyond_s + passed_s
        if p.beyond_s < guard.delay_s - TINY_s:
            return False
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
            due, done = due_record(float(step_s[-1]), every_s), due_record(before_s, every_s)
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
