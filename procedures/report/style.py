"""How the figures look: colours that a colour-blind reader can tell apart, quiet axes, ink instead of black.

The qualitative colours are those of Okabe and Ito (https://jfly.uni-koeln.de/color/); temperatures are viridis
without its palest end, which is lost on paper. matplotlib is used through its objects only, so no state is shared.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import ListedColormap, Normalize, to_rgba
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from procedures.result_words import SUPERSCRIPT

INK = "#1f2933"
MUTED = "#5b6b7b"
GRID = "#e4e9ee"
BAND = "#d9e6f2"
ALERT = "#b42318"
BLUE, VERMILLION, GREEN, PURPLE, ORANGE = "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00"
SAMPLES = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, "#56b4e9")
CELLS = (*SAMPLES, "#7a4b2a", "#5b6b7b")  # of one run: as many as an eye keeps apart
DIRECTIONS = {"heating": VERMILLION, "cooling": BLUE, "return": GREEN}
MARKERS = {"heating": "o", "cooling": "v", "return": "D"}
Color = tuple[float, float, float, float] | str
Curve = tuple[np.ndarray, np.ndarray, Color]  # x (n,), y (n,), how it is coloured
FONT = 9.0
BAR_IN = 0.85
WIDTH_IN = 7.6
PNG_DPI = 200
RASTER_DPI = 150
MOST_VECTOR_POINTS = 1500
MOST_LINE_POINTS = 20_000
_PALEST = 0.9


@dataclass(frozen=True)
class Margins:
    """Around and between the axes of a figure, in inches. Given rather than found by drawing twice."""

    left: float = 0.78
    right: float = 0.16
    bottom: float = 0.55
    top: float = 0.2
    between_columns: float = 0.75
    between_rows: float = 0.16


def new_figure(
    height_in: float,
    margins: Margins,
    rows: int = 1,
    columns: int = 1,
    heights: Sequence[float] | None = None,
    **sharing: Any,
) -> tuple[Figure, np.ndarray]:
    """A figure of the report's width and its axes, (rows, columns)."""
    width_in = WIDTH_IN
    figure = Figure(figsize=(width_in, height_in), facecolor="white", dpi=RASTER_DPI)
    wide = (width_in - margins.left - margins.right - (columns - 1) * margins.between_columns) / columns
    high = (height_in - margins.top - margins.bottom - (rows - 1) * margins.between_rows) / rows
    place = {
        "left": margins.left / width_in,
        "right": 1 - margins.right / width_in,
        "bottom": margins.bottom / height_in,
        "top": 1 - margins.top / height_in,
        "wspace": margins.between_columns / wide,
        "hspace": margins.between_rows / high,
    }
    axes = figure.subplots(
        rows, columns, squeeze=False, height_ratios=heights or [1] * rows, gridspec_kw=place, **sharing
    )
    return figure, axes


def dress(axes: Axes, x_label: str = "", y_label: str = "") -> None:
    """Quiet spines, a grid below the data, labels in ink."""
    axes.set_axisbelow(True)
    axes.grid(True, color=GRID, linewidth=0.8)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(MUTED)
    axes.tick_params(which="both", colors=INK, labelsize=FONT, color=MUTED)
    axes.set_xlabel(x_label, color=INK, fontsize=FONT + 1)
    axes.set_ylabel(y_label, color=INK, fontsize=FONT + 1)


def keep_readable(axes: Axes, least: float) -> None:
    """The y axis spans `least` of its unit at the least, and its ticks say the whole value, with no offset above."""
    low, high = axes.get_ylim()
    if high - low < least:
        axes.set_ylim(0.5 * (low + high - least), 0.5 * (low + high + least))
    axes.ticklabel_format(axis="y", useOffset=False)


def legend(axes: Axes, place: str = "upper left", columns: int = 1, above_in: float | None = None) -> None:
    """Inside at `place`, or `above_in` inches above the axes."""
    handles, _ = axes.get_legend_handles_labels()
    if not handles:
        return
    frame: dict[str, Any] = {"loc": place, "frameon": above_in is None}
    if above_in is not None:
        figure = axes.get_figure(root=True)
        assert figure is not None
        high_in = axes.get_position().height * figure.get_figheight()
        frame |= {"bbox_to_anchor": (0.0, 1 + above_in / high_in), "loc": "lower left", "borderaxespad": 0.0}
    made = axes.legend(ncols=columns, fontsize=FONT - 1, labelcolor=INK, handlelength=1.8, **frame)
    made.get_frame().set(edgecolor=GRID, linewidth=0.8, alpha=0.92)


def log_axis(axis: Axis, low: float, high: float) -> None:
    """Powers of ten, over less than two decades with their halves and fifths. Limits are the caller's.

    Ticks between are left out over many decades: each costs time, and they are too close to be read.
    """
    short, long = high / low < 60, high / low > 3e4
    axis.set_major_locator(LogLocator(10.0, numticks=12))
    axis.set_minor_locator(NullLocator() if long else LogLocator(10.0, subs=tuple(range(2, 10)), numticks=12))
    axis.set_major_formatter(FuncFormatter(lambda value, _: power_text(value)))
    axis.set_minor_formatter(FuncFormatter(lambda value, _: power_text(value) if short else ""))


def power_text(value: float) -> str:
    """`10⁻⁶`, `2·10⁻⁶`, and nothing for what is not 1, 2 or 5 of a power of ten."""
    if not value > 0:
        return ""
    power = math.floor(math.log10(value) + 1e-9)
    factor = round(value / 10.0**power)
    text = "10" + str(power).translate(SUPERSCRIPT)
    return {1: text, 2: f"2·{text}", 5: f"5·{text}"}.get(factor, "")


def say(axes: Axes, text: str) -> None:
    """A sentence in the middle of axes that have nothing to show."""
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=MUTED, fontsize=FONT + 1)


def name_in_figure(name: str, number: int) -> str:
    """`name` where the figures' font has its letters, else `sample 2`; dollar signs are no mathematics here.

    A leading underscore would keep it out of a legend.
    """
    font = get_font(findfont(FontProperties()))
    if name.startswith("_") or not all(font.get_char_index(ord(letter)) for letter in name):
        return f"sample {number}"
    return name.replace("$", r"\$")


class Temperatures:
    """The colour of a temperature, over all temperatures of a run."""

    def __init__(self, temperatures_C: Sequence[float]) -> None:
        finite = [one for one in temperatures_C if np.isfinite(one)]
        low, high = (min(finite), max(finite)) if finite else (0.0, 1.0)
        self.single = high - low < 0.5
        if self.single:
            low, high = low - 1.0, high + 1.0
        self.norm = Normalize(low, high)
        self.map = ListedColormap(colormaps["viridis"](np.linspace(0.0, _PALEST, 256)))

    def color(self, temperature_C: float) -> Color:
        return self.map(self.norm(temperature_C)) if np.isfinite(temperature_C) else MUTED

    def bar(self, figure: Figure) -> None:
        """A scale in the right margin, BAR_IN wide, where a legend would be too long. None for one temperature."""
        if self.single:
            return
        width_in, height_in = figure.get_size_inches()
        place = figure.add_axes(
            (1 - (BAR_IN - 0.15) / width_in, 0.6 / height_in, 0.14 / width_in, 1 - 0.85 / height_in)
        )
        made = figure.colorbar(ScalarMappable(self.norm, self.map), cax=place, ticks=MaxNLocator(8, integer=True))
        made.set_label("temperature / °C", color=INK, fontsize=FONT)
        made.ax.tick_params(colors=INK, labelsize=FONT - 1, color=MUTED)
        made.outline.set_edgecolor(MUTED)  # type: ignore[operator]  # matplotlib's stubs take the outline for a call


def draw_points(axes: Axes, curves: Mapping[str, Sequence[Curve]], size: float) -> None:
    """Open marks of many curves, by direction, as one artist each; as pixels where they would make the file large."""
    raster = sum(len(x) for group in curves.values() for x, _, _ in group) > MOST_VECTOR_POINTS
    look = {"s": size**2, "linewidths": 0.9, "facecolors": "white", "zorder": 2.2, "rasterized": raster}
    for direction, group in curves.items():
        x, y, colors = _joined(group)
        axes.scatter(x, y, edgecolors=colors.tolist(), marker=MARKERS.get(direction, "o"), **look)


def draw_squares(axes: Axes, curves: Sequence[Curve], size: float) -> None:
    """Filled squares of many curves as one artist."""
    x, y, colors = _joined(curves)
    axes.scatter(
        x, y, c=colors, marker="s", s=size**2, linewidths=0, zorder=2.3, rasterized=len(x) > MOST_VECTOR_POINTS
    )


def draw_lines(axes: Axes, curves: Sequence[Curve], width: float) -> None:
    """Lines of many curves as one artist."""
    lines = [np.stack([x, y], axis=1) for x, y, _ in curves]
    raster = sum(len(one) for one in lines) > MOST_LINE_POINTS
    drawn = LineCollection(lines, colors=[color for _, _, color in curves], linewidths=width, rasterized=raster)
    axes.add_collection(drawn, autolim=True)


def _joined(curves: Sequence[Curve]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x (n,), y (n,), colours (n, 4) of all points."""
    if not curves:
        return np.empty(0), np.empty(0), np.empty((0, 4))
    colors = [np.tile(to_rgba(color), (len(x), 1)) for x, _, color in curves]
    return np.concatenate([c[0] for c in curves]), np.concatenate([c[1] for c in curves]), np.concatenate(colors)


def as_svg_uri(figure: Figure) -> str:
    """The figure as a data address. An image of its own, so that the names inside two figures can't clash."""
    buffer = BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    return "data:image/svg+xml;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def as_png(figure: Figure) -> bytes:
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=PNG_DPI, metadata={"Software": None})
    return buffer.getvalue()
