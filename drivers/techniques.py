"""What can be asked of a potentiostat: one bounded request each, and the points it yields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

import numpy as np

EndState = Literal["off", "ocp", "hold"]


@dataclass(frozen=True)
class Spectrum:
    """A potentiostatic impedance spectrum at `bias_V` (None: at the open-circuit potential).

    `frequencies_Hz` is measured in the given order. `amplitude_V` is rms. A point lasts
    max(`minimum_time_s`, `minimum_cycles` / f) plus the overhead that the driver declares.
    """

    frequencies_Hz: tuple[float, ...]
    amplitude_V: float = 0.010
    bias_V: float | None = None
    minimum_cycles: int = 2
    minimum_time_s: float = 0.25
    current_range_A: float | None = None  # None: the driver chooses per point by |Z| and bandwidth
    end_state: EndState = "off"
    kind: Literal["spectrum"] = "spectrum"


@dataclass(frozen=True)
class GalvanostaticSpectrum:
    """An impedance spectrum with an applied current of `amplitude_A` rms around `bias_A`; else as `Spectrum`.

    In its points `amplitude_V` is what the cell answered, `bias_V` the measured direct potential.
    """

    frequencies_Hz: tuple[float, ...]
    amplitude_A: float
    bias_A: float = 0.0
    minimum_cycles: int = 2
    minimum_time_s: float = 0.25
    end_state: EndState = "off"
    kind: Literal["galvanostatic-spectrum"] = "galvanostatic-spectrum"


@dataclass(frozen=True)
class OpenCircuit:
    """The open-circuit potential for `duration_s`, sampled every `interval_s`."""

    duration_s: float
    interval_s: float = 1.0
    end_state: EndState = "off"
    kind: Literal["open-circuit"] = "open-circuit"


@dataclass(frozen=True)
class CutOffs:
    """What ends a direct-current technique early, in the instrument itself where it can; None: not asked for.

    Voltages and `current_max_A` (magnitude) end it when passed; `current_min_A` (magnitude) when fallen below;
    `charge_C` when the magnitude of the charge passed reaches it; `voltage_rate_max_V_s` (magnitude) when the
    voltage changes faster over a second, as at a short.
    """

    voltage_min_V: float | None = None
    voltage_max_V: float | None = None
    current_min_A: float | None = None
    current_max_A: float | None = None
    charge_C: float | None = None
    voltage_rate_max_V_s: float | None = None


@dataclass(frozen=True)
class CyclicVoltammetry:
    """A staircase between two vertices: start -> vertex_1 -> vertex_2 -> vertex_1 ... -> end, `cycles` times.

    `start_V` None: from the open-circuit potential. `step_V` is the height of a stair; the current is sampled at
    the end of each stair, every step_V / scan_rate_V_s.
    """

    vertex_1_V: float
    vertex_2_V: float
    scan_rate_V_s: float
    cycles: int = 1
    start_V: float | None = None
    end_V: float | None = None
    step_V: float = 0.001
    cut_offs: CutOffs = CutOffs()
    current_range_A: float | None = None
    end_state: EndState = "off"
    kind: Literal["cyclic-voltammetry"] = "cyclic-voltammetry"


@dataclass(frozen=True)
class LinearSweep:
    """A staircase from `start_V` (None: the open-circuit potential) to `end_V`."""

    end_V: float
    scan_rate_V_s: float
    start_V: float | None = None
    step_V: float = 0.001
    cut_offs: CutOffs = CutOffs()
    current_range_A: float | None = None
    end_state: EndState = "off"
    kind: Literal["linear-sweep"] = "linear-sweep"


@dataclass(frozen=True)
class ConstantCurrent:
    """`current_A` (charge or oxidation positive) for `duration_s`, sampled every `interval_s`."""

    current_A: float
    duration_s: float
    interval_s: float = 1.0
    cut_offs: CutOffs = CutOffs()
    end_state: EndState = "off"
    kind: Literal["constant-current"] = "constant-current"


@dataclass(frozen=True)
class ConstantPotential:
    """`voltage_V` for `duration_s`, sampled every `interval_s`."""

    voltage_V: float
    duration_s: float
    interval_s: float = 1.0
    cut_offs: CutOffs = CutOffs()
    current_range_A: float | None = None
    end_state: EndState = "off"
    kind: Literal["constant-potential"] = "constant-potential"


Technique: TypeAlias = (
    Spectrum
    | GalvanostaticSpectrum
    | OpenCircuit
    | CyclicVoltammetry
    | LinearSweep
    | ConstantCurrent
    | ConstantPotential
)


@dataclass(frozen=True)
class SpectrumPoint:
    """One impedance point. Im < 0 is capacitive. `started_s` and `duration_s` are on the bench's clock."""

    frequency_Hz: float
    z_real_ohm: float
    z_imag_ohm: float
    amplitude_V: float
    bias_V: float
    dc_current_A: float
    current_range_A: float
    overload: bool
    started_s: float
    duration_s: float


class DcPoint(NamedTuple):
    """One direct-current point: time since the technique began, potential, current (IUPAC: oxidation positive).

    `cycle` counts from 1 (the scan of a voltammogram). `ended` is empty but on the last point, where it says why:
    `"duration"`, `"end of sweep"`, or the name of the cut-off that was passed (`"voltage_max_V"`).
    A tuple, for there are ten a second of them for hours: it is made in a fifth of the time of a dataclass.
    """

    time_s: float
    voltage_V: float
    current_A: float
    current_range_A: float
    overload: bool
    charge_C: float = 0.0
    cycle: int = 1
    ended: str = ""


Point: TypeAlias = SpectrumPoint | DcPoint


def log_frequencies(highest_Hz: float, lowest_Hz: float, points_per_decade: int) -> tuple[float, ...]:
    """Descending logarithmic frequencies, both ends included: 1 MHz to 1 Hz at 10 per decade are 61 points.

    Raises ValueError when the ends are not positive or in the wrong order.
    """
    if not 0 < lowest_Hz < highest_Hz:
        raise ValueError("need 0 < lowest frequency < highest frequency")
    count = round(np.log10(highest_Hz / lowest_Hz) * points_per_decade) + 1
    values = np.logspace(np.log10(highest_Hz), np.log10(lowest_Hz), max(count, 2))
    values[0], values[-1] = highest_Hz, lowest_Hz
    return tuple(float(value) for value in values)
