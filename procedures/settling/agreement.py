"""Gate E: does the resistance stand still once temperature is taken out of it?

Temperature settles before the sample does: at a phase transition R goes on changing for an hour. Each monitor
value is corrected to the sample's temperature of its moment; what is left has to stay the same.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from procedures.settling.lag_fit import MonitorPoint
from procedures.settling.sample_track import SampleTrack
from procedures.settling.spec import SettleSpec

MOVING_ERRORS = 4.0  # standard errors from which one of many pairs counts as moving
PAIR_ERRORS = 3.0
FRESH_S = 150.0


@dataclass(frozen=True)
class Agreement:
    """`change_percent` of R at constant temperature between the points compared, against `limit_percent`."""

    change_percent: float | None
    limit_percent: float
    moving: bool
    newest_s: float = -math.inf

    def is_fresh(self, now_s: float) -> bool:
        """Whether the newest point is recent enough to speak for now."""
        return now_s - self.newest_s <= FRESH_S


def judge_agreement(track: SampleTrack, points: Sequence[MonitorPoint], spec: SettleSpec) -> Agreement:
    """Agreement of the points since the furnace came into band.

    Usual: the last `agree_repeats` points, at least `agree_apart_min` apart, within `agree_percent` or 3 standard
    errors of each other. If any earlier point says that R moved by itself (4 standard errors), the watch grows:
    the change fitted over the last quarter of the time so far must be within the tolerance. For a change that dies
    away exponentially, what is still to come is smaller than that once it has gone on for 2.8 of its time constants.
    """
    percent = spec.agree_percent if spec.agree_percent is not None else math.inf
    if len(points) < 2:
        return Agreement(None, percent, False, points[-1].t_s if points else -math.inf)
    excess, error = track.excess(list(points))
    differs = (abs(excess[:-1]) > MOVING_ERRORS * error[:-1]) & (abs(excess[:-1]) > percent / 100)
    newest = points[-1].t_s
    if differs.any():
        change, limit = _late_change(points, excess.tolist()), spec.tolerance_percent
        return Agreement(change, limit, True, newest)
    chosen = _apart(points, spec.agree_repeats, 60 * spec.agree_apart_min)
    if chosen is None:
        return Agreement(None, percent, False, newest)
    worst = max(chosen, key=lambda i: abs(excess[i]) / error[i])
    limit = max(percent, 100 * PAIR_ERRORS * float(error[worst]))
    return Agreement(100 * float(excess[worst]), limit, False, newest)


def _apart(points: Sequence[MonitorPoint], repeats: int, apart_s: float) -> list[int] | None:
    """Indices of the points to compare with the last: each at least `apart_s` before the next chosen one."""
    chosen: list[int] = []
    later = points[-1].t_s
    for i in range(len(points) - 2, -1, -1):
        if later - points[i].t_s >= apart_s - 1.0:
            chosen.append(i)
            later = points[i].t_s
        if len(chosen) == repeats - 1:
            return chosen
    return None


def _late_change(points: Sequence[MonitorPoint], excess: Sequence[float]) -> float | None:
    """Percent by which a fitted line over the last quarter of the time changes; None below four points there."""
    start = 0.25 * points[0].t_s + 0.75 * points[-1].t_s
    late = [(p.t_s, float(e)) for p, e in zip(points, excess, strict=True) if p.t_s >= start]
    if len(late) < 4:
        return None
    mean_t = sum(t for t, _ in late) / len(late)
    mean_e = sum(e for _, e in late) / len(late)
    slope = sum((t - mean_t) * (e - mean_e) for t, e in late) / sum((t - mean_t) ** 2 for t, _ in late)
    return 100 * slope * (late[-1][0] - late[0][0])
