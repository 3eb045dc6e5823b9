"""The frequency-response analyser: what a potentiostat makes of an impedance.

Current ranges are decades of full scale (peak). A range is a first-order lag of which calibration leaves a
residue, with a fixed gain error of its own; noise and quantisation fall with the time of integration; a current
beyond full scale is clipped, and what is reported is the fundamental of the clipped sine.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from drivers.simulated.noise import generator
from drivers.simulated.parameters import AnalyserParameters

CURRENT_RANGES_A = tuple(10.0**-decade for decade in range(1, 10))  # 100 mA .. 1 nA
FASTEST_RANGE_A = 1e-4  # this range and larger ones have the full bandwidth
HEADROOM = 1.5  # auto-ranging keeps the expected peak below full scale by this factor
GAIN_KEY = 101


@dataclass(frozen=True)
class Reading:
    """One frequency as the instrument reports it."""

    impedance_ohm: complex
    dc_current_A: float
    range_A: float
    overload: bool


def clipped_fundamental(peak: float, full_scale: float) -> float:
    """Amplitude of the fundamental of a sine of amplitude `peak` that is cut at +-`full_scale`.

    Fourier coefficient of the clipped sine: peak (2/pi)(asin r + r sqrt(1 - r^2)), r = full_scale/peak.
    """
    if peak <= full_scale:
        return peak
    r = full_scale / peak
    return peak * 2 / math.pi * (math.asin(r) + r * math.sqrt(1 - r * r))


class FrequencyAnalyser:
    """`seed` fixes the gain error of each range, as a serial number would."""

    def __init__(self, parameters: AnalyserParameters, seed: int) -> None:
        self.parameters = parameters
        errors = generator(seed, GAIN_KEY).uniform(-1, 1, len(CURRENT_RANGES_A)).tolist()
        self._gain = [1 + parameters.gain_error_fraction * error for error in errors]
        self.bandwidths_Hz = tuple(
            parameters.bandwidth_Hz * min(1.0, full_scale / FASTEST_RANGE_A) ** 0.75 for full_scale in CURRENT_RANGES_A
        )

    def choose_range(self, frequency_Hz: float, expected_peak_A: float) -> int:
        """Index of the most sensitive range that takes the current and is fast enough; else the largest."""
        chosen = 0
        for index, full_scale in enumerate(CURRENT_RANGES_A):
            bandwidth = self.bandwidths_Hz[index]
            fast = bandwidth >= min(self.parameters.bandwidth_margin * frequency_Hz, self.bandwidths_Hz[0])
            if fast and full_scale >= HEADROOM * expected_peak_A:
                chosen = index
        return chosen

    def measure(
        self,
        frequency_Hz: float,
        true_impedance_ohm: complex,
        amplitude_V: float,
        integration_s: float,
        rng: np.random.Generator,
        range_A: float | None,
        last_modulus_ohm: float | None,
        overdriven: bool = False,
    ) -> Reading:
        """One point. `amplitude_V` is rms. With `range_A` None the range follows from the last |Z|, and the
        analyser steps up while the signal settles until it fits. `overdriven`: clipped at a tenth, a fault."""
        peak_V = amplitude_V * math.sqrt(2)
        current = peak_V / true_impedance_ohm
        if range_A is None:
            expected_A = abs(current) if last_modulus_ohm is None else peak_V / last_modulus_ohm
            index = self.choose_range(frequency_Hz, expected_A)
            while index > 0 and abs(current) > CURRENT_RANGES_A[index]:
                index -= 1
        else:
            index = CURRENT_RANGES_A.index(range_A)
        full_scale = CURRENT_RANGES_A[index]
        clips_at = abs(current) / 10 if overdriven else full_scale
        overload = abs(current) > clips_at
        current *= clipped_fundamental(abs(current), clips_at) / abs(current)
        current *= self._gain[index]
        current /= 1 + 1j * self.parameters.phase_residual * frequency_Hz / self.bandwidths_Hz[index]
        voltage_noise, current_noise = self._noise(full_scale, integration_s)
        draw = rng.standard_normal(5)
        voltage = peak_V + voltage_noise * complex(float(draw[0]), float(draw[1]))
        current += current_noise * complex(float(draw[2]), float(draw[3]))
        return Reading(voltage / current, current_noise * float(draw[4]), full_scale, overload)

    def _noise(self, full_scale_A: float, integration_s: float) -> tuple[float, float]:
        """Standard deviations (V, A) of each component of the measured phasors.

        Quantisation noise lsb/sqrt(12) is averaged over the converter's samples.
        """
        p = self.parameters
        per_component = 1 / math.sqrt(2 * integration_s)
        lsb_A = 2 * full_scale_A / 2**p.adc_bits
        quantisation_A = lsb_A / math.sqrt(12) * math.sqrt(2 / max(p.adc_rate_Hz * integration_s, 16))
        current_A = math.hypot(p.current_noise_fraction * full_scale_A * per_component, quantisation_A)
        return p.voltage_noise_V * per_component, current_A
