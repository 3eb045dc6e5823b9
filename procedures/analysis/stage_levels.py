"""The polarisation of each piece of constant current (mean of its last third), and whether one is too low."""

from __future__ import annotations

from collections import deque
from typing import Protocol

import numpy as np

from procedures.analysis.current_segments import LEVEL_FRACTION, Floats, Ints, Record, Segments

_REMEMBERED = 5  # pieces of the same current and sign that an expectation is made from


class PolarisationRows(Protocol):
    """Rows as polarisation (V) with the pieces of constant current they belong to."""

    @property
    def record(self) -> Record: ...
    @property
    def stages(self) -> Segments: ...
    @property
    def volt(self) -> Floats: ...
    @property
    def noise_V(self) -> float: ...


def last_third(stages: Segments) -> tuple[Ints, Ints]:
    """First and one-past-last row of the last third of every stage; the very last row is left out (switching)."""
    count = stages.stop - stages.start
    stop = np.where(count > 3, stages.stop - 1, stages.stop)
    return stages.start + np.minimum(2 * count // 3, count - 2), stop


def stage_polarisations_V(rows: PolarisationRows) -> tuple[Floats, Floats, Floats]:
    """Mean of the last third of each stage (V), its standard error from white noise (V), current's magnitude (A)."""
    start, stop = last_third(rows.stages)
    volt = np.concatenate(([0.0], np.cumsum(rows.volt)))
    current = np.concatenate(([0.0], np.cumsum(np.abs(rows.record.current_A))))
    count = (stop - start).astype(np.float64)
    return (volt[stop] - volt[start]) / count, rows.noise_V / np.sqrt(count), (current[stop] - current[start]) / count


def drop_between_stages(rows: PolarisationRows, z: float, least: float) -> int | None:
    """The first stage whose polarisation is lower than expected by `z` standard errors and a share of it, or None.

    Expected: at a current known already, the median resistance of the last 5 stages of that current and sign;
    at a new one, the resistance at the current before, less what that had lost to the one before (kinetics and an
    offset bend the line). The share is `least` doubled, and tripled twice at a second current, where the line is
    not known yet.
    """
    level, error, current = (x.tolist() for x in stage_polarisations_V(rows))
    direction = rows.stages.direction.tolist()
    known: dict[tuple[int, int], deque[float]] = {}
    lines: dict[int, list[float]] = {1: [], -1: []}  # of each sign, the last resistance at every current so far
    last_key: dict[int, int] = {}
    for k, (volt, sigma, ampere) in enumerate(zip(level, error, current, strict=True)):
        sign, key = direction[k], round(float(np.log(ampere)) / (2 * LEVEL_FRACTION))
        line = lines[sign]
        same = next((known[near, sign] for near in (key, key + 1, key - 1) if (near, sign) in known), None)
        expected, share = _expected(same, line, least)
        if expected is not None and volt < (1 - share) * expected * ampere - 2 * z * sigma:
            return k
        known.setdefault((key, sign), deque(maxlen=_REMEMBERED)).append(volt / ampere)
        if line and abs(key - last_key[sign]) <= 1:
            line[-1] = volt / ampere
        else:
            line.append(volt / ampere)
            last_key[sign] = key
    return None


def _expected(same: deque[float] | None, line: list[float], least: float) -> tuple[float | None, float]:
    """Expected resistance (ohm) and the share of it that may be missing."""
    if same is not None:
        return sorted(same)[len(same) // 2], 2 * least
    if len(line) > 1:
        return min(line[-1], 2 * line[-1] - line[-2]), 2 * least
    return (line[-1], min(6 * least, 0.5)) if line else (None, 1.0)
