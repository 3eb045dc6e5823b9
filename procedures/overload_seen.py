"""Overloaded points of a direct-current technique: counted as they come, told once when it ends."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from daq.contracts import Rig
from drivers.techniques import DcPoint


@dataclass
class OverloadSeen:
    """Of the points so far, how many were overloaded, and from when (s) and where (V) to where."""

    points: int = 0
    overloaded: int = 0
    first_s: float = math.nan
    last_s: float = math.nan
    low_V: float = math.inf
    high_V: float = -math.inf

    def see(self, points: Sequence[DcPoint]) -> None:
        self.points += len(points)
        for point in [one for one in points if one.overload]:
            self.first_s = self.first_s if self.overloaded else point.time_s
            self.last_s = point.time_s
            self.overloaded += 1
            self.low_V, self.high_V = min(self.low_V, point.voltage_V), max(self.high_V, point.voltage_V)

    def tell(self, rig: Rig, instrument: str, what: str) -> None:
        """A warning in the run's log, where there were any. `what` was measured: "cell, linear-sweep"."""
        if not self.overloaded:
            return
        low, high = f"{self.low_V:.3g}", f"{self.high_V:.3g}"
        at = low if low == high else f"{low} to {high}"
        rig.log(
            f"{what}: {self.overloaded} of {self.points} points were overloaded, {self.first_s:.0f} to "
            f"{self.last_s:.0f} s after it began, at {at} V: the current or the potential "
            f"was more than {instrument} could measure. They are recorded clipped, and numbers that rest on "
            "them are wrong; use a larger current range, and look at the cell and its leads",
            "warning",
        )
