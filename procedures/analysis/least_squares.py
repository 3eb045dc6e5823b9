"""Levenberg-Marquardt for one circuit and one start, on numpy alone.

Marquardt, J. Soc. Ind. Appl. Math. 11 (1963) 431; damping as in Nielsen, IMM-REP-1999-05. Residuals are
complex and divided by |Z|: the noise of a frequency response analyser is closer to relative than to absolute.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from procedures.analysis.circuit import Circuit, Complexes, Floats

_MOST_STEPS = 80
_LONGEST_STEP = 2.5
# An arc that the data do not carry moves on for ever along its valley: five steps that lower chi square by less than
# 0.03 (of some 120 residuals) are the end of it. Above a cost from which no circuit comes back, far less is enough.
_LOOK_BACK = 5
_CRAWL = 2.5e-4
_CRAWL_HOPELESS = 0.1


@dataclass(frozen=True)
class Solution:
    """Parameters in their units, `cost` the sum of squared relative residuals (real and imaginary),
    `slopes` (2 n, parameters) the weighted derivatives by ln(quantity) or by exponent."""

    circuit: Circuit
    parameters: Floats
    cost: float
    z_fit_ohm: Complexes
    slopes: Floats


def solve(
    circuit: Circuit,
    start: Floats,
    omega: Floats,
    z_ohm: Complexes,
    weight: Floats,
    most_steps: int = _MOST_STEPS,
    hopeless: float = math.inf,
) -> Solution:
    """The minimum that is reached from `start` (parameters in their units). A cost above `hopeless` is not worth
    many steps."""
    jw, log_jw, log_ref = 1j * omega, np.log(omega) + 0.5j * np.pi, math.log(float(omega.min()))

    def at(x: Floats) -> tuple[Floats, Floats, Floats, Complexes]:
        """Parameters, residual (2 n,), slopes (parameters, 2 n): real and imaginary parts alternate, as they lie."""
        p = circuit.outer(x)
        z, slopes = circuit.impedance_rows(p, jw, log_jw, log_ref)
        residual = (z_ohm - z) * weight
        slopes *= weight
        return p, residual.view(float), slopes.view(float), z

    x = circuit.inner(start)
    p, residual, slopes, z = at(x)
    cost = float(residual @ residual)
    damping, growth = 1e-3, 2.0
    costs = [cost]
    for _ in range(most_steps):
        inner = slopes * circuit.inner_slope(p)[:, None]
        gram = inner @ inner.T
        gradient = inner @ residual
        diagonal = gram.ravel()[:: len(x) + 1]
        scale = np.maximum(diagonal, 1e-12 * diagonal.sum() + 1e-300)
        damped = gram.copy()
        damped.ravel()[:: len(x) + 1] += damping * scale
        step = np.linalg.solve(damped, gradient)
        longest = float(np.abs(step).max())
        if longest > _LONGEST_STEP:
            step = step * (_LONGEST_STEP / longest)
        p_new, residual_new, slopes_new, z_new = at(x + step)
        cost_new = float(residual_new @ residual_new)
        gained = cost - cost_new
        expected = float(step @ (damping * scale * step + gradient))
        if np.isfinite(cost_new) and gained > 0:
            ratio = gained / max(expected, 1e-300)
            x, p, residual, slopes, z, cost = x + step, p_new, residual_new, slopes_new, z_new, cost_new
            damping *= max(0.1, 1 - (2 * min(ratio, 1.0) - 1) ** 3)
            growth = 2.0
            if gained < 1e-6 * cost and damping < 1.0:
                break
            costs.append(cost)
            crawl = _CRAWL if cost < hopeless else _CRAWL_HOPELESS
            if len(costs) > _LOOK_BACK and costs[-1 - _LOOK_BACK] - cost < crawl * cost:
                break
        else:
            damping *= growth
            growth *= 2
            if damping > 1e12 or expected < 1e-9 * cost:
                break
    parts = np.concatenate([slopes[:, 0::2], slopes[:, 1::2]], axis=1)
    return Solution(circuit, p, cost, z, parts.T)
