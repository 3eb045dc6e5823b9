"""The cell behind a simulated Autolab: what is applied passes time in it, and what is read passes range and noise."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from drivers.autolab.control import DAC_V
from drivers.autolab.models import CurrentRange
from drivers.simulated.autolab.faults import Truths
from drivers.simulated.noise import generator
from drivers.simulated.world import World

COMPLIANCE_V = 10.0
POTENTIAL_OFFSET_V, POTENTIAL_GRAIN_V = 1.2e-4, 3e-5
OFFSETS_A = {1e-2: -1.07e-6, 1e-3: -117e-9, 1e-4: 12.9e-9, 1e-5: -0.8e-9, 1e-6: -2.2e-9, 1e-7: -2.2e-9}
NOISE_A = {1e-2: 22e-9, 1e-3: 3.1e-9, 1e-4: 1.6e-9, 1e-5: 1.7e-9, 1e-6: 1.7e-9, 1e-7: 1.7e-9}
OVERLOAD_LOSS, OVERLOAD_AT = 0.05, 10.0  # a reading is so much low at so many times full scale
DC_SOURCE, FRA_SOURCE = 31, 32


@dataclass
class Applied:
    """What survives the client: the instrument itself keeps it."""

    cell_on: bool = False
    galvanostatic: bool = False
    setpoint: float = 0.0
    dsg_input: bool = False


class CellBehind:
    """One channel of the world under this instrument. `applied` is kept in a file, as an instrument keeps it."""

    def __init__(self, world: World, channel: int, truths: Truths, kept: Path | None, is_open: bool) -> None:
        self._world = world
        self._channel = channel
        self._truths = truths
        self._kept = kept
        self._is_open = is_open
        self._draws = 0
        self.voltage_V, self.current_A = 0.0, 0.0
        self.applied = Applied()
        if kept is not None and kept.exists():
            self.applied = Applied(**json.loads(kept.read_text(encoding="utf-8")))

    def change(self, full_scale_A: float, **values: bool | float) -> None:
        """Time passes under what was applied before."""
        self.pass_time(full_scale_A)
        for name, value in values.items():
            setattr(self.applied, name, value)
        if self._kept is not None:
            self._kept.write_text(json.dumps(asdict(self.applied)), encoding="utf-8")

    def applied_A(self, full_scale_A: float) -> float:
        is_volts = self._truths.galvanostatic_setpoint == "V"
        return self.applied.setpoint * full_scale_A if is_volts else self.applied.setpoint

    def pass_time(self, full_scale_A: float) -> None:
        """Up to now."""
        now_s = self._world.now_s()
        holder = self._world.cell(self._channel)
        sample = self._world.sample(self._channel)
        seconds = now_s - holder.at_s
        if seconds <= 0:
            return
        place = (seconds, sample.temperature_C, sample.high_phase)
        holder.at_s = now_s
        if self._is_open:
            self.voltage_V = self.applied.setpoint if self.applied.cell_on and not self.applied.galvanostatic else 0.0
            self.current_A = 0.0
        elif not self.applied.cell_on:
            holder.cell.at_current(0.0, *place)
            self.voltage_V, self.current_A = holder.cell.open_circuit_V(sample.temperature_C), 0.0
        elif self.applied.galvanostatic:
            self.current_A = self.applied_A(full_scale_A)
            self.voltage_V = holder.cell.at_current(self.current_A, *place)
        else:
            self.voltage_V = self.applied.setpoint
            self.current_A = holder.cell.at_voltage(self.voltage_V, *place)

    def read(self, one: CurrentRange) -> tuple[float, float, bool, bool]:
        """V, A, current overload, potential overload: near the truth and only the flag tells, as on the rig."""
        self.pass_time(one.full_scale_A)
        draw = self._noise(DC_SOURCE).standard_normal(2)
        share = abs(self.current_A) / one.full_scale_A
        is_over = share > 1
        loss = OVERLOAD_LOSS * min(1.0, max(0.0, share - 1) / (OVERLOAD_AT - 1))
        seen_A = self.current_A * (1 - loss)
        if share > OVERLOAD_AT:
            seen_A = math.copysign(OVERLOAD_AT * (1 - OVERLOAD_LOSS) * one.full_scale_A, self.current_A)
        key = float(f"{one.full_scale_A:.0e}")
        offset_A = OFFSETS_A.get(key, -1e-4 * one.full_scale_A) if self.applied.cell_on else 0.0
        seen_A += offset_A + float(draw[0]) * NOISE_A.get(key, 2e-6 * one.full_scale_A)
        volts = max(-COMPLIANCE_V, min(COMPLIANCE_V, self.voltage_V)) + POTENTIAL_OFFSET_V
        volts = POTENTIAL_GRAIN_V * round((volts + float(draw[1]) * POTENTIAL_GRAIN_V) / POTENTIAL_GRAIN_V)
        return volts, seen_A, is_over, abs(self.voltage_V) > COMPLIANCE_V

    def impedance(
        self, frequency_Hz: float, amplitude: float, seconds: float, one: CurrentRange
    ) -> tuple[complex, float]:
        """As the FRA sees it, and the peak of the current. `amplitude` in V, or in A in galvanostatic mode."""
        self.pass_time(one.full_scale_A)
        sample = self._world.sample(self._channel)
        true_ohm = self._world.cell(self._channel).cell.impedance_ohm(
            frequency_Hz, sample.temperature_C, sample.high_phase
        )
        true_ohm = complex(1e12, 0) if self._is_open else true_ohm
        peak = amplitude * (math.sqrt(2) if self._truths.fra_amplitude == "rms" else 1.0)
        peak_V = peak * abs(true_ohm) if self.applied.galvanostatic else peak
        current = peak_V / true_ohm / (1 + 1j * self._truths.follower_residue * frequency_Hz / one.bandwidth_Hz)
        p = self._world.simulation.analyser
        draw = self._noise(FRA_SOURCE).standard_normal(4)
        share = 1 / math.sqrt(2 * seconds)
        noise_A = p.current_noise_fraction * one.full_scale_A * share
        seen_V = peak_V + p.voltage_noise_V * share * complex(float(draw[0]), float(draw[1]))
        return seen_V / (current + noise_A * complex(float(draw[2]), float(draw[3]))), abs(peak_V / true_ohm)

    def _noise(self, source: int) -> np.random.Generator:
        self._draws += 1
        millisecond = round(self._world.now_s() * 1000)
        return generator(self._world.simulation.seed, source, self._channel, millisecond, self._draws)


def snapped(volts: float) -> float:
    """To the nearest step of the DAC."""
    return round(volts / DAC_V) * DAC_V
