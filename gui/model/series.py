"""Columns of a stream taken apart by what each row belongs to (sample, stage, cycle), read on as they grow."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from gui.model.growing import GrowingColumn
from gui.model.run_view import RunView

_FLOAT = np.dtype(np.float64)


class SeriesBy:
    """`part`: of each value of the columns `by`, the columns `wanted` of its rows, in order.

    As long as all rows belong together they are those of the run itself; a copy is made when a second value comes.
    """

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
        groups = _groups([table[name][new] for name in self._by])
        known = self.keys
        for key, _ in groups:
            self._parts.setdefault(key, {name: GrowingColumn(_FLOAT) for name in self._wanted})
        if len(self._parts) > 1:
            if len(known) == 1:
                self._add(known[0], slice(0, self._seen))
            for key, rows in groups:
                self._add(key, np.arange(new.start, new.stop)[rows])
        self._seen = table.size
        return [key for key, _ in groups]

    def _add(self, key: tuple[object, ...], rows: np.ndarray | slice) -> None:
        table = self.run.table(self._stream)
        for name, column in self._parts[key].items():
            column.extend(table[name][rows].astype(np.float64))

    @property
    def keys(self) -> list[tuple[object, ...]]:
        return list(self._parts)

    def part(self, key: tuple[object, ...]) -> dict[str, np.ndarray]:
        if len(self._parts) == 1:
            table = self.run.table(self._stream)
            return {name: table[name][: self._seen].astype(np.float64, copy=False) for name in self._wanted}
        return {name: column.values for name, column in self._parts[key].items()}


def _groups(columns: Sequence[np.ndarray]) -> list[tuple[tuple[object, ...], np.ndarray | slice]]:
    """The values that occur together, in the order of their first row, with their rows."""
    if not columns:
        return [((), slice(None))]
    codes = np.zeros(len(columns[0]), dtype=np.int64)
    values: list[list[object]] = []
    for column in columns:
        known, places = _values_of(column)
        values.append(known)
        codes = codes * len(known) + places
    found, first, counts = np.unique(codes, return_index=True, return_counts=True)
    if len(found) == 1:
        return [(_key(int(found[0]), values), slice(None))]
    rows = np.split(np.argsort(codes, kind="stable"), np.cumsum(counts)[:-1])
    return [(_key(int(found[one]), values), rows[one]) for one in np.argsort(first)]


def _values_of(column: np.ndarray) -> tuple[list[object], np.ndarray | int]:
    """The values that occur, and of each row which one it is. What is missing (NaN) is one value."""
    if not any(column.strides):  # all rows are one
        return [_one(value) for value in column[:1].tolist()], 0
    if column.dtype != object:
        different, places = np.unique(column, return_inverse=True)
        return [_one(value) for value in different.tolist()], places
    rows = [_one(value) for value in column.tolist()]
    known = {value: number for number, value in enumerate(dict.fromkeys(rows))}
    return list(known), np.fromiter((known[value] for value in rows), np.int64, len(rows))


def _one(value: object) -> object:
    """NaN is always the same object: as a key it equals nothing but itself."""
    return math.nan if value != value else value


def _key(code: int, values: Sequence[list[object]]) -> tuple[object, ...]:
    key = []
    for known in reversed(values):
        code, place = divmod(code, len(known))
        key.append(known[place])
    return tuple(reversed(key))
