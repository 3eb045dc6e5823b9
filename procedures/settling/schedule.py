"""When a short monitor spectrum is worth its time, and how long the rest of a step will take."""

from __future__ import annotations

import math

from procedures.settling.observer import SampleObserver
from procedures.settling.readings import Readings
from procedures.settling.release import SettleState
from procedures.settling.spec import SettleSpec

SHORTEST_S = 60.0
LONGEST_S = 300.0
CONTROLLER_S = 240.0  # a usual furnace from the end of the ramp into its band


class MonitorSchedule:
    """Spectra while waiting cost nothing but the sample's excitation: about ten per lag while it is learned."""

    def __init__(self, spec: SettleSpec) -> None:
        self._spec = spec
        self._last_s = -math.inf

    def taken(self, t_s: float) -> None:
        self._last_s = max(self._last_s, t_s)

    def due(
        self, t_s: float, state: SettleState, *, observed: bool, learned: bool, changing: bool, lag_s: float
    ) -> bool:
        since = t_s - self._last_s
        agreement = self._spec.agree_percent is not None
        if state is SettleState.CONFIRM:
            return since >= 60 * self._spec.agree_apart_min
        learning = observed and changing and not learned
        interval = min(max(0.1 * lag_s, SHORTEST_S), LONGEST_S) if observed else LONGEST_S
        if learning:
            return since >= min(interval, 2 * SHORTEST_S)
        if state is SettleState.SOAK and agreement:
            return since >= interval
        return False


def remaining_s(
    readings: Readings, spec: SettleSpec, lag_s: float | None, observer: SampleObserver, sample: str
) -> float | None:
    """Rest of the ramp, then the slower of controller and sample: lag ln(gap / allowed gap).

    The gap at a ramp's end is r lag (1 - exp(-dT / (r lag))) for a sample that starts in equilibrium.
    """
    latest = readings.latest
    if latest is None or lag_s is None:
        return None
    left_K = latest.setpoint_C - latest.working_setpoint_C
    gap_K = abs(observer.temperature_at(latest.t_s, sample)[0] - readings.furnace_C)
    ramp_s = 0.0
    slope = readings.furnace_short.slope_K_per_min
    if abs(left_K) > 0.05:
        if slope is None or abs(slope) < 0.05:
            return None
        rate = abs(slope) / 60
        ramp_s = abs(left_K) / rate
        gap_K = rate * lag_s + (gap_K - rate * lag_s) * math.exp(-ramp_s / lag_s)
    to_band_K = abs(readings.furnace_C - latest.setpoint_C)
    controller_s = CONTROLLER_S if to_band_K > spec.band_K else 0.0
    lag_part_s = lag_s * math.log(max(gap_K / spec.observer_gap_max_K, 1.0))
    return ramp_s + max(controller_s, lag_part_s) + 60 * spec.agree_apart_min
