"""Columns that grow at the end, at a cost that does not depend on how long they are."""

from __future__ import annotations

import mmap
from collections.abc import Mapping

import numpy as np

PAGED_BYTES = 1 << 16  # from here on in pages of its own, which go back to the system when the column moves on


class GrowingColumn:
    """A 1-D array with room behind its end; `values` is a view of what is there, to be read only.

    As long as all of it is one value (the sample, the step, what was never measured) only that one is kept.
    """

    def __init__(self, dtype: np.dtype) -> None:
        self.size = 0
        self._first = np.empty(1, dtype)
        self._room: np.ndarray | None = None

    @property
    def values(self) -> np.ndarray:
        if self._room is None:
            return np.broadcast_to(self._first, self.size) if self.size else self._first[:0]
        return self._room[: self.size]

    def extend(self, more: np.ndarray) -> None:
        if not len(more):
            return
        if not self.size:
            self._first = more[:1].astype(_wide_enough(self._first.dtype, more.dtype))
        wanted = self.size + len(more)
        if self._room is not None or not _are_all(more, self._first[0]):
            room = self._with_room(wanted, more.dtype)
            room[self.size : wanted] = more
            self._room = room
        self.size = wanted

    def _with_room(self, wanted: int, dtype: np.dtype) -> np.ndarray:
        """Room for as many, with all that is there; another one when that is too short or of too narrow a type."""
        room = self._room
        kept = _wide_enough(self._first.dtype if room is None else room.dtype, dtype)
        if room is None or wanted > len(room) or kept != room.dtype:
            before, room = self.values, _room(max(wanted, 256, 2 * self.size), kept)
            room[: self.size] = before
        return room


def _wide_enough(kept: np.dtype, more: np.dtype) -> np.dtype:
    """Whole numbers are kept as floats from where a value is missing for the first time."""
    return more if kept == np.int64 and more == np.float64 else kept


def _room(count: int, dtype: np.dtype) -> np.ndarray:
    """Uninitialised. Freed memory of a few MB stays with the process, in holes that nothing fits in: pages do not."""
    size = count * dtype.itemsize
    if size < PAGED_BYTES or dtype.hasobject:
        return np.empty(count, dtype)
    return np.frombuffer(mmap.mmap(-1, size), dtype)


def _are_all(values: np.ndarray, one: object) -> bool:
    if isinstance(one, float) and np.isnan(one):
        return values.dtype.kind == "f" and bool(np.isnan(values).all())
    return bool((values == one).all())


class GrowingTable:
    """Rows of one stream as they come, by column name as in `RunFile.table`; their ids are not kept."""

    def __init__(self) -> None:
        self._columns: dict[str, GrowingColumn] = {}
        self.size = 0

    def extend(self, table: Mapping[str, np.ndarray]) -> None:
        for name, values in table.items():
            if name == "id":
                continue
            if name not in self._columns:
                self._columns[name] = GrowingColumn(values.dtype)
            self._columns[name].extend(values)
        self.size += len(next(iter(table.values())))

    def whole(self) -> dict[str, np.ndarray]:
        """All columns as they are now, whatever comes; they can't be written to."""
        found = {name: column.values.view() for name, column in self._columns.items()}
        for values in found.values():
            values.flags.writeable = False
        return found

    def __contains__(self, name: str) -> bool:
        return name in self._columns

    def __getitem__(self, name: str) -> np.ndarray:
        """A view of the column; empty when no row has come yet."""
        column = self._columns.get(name)
        return column.values if column is not None else np.empty(0)
