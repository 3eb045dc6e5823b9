"""When a disk will be full at the rate at which it fills now, whoever fills it."""

from __future__ import annotations

from collections import deque

from daq.disk import STOP_BYTES

WINDOW_S = 1800.0
LEAST_S = 120.0  # before it nothing is said
EVERY_S = 10.0
SOON_S = 3 * 86400.0  # a weekend: whoever is told on Friday can still make room


class DiskForecast:
    """Fed with the free bytes at moments of the wall's monotonic time.

    A disk fills at the smaller rate of the older and the newer half of the last while: what somebody copied there at
    once shows in one of them only, and is no rate.
    """

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def feed(self, now_s: float, free: int) -> None:
        if self._seen and now_s - self._seen[-1][0] < EVERY_S:
            return
        self._seen.append((now_s, free))
        while now_s - self._seen[0][0] > WINDOW_S:
            self._seen.popleft()

    @property
    def bytes_per_s(self) -> float:
        """How fast it fills; 0 when it does not, or when too little was seen."""
        if len(self._seen) < 3 or self._seen[-1][0] - self._seen[0][0] < LEAST_S:  # two: the computer slept between
            return 0.0
        first, middle, last = self._seen[0], self._seen[len(self._seen) // 2], self._seen[-1]
        return max(0.0, min(_rate(first, middle), _rate(middle, last)))

    @property
    def full_in_s(self) -> float | None:
        """Until a run on it has to end; None when it does not fill."""
        rate = self.bytes_per_s
        return max(0.0, self._seen[-1][1] - STOP_BYTES) / rate if rate > 0 else None


def in_words(full_in_s: float | None, left_s: float | None) -> str:
    """For whoever looks at the bench, when it matters: soon, or before a run that takes `left_s` more is over. Else
    empty.
    """
    if full_in_s is None:
        return ""
    too_soon = left_s is not None and full_in_s < left_s
    if not too_soon and full_in_s > SOON_S:
        return ""
    when = f"{full_in_s / 3600:.0f} h" if full_in_s >= 2 * 3600 else f"{full_in_s / 60:.0f} min"
    return f"disk full in about {when}" + (", before the run is over: make room" if too_soon else "")


def _rate(one: tuple[float, int], other: tuple[float, int]) -> float:
    return (one[1] - other[1]) / (other[0] - one[0])
