"""A number with its uncertainty, or the reason why there is none."""

from __future__ import annotations

import math
from dataclasses import dataclass

NORMAL_95 = 1.959963984540054


@dataclass(frozen=True)
class Estimate:
    """`uncertainty` is one standard error, `interval` 95 %; a refused number has `value` None and a `reason`.

    `components` are the parts of the uncertainty in the unit of the value, by name ("fit", "lead", ...); they
    add in quadrature. "lead" is the same in ohm for all spectra taken with the same leads. `refused_value` is the
    number behind a refusal, for those who know more than the one who refused (the Arrhenius line knows the leads).
    """

    value: float | None
    uncertainty: float | None = None
    interval: tuple[float, float] | None = None
    method: str = ""
    reason: str | None = None
    components: tuple[tuple[str, float], ...] = ()
    refused_value: float | None = None

    @classmethod
    def refused(cls, reason: str, method: str = "") -> Estimate:
        return cls(None, method=method, reason=reason)

    @classmethod
    def positive(cls, value: float, components: dict[str, float], method: str) -> Estimate:
        """A quantity that can't be negative: the interval is symmetric in its logarithm."""
        uncertainty = math.sqrt(sum(part * part for part in components.values()))
        return cls(value, uncertainty, log_interval(value, uncertainty), method, None, tuple(components.items()))

    @property
    def relative(self) -> float:
        """Relative standard error; infinite for a refused number."""
        if self.value is None or self.uncertainty is None or self.value == 0:
            return math.inf
        return abs(self.uncertainty / self.value)

    def component(self, name: str) -> float:
        return dict(self.components).get(name, 0.0)


def log_interval(value: float, uncertainty: float) -> tuple[float, float]:
    """95 % interval of a positive quantity, symmetric in ln(value)."""
    factor = math.exp(min(NORMAL_95 * uncertainty / value, 700.0))
    return value / factor, value * factor


def short_number(value: float) -> str:
    """Four digits, with a metric prefix, for sentences: 25.53 k, 3.1 n."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g} "
    exponent = min(max(math.floor(math.log10(abs(value)) / 3), -5), 4)
    prefix = ("f", "p", "n", "µ", "m", "", "k", "M", "G", "T")[exponent + 5]
    return f"{value / 1000.0**exponent:.4g} {prefix}"
