"""Nyquist plots: one frame for spectra of like size, since 25 kΩ and 130 Ω can't share one with equal axes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from procedures.report.style import (
    BAR_IN,
    FONT,
    GRID,
    INK,
    MARKERS,
    MUTED,
    WIDTH_IN,
    Color,
    Curve,
    Margins,
    Temperatures,
    draw_lines,
    draw_points,
    draw_squares,
    dress,
    legend,
    new_figure,
    say,
)
from procedures.report.sweep_facts import Shown
from procedures.result_words import frequency, prefix_of

MOST_FRAMES = 4
MOST_NAMED = 5
_LIKE = 6.0
_HEIGHT = 0.62
_BEYOND = 1.45
_BEYOND_DATA = 1.1
_DECADE_TOLERANCE = 0.03
_LABEL_DISTANCE = 0.09


Sized = tuple[float, Shown]


def draw_nyquist(spectra: Sequence[Shown], colors: Temperatures) -> Figure:
    """−Im over Re in ohm, equal axes, decades of frequency filled, the fitted circuit as a line."""
    frames = frames_of(spectra)
    columns = 1 if len(frames) <= 1 else 2
    rows = max(1, math.ceil(len(frames) / columns))
    named = all(len(frame) <= MOST_NAMED for frame in frames)
    right_in = 0.16 if named else BAR_IN + 0.1
    inner_in = (WIDTH_IN - 0.7 - right_in - 0.75 * (columns - 1)) / columns
    height_in = rows * (_HEIGHT * inner_in) + (rows - 1) * 0.62 + 0.7
    figure, grid = new_figure(height_in, Margins(0.7, right_in, top=0.15, between_rows=0.62), rows, columns)
    axes = list(grid.ravel())
    if not frames:
        dress(axes[0], "Re Z / Ω", "−Im Z / Ω")
        say(axes[0], "no spectrum with a finite impedance")
    for place, frame in zip(axes, frames, strict=False):
        _draw_frame(place, frame, colors, named)
    for place in axes[max(1, len(frames)) :]:
        place.set_axis_off()
    if not named:
        colors.bar(figure)
    return figure


def size_ohm(one: Shown) -> float:
    """Where the arcs end: the total resistance, or one that was refused, else the largest real part. NaN: no data."""
    fit = one.point.fit
    if fit is not None:
        for value in (fit.total_resistance.value, fit.total_resistance.refused_value):
            if value is not None and math.isfinite(value) and value > 0:
                return value
    real = np.real(one.z_ohm[one.good & np.isfinite(one.z_ohm)])
    return float(np.max(np.abs(real))) if len(real) and np.any(real != 0) else math.nan


def frames_of(spectra: Sequence[Shown]) -> list[list[Shown]]:
    """Spectra by size, largest first: a new frame where they become too small for the last, at most four."""
    sized = sorted(((size_ohm(one), one) for one in spectra), key=lambda pair: -pair[0])
    sized = [(size, one) for size, one in sized if math.isfinite(size)]
    if not sized:
        return []
    even = (sized[0][0] / sized[-1][0]) ** (1 / MOST_FRAMES) * 1.001
    frames = _cut(sized, max(_LIKE, even))
    if len(frames) == 3:  # which would leave a hole in the figure
        frames = _halve_widest(_cut(sized, even))
    return [[one for _, one in frame] for frame in frames]


def _cut(sized: list[Sized], like: float) -> list[list[Sized]]:
    frames: list[list[Sized]] = []
    for size, one in sized:
        if not frames or size * like < frames[-1][0][0]:
            frames.append([])
        frames[-1].append((size, one))
    return frames


def _halve_widest(frames: list[list[Sized]]) -> list[list[Sized]]:
    """Four frames of three, if there is one that can be cut."""
    place = max(range(len(frames)), key=lambda i: frames[i][0][0] / frames[i][-1][0])
    widest = frames[place]
    if len(frames) != 3 or len(widest) < 2:
        return frames
    spans = {i: max(widest[0][0] / widest[i - 1][0], widest[i][0] / widest[-1][0]) for i in range(1, len(widest))}
    cut = min(spans, key=lambda i: spans[i])
    return [*frames[:place], widest[:cut], widest[cut:], *frames[place + 1 :]]


def _draw_frame(axes: Axes, frame: Sequence[Shown], colors: Temperatures, named: bool) -> None:
    widest = max(size_ohm(one) * (_BEYOND if one.point.fit is not None else _BEYOND_DATA) for one in frame)
    exponent, prefix = prefix_of(widest)
    scale = 10.0**exponent
    dress(axes, f"Re Z / {prefix}Ω", f"−Im Z / {prefix}Ω")
    by_heat = sorted(frame, key=lambda one: one.temperature_C)
    parts = [(one, one.z_ohm / scale, colors.color(one.temperature_C)) for one in by_heat]
    points: dict[str, list[Curve]] = {}
    for one, z, color in parts:
        points.setdefault(one.point.spectrum.direction, []).append(_curve(z[one.good], color))
    draw_points(axes, points, 3.7)
    draw_squares(axes, [_curve(z[one.good & is_decade(one.frequency_Hz)], color) for one, z, color in parts], 4.6)
    fitted = [(one.point.fit.z_fit_ohm / scale, color) for one, _, color in parts if one.point.fit is not None]
    draw_lines(axes, [_curve(z, color) for z, color in fitted], 1.2)
    for one, z, color in parts:
        axes.plot(z.real[~one.good], -z.imag[~one.good], "x", color=MUTED, ms=4.5)
        shape = MARKERS.get(one.point.spectrum.direction, "o")
        axes.plot([], [], f"-{shape}", color=color, mfc="white", ms=3.7, lw=1.2, label=one.label if named else None)
    _set_window(axes, frame, widest / scale, scale)
    _name_decades(axes, max(frame, key=size_ohm), scale)
    if named:
        bottom, top = axes.get_ylim()
        legend(axes, "upper left" if top > -bottom else "upper right")


def _curve(z: np.ndarray, color: Color) -> Curve:
    return np.real(z), -np.imag(z), color


def is_decade(frequency_Hz: np.ndarray) -> np.ndarray:
    """Points at a power of ten, (n,) bool."""
    with np.errstate(all="ignore"):
        power = np.log10(frequency_Hz)
        return np.isfinite(power) & (np.abs(power - np.round(power)) < _DECADE_TOLERANCE)


def _set_window(axes: Axes, frame: Sequence[Shown], width: float, scale: float) -> None:
    """The arcs fill the frame; a blocking line leaves it at the top, an inductive tail is seen in part."""
    z = np.concatenate([one.z_ohm[one.good] for one in frame]) / scale
    inside = z[np.isfinite(z) & (z.real <= width) & (z.real >= -0.05 * width)]
    lowest = float(np.min(-inside.imag, initial=0.0))
    deepest = 0.2 if len(inside) and np.median(-inside.imag) > 0 else _HEIGHT  # a turned sign is shown as it is
    bottom = max(lowest, -deepest * width) - 0.03 * width
    left = max(float(np.min(inside.real, initial=0.0)), -0.05 * width) - 0.11 * width
    axes.set_xlim(left, width)
    axes.set_ylim(bottom, bottom + _HEIGHT * (width - left))
    axes.set_aspect("equal", adjustable="box")
    axes.axhline(0.0, color=MUTED, lw=0.8, zorder=1.5)
    axes.axvline(0.0, color=GRID, lw=0.8, zorder=1.5)


def _name_decades(axes: Axes, one: Shown, scale: float) -> None:
    """Frequencies at the largest spectrum of a frame, outside of its arc, where they do not cover each other."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    keep = one.good & np.isfinite(one.z_ohm) & (one.frequency_Hz > 0)
    order = np.argsort(-one.frequency_Hz[keep])
    hertz, z = one.frequency_Hz[keep][order], one.z_ohm[keep][order] / scale
    spots = np.stack([(np.real(z) - left) / (right - left), (-np.imag(z) - bottom) / (top - bottom)], axis=1)
    valley = spots[int(np.argmin(np.abs(np.angle(z))))] if len(z) else np.zeros(2)
    placed = [valley]
    for index in np.flatnonzero(is_decade(hertz)):
        spot = spots[index]
        apart = min(float(np.hypot(*(spot - other))) for other in placed)
        if not (0 <= spot[0] <= 0.97 and 0 <= spot[1] <= 0.93) or apart < _LABEL_DISTANCE:
            continue
        placed.append(spot)
        away = _outwards(spots, int(index), beyond=bool(spot[0] > valley[0]))
        axes.annotate(
            frequency(float(hertz[index])),
            (np.real(z)[index], -np.imag(z)[index]),
            xytext=(7 * away[0], 6 * away[1]),
            textcoords="offset points",
            ha="left" if away[0] > 0.4 else "right" if away[0] < -0.4 else "center",
            va="bottom" if away[1] > 0.7 else "center",
            fontsize=FONT - 2,
            color=INK,
        )


def _outwards(spots: np.ndarray, index: int, beyond: bool) -> tuple[float, float]:
    """The unit vector out of the arc at a point, or away from it at the blocking line `beyond` the valley."""
    along = spots[min(index + 1, len(spots) - 1)] - spots[max(index - 1, 0)]
    length = float(np.hypot(along[0], _HEIGHT * along[1])) or 1.0
    x, y = float(along[0]) / length, _HEIGHT * float(along[1]) / length
    return (y, -x) if beyond else (-y, x)
