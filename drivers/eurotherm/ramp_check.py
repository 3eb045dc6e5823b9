"""Does the set-point ramp as it was asked to? The unit of the rate limit is a setting that differs by model."""

from __future__ import annotations

WATCHED_s = 60.0
NEAR_K = 0.5  # the last bit of a ramp does not tell its rate
OFF_BY = 2.0


class RampCheck:
    """Feed it the working set-point of every reading; it speaks up when the rate is off by a factor of two."""

    def __init__(self) -> None:
        self._asked_K_per_min: float | None = None
        self._first: tuple[float, float] | None = None
        self._fault: str | None = None

    def start(self, ramp_K_per_min: float | None) -> None:
        """A new target; None: no ramp, nothing to check."""
        self._asked_K_per_min = ramp_K_per_min
        self._first = None
        self._fault = None

    def fault(self, t_s: float, working_setpoint_C: float, target_C: float) -> str | None:
        """The fault in words, once a minute of the ramp was seen; None when all is well or not told yet."""
        asked = self._asked_K_per_min
        if asked is None or abs(target_C - working_setpoint_C) < NEAR_K:
            self._fault = None  # it was told while it ramped; at the target nobody has to wait for it to go
            return None
        if self._first is None:
            self._first = (t_s, working_setpoint_C)
            return self._fault
        passed_s = t_s - self._first[0]
        if passed_s < WATCHED_s:
            return self._fault
        rate = abs(working_setpoint_C - self._first[1]) / passed_s * 60
        self._first = (t_s, working_setpoint_C)
        too_slow, too_fast = rate < asked / OFF_BY, rate > asked * OFF_BY
        self._fault = (
            f"the set-point ramps at {rate:.3g} K/min, asked for were {asked:g}; check ramp_units in the bench file"
            if too_slow or too_fast
            else None
        )
        return self._fault
