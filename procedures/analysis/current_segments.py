"""Where a record changes its current: half cycles by the sign, stages by the level, time between rows and its gaps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from daq.errors import AnalysisRefused, BadInput

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

REST_FRACTION = 0.002  # of the largest current: below it the cell rests
GAP_FACTOR = 10.0  # a time between rows this much longer than the usual longest is a gap in the record
LEVEL_FRACTION = 0.02  # a change of the magnitude by more is another current


@dataclass(frozen=True)
class Record:
    """Rows of a direct-current measurement as float64 arrays of one length, time growing."""

    time_s: Floats
    current_A: Floats
    voltage_V: Floats

    def __len__(self) -> int:
        return len(self.time_s)


@dataclass(frozen=True)
class Segments:
    """Pieces of a record: rows `start[k]` to `stop[k]` - 1 carry current of the sign `direction[k]` (charge +1)."""

    start: Ints
    stop: Ints
    direction: Ints

    def __len__(self) -> int:
        return len(self.start)

    def are_steps(self, edges: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
        """Which of them begin and end where a step of the schedule does; none where `edges` are not known."""
        return np.zeros(len(self), np.bool_) if edges is None else edges[self.start] & edges[self.stop]


def checked_record(time_s: ArrayLike, current_A: ArrayLike, voltage_V: ArrayLike | None = None) -> Record:
    """Rows without a finite time, current or voltage are left out.

    Raises BadInput when lengths differ or time runs backwards, AnalysisRefused when fewer than 4 rows remain.
    """
    time, current = np.asarray(time_s, np.float64), np.asarray(current_A, np.float64)
    voltage = np.zeros_like(time) if voltage_V is None else np.asarray(voltage_V, np.float64)
    if time.ndim != 1 or not (time.shape == current.shape == voltage.shape):
        shapes = f"{time.shape}, {current.shape} and {voltage.shape}"
        raise BadInput(f"time, current and voltage have the shapes {shapes}", allowed="three columns of one length")
    good = np.isfinite(time) & np.isfinite(current) & np.isfinite(voltage)
    if not good.all():
        time, current, voltage = time[good], current[good], voltage[good]
    if len(time) < 4:
        raise AnalysisRefused(f"only {len(time)} rows with time, current and voltage")
    if np.any(np.diff(time) < 0):
        row = int(np.argmax(np.diff(time) < 0)) + 1
        raise BadInput(f"time runs backwards at row {row}", place="time_s", allowed="rows in the order they were taken")
    return Record(time, current, voltage)


def rest_limit_A(current_A: Floats) -> float:
    """The magnitude below which a current counts as rest. The 99.9 % point, so that a spike does not set it."""
    magnitude = np.abs(current_A)
    largest = float(np.quantile(magnitude, 0.999)) if len(magnitude) < 100_000 else float(_high(magnitude))
    return REST_FRACTION * (largest or float(magnitude.max()))


def _high(magnitude: Floats) -> float:
    rank = int(0.999 * (len(magnitude) - 1))
    return float(np.partition(magnitude, rank)[rank])


def gap_limit_s(time_s: Floats) -> float:
    """Longer than this between two rows is a gap: GAP_FACTOR times the usual longest (95 %) time between rows."""
    step = np.diff(time_s)
    step = step[step > 0]
    if not len(step):
        return np.inf
    rank = int(0.95 * (len(step) - 1))
    return GAP_FACTOR * float(np.partition(step, rank)[rank])


def half_cycles(
    current_A: Floats, edges: NDArray[np.bool_] | None = None, cycle: Floats | None = None, rest_A: float | None = None
) -> Segments:
    """Runs of one sign of the current. A rest between two pieces of the same sign does not part them, a change of
    `cycle` does.

    Pieces of fewer than 2 rows (a relay's bounce, a row taken while switching) belong to what surrounds them, but
    where they are a step of the schedule: `edges` says where one begins (n + 1: also after the last row).
    """
    limit = rest_limit_A(current_A) if rest_A is None else rest_A
    sign = np.where(current_A > limit, 1, np.where(current_A < -limit, -1, 0)).astype(np.int64)
    rows = np.flatnonzero(sign)
    found = _runs(rows, sign, cycle)
    short = (found.stop - found.start < 2) & ~found.are_steps(edges)
    if short.any() and not short.all():
        for start, stop in zip(found.start[short], found.stop[short], strict=True):
            sign[start:stop] = 0
        found = _runs(np.flatnonzero(sign), sign, cycle)
    return found


def _runs(rows: Ints, key: Ints, cycle: Floats | None) -> Segments:
    if not len(rows):
        none = np.zeros(0, np.int64)
        return Segments(none, none, none)
    changed = np.diff(key[rows]) != 0
    if cycle is not None:
        changed |= np.diff(cycle[rows]) != 0
    change = np.flatnonzero(changed)
    start = rows[np.concatenate(([0], change + 1))]
    stop = rows[np.concatenate((change, [len(rows) - 1]))] + 1
    return Segments(start, stop, key[start])


def current_stages(current_A: Floats, step: ArrayLike | None = None, rest_A: float | None = None) -> Segments:
    """Runs of constant current: parted by sign, by rest, by a jump of the magnitude above LEVEL_FRACTION, and where
    the column `step` (step numbers of a schedule, any order) changes. Runs of fewer than 3 rows are left out."""
    limit = rest_limit_A(current_A) if rest_A is None else rest_A
    sign = np.where(current_A > limit, 1, np.where(current_A < -limit, -1, 0)).astype(np.int64)
    magnitude = np.abs(current_A)
    jump = np.abs(np.diff(magnitude))
    noise = 1.4826 * float(np.median(jump)) / np.sqrt(2) if len(jump) else 0.0
    larger = np.maximum(magnitude[1:], magnitude[:-1])
    parted = (np.diff(sign) != 0) | ((jump > LEVEL_FRACTION * larger) & (jump > 10 * noise))
    if step is not None:
        parted |= np.diff(np.asarray(step, np.int64)) != 0
    edge = np.flatnonzero(parted) + 1
    start = np.concatenate(([0], edge)).astype(np.int64)
    stop = np.concatenate((edge, [len(sign)])).astype(np.int64)
    kept = (sign[start] != 0) & (stop - start >= 3)
    return Segments(start[kept], stop[kept], sign[start[kept]])


def running_integral(time_s: Floats, values: Floats, gap_s: float) -> tuple[Floats, Floats]:
    """Trapezoid integral up to every row, and up to every row what gaps leave uncertain (one standard error).

    Over a gap the integral goes on when both ends agree within 5 % (the cell was cycled on while nobody wrote);
    else nothing is added and half the larger end times the gap is the uncertainty.
    """
    step = np.diff(time_s)
    left, right = values[:-1], values[1:]
    part = 0.5 * (left + right) * step
    gap = np.flatnonzero(step > gap_s)
    doubt = np.zeros(len(time_s))
    if len(gap):
        a, b = left[gap], right[gap]
        larger = np.maximum(np.abs(a), np.abs(b))
        unlike = gap[np.abs(a - b) > 0.05 * larger]
        part[unlike] = 0.0
        error = np.zeros(len(step))
        error[unlike] = 0.5 * np.maximum(np.abs(left[unlike]), np.abs(right[unlike])) * step[unlike]
        np.cumsum(error, out=doubt[1:])
    total = np.zeros(len(time_s))
    np.cumsum(part, out=total[1:])
    return total, doubt
