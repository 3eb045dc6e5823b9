"""Arrhenius plot: conductivity over 1/T with its lines, their 95 % band, and what the points are off the lines."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from procedures.analysis.arrhenius import ZERO_CELSIUS_K
from procedures.report.arrhenius_lines import draw_deviations, draw_line, draw_transitions
from procedures.report.arrhenius_looks import Look, Looks
from procedures.report.style import ALERT, FONT, GRID, INK, MUTED, Margins, dress, legend, log_axis, new_figure
from procedures.report.sweep_facts import Shown, SweepFacts

_CELSIUS_STEPS = (1, 2, 5, 10, 20, 25, 50, 100, 200)
_MOST_TICKS = 12


def draw_arrhenius(sweep: SweepFacts) -> Figure:
    """sigma in S/cm (1/R in S without a geometry) over 1000 K / T; one colour per sample, or per direction of one.

    `sweep` has at least one spectrum that is `placed`.
    """
    figure, grid = new_figure(5.0, Margins(top=0.68), 2, 1, heights=(3.2, 1), sharex=True)
    axes, rest = grid[:, 0]
    dress(axes, "", "σ / S cm⁻¹" if sweep.has_conductivity else "1/R / S")
    dress(rest, "1000 K / T", "deviation / %")
    points, looks, branches = placed(sweep), Looks(sweep), sweep.analysis.arrhenius
    axes.set_yscale("log")
    for branch in branches:
        draw_line(axes, branch, looks)
    _draw_points(axes, points, looks)
    draw_transitions(axes, branches, looks)
    rest.axhline(0.0, color=MUTED, lw=0.8)
    draw_deviations(rest, branches, looks)
    low, high = axes.get_ylim()
    log_axis(axes.yaxis, low, high)
    _celsius_above(axes, [one.point.spectrum.temperature_C for one in points])
    legend(axes, _free_corner(axes, points))
    return figure


def placed(sweep: SweepFacts) -> list[Shown]:
    """Spectra with a place in the plot: a resistance and a temperature. With fewer than two there is no plot."""
    return [one for one in sweep.shown if one.point.counts]


def is_solid(one: Shown) -> bool:
    """Settled, with a total that stands by itself."""
    return one.point.spectrum.settled and math.isfinite(one.point.resistance_ohm)


def _place(one: Shown) -> tuple[float, float]:
    return 1000 / (one.point.spectrum.temperature_C + ZERO_CELSIUS_K), one.point.sigma_S_cm


def _draw_points(axes: Axes, points: Sequence[Shown], looks: Looks) -> None:
    """With one standard error: filled where solid, open where not; after a break ringed."""
    groups: dict[tuple[Look, bool], list[Shown]] = {}
    for one in points:
        groups.setdefault((looks.of(one.point.spectrum), is_solid(one)), []).append(one)
    named: set[str] = set()
    for (look, solid), group in groups.items():
        x, sigma = np.array([_place(one) for one in group]).T
        relative = np.array([math.hypot(one.point.own_relative, one.point.lead_relative) for one in group])
        error = sigma * np.nan_to_num(relative, posinf=0.0)
        new = look.label not in named and not looks.is_told(group[0].point.spectrum)
        named.add(look.label)
        style = {"mfc": look.color, "mec": "white", "mew": 0.7} if solid else {"mfc": "white", "mew": 1.2}
        axes.errorbar(
            x,
            sigma,
            yerr=np.stack([np.minimum(error, 0.95 * sigma), error]),
            fmt=look.marker,
            ms=look.size_pt,
            color=look.color,
            elinewidth=1.0,
            capsize=2.5,
            zorder=3,
            label=look.label if new else None,
            **style,
        )
    again = [_place(one) for one in points if one.point.spectrum.attempt > 1]
    if again:
        axes.plot(*np.array(again).T, "o", ms=12, mfc="none", mec=ALERT, mew=1.0, zorder=2.9)


def _free_corner(axes: Axes, points: Sequence[Shown]) -> str:
    """Lower left or upper right, whichever has fewer points: conductivity falls from left to right."""
    spots = axes.transAxes.inverted().transform(axes.transData.transform([_place(one) for one in points]))
    low = int(np.sum((spots[:, 0] < 0.55) & (spots[:, 1] < 0.4)))
    high = int(np.sum((spots[:, 0] > 0.45) & (spots[:, 1] > 0.6)))
    return "lower left" if low <= high else "upper right"


def celsius_ticks(low_C: float, high_C: float) -> list[float]:
    """Round temperatures from low to high, at most twelve."""
    span = max(high_C - low_C, 1e-6)
    step = next((one for one in _CELSIUS_STEPS if span / one <= _MOST_TICKS - 1), 500)
    ticks = np.arange(math.ceil(low_C / step) * step, high_C + 1e-9, step)
    return [float(one) for one in ticks if one >= low_C]  # of a number next to nothing the division leaves nothing


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
