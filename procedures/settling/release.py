"""What the settling machine says: its states, its gates with their limits, and the release with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Literal

Action = Literal["measure", "skip", "hold_for_operator", "abort_safe"]


class SettleState(StrEnum):
    RAMP = "ramp"
    APPROACH = "approach"
    SOAK = "soak"
    CONFIRM = "confirm"
    READY = "ready"
    TIMED_OUT = "timed_out"
    FAULT = "fault"
    REVOKED = "revoked"


@dataclass(frozen=True)
class Gate:
    """One condition: it holds while |value| <= limit (`at_least`: value >= limit). None: not known yet."""

    value: float | None
    limit: float
    unit: str
    at_least: bool = False

    @property
    def holds(self) -> bool:
        if self.value is None:
            return False
        return self.value >= self.limit if self.at_least else abs(self.value) <= self.limit

    def __str__(self) -> str:
        value = "unknown" if self.value is None else f"{self.value:.3g}"
        return f"{value} {self.unit} ({'>=' if self.at_least else '<='} {self.limit:.3g})"


@dataclass(frozen=True)
class Release:
    """Why the measurement may start, or why it won't. To be kept with the data.

    `settled` False: a time-out or a cap let it go; the data are flagged. `action` is "measure" unless the spec's
    `on_timeout` says otherwise. `estimated_sample_C` is the coldest-known sample's where several share a furnace:
    ask `Settling.sample_temperature_at` for each.
    """

    t_s: float
    reason: str
    settled: bool
    gates: Mapping[str, Gate] = field(default_factory=dict)
    estimated_sample_C: float | None = None
    estimated_sample_uncertainty_K: float | None = None
    lag_s: float | None = None
    drift_K_per_min: float | None = None
    soak_s: float = 0.0
    action: Action = "measure"

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Bracketing:
    """Gate D, after the spectrum: how far the sample's temperature moved, and whether that is allowed."""

    drift_K: float
    within: bool
    text: str
    resistance_change_percent: float | None = None
