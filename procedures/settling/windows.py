"""Small filters over a stream of readings: the median that a single outlier can't move, and a fitted slope."""

from __future__ import annotations

from collections import deque
from statistics import median

BINS_PER_WINDOW = 120


class MedianGuard:
    """Median of the last `size` readings."""

    def __init__(self, size: int) -> None:
        self._values: deque[float] = deque(maxlen=size)

    def push(self, value: float) -> float:
        self._values.append(value)
        return median(self._values)

    def restart(self) -> None:
        self._values.clear()


class SlopeWindow:
    """Least-squares slope over the last `window_s` of readings.

    Readings are averaged in bins of window/120, so that cost and memory don't depend on the reading rate.
    `slope_K_per_min` is None until the window is full.
    """

    def __init__(self, window_s: float) -> None:
        self.window_s = window_s
        self._bin_s = window_s / BINS_PER_WINDOW
        self._bins: deque[tuple[float, float]] = deque()
        self._slope: float | None = None
        self._stale = False  # fitted when asked, at most once per bin
        self._open: list[tuple[float, float]] = []
        self._since_s: float | None = None

    def restart(self) -> None:
        self._bins.clear()
        self._open.clear()
        self._slope = None
        self._stale = False
        self._since_s = None

    def push(self, t_s: float, value: float) -> None:
        if self._since_s is None:
            self._since_s = t_s
        if self._open and t_s - self._open[0][0] >= self._bin_s:
            count = len(self._open)
            self._bins.append((sum(p[0] for p in self._open) / count, sum(p[1] for p in self._open) / count))
            self._open.clear()
            while self._bins and self._bins[0][0] < t_s - self.window_s:
                self._bins.popleft()
            self._slope = None
            self._stale = True
        self._open.append((t_s, value))

    @property
    def slope_K_per_min(self) -> float | None:
        if self._stale:
            self._slope, self._stale = self._fit(), False
        return self._slope

    def mean(self, last_s: float) -> float | None:
        """Mean over the last `last_s` seconds of whole bins; None when there are none."""
        if not self._bins:
            return None
        start = self._bins[-1][0] - last_s
        recent = [value for t, value in self._bins if t >= start]
        return sum(recent) / len(recent)

    def _fit(self) -> float | None:
        if self._since_s is None or self._open[-1][0] - self._since_s < self.window_s or len(self._bins) < 3:
            return None
        count = len(self._bins)
        mean_t = sum(t for t, _ in self._bins) / count
        mean_v = sum(v for _, v in self._bins) / count
        spread = sum((t - mean_t) ** 2 for t, _ in self._bins)
        return 60 * sum((t - mean_t) * (v - mean_v) for t, v in self._bins) / spread
