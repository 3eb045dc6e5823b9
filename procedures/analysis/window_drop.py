"""A drop of the polarisation between neighbouring windows of rows, and the row at which it begins."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from procedures.analysis.current_segments import Floats, Ints, Segments
from procedures.analysis.stage_levels import PolarisationRows

WINDOWS = (5, 16, 64)
SKIPPED_ROWS = 3  # after a switch of the current
_CHUNK = 1 << 18
_LOCAL_ROWS = 64  # before a row: they tell how unsteady it is there
_MEDIAN_OF_FIVE = 0.54  # its standard deviation over that of what it is made from, white noise


@dataclass(frozen=True)
class Drop:
    row: int
    earliest: int  # first row of the interval that holds the onset
    latest: int
    before_V: float


def first_drop(polarisation: PolarisationRows, z: float, least: float) -> Drop | None:
    """The first drop by `z` standard errors and a share `least` within a stage of constant current, or None."""
    volt, stages = polarisation.volt, polarisation.stages
    sums = np.concatenate(([0.0], np.cumsum(volt)))
    squares = np.concatenate(([0.0], np.cumsum(volt**2)))
    like = _neighbours(stages)
    for low in range(0, len(volt), _CHUNK):
        rows = np.arange(low, min(low + _CHUNK, len(volt)), dtype=np.int64)
        stage = np.searchsorted(stages.start, rows, side="right") - 1
        rows, stage = rows[stage >= 0], stage[stage >= 0]
        first, last = stages.start[stage] + SKIPPED_ROWS, stages.stop[stage] - 2
        twin = rows - stages.start[stage] + stages.start[like[stage]]
        twin_last = np.where(like[stage] == stage, -1, stages.stop[like[stage]] - 2)
        hits = []
        for width in WINDOWS:
            valid = (rows - width >= first) & (rows + width <= last)
            same = np.where(twin + width <= twin_last, twin, -1)[valid]
            noise = z * polarisation.noise_V, z / _MEDIAN_OF_FIVE
            hit = _first_hit(rows[valid], first[valid], same, (sums, squares), width, noise, least)
            if hit is not None:
                hits.append((hit, width))
        if hits:
            row, width = min(hits)
            k = int(np.searchsorted(stages.start, row, side="right")) - 1
            return _located(polarisation, row, width, int(stages.start[k]) + SKIPPED_ROWS, int(stages.stop[k]))
    return None


def _neighbours(stages: Segments) -> Ints:
    """For each stage the one before it of the same sign; for the first of a sign the one after; else itself."""
    like = np.arange(len(stages), dtype=np.int64)
    for sign in (1, -1):
        mine = np.flatnonzero(stages.direction == sign)
        if len(mine) > 1:
            like[mine[1:]] = mine[:-1]
            like[mine[0]] = mine[1]
    return like


def _first_hit(
    rows: Ints,
    first: Ints,
    twin: Ints,
    cumulated: tuple[Floats, Floats],
    width: int,
    noise: tuple[float, float],
    least: float,
) -> int | None:
    """The first of `rows` at which the windows' means drop, or None. `twin`: the same moment of a like stage, or -1.

    `noise`: z standard errors of a row (V), and how many spreads of the rows before it are as much.
    """
    if not len(rows):
        return None
    sums, (limit_V, spreads) = cumulated[0], noise
    before = (sums[rows] - sums[rows - width]) / width
    after = (sums[rows + width] - sums[rows]) / width
    known = rows - 2 * width >= first
    earlier = np.where(known, rows - 2 * width, rows - width)
    falling = np.where(known, (sums[rows - width] - sums[earlier]) / width - before, 0.0)
    drop = before - after - np.maximum(falling, 0.0)
    # Without knowing what it was losing before, or what a like stage loses, only a larger drop counts.
    share = np.where(known, least, np.where(twin >= 0, min(3 * least, 0.5), max(least, 0.5)))
    near = np.flatnonzero((before > 0) & (drop > share * before) & (drop > limit_V * np.sqrt(2 / width)))
    if not len(near):
        return None
    # Only where there is a drop at all: does the like stage drop at that moment too?
    row, other = rows[near], np.where(twin[near] >= 0, twin[near], rows[near])
    level = (sums[other] - sums[other - width]) / width
    change = level - (sums[other + width] - sums[other]) / width
    habit = np.where((twin[near] >= 0) & (level > 0), np.clip(change / np.where(level > 0, level, 1.0), 0.0, 1.0), 0.0)
    left = drop[near] - 1.5 * habit * before[near]
    limit = np.maximum(limit_V, spreads * _spread_V(row, first[near], *cumulated)) * np.sqrt(2 / width)
    hit = (left > share[near] * before[near]) & (left > limit)
    return int(row[np.argmax(hit)]) if hit.any() else None


def _spread_V(rows: Ints, first: Ints, sums: Floats, squares: Floats) -> Floats:
    """How the rows before each of `rows` scatter about a straight line: a cell on its way to a short is unsteady."""
    count = np.minimum(rows - first, _LOCAL_ROWS)
    start, middle = rows - count, rows - count // 2
    mean = (sums[rows] - sums[start]) / count
    half = (sums[rows] - sums[middle]) / (rows - middle) - (sums[middle] - sums[start]) / (middle - start)
    return np.sqrt(np.maximum((squares[rows] - squares[start]) / count - mean**2 - half**2 / 3, 0.0))


def _located(polarisation: PolarisationRows, row: int, width: int, start: int, stop: int) -> Drop:
    """Where the level changes near `row`: at the first row below the middle of the drop where the noise allows that,
    else the split into two means of least squares, with the splits within chi2 = 3.84 of it as interval."""
    volt, sigma = polarisation.volt, polarisation.noise_V
    low, high = max(start, row - width), min(stop, row + 2 * width)
    before = float(np.median(volt[max(start, low - width) : max(row - width // 2, low + 1)]))
    piece = volt[low:high]
    cut = np.arange(2, len(piece) - 1)
    sums = np.cumsum(piece)
    left, right = sums[cut - 1] / cut, (sums[-1] - sums[cut - 1]) / (len(piece) - cut)
    gain = cut * (len(piece) - cut) / len(piece) * np.maximum(left - right, 0.0) ** 2
    best = int(np.argmax(gain))
    # A wide window sees a drop from far: its own mean lies between the levels.
    after = float(np.mean(piece[cut[best] : cut[best] + width]))
    middle = 0.5 * (before + after)
    if before - middle > 4 * sigma:
        below = np.flatnonzero(piece < middle)
        if len(below):
            at = low + int(below[0])
            return Drop(at, max(at - 2, 0), at + 1, before)
    close = cut[gain > gain[best] - 2 * 3.84 * sigma**2]  # twice: neighbours share the median of five
    return Drop(low + int(cut[best]), low + int(close[0]) - 1, low + int(close[-1]) + 1, before)
