"""The sample in its holder: it trails the block, and a first-order phase transition trails its temperature.

Channels whose samples share all of this share one `Sample`, so that eight of a kind cost as much as one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from drivers.simulated.furnace import share_per_step


@dataclass(frozen=True)
class Transition:
    """A first-order transition: where it sets in on heating and on cooling, over which width, how fast."""

    heating_C: float
    cooling_C: float
    width_K: float
    time_s: float

    def bounds(self, temperature_C: float) -> tuple[float, float]:
        """Least and largest share of the high phase that can last at this temperature (a play operator)."""
        least = _smooth_step((temperature_C - self.heating_C) / (self.width_K / 4))
        largest = _smooth_step((temperature_C - self.cooling_C) / (self.width_K / 4))
        return least, largest


def _smooth_step(x: float) -> float:
    """0 far below 0, 1 far above. The far ends are exact, so that a single phase is truly single."""
    if x < -16:
        return 0.0
    return 1.0 if x > 16 else 1 / (1 + math.exp(-x))


@dataclass(frozen=True)
class Holding:
    """What decides a sample's temperature and phase. Equal holdings share a `Sample`."""

    lag_s: float
    lead_loss_fraction: float
    ambient_C: float
    transition: Transition | None = None


@dataclass(slots=True)
class SampleState:
    """Temperature in degC and the share of the high-temperature phase, 0..1."""

    temperature_C: float
    high_phase: float


class SampleCourse(NamedTuple):
    """Step by step."""

    temperature_C: list[float]
    high_phase: list[float]


class Sample:
    def __init__(self, holding: Holding, state: SampleState | None = None) -> None:
        self.holding = holding
        self.state = state or SampleState(holding.ambient_C, self._phase_at_start())
        self._share = share_per_step(holding.lag_s)
        self._phase_share = share_per_step(holding.transition.time_s) if holding.transition else 0.0

    def _phase_at_start(self) -> float:
        """A sample that has rested at ambient, cooled or never heated: the low phase where it can be."""
        transition = self.holding.transition
        return 1.0 if transition is None else transition.bounds(self.holding.ambient_C)[0]

    def advance(self, block_C: list[float]) -> SampleCourse:
        """Follow the block's temperature, one value per step."""
        loss, ambient, share = self.holding.lead_loss_fraction, self.holding.ambient_C, self._share
        transition, temperature = self.holding.transition, self.state.temperature_C
        temperatures: list[float] = []
        if transition is None:
            keep, gain, rest = 1 - share, share * (1 - loss), share * loss * ambient
            for block in block_C:
                temperature = keep * temperature + gain * block + rest
                temperatures.append(temperature)
            self.state.temperature_C = temperature
            return SampleCourse(temperatures, [self.state.high_phase] * len(block_C))
        phase, phases = self.state.high_phase, list[float]()
        for block in block_C:
            temperature += share * (block - loss * (block - ambient) - temperature)
            least, largest = transition.bounds(temperature)
            phase += self._phase_share * (min(max(phase, least), largest) - phase)
            temperatures.append(temperature)
            phases.append(phase)
        self.state.temperature_C, self.state.high_phase = temperature, phase
        return SampleCourse(temperatures, phases)
