"""A record's own columns of step and cycle: how far they are believed when half cycles are told apart and numbered.

A tester's count is believed where it says something of the cell: a column that changes with every row, runs backwards,
cuts a current that simply flows on, or has two charges in one cycle, says nothing, and cycles are counted instead.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from daq.errors import BadInput
from procedures.analysis.current_segments import Floats, Ints, Segments

Flags = NDArray[np.bool_]
_MOST_STEPS = 0.5  # of the rows: steps that change more often are a count of rows


def kept_rows(column: ArrayLike | None, time_s: ArrayLike, finite: Flags, name: str) -> Floats | None:
    """The column at the rows that the record keeps; None where there is none. Raises BadInput for another length."""
    if column is None:
        return None
    values = np.asarray(column, np.float64)
    if values.shape != np.shape(time_s):
        problem = f"{name} has the shape {values.shape}, time {np.shape(time_s)}"
        raise BadInput(problem, place=name, allowed="columns of one length")
    return values[finite]


def step_edges(step: Floats | None) -> Flags | None:
    """By row, whether a step of the schedule begins there; one more at the end, where the last one ends.

    None where the column is missing or can't be steps.
    """
    if step is None or not len(step) or not np.isfinite(step).all():
        return None
    changes = np.diff(step) != 0
    if not changes.any() or changes.sum() > _MOST_STEPS * len(step):
        return None
    return np.concatenate(([True], changes, [True]))


def believed(cycle: Floats, found: Segments, edges: Flags | None, step: Floats | None = None) -> Ints | None:
    """The number of each half cycle, as `cycle` has it; None where the column does not count cycles.

    `found` are the half cycles parted by `cycle` too. With the schedule's `step` a pass of several charges and
    discharges, all of them steps of their own and in every cycle the same, is a cycle.
    """
    if not len(cycle) or not np.isfinite(cycle).all() or cycle[0] < 1:
        return None
    if np.any(np.diff(cycle) < 0) or np.any(cycle != np.floor(cycle)):
        return None
    numbers = cycle[found.start].astype(np.int64)
    same = found.direction[1:] == found.direction[:-1]
    if np.any(same & ~_parted(found, edges)):
        return None
    halves = 2 * numbers + (found.direction > 0)
    if len(np.unique(halves)) < len(found):
        return numbers if step is not None and edges is not None and _are_passes(numbers, step[found.start]) else None
    both = len(np.unique(found.direction)) == 2
    if both and len(found) > 2 and len(np.unique(numbers)) == len(found):
        return None  # it counts half cycles
    return numbers


def _are_passes(numbers: Ints, steps: Floats) -> bool:
    """Whether each cycle runs through the same steps, each of them once; the last may be broken off."""
    cycles = [steps[numbers == one].tolist() for one in np.unique(numbers)]
    first, last = cycles[0], cycles[-1]
    return (
        len(cycles) > 1
        and len(set(first)) == len(first)
        and all(one == first for one in cycles[:-1])
        and last == first[: len(last)]
    )


def _parted(found: Segments, edges: Flags | None) -> Flags:
    """Between each half cycle and the next: a rest, or where steps are known the begin of another one."""
    rest = found.start[1:] > found.stop[:-1]
    return rest if edges is None else rest | edges[found.start[1:]]
