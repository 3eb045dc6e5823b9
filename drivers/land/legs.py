"""A schedule as it unfolds in time, and a record as it unfolded: both as legs of one direction of the current."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivers.exported import ExportedTable
from drivers.schedule import Current, CurrentThenVoltage, Loop, Rest, Schedule, Voltage

Working = Rest | Current | Voltage | CurrentThenVoltage
STRAY_ROWS = 2  # rows of another direction that a switch leaves behind
STRAY_S = 120.0  # a rest that no schedule asks for, before the first step
_REST = re.compile(r"r|.*(rest|静置|搁置)", re.IGNORECASE)


@dataclass(frozen=True)
class Planned:
    """Steps of one direction that follow each other: `steps` from 1, and the cycle of each.

    `direction`: 1 charge, -1 discharge, 0 rest.
    """

    direction: int
    steps: tuple[int, ...]
    cycles: tuple[int, ...]


@dataclass(frozen=True)
class Seen:
    """Rows from `start` to before `stop` of a record."""

    direction: int
    start: int
    stop: int


def planned_legs(schedule: Schedule) -> Iterator[Planned]:
    """In order, one by one. A hold of a voltage belongs to the leg before it: its current may go either way."""
    held: Planned | None = None
    for number, step, cycle in _unfolded(schedule):
        direction = _direction(step, held.direction if held else 1)
        if held is not None and held.direction == direction:
            held = Planned(direction, (*held.steps, number), (*held.cycles, cycle))
            continue
        if held is not None:
            yield held
        held = Planned(direction, (number,), (cycle,))
    if held is not None:
        yield held


def _unfolded(schedule: Schedule) -> Iterator[tuple[int, Working, int]]:
    at, cycle = 0, 1
    passes: dict[int, int] = {}
    while at < len(schedule.steps):
        step = schedule.steps[at]
        if not isinstance(step, Loop):
            yield at + 1, step, cycle
            at += 1
            continue
        cycle += 1
        passes[at] = passes.get(at, 0) + 1
        if passes[at] < step.times:
            at = step.to - 1
        else:
            passes[at] = 0
            at += 1


def _direction(step: Working, before: int) -> int:
    if isinstance(step, Rest):
        return 0
    if isinstance(step, Voltage):
        return before or 1
    return 1 if step.current_A > 0 else -1


def seen_legs(table: ExportedTable) -> list[Seen]:
    """Runs of rows of one direction; one or two rows that a switch leaves behind belong to the leg before them."""
    way = _ways(table)
    edges = np.flatnonzero(np.diff(way)) + 1
    starts, stops = [0, *edges.tolist()], [*edges.tolist(), len(way)]
    legs: list[Seen] = []
    for start, stop in zip(starts, stops, strict=True):
        direction = int(way[start])
        is_stray = direction == 0 and stop - start <= STRAY_ROWS and stop < len(way) and legs
        if legs and (is_stray or legs[-1].direction == direction):
            legs[-1] = Seen(legs[-1].direction, legs[-1].start, stop)
        else:
            legs.append(Seen(direction, start, stop))
    return legs


def without_lead(legs: list[Seen], table: ExportedTable, planned: Planned) -> list[Seen]:
    """A short rest before a first step that is none belongs to that step."""
    if len(legs) < 2 or legs[0].direction or not planned.direction:
        return legs
    if table.time_s[legs[0].stop - 1] - table.time_s[0] > STRAY_S:
        return legs
    return [Seen(legs[1].direction, 0, legs[1].stop), *legs[2:]]


def _ways(table: ExportedTable) -> NDArray[np.int64]:
    """1, 0, -1 for each row: by the word of its step where there is one (a coarse current may be written as 0)."""
    way = np.sign(table.current_A).astype(np.int64)
    if table.status is None:
        return way
    names, place = np.unique(table.status, return_inverse=True)
    told = np.array([_word(name) for name in names.tolist()])[place]
    return np.where(told == _UNTOLD, way, told)


_UNTOLD = 9


def _word(name: str) -> int:
    text = name.strip().lower()
    if re.match(r"d|.*(dchg|disch|放)", text):
        return -1
    if re.match(r"c|.*(chg|charge|充)", text):
        return 1
    return 0 if _REST.match(text) else _UNTOLD


def parts_of_rows(leg: Seen, planned: Planned, marks: NDArray[np.int64] | None) -> NDArray[np.int64]:
    """Which of the leg's planned steps each row is of, from 0: told apart by the file's own step numbers, if it can."""
    count = leg.stop - leg.start
    if marks is None or len(planned.steps) == 1:
        return np.zeros(count, dtype=np.int64)
    changes = np.concatenate(([0], np.cumsum(np.diff(marks[leg.start : leg.stop]) != 0)))
    return changes if changes[-1] < len(planned.steps) else np.zeros(count, dtype=np.int64)
