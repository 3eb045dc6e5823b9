"""When nothing was recorded of a cell: a potentiostat was off (a break of the run, a spectrum), a cycler's rows are
missing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from procedures.analysis.current_segments import gap_limit_s

LEAST_OFF_S = 10.0  # between two stages of one attempt: switching takes less


def off_before(rows: Mapping[str, Any]) -> np.ndarray:
    """Seconds (n,) for which no technique was at one cell before each of its rows; 0 where one went on or followed.

    `rows` of the stream `polarisation`, in the order they were taken. A row's `time_s` counts from where its technique
    began, and the instrument switches the cell off when a technique ends or its computer is lost.
    """
    t_s, time_s = np.asarray(rows["t_s"], np.float64), np.asarray(rows["time_s"], np.float64)
    found = np.zeros(len(t_s))
    off_s = t_s[1:] - time_s[1:] - t_s[:-1]
    begins = (np.diff(time_s) <= 0) | (np.diff(rows["stage"]) != 0)
    again = np.diff(rows["attempt"]) > 0
    found[1:] = np.where((begins & (off_s > LEAST_OFF_S)) | (again & (off_s > 0)), off_s, 0.0)
    return found


def begun_anew_s(rows: Mapping[str, Any], time_s: np.ndarray) -> list[float]:
    """On the axis `time_s` (n,), the moments of the rows of one cell before which nothing was recorded for a while.

    Of the stream `polarisation` as `off_before` has it; of `cycling`, whose rows a cycler may have kept for us, where a
    broken attempt was followed by another and rows are missing between them.
    """
    if "stage" in rows:
        return time_s[off_before(rows) > 0].tolist()
    again = np.flatnonzero(np.diff(rows["attempt"]) > 0)
    return time_s[again[np.diff(time_s)[again] > gap_limit_s(time_s)] + 1].tolist()
