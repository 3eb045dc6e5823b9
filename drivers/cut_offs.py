"""Cut-offs of a direct-current technique that the computer watches, for sources that have none themselves."""

from __future__ import annotations

from collections import deque

from drivers.techniques import CutOffs


class CutOffWatch:
    """Fed with every reading in the order of time; names the first cut-off that a reading passes."""

    def __init__(self, cut_offs: CutOffs) -> None:
        self._cut_offs = cut_offs
        self._recent: deque[tuple[float, float]] = deque()

    @property
    def needs_close_watch(self) -> bool:
        """Whether a cut-off could be overrun between two records."""
        c = self._cut_offs
        asked = (c.voltage_min_V, c.voltage_max_V, c.current_min_A, c.current_max_A, c.voltage_rate_max_V_s)
        return any(value is not None for value in asked)

    def passed(self, time_s: float, voltage_V: float, current_A: float, charge_C: float) -> str:
        """The cut-off's name (`"voltage_max_V"`), or nothing."""
        c = self._cut_offs
        rate_V_s = self._rate_V_s(time_s, voltage_V)
        checks = (
            ("voltage_min_V", c.voltage_min_V is not None and voltage_V < c.voltage_min_V),
            ("voltage_max_V", c.voltage_max_V is not None and voltage_V > c.voltage_max_V),
            ("current_max_A", c.current_max_A is not None and abs(current_A) > c.current_max_A),
            ("current_min_A", c.current_min_A is not None and abs(current_A) < c.current_min_A),
            ("charge_C", c.charge_C is not None and abs(charge_C) >= c.charge_C * (1 - 1e-9)),
            ("voltage_rate_max_V_s", c.voltage_rate_max_V_s is not None and rate_V_s > c.voltage_rate_max_V_s),
        )
        return next((name for name, is_passed in checks if is_passed), "")

    def _rate_V_s(self, time_s: float, voltage_V: float) -> float:
        """Magnitude of the change against the last reading that is a second old or more; 0 before there is one."""
        recent = self._recent
        while len(recent) > 1 and recent[1][0] <= time_s - 1:
            recent.popleft()
        rate = 0.0
        if recent and time_s - recent[0][0] >= 1 - 1e-9:
            rate = abs(voltage_V - recent[0][1]) / (time_s - recent[0][0])
        recent.append((time_s, voltage_V))
        return rate
