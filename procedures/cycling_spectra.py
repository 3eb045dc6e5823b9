"""Spectra between the cycles, where one instrument cycles and measures them, and the resistance over the cycles."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from daq.contracts import Result, Rig, RunReader
from daq.errors import BadInput
from daq.sample import Sample
from daq.stream import Column, Stream
from drivers.roles import Potentiostat
from drivers.techniques import Spectrum, log_frequencies
from procedures.eis_streams import IMPEDANCE, SPECTRA
from procedures.spectrum_taking import spectrum_seconds, take_spectrum

CYCLED_SPECTRA = Stream(
    "spectra", (*SPECTRA.columns, Column("cycle", kind="int", help="cycles that were done before it")), SPECTRA.help
)
STREAMS = (IMPEDANCE, CYCLED_SPECTRA)
TAKEN = "spectrum after cycle"
HIGHEST_Hz, LOWEST_Hz, PER_DECADE = 1e6, 1.0, 10
NEAR_REAL = 0.1  # |Im| over Re up to which the end of a spectrum is a resistance
HIGH = "high_frequency_resistance", "Re Z at the highest frequency, {frequency:.4g} Hz"
LOW = "cell_resistance", "Re Z at the lowest frequency, {frequency:.4g} Hz"


class CyclingSpectra:
    """A spectrum at open circuit before the first cycle and after every `every` cycles."""

    def __init__(self, potentiostat: Potentiostat, sample: Sample, every: int, setpoint_C: float) -> None:
        self._potentiostat = potentiostat
        self._sample = sample
        self._every = every
        self._setpoint_C = setpoint_C

    def check(self, place: str) -> None:
        """Raises BadInput where the instrument takes no spectra."""
        if "spectrum" not in self._potentiostat.abilities().techniques:
            raise BadInput(f"{self._potentiostat.name} takes no spectra", place=f"{place}, eis_every_cycles",
                           allowed="0, or a bench whose potentiostat has a frequency-response analyser")  # fmt: skip

    def technique(self) -> Spectrum:
        able = self._potentiostat.abilities()
        high, low = min(HIGHEST_Hz, able.frequency_max_Hz), max(LOWEST_Hz, able.frequency_min_Hz)
        return Spectrum(log_frequencies(high, low, PER_DECADE))

    def seconds(self, cycles: int) -> float:
        return (1 + cycles // self._every) * spectrum_seconds(self.technique(), self._potentiostat.abilities())

    def after_cycle(self, rig: Rig, cycle: int) -> None:
        """Take one where one is due. A spectrum that a break hit is taken anew, one that is kept is not."""
        if cycle % self._every or cycle <= int(rig.recall(TAKEN, -1)):
            return
        number = 1 + cycle // self._every
        technique, sample = self.technique(), self._sample
        rig.progress(f"spectrum after cycle {cycle}")
        taken = take_spectrum(
            rig, self._potentiostat, technique, sample, number, self._setpoint_C, min(technique.frequencies_Hz)
        )
        rig.record(
            "spectra", spectrum=number, sample=sample.label, channel=sample.channel, direction="cycling",
            setpoint_C=self._setpoint_C, started_s=taken.started_s, ended_s=taken.ended_s, points=len(taken.points),
            repeated_point_change_percent=100 * taken.repeated_change, cycle=cycle,
            **dict.fromkeys(_NOT_KNOWN),
        )  # fmt: skip
        rig.remember(TAKEN, cycle)


_FILLED = ("spectrum", "sample", "channel", "direction", "setpoint_C", "started_s", "ended_s", "points")
_NOT_KNOWN = [
    one.name for one in SPECTRA.columns if one.name not in (*_FILLED, "repeated_point_change_percent")
]  # the furnace's own stream tells the temperatures


def resistances_over_cycles(run: RunReader) -> list[Result]:
    """`cell_resistance` and `high_frequency_resistance` (ohm) after each cycle that has a finished spectrum.

    Either is refused where the impedance is not real there, as at the end of a spectrum that does not reach so far.
    The uncertainty is the imaginary part that is left and what the repeated point changed by.
    """
    spectra = run.table("spectra", columns=("spectrum", "cycle", "repeated_point_change_percent"))
    points = run.table("impedance", columns=("spectrum", "frequency_Hz", "z_real_ohm", "z_imag_ohm", "overload"))
    results: list[Result] = []
    for index in np.unique(spectra["spectrum"], return_index=True)[1].tolist():
        mine = (points["spectrum"] == spectra["spectrum"][index]) & (points["attempt"] == spectra["attempt"][index])
        mine &= np.isfinite(points["z_real_ohm"]) & (points["overload"] == 0)
        cycle, change = int(spectra["cycle"][index]), float(spectra["repeated_point_change_percent"][index]) / 100
        rows = {name: points[name][mine] for name in ("frequency_Hz", "z_real_ohm", "z_imag_ohm")}
        results += [_end_of(rows, one, cycle, change) for one in ((*LOW, np.argmin), (*HIGH, np.argmax))]
    return results


def _end_of(
    rows: Mapping[str, np.ndarray], what: tuple[str, str, Callable[..., Any]], cycle: int, change: float
) -> Result:
    name, method, choose = what
    if not len(rows["frequency_Hz"]):
        return Result(name, None, "ohm", at={"cycle": cycle}, reason="every point of this spectrum was overloaded")
    at = int(choose(rows["frequency_Hz"]))
    real, imaginary = float(rows["z_real_ohm"][at]), float(rows["z_imag_ohm"][at])
    told = method.format(frequency=float(rows["frequency_Hz"][at]))
    if real <= 0 or abs(imaginary) > NEAR_REAL * real:
        reason = f"{real:.4g} {imaginary:+.4g}j ohm is no resistance"
        return Result(name, None, "ohm", at={"cycle": cycle}, method=told, reason=reason)
    error = float(np.hypot(imaginary, change * real))
    span = (real - 1.96 * error, real + 1.96 * error)
    return Result(name, real, "ohm", error, span, {"cycle": cycle}, told)
