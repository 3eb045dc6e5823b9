"""One direct-current technique on a simulated cell: what is applied, read, and when it ends."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import deque
from collections.abc import Iterator
from itertools import islice

import numpy as np

from drivers.simulated.cells.cell import until_beyond
from drivers.simulated.cells.kept import CellHolder
from drivers.simulated.frequency_analyser import CURRENT_RANGES_A, HEADROOM
from drivers.simulated.parameters import AnalyserParameters
from drivers.staircase import DirectCurrentTechnique, Stair
from drivers.techniques import ConstantCurrent, CutOffs, DcPoint

COMPLIANCE_V = 10.0
RANGES_UP_A = tuple(sorted(CURRENT_RANGES_A))
NAMES = {"constant-current": "duration", "constant-potential": "duration"}


class Reader:
    """Reads stair after stair. A charge cut-off shortens its last stair; the others are seen at the samples."""

    def __init__(self, technique: DirectCurrentTechnique, holder: CellHolder, parameters: AnalyserParameters) -> None:
        self._holder = holder
        self._parameters = parameters
        self._cut_offs: CutOffs = technique.cut_offs
        self._is_current = isinstance(technique, ConstantCurrent)
        self._range_A = None if isinstance(technique, ConstantCurrent) else technique.current_range_A
        self._whole = NAMES.get(technique.kind, "end of sweep")
        self._recent: deque[tuple[float, float]] = deque()
        self._noise_known: tuple[float, float, float] = (0.0, 0.0, 0.0)  # range in A, seconds, its noise in A
        self.time_s = 0.0
        self.charge_C = 0.0
        self.is_over = False

    def read(
        self, stairs: list[Stair], temperature_C: float, high_phase: float, rng: np.random.Generator, overdriven: bool
    ) -> Iterator[DcPoint]:
        """A point per stair, each computed when it is asked for. After a cut-off there is no more.

        In local names and with few calls, for a voltammogram has a hundred thousand points.
        """
        noise: list[list[float]] = rng.standard_normal((len(stairs), 2)).tolist()
        holder, noise_V = self._holder, self._parameters.open_circuit_noise_V
        cell, is_plain = holder.cell, not self._is_current and self._cut_offs.charge_C is None
        is_charged = is_beyond = False
        for stair, (draw_A, draw_V) in zip(stairs, noise, strict=True):
            voltage_V, seconds, cycle, is_last = stair
            if is_plain:  # a potential, for as long as its stair
                current_A = cell.at_voltage(voltage_V, seconds, temperature_C, high_phase)
            else:
                whole_s, is_charged = self._shortened(stair)
                voltage_V, current_A, seconds = self._pass(voltage_V, whole_s, temperature_C, high_phase)
                is_beyond, is_charged = seconds < whole_s, is_charged and seconds == whole_s
            holder.at_s += seconds
            self.time_s += seconds
            self.charge_C += current_A * seconds
            size_A = abs(current_A)
            range_A = self._range_A or range_for(size_A)
            clips_A = range_A / 10 if overdriven else range_A
            overload = size_A > clips_A or abs(voltage_V) > COMPLIANCE_V
            read_A = math.copysign(min(size_A, clips_A), current_A) + draw_A * self._noise_A(range_A, seconds)
            read_V = math.copysign(min(abs(voltage_V), COMPLIANCE_V), voltage_V) + draw_V * noise_V
            ended = "charge_C" if is_charged else self._passed(read_V, read_A)
            if is_beyond and not ended:
                ended = self._side(voltage_V)
            if is_last and not ended:
                ended = self._whole
            self.is_over = bool(ended)
            yield DcPoint(self.time_s, read_V, read_A, range_A, overload, self.charge_C, cycle, ended)
            if ended:
                return

    def _pass(
        self, level: float, seconds: float, temperature_C: float, high_phase: float
    ) -> tuple[float, float, float]:
        """Potential, current, and the seconds that passed: fewer where a constant current met a voltage cut-off."""
        cell = self._holder.cell
        if not self._is_current:
            return level, cell.at_voltage(level, seconds, temperature_C, high_phase), seconds
        if self._cut_offs.voltage_min_V is None and self._cut_offs.voltage_max_V is None:
            return cell.at_current(level, seconds, temperature_C, high_phase), level, seconds
        voltage_V, passed_s, _ = until_beyond(
            cell, level, seconds, temperature_C, high_phase, lambda volts: bool(self._side(volts))
        )
        return voltage_V, level, passed_s

    def _side(self, voltage_V: float) -> str:
        """The voltage cut-off beyond which this potential is, or nothing."""
        c = self._cut_offs
        if c.voltage_min_V is not None and voltage_V < c.voltage_min_V:
            return "voltage_min_V"
        if c.voltage_max_V is not None and voltage_V > c.voltage_max_V:
            return "voltage_max_V"
        return ""

    def _shortened(self, stair: Stair) -> tuple[float, bool]:
        most_C = self._cut_offs.charge_C
        if most_C is None:
            return stair.seconds, False
        if not self._is_current or stair.level == 0:
            return stair.seconds, abs(self.charge_C) >= most_C
        left_s = (most_C - abs(self.charge_C)) / abs(stair.level)
        return (left_s, True) if left_s <= stair.seconds else (stair.seconds, False)

    def _noise_A(self, range_A: float, seconds: float) -> float:
        """The same from stair to stair, as long as the range is."""
        known_range_A, known_s, noise_A = self._noise_known
        if range_A == known_range_A and seconds == known_s:
            return noise_A
        range_noise_A = self._parameters.current_noise_fraction * range_A / math.sqrt(min(max(seconds, 1e-6), 1.0))
        noise_A = math.hypot(range_noise_A, self._holder.cell.noise_A)
        self._noise_known = (range_A, seconds, noise_A)
        return noise_A

    def _passed(self, voltage_V: float, current_A: float) -> str:
        """The cut-off that this reading passes, or nothing."""
        c = self._cut_offs
        side = self._side(voltage_V)
        if side:
            return side
        if c.current_max_A is not None and abs(current_A) > c.current_max_A:
            return "current_max_A"
        if c.current_min_A is not None and abs(current_A) < c.current_min_A:
            return "current_min_A"
        if c.voltage_rate_max_V_s is not None and self._rate_V_s(voltage_V) > c.voltage_rate_max_V_s:
            return "voltage_rate_max_V_s"
        return ""

    def _rate_V_s(self, voltage_V: float) -> float:
        """Magnitude of the change against the last reading that is a second old or more; 0 before there is one."""
        recent, now_s = self._recent, self.time_s
        while len(recent) > 1 and recent[1][0] <= now_s - 1:
            recent.popleft()
        rate = 0.0
        if recent and now_s - recent[0][0] >= 1 - 1e-9:
            rate = abs(voltage_V - recent[0][1]) / (now_s - recent[0][0])
        recent.append((now_s, voltage_V))
        return rate


def range_for(current_A: float) -> float:
    """The most sensitive range with headroom for this magnitude; else the largest."""
    place = bisect_left(RANGES_UP_A, HEADROOM * current_A)
    return RANGES_UP_A[min(place, len(RANGES_UP_A) - 1)]


def chunks(stairs: Iterator[Stair], longest_s: float) -> Iterator[list[Stair]]:
    """Stairs together as long as `longest_s`, at least one."""
    for first in stairs:
        more = max(0, int(longest_s / first.seconds) - 1) if first.seconds > 0 else 0
        yield [first, *islice(stairs, more)]
