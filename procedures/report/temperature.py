"""Temperature against time: what the furnace did, where the sample was, when the spectra were taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from procedures.report.facts import SPECTRA, TEMPERATURE, RunFacts
from procedures.report.marks import mark_interlocks
from procedures.report.style import (
    ALERT,
    BAND,
    BLUE,
    FONT,
    INK,
    MUTED,
    ORANGE,
    VERMILLION,
    Margins,
    dress,
    keep_readable,
    legend,
    new_figure,
)

MOST_POINTS = 1600
MOST_NAMED = 14
_HOURS_FROM_S = 2.5 * 3600
LEAST_K = 1.0
_APART = 0.06
_DAYS_FROM_S = 72 * 3600


def draw_temperature(facts: RunFacts) -> Figure:
    """Controller, set-point and sample in degC over bench time; below, the heater's output. The table has rows."""
    table = facts.tables[TEMPERATURE]
    powered = "output_percent" in table and bool(np.isfinite(table["output_percent"]).any())
    margins = Margins(left=0.7, right=0.3, top=0.62)
    if powered:
        figure, grid = new_figure(4.3, margins, 2, 1, heights=(3.4, 1), sharex=True)
        axes, power = grid[:, 0]
    else:
        figure, grid = new_figure(3.5, margins)
        axes, power = grid[0, 0], None
    last_s = facts.last_t_s or 0.0
    unit, seconds = time_unit(last_s)
    dress(axes, "" if powered else f"time since the start / {unit}", "temperature / °C")
    cuts = [one.again_t_s for one in facts.breaks()]
    _draw_lines(axes, table, cuts, seconds)
    keep_readable(axes, LEAST_K)
    if not _some(table, "sample_temperature_C"):
        _draw_estimates(axes, facts.tables.get(SPECTRA), seconds)
    if power is not None:
        dress(power, f"time since the start / {unit}", "output / %")
        x, y = in_pieces(table["t_s"], table["output_percent"], cuts)
        x = x / seconds
        power.fill_between(x, y, color=ORANGE, alpha=0.35, lw=0)
        power.plot(x, y, color=ORANGE, lw=0.8)
        power.set_ylim(bottom=0)
    _draw_spectra(axes, power, facts.tables.get(SPECTRA), seconds, last_s)
    _draw_breaks(axes, power, facts, seconds)
    mark_interlocks([axes] if power is None else [axes, power], facts.interlocks, seconds)
    axes.set_xlim(0, max(last_s, 1.0) / seconds)
    legend(axes, columns=6, above_in=0.26)
    return figure


def time_unit(last_s: float) -> tuple[str, float]:
    """The unit in which a run of this length is shown, and its seconds."""
    if last_s < _HOURS_FROM_S:
        return "min", 60.0
    return ("h", 3600.0) if last_s < _DAYS_FROM_S else ("d", 86400.0)


def thinned(x: np.ndarray, y: np.ndarray, most: int = MOST_POINTS) -> tuple[np.ndarray, np.ndarray]:
    """At most about `most` points that draw the same line: first, lowest, highest and last of each stretch.

    x (n,) rising or, in a sweep, to and fro by little from row to row; y (n,); NaN stays where a whole stretch is NaN.
    """
    count = len(x)
    stretch = -(-count * 4 // most)
    if stretch <= 4:
        return x, y
    begins = np.arange(0, count, stretch)
    padded = np.full(len(begins) * stretch, np.nan)
    padded[:count] = y
    block = padded.reshape(-1, stretch)
    is_drawn = np.isfinite(block).any(axis=1)
    lowest = np.where(np.isnan(block), np.inf, block).argmin(axis=1)
    highest = np.where(np.isnan(block), -np.inf, block).argmax(axis=1)
    ends = np.minimum(begins + stretch, count) - 1
    chosen = np.unique(np.concatenate((begins, ends, (begins + lowest)[is_drawn], (begins + highest)[is_drawn])))
    return x[chosen], y[chosen]


def in_pieces(t_s: np.ndarray, y: np.ndarray, cuts: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """Thinned, with a NaN at each cut: no line is drawn over a time in which nothing was recorded."""
    if not len(t_s):
        return t_s, y
    places = np.unique(np.searchsorted(t_s, sorted(cuts)))
    pieces = [
        thinned(t_piece, y_piece)
        for t_piece, y_piece in zip(np.split(t_s, places), np.split(y, places), strict=True)
        if len(t_piece)
    ]
    joined = [np.concatenate([*(part for p in pieces for part in (p[k], [np.nan]))])[:-1] for k in (0, 1)]
    return joined[0], joined[1]


def _draw_lines(axes: Axes, table: Mapping[str, np.ndarray], cuts: Sequence[float], seconds: float) -> None:
    lines = (
        ("working_setpoint_C", "set-point", INK, (0, (4, 2)), 0.9),
        ("temperature_C", "controller", VERMILLION, "-", 1.3),
        ("sample_temperature_C", "sample", BLUE, "-", 1.3),
    )
    for name, label, color, dashes, width in lines:
        shown = "setpoint_C" if name.startswith("working") and not _some(table, name) else name
        if _some(table, shown):
            x, y = in_pieces(table["t_s"], table[shown], cuts)
            alone = "o" if len(x) == 1 else None
            axes.plot(x / seconds, y, color=color, ls=dashes, lw=width, marker=alone, ms=4, label=label)


def _draw_estimates(axes: Axes, spectra: Mapping[str, np.ndarray] | None, seconds: float) -> None:
    """Where no sensor sits at the sample: its temperature at each spectrum, as it was estimated."""
    if spectra is not None and _some(spectra, "sample_temperature_C"):
        middle = 0.5 * (spectra["started_s"] + spectra["ended_s"]) / seconds
        axes.plot(
            middle, spectra["sample_temperature_C"], "D", color=BLUE, ms=4.5, mec="white", label="sample (estimated)"
        )


def _some(table: Mapping[str, np.ndarray], name: str) -> bool:
    return name in table and bool(np.isfinite(table[name]).any())


def _draw_spectra(
    axes: Axes, power: Axes | None, spectra: Mapping[str, np.ndarray] | None, seconds: float, last_s: float
) -> None:
    """Bands where spectra were taken, hatched where the sample was not at temperature. Short ones get some width."""
    if spectra is None or not len(spectra["spectrum"]):
        return
    least = 0.003 * last_s
    visits = visits_of(spectra)
    named_s = -last_s
    for begin, end, settled, setpoint_C in visits:
        middle, half = 0.5 * (begin + end) / seconds, 0.5 * max(end - begin, least) / seconds
        look = {"facecolor": BAND, "edgecolor": MUTED, "lw": 0.0, "zorder": 0.5}
        if not settled:
            look |= {"hatch": "////", "facecolor": "white"}
        for place in (axes,) if power is None else (axes, power):
            place.axvspan(middle - half, middle + half, **look)
        if len(visits) <= MOST_NAMED and middle * seconds - named_s > _APART * last_s:
            named_s = middle * seconds
            axes.annotate(
                f"{setpoint_C:g} °C",
                (middle, 1.0),
                xycoords=("data", "axes fraction"),
                xytext=(0, 3),
                textcoords="offset points",
                ha="center",
                fontsize=FONT - 1.5,
                color=MUTED,
                annotation_clip=False,
            )
    axes.fill_between([], [], color=BAND, label="spectra")
    if not all(settled for _, _, settled, _ in visits):
        axes.fill_between([], [], facecolor="white", edgecolor=MUTED, hatch="////", lw=0, label="not settled")


def visits_of(spectra: Mapping[str, np.ndarray]) -> list[tuple[float, float, bool, float]]:
    """(begin, end, settled, set-point) of the spectra: those of one step and attempt together that followed upon each
    other. Before and after a hold, or between cycles, each stands alone."""
    found: dict[tuple[str, int, int], tuple[float, float, bool, float]] = {}
    visit = 0
    for index in range(len(spectra["spectrum"])):
        begin, end = float(spectra["started_s"][index]), float(spectra["ended_s"][index])
        settled, setpoint_C = bool(spectra["settled"][index]), float(spectra["setpoint_C"][index])
        step, attempt = str(spectra["step"][index]), int(spectra["attempt"][index])
        before = found.get((step, attempt, visit))
        if before is not None and begin - before[1] > max(end - begin, before[1] - before[0]):
            visit += 1
        key = (step, attempt, visit)
        if key in found:
            begin, end = min(begin, found[key][0]), max(end, found[key][1])
            settled = settled and found[key][2]
        found[key] = (begin, end, settled, setpoint_C)
    return list(found.values())


def _draw_breaks(axes: Axes, power: Axes | None, facts: RunFacts, seconds: float) -> None:
    """From the moment a step was broken off to when it was taken up again."""
    breaks = facts.breaks()
    for one in breaks:
        for place in (axes,) if power is None else (axes, power):
            place.axvspan(
                one.broken_t_s / seconds,
                one.again_t_s / seconds,
                facecolor="none",
                edgecolor=ALERT,
                hatch="xxx",
                lw=0,
                alpha=0.35,
            )
            place.axvline(one.again_t_s / seconds, color=ALERT, ls="--", lw=1.0)
    if breaks:
        axes.plot([], [], color=ALERT, ls="--", lw=1.0, label="broken off")
