"""Columns that grow at the end, at a cost that does not depend on how long they are."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np


class GrowingColumn:
    """A 1-D array with room behind its end; `values` is a view of what is there."""

    def __init__(self, dtype: np.dtype) -> None:
        self._room = np.empty(256, dtype)
        self.size = 0

    @property
    def values(self) -> np.ndarray:
        return self._room[: self.size]

    def extend(self, more: np.ndarray) -> None:
        if self._room.dtype == np.int64 and more.dtype == np.float64:  # a value is missing for the first time
            self._room = self._room.astype(np.float64)
        wanted = self.size + len(more)
        if wanted > len(self._room):
            room = np.empty(max(wanted, 2 * len(self._room)), self._room.dtype)
            room[: self.size] = self.values
            self._room = room
        self._room[self.size : wanted] = more
        self.size = wanted


class GrowingTable:
    """Rows of one stream as they come, by column name as in `RunFile.table`."""

    def __init__(self) -> None:
        self._columns: dict[str, GrowingColumn] = {}
        self.size = 0

    def extend(self, table: Mapping[str, np.ndarray]) -> None:
        for name, values in table.items():
            if name not in self._columns:
                self._columns[name] = GrowingColumn(values.dtype)
            self._columns[name].extend(values)
        self.size = self._columns["id"].size if self._columns else 0

    def __contains__(self, name: str) -> bool:
        return name in self._columns

    def __getitem__(self, name: str) -> np.ndarray:
        """A view of the column; empty when no row has come yet."""
        column = self._columns.get(name)
        return column.values if column is not None else np.empty(0)

    @property
    def last_id(self) -> int:
        return int(self["id"][-1]) if self.size else 0
