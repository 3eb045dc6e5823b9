"""Columns of a stream taken apart by what each row belongs to (sample, stage, cycle), read on as they grow."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gui.model.growing import GrowingColumn
from gui.model.run_view import RunView

_FLOAT = np.dtype(np.float64)


class SeriesBy:
    """`parts`: of each value of the columns `by`, the columns `wanted` of its rows, in order."""

    def __init__(self, run: RunView, stream: str, wanted: Sequence[str], by: Sequence[str]) -> None:
        self.run = run
        self._stream = stream
        self._wanted = tuple(wanted)
        self._by = tuple(by)
        self._seen = 0
        self._parts: dict[tuple[object, ...], dict[str, GrowingColumn]] = {}

    def refresh(self) -> list[tuple[object, ...]]:
        """Returns the keys of what grew."""
        table = self.run.table(self._stream)
        if table.size == self._seen:
            return []
        new = slice(self._seen, table.size)
        self._seen = table.size
        columns = {name: table[name][new] for name in self._wanted}
        grown = []
        for key, rows in _groups([table[name][new] for name in self._by]):
            grown.append(key)
            part = self._parts.setdefault(key, {name: GrowingColumn(_FLOAT) for name in self._wanted})
            for name, values in columns.items():
                part[name].extend(values[rows].astype(np.float64))
        return grown

    @property
    def keys(self) -> list[tuple[object, ...]]:
        return list(self._parts)

    def part(self, key: tuple[object, ...]) -> dict[str, np.ndarray]:
        return {name: column.values for name, column in self._parts[key].items()}


def _groups(columns: Sequence[np.ndarray]) -> list[tuple[tuple[object, ...], np.ndarray | slice]]:
    """The values that occur together, in the order of their first row, with their rows."""
    if not columns:
        return [((), slice(None))]
    codes = np.zeros(len(columns[0]), dtype=np.int64)
    values: list[list[object]] = []
    for column in columns:
        known = {value: number for number, value in enumerate(dict.fromkeys(column.tolist()))}
        values.append(list(known))
        codes = codes * len(known) + np.fromiter((known[one] for one in column.tolist()), np.int64, len(column))
    found = []
    for code in dict.fromkeys(codes.tolist()):
        key, rest = [], code
        for known in reversed(values):
            rest, place = divmod(rest, len(known))
            key.append(known[place])
        found.append((tuple(reversed(key)), slice(None) if len(set(codes.tolist())) == 1 else codes == code))
    return found
