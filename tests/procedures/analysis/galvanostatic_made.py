"""Symmetric cells of known truth under constant current, written for the tests of the analysis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
AREA_cm2 = 0.636


@dataclass(frozen=True)
class Made:
    """Rows as they are recorded."""

    time_s: Floats
    current_A: Floats
    voltage_V: Floats
    clean_V: Floats  # the voltage without its noise

    @property
    def rows(self) -> tuple[Floats, Floats, Floats]:
        return self.time_s, self.current_A, self.voltage_V


def galvanostatic(
    densities_mA_cm2,
    half_s=1800.0,
    interval_s=5.0,
    resistance_ohm_cm2=247.0,
    growth_percent_h=0.0,
    noise_V=1e-4,
    offset_V=0.0,
    rest_s=0.0,
    rng=None,
    overshoot=0.0,
):
    """One half cycle of alternating sign per density; a slow rise in each (concentration), a capacitive
    start, perhaps an overshoot (nucleation)."""
    rng = np.random.default_rng(0) if rng is None else rng
    density = np.asarray(densities_mA_cm2, float)
    sign = np.where(np.arange(len(density)) % 2 == 0, 1.0, -1.0)
    length = half_s + rest_s
    t = np.arange(0.0, len(density) * length, interval_s)
    k = np.minimum((t // length).astype(int), len(density) - 1)
    inside = t - k * length
    on = inside < half_s
    j = np.where(on, density[k] * sign[k], 0.0)
    growth = 1 + growth_percent_h / 100 * t / 3600
    shape = 1 - 0.05 * np.exp(-inside / 60) + 0.01 * inside / half_s + overshoot * np.exp(-inside / 40)
    voltage = j / 1000 * resistance_ohm_cm2 * growth * shape + offset_V
    current = j / 1000 * AREA_cm2 * (1 + 1e-4 * rng.standard_normal(len(t)))
    return Made(t, current, voltage + noise_V * rng.standard_normal(len(t)), voltage)


def shorted(made: Made, onset_s: float, kind: str, rng, dwell_s: float = 60.0, left: float = 0.06) -> Made:
    """From `onset_s` on: hard leaves `left`; soft switches at random between `left` and a third of that loss."""
    after = made.time_s >= onset_s
    share = np.ones(len(made.time_s))
    if kind == "hard":
        share[after] = left
    else:
        interval = made.time_s[1] - made.time_s[0]
        dwell = np.maximum(rng.exponential(dwell_s, after.sum()), 2 * interval)
        edges = onset_s + np.cumsum(dwell)
        up = np.searchsorted(edges, made.time_s[after], side="right") % 2 == 1
        share[after] = np.where(up, 1 - (1 - left) / 3, left)
    lost = made.clean_V * (1 - share)
    return Made(made.time_s, made.current_A, made.voltage_V - lost, made.clean_V - lost)
