"""Which points of a spectrum are fitted: usable ones, from the highest frequency to below the valley."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from daq.errors import AnalysisRefused
from procedures.analysis.circuit import Complexes, Floats
from procedures.analysis.kramers_kronig import noise_level
from procedures.analysis.options import FitOptions

FEWEST_POINTS = 8
_VALLEY_DEPTH_DEG = 8.0
_SMALLEST_RISE_DEG = 1.5


@dataclass(frozen=True, eq=False)
class SpectrumData:
    """A spectrum as measured: frequency_Hz (n,), z_ohm (n,) complex with Im < 0 capacitive; any order.

    `overload` (n,) marks points where an input was overloaded; they are not used.
    """

    frequency_Hz: Floats
    z_ohm: Complexes
    overload: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Window:
    """Fitted points, by falling frequency. `blocking`: a blocking line is seen below the valley."""

    frequency_Hz: Floats
    z_ohm: Complexes
    valley_Hz: float | None
    blocking: bool
    text: str


def usable_points(data: SpectrumData) -> tuple[Floats, Complexes, tuple[str, ...]]:
    """Finite, not overloaded points by falling frequency, and notes on what was left out.

    Raises AnalysisRefused, with a sentence, for what is no impedance spectrum.
    """
    frequency_Hz = np.asarray(data.frequency_Hz, dtype=float).ravel()
    z_ohm = np.asarray(data.z_ohm, dtype=complex).ravel()
    if frequency_Hz.shape != z_ohm.shape:
        raise AnalysisRefused(f"{len(frequency_Hz)} frequencies do not belong to {len(z_ohm)} impedances")
    with np.errstate(all="ignore"):
        modulus = np.abs(z_ohm)
        sane = np.isfinite(z_ohm) & np.isfinite(frequency_Hz) & (frequency_Hz > 1e-9) & (frequency_Hz < 1e12)
        sane &= (modulus > 1e-9) & (modulus < 1e18)
    notes = []
    if not sane.all():
        notes.append(f"{np.sum(~sane)} points without a finite impedance or a positive frequency are left out")
    keep = sane
    if data.overload is not None:
        overload = np.asarray(data.overload).ravel()
        if overload.shape != frequency_Hz.shape:
            raise AnalysisRefused(f"{len(overload)} overload flags do not belong to {len(frequency_Hz)} points")
        keep = sane & ~overload.astype(bool)
        if keep.sum() < sane.sum():
            notes.append(f"{sane.sum() - keep.sum()} overloaded points are left out")
    order = np.argsort(-frequency_Hz[keep], kind="stable")
    frequency_Hz, z_ohm = frequency_Hz[keep][order], z_ohm[keep][order]
    _refuse_no_spectrum(frequency_Hz, z_ohm)
    return frequency_Hz, z_ohm, tuple(notes)


def _refuse_no_spectrum(frequency_Hz: Floats, z_ohm: Complexes) -> None:
    points = len(np.unique(frequency_Hz))
    if points < FEWEST_POINTS:
        raise AnalysisRefused(f"{points} usable frequencies are no spectrum: at least {FEWEST_POINTS} are needed")
    if frequency_Hz[0] < 10 * frequency_Hz[-1]:
        raise AnalysisRefused("the frequencies span less than one decade: that is no spectrum")
    if np.mean(z_ohm.real < 0) > 0.2:
        raise AnalysisRefused("the real part is negative in much of the spectrum: a wrong sign, or not an impedance")
    angle = np.angle(z_ohm[frequency_Hz < frequency_Hz[0] / 30], deg=True)
    if len(angle) > 2 and np.mean(angle > 0) > 0.7 and np.median(angle) > 3:
        raise AnalysisRefused(
            "the imaginary part is positive below the highest frequencies: the sign is turned (capacitive has Im < 0)"
        )


def choose_window(frequency_Hz: Floats, z_ohm: Complexes, options: FitOptions) -> Window:
    """The points from the highest frequency to `decades_below_valley` below the valley.

    The valley is where the phase is closest to zero before it falls for good along the blocking line.
    """
    phase = np.degrees(np.angle(z_ohm))
    smooth = np.convolve(np.pad(phase, 1, mode="edge"), [0.25, 0.5, 0.25], "valid")
    valley = _valley(smooth, math.degrees(noise_level(z_ohm)))
    if valley is None:
        text = f"{frequency_Hz[-1]:.3g} Hz to {frequency_Hz[0]:.3g} Hz, all points: no blocking line seen"
        return Window(frequency_Hz, z_ohm, None, False, text)
    valley_Hz = float(frequency_Hz[valley])
    inside = frequency_Hz >= valley_Hz / 10**options.decades_below_valley
    if inside.sum() < 12:
        inside = np.arange(len(frequency_Hz)) < 12
    text = (
        f"{frequency_Hz[inside][-1]:.3g} Hz to {frequency_Hz[0]:.3g} Hz, {inside.sum()} of {len(inside)} points, "
        f"down to {options.decades_below_valley:g} decades below the valley at {valley_Hz:.3g} Hz"
    )
    return Window(frequency_Hz[inside], z_ohm[inside], valley_Hz, True, text)


def _valley(smooth_phase_deg: Floats, noise_deg: float) -> int | None:
    """The slowest maximum of the phase (deg, by falling frequency) after which it falls for good.

    A maximum counts when the phase rises to it and falls after it by more than noise does.
    """
    phase = smooth_phase_deg
    rise = max(_SMALLEST_RISE_DEG, 5.0 * noise_deg)
    lowest_after = np.minimum.accumulate(phase[::-1])[::-1]
    last = int(np.argmin(phase[len(phase) // 2 :])) + len(phase) // 2
    if phase[-1] > phase[last] + 2 * _VALLEY_DEPTH_DEG:
        return None
    for i in range(len(phase) - 2, -1, -1):
        if lowest_after[i] > phase[i] - max(_VALLEY_DEPTH_DEG, rise):
            continue
        before = phase[: i + 1]
        higher = np.flatnonzero(before > phase[i])
        left = before[higher[-1] :] if len(higher) else before
        if len(higher) == 0 and phase[i] >= phase[: i + 1].max():
            return i
        if phase[i] - left.min() > rise and phase[i] >= phase[i : i + 2].max():
            return i
    return None
