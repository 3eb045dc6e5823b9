"""Arrhenius plot: conductivity over 1/T with its lines, their 95 % band, and what the points are off the lines."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from procedures.analysis.arrhenius import ZERO_CELSIUS_K
from procedures.analysis.branches import Branch
from procedures.report.style import (
    ALERT,
    DIRECTIONS,
    FONT,
    GRID,
    INK,
    MARKERS,
    MUTED,
    SAMPLES,
    Margins,
    dress,
    legend,
    log_axis,
    new_figure,
)
from procedures.report.sweep_facts import Shown, SweepFacts
from procedures.report.words import number

_CELSIUS_STEPS = (1, 2, 5, 10, 20, 25, 50, 100, 200)
_MOST_TICKS = 12
_SHAPES = ("o", "s", "^", "D", "v", "P")


@dataclass(frozen=True)
class Look:
    color: str
    marker: str
    label: str
    size_pt: float


def draw_arrhenius(sweep: SweepFacts) -> Figure:
    """sigma in S/cm (1/R in S without a geometry) over 1000 K / T; one colour per sample, or per direction of one.

    `sweep` has at least one spectrum that is `placed`.
    """
    figure, grid = new_figure(5.0, Margins(top=0.68), 2, 1, heights=(3.2, 1), sharex=True)
    axes, rest = grid[:, 0]
    dress(axes, "", "σ / S cm⁻¹" if sweep.has_conductivity else "1/R / S")
    dress(rest, "1000 K / T", "deviation / %")
    points = placed(sweep)
    axes.set_yscale("log")
    for branch in sweep.analysis.arrhenius:
        _draw_line(axes, branch, sweep)
        _draw_off(rest, branch, sweep)
    named: set[str] = set()
    for one in points:
        look = look_of(one, sweep)
        _draw_point(axes, one, look, first=look.label not in named and not _is_told(one, sweep))
        named.add(look.label)
    _draw_transitions(axes, sweep)
    rest.axhline(0.0, color=MUTED, lw=0.8)
    _limit_off(rest, sweep)
    low, high = axes.get_ylim()
    log_axis(axes.yaxis, low, high)
    _celsius_above(axes, [one.point.spectrum.temperature_C for one in points])
    legend(axes, _free_corner(axes, points))
    return figure


def _free_corner(axes: Axes, points: Sequence[Shown]) -> str:
    """Lower left or upper right, whichever has fewer points: conductivity falls from left to right."""
    data = [(1000 / (one.point.spectrum.temperature_C + ZERO_CELSIUS_K), one.point.sigma_S_cm) for one in points]
    spots = axes.transAxes.inverted().transform(axes.transData.transform(data))
    low = int(np.sum((spots[:, 0] < 0.55) & (spots[:, 1] < 0.4)))
    high = int(np.sum((spots[:, 0] > 0.45) & (spots[:, 1] > 0.6)))
    return "lower left" if low <= high else "upper right"


def placed(sweep: SweepFacts) -> list[Shown]:
    """Spectra with a place in the plot: a resistance and a temperature. With fewer than two there is no plot."""
    return [one for one in sweep.shown if one.point.counts]


def look_of(one: Shown, sweep: SweepFacts) -> Look:
    """Colour by direction, or by sample where there are several; then those drawn first are larger, so that equal
    samples are seen side by side."""
    spectrum = one.point.spectrum
    samples, directions = sweep.samples(), {s.point.spectrum.direction for s in sweep.shown}
    marker = MARKERS.get(spectrum.direction, "o")
    if len(samples) == 1:
        return Look(DIRECTIONS.get(spectrum.direction, INK), marker, spectrum.direction or "measured", 6.0)
    number = samples.index(spectrum.sample)
    color, size = SAMPLES[number % len(SAMPLES)], max(8.0 - 1.4 * number, 4.0)
    if len(directions) > 1:
        return Look(color, marker, f"{spectrum.sample}, {spectrum.direction}", size)
    return Look(color, _SHAPES[number % len(_SHAPES)], spectrum.sample, size)


def _line_color(branch: Branch, sweep: SweepFacts) -> str:
    samples = sweep.samples()
    if len(samples) > 1:
        return SAMPLES[samples.index(branch.sample) % len(SAMPLES)]
    directions = {point.spectrum.direction for point in branch.points}
    return DIRECTIONS.get(directions.pop() if len(directions) == 1 else branch.direction, INK)


def _draw_point(axes: Axes, one: Shown, look: Look, first: bool) -> None:
    """Filled where the point is a settled one with an accepted total; open where not. After a break: ringed."""
    spectrum, point = one.point.spectrum, one.point
    sigma = point.sigma_S_cm
    error = sigma * math.hypot(point.own_relative, point.lead_relative)
    x = 1000 / (spectrum.temperature_C + ZERO_CELSIUS_K)
    solid = is_solid(one)
    low = min(error, 0.95 * sigma) if math.isfinite(error) else 0.0
    axes.errorbar(
        [x],
        [sigma],
        yerr=[[low], [error if math.isfinite(error) else 0.0]],
        fmt=look.marker,
        ms=look.size_pt,
        color=look.color,
        mfc=look.color if solid else "white",
        mec="white" if solid else look.color,
        mew=0.7 if solid else 1.2,
        elinewidth=1.0,
        capsize=2.5,
        zorder=3,
        label=look.label if first else None,
    )
    if spectrum.attempt > 1:
        axes.plot([x], [sigma], "o", ms=12, mfc="none", mec=ALERT, mew=1.0, zorder=2.9)


def is_solid(one: Shown) -> bool:
    """Settled, with a total that stands by itself."""
    return one.point.spectrum.settled and math.isfinite(one.point.resistance_ohm)


def _draw_line(axes: Axes, branch: Branch, sweep: SweepFacts) -> None:
    fit = branch.fit
    if fit is None:
        return
    color = _line_color(branch, sweep)
    margin = 0.03 * float(np.ptp(1 / (fit.temperature_C + ZERO_CELSIUS_K)))
    ends = 1 / (np.array([fit.temperature_C.max(), fit.temperature_C.min()]) + ZERO_CELSIUS_K) + [-margin, margin]
    inverse = np.linspace(ends[0], ends[1], 60)
    sigma, low, high = fit.band(1 / inverse - ZERO_CELSIUS_K)
    whole = not branch.direction or bool(branch.name)
    style = {"ls": "-" if whole else "--", "color": color, "lw": 1.3 if whole else 0.9}
    axes.plot(1000 * inverse, sigma, zorder=2, **style)
    mark = _mark_of(branch, sweep)
    axes.plot([], [], marker=mark, ms=5, mec="white", mew=0.5, label=_line_label(branch, sweep), **style)
    if whole:
        axes.fill_between(1000 * inverse, low, high, color=color, alpha=0.16, lw=0, zorder=1)


def _line_label(branch: Branch, sweep: SweepFacts) -> str:
    """`K001, heating, below 44 °C: Eₐ = 0.560 ± 0.002 eV`, without what all lines share."""
    parts = [branch.sample] if len(sweep.samples()) > 1 else []
    if branch.direction or _has_directions(branch, sweep):
        parts.append(branch.direction or "all")
    place = branch.transition.temperature_C.value if branch.transition is not None else None
    if branch.name:
        parts.append(branch.name if place is None else f"{branch.name} {place:.3g} °C")
    energy = branch.fit.activation_energy_eV if branch.fit is not None else None
    text = number(energy.value, energy.uncertainty) if energy is not None else "–"
    return f"{', '.join(parts)}{': ' if parts else ''}Eₐ = {text} eV"


def _mark_of(branch: Branch, sweep: SweepFacts) -> str | None:
    """The marker of the points of a line, where they have one only."""
    looks = {look_of(one, sweep).marker for one in placed(sweep) if _is_on(one, branch)}
    return looks.pop() if len(looks) == 1 else None


def _is_on(one: Shown, branch: Branch) -> bool:
    spectrum = one.point.spectrum
    return spectrum.sample == branch.sample and branch.direction in ("", spectrum.direction)


def _is_told(one: Shown, sweep: SweepFacts) -> bool:
    """Whether the legend shows the marker of a point at a line already."""
    lines = [branch for branch in sweep.analysis.arrhenius if branch.fit is not None and _is_on(one, branch)]
    colors = [_line_color(branch, sweep) for branch in lines if _mark_of(branch, sweep) is not None]
    return look_of(one, sweep).color in colors


def _has_directions(branch: Branch, sweep: SweepFacts) -> bool:
    return any(one.direction and one.sample == branch.sample for one in sweep.analysis.arrhenius)


def _draw_off(axes: Axes, branch: Branch, sweep: SweepFacts) -> None:
    """Residuals of the lines that carry the results: a point belongs to one of them."""
    fit = branch.fit
    if fit is None or (branch.direction and not branch.name and _is_repeated(branch, sweep)):
        return
    points = branch.points if len(branch.points) == len(fit.residuals) else ()
    for index, (celsius, off, error) in enumerate(
        zip(fit.temperature_C, fit.residuals, fit.uncertainties, strict=True)
    ):
        direction = points[index].spectrum.direction if points else ""
        color = _line_color(branch, sweep) if len(sweep.samples()) > 1 else DIRECTIONS.get(direction, INK)
        axes.errorbar(
            [1000 / (celsius + ZERO_CELSIUS_K)],
            [100 * off],
            yerr=[100 * error],
            fmt=MARKERS.get(direction, "o"),
            ms=4.5,
            color=color,
            mec="white",
            mew=0.5,
            elinewidth=0.9,
            capsize=2,
        )


def _limit_off(axes: Axes, sweep: SweepFacts) -> None:
    """All points are inside; an error bar much longer than the others may leave the frame."""
    fits = [branch.fit for branch in sweep.analysis.arrhenius if branch.fit is not None]
    if fits:
        off = 100 * np.abs(np.concatenate([fit.residuals for fit in fits]))
        error = 100 * np.concatenate([fit.uncertainties for fit in fits])
        most = 1.2 * max(float(off.max()), 2.5 * float(np.median(off + error)))
        axes.set_ylim(-most, most)


def _is_repeated(branch: Branch, sweep: SweepFacts) -> bool:
    """A direction's own line beside one through all points of the sample."""
    return any(not one.direction and one.sample == branch.sample for one in sweep.analysis.arrhenius)


def _draw_transitions(axes: Axes, sweep: SweepFacts) -> None:
    told: set[int] = set()
    for branch in sweep.analysis.arrhenius:
        place = branch.transition.temperature_C if branch.transition is not None else None
        if place is None or place.value is None or place.interval is None or id(place) in told:
            continue
        told.add(id(place))
        color = _line_color(branch, sweep)
        ends = [1000 / (end + ZERO_CELSIUS_K) for end in place.interval]
        axes.axvspan(min(ends), max(ends), color=color, alpha=0.09, lw=0, zorder=0.6)
        axes.annotate(
            f"{place.value:.3g} °C",
            (sum(ends) / 2, 0.95),
            xycoords=("data", "axes fraction"),
            ha="center",
            fontsize=FONT - 1,
            color=color,
        )


def celsius_ticks(low_C: float, high_C: float) -> list[float]:
    """Round temperatures from low to high, at most twelve."""
    span = max(high_C - low_C, 1e-6)
    step = next((one for one in _CELSIUS_STEPS if span / one <= _MOST_TICKS - 1), 500)
    return [float(one) for one in np.arange(math.ceil(low_C / step) * step, high_C + 1e-9, step)]


def _celsius_above(axes: Axes, temperatures_C: Sequence[float]) -> None:
    """Degrees Celsius on top, at their place over 1/T."""
    inverse = [1000 / (one + ZERO_CELSIUS_K) for one in temperatures_C]
    margin = 0.06 * (max(inverse) - min(inverse)) or 0.05
    left, right = min(inverse) - margin, max(inverse) + margin
    axes.set_xlim(left, right)
    ticks = celsius_ticks(1000 / right - ZERO_CELSIUS_K, 1000 / left - ZERO_CELSIUS_K)
    above = axes.secondary_xaxis("top")
    above.xaxis.set_major_locator(FixedLocator([1000 / (one + ZERO_CELSIUS_K) for one in ticks]))
    above.xaxis.set_major_formatter(FixedFormatter([f"{one:g}" for one in ticks]))
    above.xaxis.set_minor_locator(NullLocator())
    above.tick_params(colors=INK, labelsize=FONT, color=MUTED)
    above.set_xlabel("temperature / °C", color=INK, fontsize=FONT + 1)
    above.spines["top"].set_color(GRID)
