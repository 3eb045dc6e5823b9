"""The sample in its holder: it trails the block, and a first-order phase transition trails its temperature.

Channels whose samples share all of this share one `Sample`, so that eight of a kind cost as much as one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from drivers.simulated.furnace import share_per_step

TOGETHER_STEPS = 60


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

    temperature_C: NDArray[np.float64]
    high_phase: NDArray[np.float64]


class Sample:
    def __init__(self, holding: Holding, state: SampleState | None = None) -> None:
        self.holding = holding
        self.state = state or SampleState(holding.ambient_C, self._phase_at_start())
        self._share = share_per_step(holding.lag_s)
        self._memory = _fading(self._share, TOGETHER_STEPS)
        self._phase_share = share_per_step(holding.transition.time_s) if holding.transition else 0.0

    def _phase_at_start(self) -> float:
        """A sample that has rested at ambient, cooled or never heated: the low phase where it can be."""
        transition = self.holding.transition
        return 1.0 if transition is None else transition.bounds(self.holding.ambient_C)[0]

    def advance(self, block_C: NDArray[np.float64] | list[float]) -> SampleCourse:
        """Follow the block's temperature, one value per step."""
        blocks = np.asarray(block_C, dtype=float)
        if self.holding.transition is None:
            return SampleCourse(self._trailing(blocks), np.full(blocks.size, self.state.high_phase))
        return self._through(self.holding.transition, blocks.tolist())

    def _trailing(self, block_C: NDArray[np.float64]) -> NDArray[np.float64]:
        """A first-order lag is linear: minutes of steps at once, and what is left over."""
        loss, share, state = self.holding.lead_loss_fraction, self._share, self.state
        towards_C = share * (block_C - loss * (block_C - self.holding.ambient_C))
        left = towards_C.size % TOGETHER_STEPS
        whole = towards_C.size - left
        minutes = towards_C[:whole].reshape(-1, TOGETHER_STEPS) @ self._memory.T
        fades = (1 - share) * self._memory[:, 0]  # what a minute keeps, step by step, of where it began
        before_C = []
        for gained_C in minutes[:, -1].tolist():
            before_C.append(state.temperature_C)
            state.temperature_C = gained_C + float(fades[-1]) * state.temperature_C
        minutes += np.outer(before_C, fades)
        rest = self._memory[:left, :left] @ towards_C[whole:] + fades[:left] * state.temperature_C
        if left:
            state.temperature_C = float(rest[-1])
        return np.concatenate((minutes.ravel(), rest))

    def _through(self, transition: Transition, block_C: list[float]) -> SampleCourse:
        loss, ambient, share = self.holding.lead_loss_fraction, self.holding.ambient_C, self._share
        temperature, phase = self.state.temperature_C, self.state.high_phase
        temperatures, phases = list[float](), list[float]()
        for block in block_C:
            temperature += share * (block - loss * (block - ambient) - temperature)
            least, largest = transition.bounds(temperature)
            phase += self._phase_share * (min(max(phase, least), largest) - phase)
            temperatures.append(temperature)
            phases.append(phase)
        self.state.temperature_C, self.state.high_phase = temperature, phase
        return SampleCourse(np.array(temperatures), np.array(phases))


def _fading(share: float, steps: int) -> NDArray[np.float64]:
    """What is left at a step (row) of what came in at another (column): a lag that comes `share` nearer each step."""
    ago = np.subtract.outer(np.arange(steps), np.arange(steps))
    return np.where(ago < 0, 0.0, (1 - share) ** np.maximum(ago, 0))
