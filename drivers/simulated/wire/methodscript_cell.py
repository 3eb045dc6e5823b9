"""The cell behind a MethodSCRIPT peer: what is applied passes time in it; what is read passes range and noise."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from drivers.methodscript.models import Model
from drivers.methodscript.package import OVERLOAD, UNDERLOAD
from drivers.simulated.frequency_analyser import FrequencyAnalyser
from drivers.simulated.noise import generator
from drivers.simulated.world import World

DIRECT_SOURCE, IMPEDANCE_SOURCE = 41, 42
FULL, EMPTY = 1.05, 0.01  # of a range: beyond it is overloaded, below it underloaded
SETTLE_s, SHORTEST_s, CYCLES = 0.05, 0.2, 2


@dataclass
class Applied:
    """What the script set. `level` is V, or A as a galvanostat."""

    is_on: bool = False
    mode: int = 2
    level: float = 0.0
    range_A: tuple[float, float] = (0.0, math.inf)
    channel: int = field(default=1)


class CellBehind:
    """One cell of the world under this instrument."""

    def __init__(self, world: World, model: Model, channel: int = 1) -> None:
        self.world = world
        self.model = model
        self.applied = Applied(channel=channel)
        self._analyser = FrequencyAnalyser(world.simulation.analyser, world.simulation.seed)
        self._draws = 0

    @property
    def is_galvanostat(self) -> bool:
        return self.applied.mode == 6

    # ------------------------------------------------------------ time
    def catch_up(self) -> None:
        """Between measurements time passes under what is applied, up to now."""
        holder = self.world.cell(self.applied.channel)
        seconds = self.world.now_s() - holder.at_s
        if seconds > 0:
            self.pass_time(seconds)

    def pass_time(self, seconds: float) -> tuple[float, float]:
        """`seconds` under what is applied: true potential and current at their end."""
        holder, sample = self.world.cell(self.applied.channel), self.world.sample(self.applied.channel)
        place = (seconds, sample.temperature_C, sample.high_phase)
        holder.at_s += seconds
        if not self.applied.is_on:
            holder.cell.at_current(0.0, *place)
            return holder.cell.open_circuit_V(sample.temperature_C), 0.0
        if self.is_galvanostat:
            return holder.cell.at_current(self.applied.level, *place), self.applied.level
        return self.applied.level, holder.cell.at_voltage(self.applied.level, *place)

    # ------------------------------------------------------------ readings
    def read(self, seconds: float) -> tuple[float, float, int, int]:
        """Potential, current, status and range index after `seconds`."""
        volts, amperes = self.pass_time(seconds)
        range_A = self._range(abs(amperes))
        status = OVERLOAD if abs(amperes) > FULL * range_A or abs(volts) > self.model.voltage_max_V else 0
        if self.applied.is_on and not status and abs(amperes) < EMPTY * range_A:
            status = UNDERLOAD
        clipped_A = max(-FULL * range_A, min(FULL * range_A, amperes))
        p = self.world.simulation.analyser
        noise = self._noise(DIRECT_SOURCE).standard_normal(2)
        own_A = self.world.cell(self.applied.channel).cell.noise_A
        share = 1 / math.sqrt(min(max(seconds, 1e-6), 1.0))
        noise_A = math.hypot(p.current_noise_fraction * range_A * share, own_A) if self.applied.is_on else 0.0
        volts += p.open_circuit_noise_V * float(noise[0])
        return volts, clipped_A + noise_A * float(noise[1]), status, self.model.index_of(range_A)

    def impedance_s(self, frequency_Hz: float) -> float:
        """How long a point takes."""
        return max(SHORTEST_s, CYCLES / frequency_Hz) + SETTLE_s

    def impedance(self, frequency_Hz: float, amplitude: float) -> tuple[complex, int, int]:
        """Impedance, status and range index. `amplitude` rms, V or A."""
        holder, sample = self.world.cell(self.applied.channel), self.world.sample(self.applied.channel)
        true_ohm = holder.cell.impedance_ohm(frequency_Hz, sample.temperature_C, sample.high_phase)
        amplitude_V = amplitude * abs(true_ohm) if self.is_galvanostat else amplitude
        low_A, high_A = self.applied.range_A
        reading = self._analyser.measure(
            frequency_Hz, true_ohm, amplitude_V, self.impedance_s(frequency_Hz) - SETTLE_s,
            self._noise(IMPEDANCE_SOURCE), None, abs(true_ohm),
        )  # fmt: skip
        range_A = min(max(reading.range_A, low_A), high_A)
        peak_A = math.sqrt(2) * amplitude_V / abs(true_ohm)
        status = OVERLOAD if reading.overload or peak_A > FULL * high_A else 0
        return reading.impedance_ohm, status, self.model.index_of(self._nearest(range_A))

    def _range(self, current_A: float) -> float:
        """The smallest range within what the script allows that takes this current."""
        low_A, high_A = self.applied.range_A
        allowed = [one for one in self.model.ranges_A if low_A * 0.999 <= one <= high_A * 1.001]
        fitting = [one for one in allowed if one >= current_A]
        return fitting[-1] if fitting else (allowed or self.model.ranges_A)[0]

    def _nearest(self, range_A: float) -> float:
        return min(self.model.ranges_A, key=lambda one: abs(math.log(one / range_A)))

    def _noise(self, source: int) -> np.random.Generator:
        self._draws += 1
        millisecond = round(self.world.now_s() * 1000)
        return generator(self.world.simulation.seed, source, self.applied.channel, millisecond, self._draws)
