"""Taking spectra: the full one that is kept, and the short one that watches a sample settle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from daq.contracts import Rig
from daq.errors import InstrumentError
from daq.sample import Sample
from drivers.roles import Potentiostat, PotentiostatAbilities
from drivers.techniques import Spectrum, SpectrumPoint, log_frequencies

MONITOR_LOWEST_HZ = 100.0
MONITOR_POINTS_PER_DECADE = 5
EXTEND_ABOVE_OHM = 5e5


@dataclass(frozen=True)
class Taken:
    """One finished spectrum. `valley_ohm`: |Z| at the valley, as taken and measured again at the end."""

    points: tuple[SpectrumPoint, ...]
    started_s: float
    ended_s: float
    valley_ohm: tuple[float, float]

    @property
    def middle_s(self) -> float:
        """When half of the resistance-carrying points were taken: the arc is in the fast half of a spectrum."""
        return self.started_s + 0.25 * (self.ended_s - self.started_s)

    @property
    def repeated_change(self) -> float:
        """Relative change between the two."""
        return self.valley_ohm[1] / self.valley_ohm[0] - 1


def spectrum_seconds(technique: Spectrum, abilities: PotentiostatAbilities) -> float:
    """How long the instrument takes: the sum of max(t_min, cycles/f) and its declared overhead."""
    frequencies = np.asarray(technique.frequencies_Hz)
    measuring = np.maximum(technique.minimum_time_s, technique.minimum_cycles / frequencies)
    return float(measuring.sum() + abilities.overhead_s_per_point * len(frequencies))


def take_spectrum(
    rig: Rig,
    potentiostat: Potentiostat,
    technique: Spectrum,
    sample: Sample,
    number: int,
    setpoint_C: float,
    lowest_Hz: float,
) -> Taken:
    """Measure and record one spectrum point by point; overloaded points once more, both are kept.

    Where the resistance turns out above 500 kohm the spectrum goes on below its lowest frequency, down to
    `lowest_Hz`: there the blocking line has not begun at 1 Hz and the resistance would come out low. The point
    nearest to the valley is measured again at the end: what it changed by is drift.
    """
    started_s = rig.t_s
    points = _measure(rig, potentiostat, technique, sample, number, setpoint_C)
    flagged = tuple(point.frequency_Hz for point in points if point.overload)
    if flagged:
        rig.log(f"{len(flagged)} overloaded points of {sample.label} are measured again", "warning")
        points += _measure(rig, potentiostat, replace(technique, frequencies_Hz=flagged), sample, number, setpoint_C)
    lowest_taken = min(point.frequency_Hz for point in points)
    if valley(points).z_real_ohm > EXTEND_ABOVE_OHM and lowest_Hz < lowest_taken:
        density = max(3, round((len(points) - 1) / np.log10(technique.frequencies_Hz[0] / lowest_taken)))
        more = log_frequencies(lowest_taken, lowest_Hz, density)[1:]
        points += _measure(rig, potentiostat, replace(technique, frequencies_Hz=more), sample, number, setpoint_C)
    ended_s = rig.t_s
    again = _once(rig, potentiostat, technique, sample, valley(points).frequency_Hz)
    first = valley(points)
    before = abs(complex(first.z_real_ohm, first.z_imag_ohm))
    return Taken(tuple(points), started_s, ended_s, (before, abs(again)))


def _measure(
    rig: Rig, potentiostat: Potentiostat, technique: Spectrum, sample: Sample, number: int, setpoint_C: float
) -> list[SpectrumPoint]:
    points: list[SpectrumPoint] = []
    for point in potentiostat.measure(technique, sample.channel):
        assert isinstance(point, SpectrumPoint)
        points.append(point)
        rig.record(
            "impedance",
            sample=sample.label,
            channel=sample.channel,
            spectrum=number,
            setpoint_C=setpoint_C,
            frequency_Hz=point.frequency_Hz,
            z_real_ohm=point.z_real_ohm,
            z_imag_ohm=point.z_imag_ohm,
            amplitude_V=point.amplitude_V,
            bias_V=point.bias_V,
            dc_current_A=point.dc_current_A,
            current_range_A=point.current_range_A,
            overload=point.overload,
            duration_s=point.duration_s,
        )
        rig.check()
    if not points:
        raise InstrumentError(potentiostat.name, f"gave no points for {sample.label}; check the cell cable")
    return points


def _once(rig: Rig, potentiostat: Potentiostat, technique: Spectrum, sample: Sample, frequency_Hz: float) -> complex:
    single = replace(technique, frequencies_Hz=(frequency_Hz,))
    for point in potentiostat.measure(single, sample.channel):
        assert isinstance(point, SpectrumPoint)
        return complex(point.z_real_ohm, point.z_imag_ohm)
    raise InstrumentError(potentiostat.name, f"gave no point for {sample.label}; check the cell cable")


def take_monitor(
    rig: Rig, potentiostat: Potentiostat, technique: Spectrum, sample: Sample, number: int
) -> tuple[float, float]:
    """A short spectrum of the same amplitude and bias: (bench time of its middle, resistance at the valley in ohm)."""
    highest = max(technique.frequencies_Hz)
    lowest = min(MONITOR_LOWEST_HZ, highest / 10)
    short = replace(technique, frequencies_Hz=log_frequencies(highest, lowest, MONITOR_POINTS_PER_DECADE))
    began = rig.t_s
    points: list[SpectrumPoint] = []
    for point in potentiostat.measure(short, sample.channel):
        assert isinstance(point, SpectrumPoint)
        points.append(point)
        rig.record(
            "monitor_impedance",
            sample=sample.label,
            frequency_Hz=point.frequency_Hz,
            z_real_ohm=point.z_real_ohm,
            z_imag_ohm=point.z_imag_ohm,
            monitor=number,
        )
        rig.check()
    if not points:
        raise InstrumentError(potentiostat.name, f"gave no points for {sample.label}; check the cell cable")
    return 0.5 * (began + rig.t_s), valley_resistance_ohm(points)


def valley(points: Sequence[SpectrumPoint]) -> SpectrumPoint:
    """The point where the sample looks most like a resistor: the largest phase among capacitive points.

    Points above 500 kHz are left to leads and ranges unless there are no others.
    """
    candidates = [p for p in points if p.frequency_Hz <= 5e5 and p.z_real_ohm > 0] or list(points)
    return max(candidates, key=lambda p: -abs(np.arctan2(p.z_imag_ohm, p.z_real_ohm)))


def valley_resistance_ohm(points: Sequence[SpectrumPoint]) -> float:
    """Re Z at the valley, between the measured frequencies: where a parabola through the phase around it peaks.

    The valley moves with temperature. Told from the nearest point alone the resistance would jump by a percent or
    two whenever the next frequency becomes the nearest, which a sample's lag learned from it would follow. At the
    end of the measured frequencies it is the last point's.
    """
    peak = valley(points)
    ordered = sorted((p for p in points if p.frequency_Hz <= 5e5 and p.z_real_ohm > 0), key=lambda p: p.frequency_Hz)
    place = next((i for i, p in enumerate(ordered) if p is peak), 0)
    if not 0 < place < len(ordered) - 1:
        return peak.z_real_ohm
    three = ordered[place - 1 : place + 2]
    x = np.log([p.frequency_Hz / peak.frequency_Hz for p in three])
    if min(np.diff(x)) < 1e-6:  # a frequency that was measured twice
        return peak.z_real_ohm
    phase = np.polyfit(x, [-abs(np.arctan2(p.z_imag_ohm, p.z_real_ohm)) for p in three], 2)
    if phase[0] >= 0:
        return peak.z_real_ohm
    vertex = float(np.clip(-phase[1] / (2 * phase[0]), x[0], x[2]))
    return float(np.exp(np.polyval(np.polyfit(x, np.log([p.z_real_ohm for p in three]), 2), vertex)))
