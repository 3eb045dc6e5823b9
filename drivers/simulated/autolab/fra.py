"""The frequency-response analyser of the SDK, under manual control."""

from __future__ import annotations

import cmath
import math
from typing import Any

from drivers.simulated.autolab.device import Device
from drivers.simulated.autolab.ei import PROPERTY_s
from drivers.simulated.autolab.net_values import FraWaveType, number, strict


class Fra:
    """Manual control. `Start` blocks; Imaginary is -Z'' and Phase -phase; all results are arrays of one."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._frequency_Hz, self._amplitude = 1000.0, 0.01
        self._wave = FraWaveType.Sine
        self._time_s, self._cycles = 0.125, 1
        self.Real: list[float] = []
        self.Imaginary: list[float] = []
        self.Modulus: list[float] = []
        self.Phase: list[float] = []

    def _number(self, value: Any) -> float:
        self._device.need()
        self._device.cost(PROPERTY_s)
        if self._device.faults.no_fra:
            raise RuntimeError("Module FRA32M not found")
        return number(value)

    @property
    def Frequency(self) -> float:
        return self._frequency_Hz

    @Frequency.setter
    def Frequency(self, value: float) -> None:
        self._frequency_Hz = self._number(value)

    @property
    def Amplitude(self) -> float:
        return self._amplitude

    @Amplitude.setter
    def Amplitude(self, value: float) -> None:
        self._amplitude = self._number(value)

    @property
    def WaveType(self) -> FraWaveType:
        return self._wave

    @WaveType.setter
    def WaveType(self, value: FraWaveType) -> None:
        self._wave = strict(value, FraWaveType)

    @property
    def MinimumIntegrationTime(self) -> float:
        return self._time_s

    @MinimumIntegrationTime.setter
    def MinimumIntegrationTime(self, value: float) -> None:
        self._time_s = self._number(value)

    @property
    def MinimumIntegrationCycles(self) -> int:
        return self._cycles

    @MinimumIntegrationCycles.setter
    def MinimumIntegrationCycles(self, value: int) -> None:
        self._cycles = int(self._number(value))

    def Start(self) -> None:
        device = self._device
        device.need()
        device.called("Start")
        seconds = max(self._time_s, self._cycles / self._frequency_Hz)
        device.cost((seconds + device.truths.start_overhead_s) / 2)
        applied = device.cell.applied
        if applied.dsg_input and device.is_fra_on and applied.cell_on:
            seen, peak_A = device.cell.impedance(self._frequency_Hz, self._amplitude, seconds, device.range)
            device.start_overload = peak_A > device.range.full_scale_A
        else:
            seen = complex(1e9 * (1 + 0.1 * (device.count("Start") % 7)), 0.0)
        device.cost((seconds + device.truths.start_overhead_s) / 2)
        sign = -1.0 if device.truths.imaginary == "inverted" else 1.0
        self.Real, self.Imaginary = [seen.real], [sign * seen.imag]
        self.Modulus, self.Phase = [abs(seen)], [sign * math.degrees(cmath.phase(seen))]
