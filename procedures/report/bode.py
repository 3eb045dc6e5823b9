"""Bode plot: modulus and phase over frequency, measured and fitted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator

from procedures.report.style import (
    BAR_IN,
    MARKERS,
    MUTED,
    Curve,
    Margins,
    Temperatures,
    draw_lines,
    draw_points,
    dress,
    legend,
    log_axis,
    new_figure,
    say,
)
from procedures.report.sweep_facts import Shown

MOST_NAMED = 10


def draw_bode(spectra: Sequence[Shown], colors: Temperatures) -> Figure:
    """|Z| in ohm and −phase in degrees over frequency_Hz."""
    named = len(spectra) <= MOST_NAMED
    margins = Margins(right=0.16 if named else BAR_IN + 0.1, top=0.55 if named else 0.15)
    figure, grid = new_figure(4.7, margins, 2, 1, heights=(1.15, 1), sharex=True)
    modulus, phase = grid[:, 0]
    dress(modulus, "", "|Z| / Ω")
    dress(phase, "frequency / Hz", "−phase / °")
    _draw(modulus, phase, spectra, colors)
    if named:
        for one in spectra:
            color = colors.color(one.temperature_C)
            shape = MARKERS.get(one.point.spectrum.direction, "o")
            modulus.plot([], [], f"-{shape}", color=color, mfc="white", ms=3.4, lw=1.1, label=one.label)
    shown = [points for one in spectra if len(points := usable(one))]
    if not shown:
        say(modulus, "no spectrum with a finite impedance")
        return figure
    _scale(modulus, phase, np.concatenate(shown))
    if named:
        legend(modulus, columns=5, above_in=0.08)
    else:
        colors.bar(figure)
    return figure


def usable(one: Shown) -> np.ndarray:
    """(n, 2): frequency_Hz and |Z| in ohm of the points that have a place on logarithmic axes."""
    keep = _on_log_axes(one)
    return np.stack([one.frequency_Hz[keep], np.abs(one.z_ohm[keep])], axis=1)


def _on_log_axes(one: Shown) -> np.ndarray:
    with np.errstate(all="ignore"):
        return np.isfinite(one.z_ohm) & (np.abs(one.z_ohm) > 0) & (one.frequency_Hz > 0)


def _scale(modulus: Axes, phase: Axes, points: np.ndarray) -> None:
    (f_low, z_low), (f_high, z_high) = points.min(axis=0), points.max(axis=0)
    modulus.set_xscale("log")
    modulus.set_yscale("log")
    modulus.set_xlim(f_low / 1.4, f_high * 1.4)
    modulus.set_ylim(z_low / 1.4, z_high * 1.6)
    log_axis(modulus.xaxis, f_low, f_high)
    log_axis(modulus.yaxis, z_low, z_high)
    phase.yaxis.set_major_locator(MultipleLocator(30))


def _draw(modulus: Axes, phase: Axes, spectra: Sequence[Shown], colors: Temperatures) -> None:
    parts = [(one, _on_log_axes(one), colors.color(one.temperature_C)) for one in spectra]
    fits = [(one.point.fit, color) for one, _, color in parts if one.point.fit is not None]
    fitted = [(fit.frequency_Hz, fit.z_fit_ohm, color) for fit, color in fits]
    for axes, part in ((modulus, np.abs), (phase, _minus_phase_deg)):
        points: dict[str, list[Curve]] = {}
        for one, ok, color in parts:
            curve = (one.frequency_Hz[ok & one.good], part(one.z_ohm[ok & one.good]), color)
            points.setdefault(one.point.spectrum.direction, []).append(curve)
        draw_points(axes, points, 3.3)
        draw_lines(axes, [(f, part(z), color) for f, z, color in fitted], 1.1)
        for one, ok, _ in parts:
            left_out = ok & ~one.good
            axes.plot(one.frequency_Hz[left_out], part(one.z_ohm[left_out]), "x", color=MUTED, ms=4)


def _minus_phase_deg(z: np.ndarray) -> np.ndarray:
    return -np.angle(z, deg=True)
