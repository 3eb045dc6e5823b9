"""The stream of furnace readings of one step: medians, windows, and clocks that stand still while a link is lost."""

from __future__ import annotations

import bisect
import math
from collections import deque
from dataclasses import dataclass

from procedures.settling.spec import SettleSpec
from procedures.settling.windows import MedianGuard, SlopeWindow

SHORT_WINDOW_S = 120.0
LINK_LOST_S = 60.0
TIME_LIMIT_S = 1e11
TRACE_STEP_S = 5.0
TRACE_LENGTH = 4320  # 6 h


def plausible_C(value: float) -> bool:
    """Whether a number can be a temperature at all (False for nan and infinities)."""
    return -273.15 < value < 3000


@dataclass(frozen=True)
class Reading:
    """One reading as the machine was given it; degC, percent."""

    t_s: float
    temperature_C: float
    working_setpoint_C: float
    setpoint_C: float
    sample_temperature_C: float | None
    output_percent: float | None


class Trace:
    """A temperature as averages of 5 s, kept for 6 h, to be asked for a past moment."""

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=TRACE_LENGTH)
        self._values: deque[float] = deque(maxlen=TRACE_LENGTH)
        self._counts: deque[int] = deque(maxlen=TRACE_LENGTH)

    def push(self, t_s: float, value: float) -> None:
        if self._times and t_s - self._times[-1] < TRACE_STEP_S:
            count = self._counts[-1] + 1
            self._values[-1] += (value - self._values[-1]) / count
            self._counts[-1] = count
            return
        self._times.append(t_s)
        self._values.append(value)
        self._counts.append(1)

    def at(self, t_s: float, half_width_s: float = 15.0) -> tuple[float, int]:
        """Mean within +-`half_width_s` and how many readings are in it; the nearest one if there is none."""
        if not self._times:
            return math.nan, 0
        times = list(self._times)
        low, high = bisect.bisect_left(times, t_s - half_width_s), bisect.bisect_right(times, t_s + half_width_s)
        if low == high:
            nearest = min(range(len(times)), key=lambda i: abs(times[i] - t_s))
            low, high = nearest, nearest + 1
        counts = [self._counts[i] for i in range(low, high)]
        total = sum(counts)
        return sum(self._values[i] * self._counts[i] for i in range(low, high)) / total, total


class Readings:
    """Filters over the readings. `push` returns the seconds that the step's clocks may advance."""

    def __init__(self, spec: SettleSpec) -> None:
        self.latest: Reading | None = None
        self.furnace_C = math.nan  # median of the last few
        self.sample_C: float | None = None
        self.lost_since_s: float | None = None
        self._furnace_median = MedianGuard(spec.median_of)
        self._sample_median = MedianGuard(spec.median_of)
        self.furnace_window = SlopeWindow(60 * spec.window_min)
        self.furnace_short = SlopeWindow(SHORT_WINDOW_S)
        self.sample_window = SlopeWindow(60 * spec.window_min)
        self.sample_trace = Trace()
        self.furnace_trace = Trace()

    def push(self, reading: Reading) -> float:
        before = self.latest
        elapsed = 0.0 if before is None else reading.t_s - before.t_s
        came_back = self.lost_since_s is not None or elapsed > LINK_LOST_S
        if came_back:
            self.restart()
        self.lost_since_s = None
        self.latest = reading
        self.furnace_C = self._furnace_median.push(reading.temperature_C)
        for window in (self.furnace_window, self.furnace_short):
            window.push(reading.t_s, self.furnace_C)
        self.furnace_trace.push(reading.t_s, self.furnace_C)
        sample_C = reading.sample_temperature_C
        if sample_C is not None and plausible_C(sample_C):
            self.sample_C = self._sample_median.push(sample_C)
            self.sample_window.push(reading.t_s, self.sample_C)
            self.sample_trace.push(reading.t_s, self.sample_C)
        return 0.0 if came_back else elapsed

    def lose(self, t_s: float) -> float:
        """A reading did not come; returns for how long there has been none, s."""
        if self.lost_since_s is None:
            self.lost_since_s = t_s if self.latest is None else self.latest.t_s
        return t_s - self.lost_since_s

    def restart(self) -> None:
        """All windows start again."""
        for window in (self.furnace_window, self.furnace_short, self.sample_window):
            window.restart()
        self._furnace_median.restart()
        self._sample_median.restart()
