"""Constant-phase elements in time: a resistance, a capacitance and a ladder of R||C elements in series.

1/(Q s^n) is the sum over time constants of sin(n pi)/(pi Q) tau^n/(1 + s tau) d ln tau; the fast end that is cut
off is a resistance, the slow end a capacitance. The arc R/(1 + (s t)^n) has the distribution of relaxation times
sin(a)/(cosh(n u) - cos(a)), a = (1-n) pi, u = ln(tau/t), of Fuoss and Kirkwood, integrated here over each element.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PER_DECADE = 3
TIMES_s = np.logspace(-9, 7, 16 * PER_DECADE + 1)
SPACING = math.log(10) / PER_DECADE


@dataclass(frozen=True)
class Ladder:
    """`resistances_ohm` belong to the fixed `TIMES_s`; `elastance_per_F` is 1/C."""

    series_ohm: float
    elastance_per_F: float
    resistances_ohm: NDArray[np.float64]

    def impedance_ohm(self, frequency_Hz: float) -> complex:
        jw = 2j * math.pi * frequency_Hz
        return self.series_ohm + self.elastance_per_F / jw + complex(np.sum(self.resistances_ohm / (1 + jw * TIMES_s)))


def constant_phase(q_S_sn: float, exponent: float) -> Ladder:
    """1/(Q (jw)^n) from 1e-5 Hz to 1e7 Hz, 0 < n <= 1."""
    if exponent > 0.9999:
        return Ladder(0.0, 1 / q_S_sn, np.zeros_like(TIMES_s))
    scale = math.sin(exponent * math.pi) / (math.pi * q_S_sn)
    fastest = TIMES_s[0] * math.exp(-SPACING / 2)
    slowest = TIMES_s[-1] * math.exp(SPACING / 2)
    return Ladder(
        series_ohm=scale * fastest**exponent / exponent,
        elastance_per_F=scale * slowest ** (exponent - 1) / (1 - exponent),
        resistances_ohm=scale * TIMES_s**exponent * SPACING,
    )


def arc(resistance_ohm: float, time_s: float, exponent: float) -> Ladder:
    """R/(1 + (jw t)^n); at rest exactly R. A pure R||C becomes the two nearest elements, by the log of its time."""
    edges = np.log(TIMES_s / time_s) + SPACING / 2
    if exponent > 0.9999:
        place = np.clip(np.interp(math.log(time_s), np.log(TIMES_s), np.arange(len(TIMES_s))), 0, len(TIMES_s) - 1)
        shares = np.clip(1 - np.abs(np.arange(len(TIMES_s)) - place), 0, 1)
        return Ladder(0.0, 0.0, resistance_ohm * shares)
    angle = (1 - exponent) * math.pi
    below = 0.5 + np.arctan(np.tanh(exponent * edges / 2) / math.tan(angle / 2)) / (math.pi * exponent)
    below[-1] = 1.0
    return Ladder(0.0, 0.0, resistance_ohm * np.diff(below, prepend=0.0))
