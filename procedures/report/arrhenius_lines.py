"""The lines of an Arrhenius plot, where transitions lie, and what the points are off their lines."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from procedures.analysis.arrhenius import ZERO_CELSIUS_K
from procedures.analysis.branches import Branch
from procedures.report.arrhenius_looks import Look, Looks
from procedures.report.style import FONT

_BEYOND = 0.03
_STEPS = 60


def draw_line(axes: Axes, branch: Branch, looks: Looks) -> None:
    """sigma over 1000 K / T with its 95 % band; dashed and without one where another line has the same points."""
    fit = branch.fit
    if fit is None:
        return
    color = looks.line_color(branch)
    margin = _BEYOND * float(np.ptp(1 / (fit.temperature_C + ZERO_CELSIUS_K)))
    ends = 1 / (np.array([fit.temperature_C.max(), fit.temperature_C.min()]) + ZERO_CELSIUS_K) + [-margin, margin]
    inverse = np.linspace(ends[0], ends[1], _STEPS)
    sigma, low, high = fit.band(1 / inverse - ZERO_CELSIUS_K)
    repeated = looks.is_repeated(branch)
    style = {"ls": "--" if repeated else "-", "color": color, "lw": 0.9 if repeated else 1.3}
    axes.plot(1000 * inverse, sigma, zorder=2, **style)
    label, marker = looks.line_label(branch), looks.line_marker(branch)
    axes.plot([], [], marker=marker, ms=5, mec="white", mew=0.5, label=label, **style)
    if not repeated:
        axes.fill_between(1000 * inverse, low, high, color=color, alpha=0.16, lw=0, zorder=1)


def draw_transitions(axes: Axes, branches: Sequence[Branch], looks: Looks) -> None:
    """Each transition's 95 % interval as a band, with its temperature."""
    told: set[int] = set()
    for branch in branches:
        place = branch.transition.temperature_C if branch.transition is not None else None
        if place is None or place.value is None or place.interval is None or id(place) in told:
            continue
        told.add(id(place))
        color = looks.line_color(branch)
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


def draw_deviations(axes: Axes, branches: Sequence[Branch], looks: Looks) -> None:
    """Residuals of ln sigma in percent over 1000 K / T, each point once.

    All points are inside the frame; an error bar much longer than the others may leave it.
    """
    groups: dict[Look, list[tuple[float, float, float]]] = {}
    for branch in branches:
        fit = branch.fit
        if fit is None or looks.is_repeated(branch) or len(fit.residuals) != len(branch.points):
            continue
        rows = zip(branch.points, fit.temperature_C, fit.residuals, fit.uncertainties, strict=True)
        for point, celsius, off, error in rows:
            row = (1000 / (float(celsius) + ZERO_CELSIUS_K), 100 * float(off), 100 * float(error))
            groups.setdefault(looks.of(point.spectrum), []).append(row)
    for look, rows in groups.items():
        x, off, error = np.array(rows).T
        style = {"color": look.color, "mec": "white", "mew": 0.5, "elinewidth": 0.9, "capsize": 2}
        axes.errorbar(x, off, yerr=error, fmt=look.marker, ms=0.75 * look.size_pt, **style)
    if groups:
        _, off, error = np.abs(np.concatenate([np.array(rows) for rows in groups.values()])).T
        most = 1.2 * max(float(off.max()), 2.5 * float(np.median(off + error)))
        axes.set_ylim(-most, most)
