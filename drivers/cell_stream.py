"""What a potentiostat tells of its cell, measuring or not, and the bounds that a bench file sets on it."""

from __future__ import annotations

from collections.abc import Mapping

from daq.contracts import Limit
from daq.stream import Column, Stream

CELL_STREAM = Stream(
    "cell",
    (
        Column("channel", kind="int", help="the channel used last"),
        Column("voltage_V", "V", help="potential of the cell"),
        Column("current_A", "A", help="direct current, oxidation positive"),
    ),
    help="the potentiostat between and during measurements",
)


def cell_limits(limits: Mapping[str, float]) -> list[Limit]:
    """`max_voltage_V` and `max_current_A` as bounds of either sign on the stream's columns."""
    names = [name for name in ("voltage_V", "current_A") if f"max_{name}" in limits]
    return [Limit(name, minimum=-limits[f"max_{name}"], maximum=limits[f"max_{name}"]) for name in names]
