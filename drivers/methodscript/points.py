"""Packages of a run as points: charge summed, cut-offs named, the last point told as the last."""

from __future__ import annotations

import math
from dataclasses import dataclass

from drivers.cut_offs import CutOffWatch
from drivers.methodscript.models import Model
from drivers.methodscript.output import Package
from drivers.methodscript.package import OVERLOAD, WARNING
from drivers.techniques import (
    ConstantCurrent,
    CutOffs,
    DcPoint,
    GalvanostaticSpectrum,
    Spectrum,
    SpectrumPoint,
    Technique,
)

NEAR, NEAR_V = 0.02, 0.005
WHOLE = {"cyclic-voltammetry": "end of sweep", "linear-sweep": "end of sweep"}
NOWHERE = CutOffs()


@dataclass(frozen=True)
class Reading:
    """A point, and whether it may be the last of its loop: then it is held until the next line tells."""

    point: DcPoint
    may_be_last: bool


class DirectPoints:
    """Points of open circuit, levels and sweeps. `charge_C` sums each current times the time since the point before."""

    def __init__(self, technique: Technique, model: Model, loops: int) -> None:
        self._technique = technique
        self._model = model
        self._cut_offs: CutOffs = getattr(technique, "cut_offs", NOWHERE)
        self._watch = CutOffWatch(self._cut_offs)
        self._ways_left = loops
        self._is_late = False
        self._time_s = 0.0
        self._charge_C = 0.0
        self._range_A = model.ranges_A[0]

    def reading(self, package: Package) -> Reading:
        time, potential, *rest = package.values
        current_A, overload = 0.0, bool(potential.status & (OVERLOAD | WARNING))
        if rest:
            current_A = rest[0].value
            overload = overload or bool(rest[0].status & OVERLOAD)
            self._range_A = self._model.range_of(rest[0].range_index) or self._range_A
        seconds = max(0.0, time.value - self._time_s)
        self._time_s = time.value
        self._charge_C += current_A * seconds
        ended = self._watch.passed(time.value, potential.value, current_A, self._charge_C)
        point = DcPoint(time.value, potential.value, current_A, self._range_A, overload, self._charge_C,
                        package.loop.cycle, ended)  # fmt: skip
        self._is_late = package.number >= package.loop.points - 2
        return Reading(point, not ended and (self._is_late or bool(self.cut_off_near(point))))

    def loop_ended(self) -> None:
        self._ways_left -= 1

    def why(self, last: DcPoint) -> str:
        """Why it ended at this point, which passes no cut-off; nothing when there is no reason to be seen."""
        is_whole = self._ways_left <= 0 and self._is_late
        return self._whole if is_whole else self.cut_off_near(last)

    @property
    def _whole(self) -> str:
        """How it ends when no cut-off is passed."""
        charge_C = self._cut_offs.charge_C
        if isinstance(self._technique, ConstantCurrent) and charge_C is not None:
            whole_C = self._technique.duration_s * abs(self._technique.current_A)
            return "charge_C" if whole_C > charge_C * (1 - 1e-9) else "duration"
        return WHOLE.get(self._technique.kind, "duration")

    def cut_off_near(self, point: DcPoint) -> str:
        """The cut-off that the instrument must have seen, when it ended a loop and this reading passes none."""
        c = self._cut_offs
        volts, amperes = point.voltage_V, abs(point.current_A)
        candidates = (
            ("voltage_max_V", c.voltage_max_V, volts, NEAR_V),
            ("voltage_min_V", c.voltage_min_V, volts, NEAR_V),
            ("current_max_A", c.current_max_A, amperes, 0.0),
            ("current_min_A", c.current_min_A, amperes, 0.0),
        )
        return next(
            (
                name
                for name, limit, value, least in candidates
                if limit is not None and math.isclose(value, limit, rel_tol=NEAR, abs_tol=least)
            ),
            "",
        )


def spectrum_point(
    technique: Spectrum | GalvanostaticSpectrum,
    package: Package,
    model: Model,
    bias_V: float,
    started_s: float,
    now_s: float,
) -> SpectrumPoint:
    """The direct part of the current is not told by the instrument during impedance: nan, or what was applied."""
    frequency, real, imaginary = package.values
    modulus_ohm = math.hypot(real.value, imaginary.value)
    is_galvanostatic = isinstance(technique, GalvanostaticSpectrum)
    return SpectrumPoint(
        frequency_Hz=frequency.value,
        z_real_ohm=real.value,
        z_imag_ohm=imaginary.value,
        amplitude_V=technique.amplitude_A * modulus_ohm if is_galvanostatic else technique.amplitude_V,
        bias_V=bias_V,
        dc_current_A=technique.bias_A if is_galvanostatic else math.nan,
        current_range_A=model.range_of(real.range_index) or math.nan,
        overload=bool((real.status | imaginary.status) & OVERLOAD),
        started_s=started_s,
        duration_s=now_s - started_s,
    )
