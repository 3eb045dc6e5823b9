"""The last hour of one instrument's readings, thinned as they come, for the chart on its card."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence

import numpy as np

HOUR_S = 3600.0
STEP_S = 4.0  # 900 points an hour: more than a card has pixels


class Recent:
    """`t_s` is any time of the bench that ascends. A reading that was missing is a gap: NaN."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self._rows: deque[tuple[float, tuple[float, ...]]] = deque()

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, t_s: float, values: Mapping[str, object] | None) -> bool:
        """The newest reading is always kept; what lies closer than a step before it makes way. None: no reading.
        Returns whether there is more to draw than before."""
        row = tuple(_number(values.get(name)) if values is not None else math.nan for name in self.names)
        rows = self._rows
        t_s = max(t_s, rows[-1][0]) if rows else t_s  # the same reading told twice
        after_gap = bool(rows) and all(math.isnan(one) for one in rows[-1][1])
        before = len(rows)
        if values is None and after_gap:
            rows.pop()  # it lasts until now
        elif len(rows) > 1 and t_s - rows[-2][0] <= STEP_S and values is not None and not after_gap:
            rows.pop()
        rows.append((t_s, row))
        is_more = len(rows) > before
        while rows[0][0] < t_s - HOUR_S:
            rows.popleft()
        return is_more

    def fill(self, t_s: np.ndarray, columns: Mapping[str, np.ndarray]) -> None:
        """What was recorded before the first reading that is here, times on the same clock. A name that the columns
        do not have stays unknown."""
        if not len(t_s):
            return
        first = self._rows[0][0] if self._rows else math.inf
        last = self._rows[-1][0] if self._rows else float(t_s[-1])
        missing = np.full(len(t_s), math.nan)
        known = [columns.get(name, missing) for name in self.names]
        older: list[tuple[float, tuple[float, ...]]] = []
        for index in np.flatnonzero((t_s < first) & (t_s >= last - HOUR_S)):
            if not older or t_s[index] - older[-1][0] >= STEP_S:
                older.append((float(t_s[index]), tuple(_number(column[index]) for column in known)))
        self._rows.extendleft(reversed(older))

    def columns(self) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Times and, by name, the values."""
        t = np.array([row[0] for row in self._rows])
        values = np.array([row[1] for row in self._rows], dtype=float).reshape(len(t), len(self.names))
        return t, {name: values[:, place] for place, name in enumerate(self.names)}


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float | np.number) and not isinstance(value, bool) else math.nan
