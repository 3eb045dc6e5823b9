"""The cell at a simulated Keithley 2450: what its output does passes time in it, what it reads carries its noise."""

from __future__ import annotations

import math
from collections.abc import Sequence

from drivers.simulated.noise import generator
from drivers.simulated.regulated import Regulation, regulate, still_limited
from drivers.simulated.world import World

NOISE_SOURCE = 41
NOISE_V, NOISE_FRACTION = 1e-5, 2e-6  # of a reading, and of the current range
INSTANT_s = 1e-3  # a reading takes this long of its cell at least


class CellAtSource:
    """`how` None: nothing is connected to the cell. `is_open`: a lead is off."""

    def __init__(self, world: World, channel: int = 1) -> None:
        self.is_open = False
        self.how: Regulation | None = None
        self._world = world
        self._channel = channel
        self._draws = 0
        self._at_limit = False
        self._truth = (0.0, 0.0)

    def pass_time(self, least_s: float = 0.0) -> tuple[float, float]:
        """Up to now, as `how` says; the true potential and current."""
        holder = self._world.cell(self._channel)
        sample = self._world.sample(self._channel)
        seconds = max(self._world.now_s() - holder.at_s, least_s)
        place = (sample.temperature_C, sample.high_phase)
        if seconds > 0:
            holder.at_s += seconds
            if self.how is None or self.is_open:
                holder.cell.at_current(0.0, seconds, *place)
                self._truth = (holder.cell.open_circuit_V(sample.temperature_C), 0.0)
            else:
                found = still_limited(holder.cell, self.how, seconds, *place) if self._at_limit else None
                self._truth = found or regulate(holder.cell, self.how, seconds, *place)
                self._at_limit = abs(self._truth[1]) >= self.how.limit_A * (1 - 1e-12)
        return self._truth

    def read(self, ranges_A: Sequence[float]) -> tuple[float, float]:
        """Potential and current as the instrument shows them, in the lowest of the ranges that has the current."""
        voltage_V, current_A = self.pass_time(INSTANT_s)
        range_A = next((one for one in ranges_A if 1.05 * one >= abs(current_A)), ranges_A[-1])
        if self.is_open:
            voltage_V, current_A = (self.how.level_V, 0.0) if self.how else (0.0, 0.0)
        elif self.how is None:
            voltage_V = 0.0
        self._draws += 1
        millisecond = round(self._world.now_s() * 1000)
        draw = generator(self._world.simulation.seed, NOISE_SOURCE, self._channel, millisecond, self._draws)
        noise_V, noise_A = draw.standard_normal(2).tolist()
        noise_A = math.hypot(NOISE_FRACTION * range_A, self._world.cell(self._channel).cell.noise_A) * noise_A
        return voltage_V + NOISE_V * noise_V, current_A + noise_A

    def keep(self) -> None:
        """The state of the cell, on disk."""
        self._world.cells.save()
