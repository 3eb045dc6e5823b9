"""Series circuits of an electrolyte between blocking electrodes, with analytic derivatives.

    L - R - (arc) ... (arc) - blocking line,    each part optional

An arc is a resistance parallel to a constant phase element, written with its time constant,
Z = R / (1 + (j w tau)^n), because R, tau, n are less correlated than R, Q, n; the blocking line is
Z = X (j w / w_ref)^-n with X its modulus at the lowest fitted frequency. See Barsoukov, Macdonald, Impedance
Spectroscopy (Wiley, 2005), chapter 2.

Inside a fit resistances, times and moduli are logarithms and exponents logits: no bounds, no scaling.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Complexes = NDArray[np.complexfloating[Any, Any]]
EXPONENT_MIN = 0.35
EXPONENT_MAX = 1.0
_LOGIT_LIMIT = 9.0
_LOG_LIMIT = 80.0


@dataclass(frozen=True)
class Circuit:
    """Which parts there are. Parameters are a vector in the order of `names`."""

    inductor: bool
    resistor: bool
    arcs: int
    blocking: bool

    @cached_property
    def names(self) -> tuple[str, ...]:
        names: list[str] = []
        if self.inductor:
            names.append("inductance_H")
        if self.resistor:
            names.append("series_resistance_ohm")
        for k in range(1, self.arcs + 1):
            names += [f"arc{k}_resistance_ohm", f"arc{k}_time_constant_s", f"arc{k}_exponent"]
        if self.blocking:
            names += ["blocking_modulus_ohm", "blocking_exponent"]
        return tuple(names)

    @cached_property
    def exponents(self) -> NDArray[np.bool_]:
        """Which parameters are exponents (the others are positive quantities)."""
        return np.array([name.endswith("exponent") for name in self.names], dtype=bool)

    @property
    def label(self) -> str:
        parts = ["L"] * self.inductor + ["R"] * self.resistor + ["(RQ)"] * self.arcs + ["Q"] * self.blocking
        return "-".join(parts)

    def place(self, name: str) -> int:
        return self.names.index(name)

    def inner(self, parameters: Sequence[float] | Floats) -> Floats:
        """Parameters as the fit moves them: logarithms and logits."""
        p = np.asarray(parameters, dtype=float)
        share = np.clip((p - EXPONENT_MIN) / (EXPONENT_MAX - EXPONENT_MIN), 1e-4, 1 - 1e-4)
        return np.where(self.exponents, np.log(share / (1 - share)), np.log(np.maximum(p, 1e-300)))

    def outer(self, x: Floats) -> Floats:
        """Parameters in their units."""
        p = np.exp(np.minimum(np.maximum(x, -self._limits), self._limits))
        n = p[self.exponents]
        p[self.exponents] = EXPONENT_MIN + (EXPONENT_MAX - EXPONENT_MIN) * n / (1 + n)
        return p

    @cached_property
    def _limits(self) -> Floats:
        return np.where(self.exponents, _LOGIT_LIMIT, _LOG_LIMIT)

    def inner_slope(self, parameters: Floats) -> Floats:
        """d(parameter)/d(inner) relative to the natural derivative of `impedance`: 1, or dn/dlogit."""
        p = parameters
        width = EXPONENT_MAX - EXPONENT_MIN
        return np.where(self.exponents, (p - EXPONENT_MIN) * (EXPONENT_MAX - p) / width, 1.0)

    def impedance(self, parameters: Floats, omega: Floats, omega_ref: float) -> tuple[Complexes, Complexes]:
        """Z (n,) in ohm and its derivatives (n, parameters): by ln(p) for quantities, by n for exponents."""
        z, slopes = self.impedance_rows(parameters, 1j * omega, np.log(omega) + 0.5j * np.pi, np.log(omega_ref))
        return z, slopes.T

    def impedance_rows(
        self, parameters: Floats, jw: Complexes, log_jw: Complexes, log_ref: float
    ) -> tuple[Complexes, Complexes]:
        """As `impedance`, with the derivatives (parameters, n), for a loop that takes the logarithm once."""
        slopes = np.empty((len(parameters), len(jw)), dtype=complex)
        values = parameters.tolist()
        i = 0
        if self.inductor:
            np.multiply(jw, values[i], out=slopes[i])
            i += 1
        if self.resistor:
            slopes[i] = values[i]
            i += 1
        first_arc = i
        for _ in range(self.arcs):
            resistance, tau, n = values[i : i + 3]
            log_jwt = log_jw + math.log(tau)
            power = np.exp(n * log_jwt)
            share = 1.0 / (1.0 + power)
            arc = np.multiply(share, resistance, out=slopes[i])
            falling = arc * (share - 1.0)  # -arc * power / (1 + power)
            np.multiply(falling, n, out=slopes[i + 1])
            np.multiply(falling, log_jwt, out=slopes[i + 2])
            i += 3
        if self.blocking:
            modulus, n = values[i : i + 2]
            log_ratio = log_jw - log_ref
            line = np.multiply(np.exp(-n * log_ratio), modulus, out=slopes[i])
            np.multiply(line, -log_ratio, out=slopes[i + 1])
        sizes = [*range(first_arc), *range(first_arc, first_arc + 3 * self.arcs, 3), *([i] if self.blocking else [])]
        return slopes[sizes].sum(axis=0), slopes
