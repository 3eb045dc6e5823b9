"""Impedance spectra by the FRA's manual control, with a current range and a control loop chosen for every point."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from daq.errors import InstrumentError
from drivers.autolab.control import Control, Sampled
from drivers.autolab.halting import Halt
from drivers.autolab.models import CurrentRange
from drivers.autolab.ranging import (
    FIRST_RANGE_A,
    LOW_SIGNAL,
    Choice,
    choose,
    expected_modulus_ohm,
    loop_for,
    slower_loop,
)
from drivers.techniques import GalvanostaticSpectrum, Spectrum, SpectrumPoint

REPEATS = 2
INCONSISTENT = 0.01  # of |Z| squared: what modulus and components may differ
Note = Callable[[str], None]


@dataclass(frozen=True)
class Reading:
    """One `Start()`: the impedance of true sign, and the direct values before and after it."""

    impedance_ohm: complex
    before: Sampled
    after: Sampled

    @property
    def is_overload(self) -> bool:
        return self.before.is_overload or self.after.is_overload

    @property
    def is_oscillating(self) -> bool:
        return "Oscillation" in self.before.flags + self.after.flags


@dataclass
class SpectrumTaking:
    """One spectrum. The caller has the cell off before and takes care of the end state after."""

    control: Control
    technique: Spectrum | GalvanostaticSpectrum
    halt: Halt
    note: Note
    taken: list[tuple[float, float]] = field(default_factory=list)
    bias_V: float = 0.0
    loop: str = ""
    last_arrays: tuple[float, float] | None = None
    told: set[str] = field(default_factory=set)

    def points(self) -> Iterator[SpectrumPoint]:
        self._prepare()
        for frequency_Hz in self.technique.frequencies_Hz:
            yield self._point(frequency_Hz)

    # ------------------------------------------------------------ before the first point
    def _prepare(self) -> None:
        control, technique, options = self.control, self.technique, self.control.options
        resting = control.sample()
        control.set_mode(isinstance(technique, GalvanostaticSpectrum))
        self._set_loop(loop_for(control.model, technique.frequencies_Hz[0]))
        amplitude = technique.amplitude_V if isinstance(technique, Spectrum) else technique.amplitude_A
        if isinstance(technique, Spectrum):
            self.bias_V = resting.voltage_V if technique.bias_V is None else technique.bias_V
            control.set_range(self._first_range())
            control.set_potential(self.bias_V)
        else:
            control.set_range(self._range_of_current(technique))
            control.set_current(technique.bias_A)
        factor = math.sqrt(2) if options.first_hour.fra_amplitude == "peak" else 1.0
        control.set_fra("Amplitude", float(amplitude * factor))
        control.set_fra("WaveType", control.sdk.wave_type.Sine)
        control.set_fra("MinimumIntegrationCycles", int(technique.minimum_cycles))
        control.set_fra("MinimumIntegrationTime", float(technique.minimum_time_s))
        control.set("EnableDsgInput", True)
        self.halt.wait(options.switch_settle_s)
        control.switch(True)
        control.switch_fra(True)
        self.halt.wait(options.switch_settle_s)

    def _first_range(self) -> CurrentRange:
        if isinstance(self.technique, Spectrum) and self.technique.current_range_A is not None:
            wanted_A = self.technique.current_range_A
            return next(one for one in self.control.ranges if math.isclose(one.full_scale_A, wanted_A, rel_tol=1e-6))
        return choose(self.control.ranges, 0.0, FIRST_RANGE_A * 0.7, 1.0).range

    def _range_of_current(self, technique: GalvanostaticSpectrum) -> CurrentRange:
        """One range for all points: the applied current depends on it."""
        peak_A = math.sqrt(2) * technique.amplitude_A + abs(technique.bias_A)
        fastest_Hz = max(technique.frequencies_Hz)
        return choose(self.control.ranges, fastest_Hz, peak_A, self.control.options.bandwidth_margin).range

    # ------------------------------------------------------------ points
    def _point(self, frequency_Hz: float) -> SpectrumPoint:
        control = self.control
        started_s = control.clock.monotonic()
        control.set_fra("Frequency", float(frequency_Hz))
        self._set_loop(loop_for(control.model, frequency_Hz))
        choice, reading = self._measured(frequency_Hz)
        modulus_ohm = abs(reading.impedance_ohm)
        self.taken = [*self.taken[-1:], (frequency_Hz, modulus_ohm)]
        amplitude_V = self._amplitude_V(modulus_ohm)
        self._tell(frequency_Hz, choice, reading, amplitude_V)
        direct_A = (reading.before.current_A + reading.after.current_A) / 2
        direct_V = (reading.before.voltage_V + reading.after.voltage_V) / 2
        return SpectrumPoint(
            frequency_Hz=frequency_Hz,
            z_real_ohm=reading.impedance_ohm.real,
            z_imag_ohm=reading.impedance_ohm.imag,
            amplitude_V=amplitude_V,
            bias_V=self.bias_V if isinstance(self.technique, Spectrum) else direct_V,
            dc_current_A=direct_A,
            current_range_A=choice.range.full_scale_A,
            overload=reading.is_overload,
            started_s=started_s,
            duration_s=control.clock.monotonic() - started_s,
        )

    def _measured(self, frequency_Hz: float) -> tuple[Choice, Reading]:
        """In the range that fits; again one range up at an overload, one loop slower where it oscillates."""
        choice = self._choice(frequency_Hz)
        if self._change_range(choice.range) or self.taken:
            self.halt.wait(self.control.options.settle_s)
        reading = self._start(frequency_Hz)
        if not self.taken and self._is_free():  # the first point was a trial; it may stand
            modulus_ohm = abs(reading.impedance_ohm)
            peak_A = math.sqrt(2) * self._amplitude_V(modulus_ohm) / modulus_ohm + abs(reading.after.current_A)
            choice = choose(self.control.ranges, frequency_Hz, peak_A, self.control.options.bandwidth_margin)
            if self._change_range(choice.range):
                self.halt.wait(self.control.options.settle_s)
                reading = self._start(frequency_Hz)
        for _ in range(REPEATS):
            slower = slower_loop(self.control.model, self.loop) if reading.is_oscillating else None
            place = self.control.ranges.index(choice.range)
            if slower is not None:
                self._set_loop(slower)
            elif reading.is_overload and place > 0 and self._is_free():
                choice = Choice(self.control.ranges[place - 1], choice.is_bandwidth_limited)
                self._change_range(choice.range)
            else:
                break
            self.halt.wait(self.control.options.settle_s)
            reading = self._start(frequency_Hz)
        return choice, reading

    def _is_free(self) -> bool:
        return isinstance(self.technique, Spectrum) and self.technique.current_range_A is None

    def _choice(self, frequency_Hz: float) -> Choice:
        now = self.control.range
        assert now is not None  # set in _prepare
        expected_ohm = expected_modulus_ohm(frequency_Hz, self.taken)
        if not self._is_free() or expected_ohm is None or not isinstance(self.technique, Spectrum):
            return Choice(now, now.bandwidth_Hz < self.control.options.bandwidth_margin * frequency_Hz)
        peak_A = math.sqrt(2) * self.technique.amplitude_V / expected_ohm
        return choose(self.control.ranges, frequency_Hz, peak_A, self.control.options.bandwidth_margin)

    def _amplitude_V(self, modulus_ohm: float) -> float:
        if isinstance(self.technique, Spectrum):
            return self.technique.amplitude_V
        return self.technique.amplitude_A * modulus_ohm

    def _set_loop(self, loop: str) -> None:
        if loop != self.loop:
            self.control.set_loop(loop)
            self.loop = loop

    def _change_range(self, wanted: CurrentRange) -> bool:
        """With the cell off meanwhile, unless the owner found that it may stay on."""
        if wanted == self.control.range:
            return False
        stays_on = self.control.options.first_hour.range_change == "cell-on"
        if not stays_on:
            self.control.switch(False)
        self.control.set_range(wanted)
        if not stays_on:
            self.control.switch(True)
        return True

    def _start(self, frequency_Hz: float) -> Reading:
        """Raises InstrumentError for numbers that do not fit together, or that are the last point's."""
        control = self.control
        self.halt.wait(0)
        before = control.sample()
        for _ in range(2):
            control.start_fra()
            fra = control.fra
            arrays = [list(getattr(fra, member)) for member in ("Real", "Imaginary", "Modulus", "Phase")]
            if any(len(values) < 1 for values in arrays):
                raise InstrumentError(control.name, f"the FRA gave no result at {frequency_Hz:g} Hz; is the module on?")
            real, imaginary, modulus, _ = (float(values[0]) for values in arrays)
            if (real, imaginary) != self.last_arrays:
                break
        else:
            raise InstrumentError(
                control.name, f"the FRA gives the last point's values again at {frequency_Hz:g} Hz; power it off and on"
            )
        self.last_arrays = (real, imaginary)
        if not all(math.isfinite(value) for value in (real, imaginary, modulus)) or modulus <= 0:
            raise InstrumentError(control.name, f"the FRA gave no number at {frequency_Hz:g} Hz; power it off and on")
        if abs(modulus**2 - real**2 - imaginary**2) > INCONSISTENT * modulus**2:
            raise InstrumentError(
                control.name,
                f"modulus and components of the FRA do not fit at {frequency_Hz:g} Hz; a result was mixed up",
            )
        return Reading(self._true_impedance(frequency_Hz, real, imaginary), before, control.sample())

    def _true_impedance(self, frequency_Hz: float, real_ohm: float, imaginary_ohm: float) -> complex:
        """The SDK gives -Z'' as Imaginary (SweepMe had to turn it); the follower's lag where it is not corrected.

        A single pole at the range's bandwidth: I_read = I / (1 + j f/fc), so Z = Z_read / (1 + j f/fc).
        """
        first_hour = self.control.options.first_hour
        sign = -1.0 if first_hour.imaginary == "inverted" else 1.0
        impedance_ohm = complex(real_ohm, sign * imaginary_ohm)
        if first_hour.follower == "driver" and self.control.range is not None:
            impedance_ohm /= 1 + 1j * frequency_Hz / self.control.range.bandwidth_Hz
        return impedance_ohm

    # ------------------------------------------------------------ what the points carry no column for
    def _tell(self, frequency_Hz: float, choice: Choice, reading: Reading, amplitude_V: float) -> None:
        """Once per kind and spectrum."""
        peak_A = math.sqrt(2) * amplitude_V / abs(reading.impedance_ohm)
        smallest_A = self.control.ranges[-1].full_scale_A
        checks = (
            ("overload", reading.is_overload, "overload, flagged with the point"),
            ("limited", choice.is_bandwidth_limited, f"no current range is fast enough, taken in {_text(choice)}"),
            ("low", peak_A < LOW_SIGNAL * choice.range.full_scale_A, f"the signal is below 2 % of {_text(choice)}"),
            ("open", peak_A < LOW_SIGNAL * smallest_A, f"only {peak_A:.1e} A flow: is a lead off, or the cell open?"),
            ("oscillation", reading.is_oscillating, "the control loop oscillates"),
        )
        for kind, is_so, text in checks:
            if is_so and kind not in self.told:
                self.told.add(kind)
                self.note(f"from {frequency_Hz:g} Hz: {text}")


def _text(choice: Choice) -> str:
    return f"the range of {choice.range.full_scale_A:g} A ({choice.range.bandwidth_Hz:g} Hz)"
