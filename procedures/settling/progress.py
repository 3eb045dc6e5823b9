"""The time-out that knows progress from standing still, with an absolute ceiling."""

from __future__ import annotations

import math

from procedures.settling.spec import SettleSpec


class ProgressTimer:
    """Restarts while the distance to go shrinks by a noise step (3 sigma, at least 0.05 K) per time-out.

    Only advances with the step's clock, so it stands still while a link is lost.
    """

    def __init__(self, spec: SettleSpec, sensor_noise_K: float) -> None:
        self._spec = spec
        self._step_K = max(3 * sensor_noise_K, 0.05)
        self.restart()

    def restart(self) -> None:
        self.idle_s = 0.0
        self.since_ramp_s = 0.0
        self._best_K = math.inf

    def ramp_ended(self) -> None:
        self.since_ramp_s = 0.0

    def advance(self, seconds: float, distance_K: float, *, in_ramp: bool) -> None:
        self.since_ramp_s += 0.0 if in_ramp else seconds
        self.idle_s += seconds
        if distance_K < self._best_K - self._step_K:
            self._best_K = distance_K
            self.idle_s = 0.0

    @property
    def expired(self) -> bool:
        return self.idle_s >= 60 * self._spec.timeout_min or self.since_ramp_s >= self._spec.ceiling_s
