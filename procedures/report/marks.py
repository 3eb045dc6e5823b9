"""Where interlocks tripped, on a figure over time: a line, a band for as long as it lasted, its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes

from procedures.report.style import ALERT, FONT, INK, ORANGE

MOST_NAMED = 8
CAPTION = " Vertical lines and bands, with a name: an interlock tripped, and had not cleared yet."
ENDING = ("stop", "make_safe")


def mark_interlocks(
    places: Sequence[Axes],
    trips: Sequence[Mapping[str, Any]],
    seconds: float,
    axis_s: Callable[[float], float] = lambda t_s: t_s,
) -> None:
    """`trips` as the run keeps them; the axes are in units of `seconds`, `axis_s` turns a run's time into theirs.

    Each interlock is named at its first tripping, on the first of the axes; the table of the report has all of them.
    """
    named: list[str] = []
    for trip in trips:
        colour = ALERT if trip["action"] in ENDING else ORANGE
        begin = axis_s(trip["tripped_t_s"]) / seconds
        cleared_s = trip["cleared_t_s"]
        for place in places:
            place.axvline(begin, color=colour, lw=0.8, zorder=0.8)
            if cleared_s is not None:
                place.axvspan(begin, axis_s(cleared_s) / seconds, facecolor=colour, alpha=0.18, lw=0, zorder=0.4)
        if trip["name"] not in named and len(named) < MOST_NAMED and places:
            named.append(trip["name"])
            places[0].annotate(
                str(trip["name"]),
                (begin, 0.97),
                xycoords=("data", "axes fraction"),
                xytext=(3, 0),
                textcoords="offset points",
                rotation=90,
                va="top",
                fontsize=FONT - 2,
                color=INK,
                bbox={"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 1.0},
            )
