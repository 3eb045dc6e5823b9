"""Many records of a cycler at once: as columns where they come so, one tuple each for whoever looks at them singly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, overload

from numpy.typing import NDArray

from drivers.schedule import CyclerRecord


class RecordColumns(Sequence[CyclerRecord]):
    """Records that came as columns, by the names of `CyclerRecord`; (n,) each."""

    def __init__(self, columns: Mapping[str, NDArray[Any]]) -> None:
        self.columns = {name: columns[name] for name in CyclerRecord._fields}

    def __len__(self) -> int:
        return len(self.columns["number"])

    @overload
    def __getitem__(self, place: int) -> CyclerRecord: ...
    @overload
    def __getitem__(self, place: slice) -> RecordColumns: ...
    def __getitem__(self, place: int | slice) -> CyclerRecord | RecordColumns:
        if isinstance(place, slice):
            return RecordColumns({name: column[place] for name, column in self.columns.items()})
        return CyclerRecord._make(column[place].item() for column in self.columns.values())

    def __iter__(self) -> Iterator[CyclerRecord]:
        return map(CyclerRecord._make, zip(*(one.tolist() for one in self.columns.values()), strict=True))


def columns_of(records: Sequence[CyclerRecord]) -> Mapping[str, Sequence[Any] | NDArray[Any]]:
    """Of at least one record, by the names of `CyclerRecord`."""
    if isinstance(records, RecordColumns):
        return records.columns
    return dict(zip(CyclerRecord._fields, map(list, zip(*records, strict=True)), strict=True))
