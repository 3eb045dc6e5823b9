"""One line for each cell of a run that cycled several: how it ended, and the numbers that tell cells apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from daq.contracts import Result
from daq.sample import Sample

NUMBERS = (
    "discharge_capacity",
    "capacity_retention",
    "capacity_fade",
    "coulombic_efficiency",
    "hours_cycled",
    "critical_current_density",
    "area_specific_resistance",
    "short_circuit",
)
DETAILS = ("cycle", "step", "rate", "stage", "moment")  # a number at one of these is one of many


@dataclass(frozen=True)
class CellLine:
    """`numbers` by name: of those that every cycle has, the last. `state` is empty in a run that keeps none."""

    sample: Sample
    state: str
    text: str
    cycle: int
    numbers: Mapping[str, Result]


def cell_lines(
    samples: Sequence[Sample], kept: Mapping[str, Mapping[str, Any]], results: Sequence[Result]
) -> list[CellLine]:
    """Of a run with several cells on a cycler; nothing for any other. `kept` is what the run recalls as `cells`."""
    if len(samples) < 2 or not kept:
        return []
    lines = []
    for sample in samples:
        told = kept.get(str(sample.channel), {})
        mine = [one for one in results if one.at.get("sample") == sample.label and one.name in NUMBERS]
        lines.append(
            CellLine(sample, str(told.get("state", "")), str(told.get("text") or ""), int(told.get("cycle") or 0),
                     _chosen(mine))
        )  # fmt: skip
    return lines


def _chosen(results: Sequence[Result]) -> dict[str, Result]:
    """A number that holds for the whole cell goes before one that is of many; of those the last that has a value."""
    found: dict[str, Result] = {}
    for one in results:
        before = found.get(one.name)
        if before is None or before.value is None or (is_of_many(before) and one.value is not None):
            found[one.name] = one
    return found


def is_of_many(result: Result) -> bool:
    """One of a cell's many numbers: at a cycle, at a rate."""
    return any(key in result.at for key in DETAILS) and "reference_cycle" not in result.at


def columns_of(lines: Sequence[CellLine]) -> list[str]:
    """The numbers that some cell has, in the order in which they are told."""
    return [name for name in NUMBERS if any(_has(line, name) for line in lines)]


def _has(line: CellLine, name: str) -> bool:
    return name in line.numbers and line.numbers[name].value is not None
