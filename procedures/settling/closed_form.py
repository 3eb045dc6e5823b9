"""Weighted least squares in closed form for all lags at once: an activation energy, and a gap where one is allowed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Solution:
    """Per hypothesis: what was found beyond what was expected, its variance at unit noise, and what it costs.

    `cost` is the misfit with what the deviations from expectation cost; `occam` the log of how much was let free.
    """

    energy: Floats
    energy_variance: Floats
    gap: Floats
    gap_variance: Floats
    misfit: Floats
    cost: Floats
    occam: Floats

    def evidence(self, noise: float) -> Floats:
        return -0.5 * (self.cost / noise + self.occam)


def without_gap(x: Floats, y: Floats, weight: Floats, known: float) -> Solution:
    """`x`, `y` (points, hypotheses) and `weight` (points, 1); `known` is the inverse variance of the energy beforehand.

    Sums, not matrix products: a threaded BLAS spends more on its threads than on these sizes.
    """
    xx, xy = (weight * x**2).sum(axis=0) + known, (weight * x * y).sum(axis=0)
    energy = xy / xx
    misfit = (weight * (y - energy * x) ** 2).sum(axis=0)
    nothing = np.zeros_like(xx)
    return Solution(energy, 1 / xx, nothing, nothing, misfit, misfit + energy**2 * known, np.log(xx))


def with_gap(x: Floats, z: Floats, y: Floats, weight: Floats, known: float, known_gap: Floats) -> Solution:
    """`z` is what a gap of 1 K does to `y`; `known_gap` its inverse variance beforehand, per hypothesis."""
    xx, zz = (weight * x**2).sum(axis=0) + known, (weight * z**2).sum(axis=0) + known_gap
    xz, xy, zy = (weight * x * z).sum(axis=0), (weight * x * y).sum(axis=0), (weight * z * y).sum(axis=0)
    determinant = xx * zz - xz**2
    energy, gap = (zz * xy - xz * zy) / determinant, (xx * zy - xz * xy) / determinant
    misfit = (weight * (y - energy * x - gap * z) ** 2).sum(axis=0)
    cost = misfit + energy**2 * known + gap**2 * known_gap
    return Solution(energy, zz / determinant, gap, xx / determinant, misfit, cost, np.log(determinant / known_gap))
