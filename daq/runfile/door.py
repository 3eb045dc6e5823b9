"""The door of a stream: what comes in is converted or refused here, so that a file never holds a wrong kind.

pymeasure writes `nan` for numbers that it does not know (numpy's float32, 0-d arrays, booleans) and only logs it.
Here they are numbers, and what is not a number is an error of whoever records it.
"""

from __future__ import annotations

import math
import struct
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import repeat
from operator import itemgetter
from typing import Any, NoReturn

import numpy as np

from daq.runfile.schema import insert_sql
from daq.stream import Column, Kind, Stream

_INF = math.inf
EXACT_INT = 2**53  # beyond it, a float no longer tells neighbours apart; readers read numbers as floats
Cell = float | int | str | None
Values = Sequence[Any] | np.ndarray
Row = tuple[Any, ...]  # step, attempt, t_s, then a Cell a column


class Door:
    """Checks and converts the rows of one stream."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.insert_sql = insert_sql(stream)
        names = stream.column_names
        self._count = len(names)
        self._cells = _getter(names)
        floats = struct.Struct(f"{1 + self._count}d")  # t_s and the columns
        self._pack, self._unpack = floats.pack, floats.unpack
        self._all_floats = all(column.kind == "float" for column in stream.columns)
        self._usual = tuple(_TYPES[column.kind] for column in stream.columns)
        self._ints = [n for n, column in enumerate(stream.columns) if column.kind == "int"]
        self._texts = [n for n, column in enumerate(stream.columns) if column.kind == "text"]

    def row(self, step: int, attempt: int, t_s: float, values: Mapping[str, Any]) -> Row:
        """One row to insert. Raises KeyError for a missing or unknown column, TypeError for a wrong kind."""
        if not -_INF < t_s < _INF:
            raise TypeError(f"{self.stream.name}: t_s is {t_s!r}, not a time")
        if len(values) != self._count:
            self._refuse_names(values)
        try:
            cells = self._cells(values)
        except KeyError:
            self._refuse_names(values)
        if self._all_floats:  # the usual row: packing takes numbers only and turns them into floats, all at once
            try:
                return (step, attempt, *self._unpack(self._pack(t_s, *cells)))
            except (struct.error, TypeError, ValueError, OverflowError):
                pass  # a None, or something to complain about by name
        elif tuple(map(type, cells)) == self._usual and self._is_plain(cells):
            return (step, attempt, float(t_s), *cells)
        converted = [self._converted(column, cell) for column, cell in zip(self.stream.columns, cells, strict=True)]
        return (step, attempt, float(t_s), *converted)

    def rows(self, step: int, attempt: int, t_s: Values, columns: Mapping[str, Values]) -> Iterator[Row]:
        """Many rows, all checked on return; raises as `row` does, and TypeError for columns of different lengths.

        They come one by one: a list of them would be looked through by the garbage collector, again and again.
        """
        if columns.keys() != set(self.stream.column_names):
            self._refuse_names(columns)
        times = np.asarray(t_s, dtype=float)
        if times.ndim != 1 or not np.isfinite(times).all():
            raise TypeError(f"{self.stream.name}: t_s must be a row of finite times")
        lists = [self._column(one, columns[one.name], times.size) for one in self.stream.columns]
        return zip(repeat(step, times.size), repeat(attempt), times.tolist(), *lists, strict=False)

    def _column(self, column: Column, values: Values, size: int) -> list[Cell]:
        if isinstance(values, str) or np.ndim(np.empty(0) if isinstance(values, list) else values) > 1:
            raise TypeError(f"{self.stream.name}.{column.name}: expected a row of values, found {values!r}")
        if len(values) != size:
            raise TypeError(f"{self.stream.name}.{column.name} has {len(values)} values for {size} times")
        kinds = values.dtype.kind if isinstance(values, np.ndarray) else ""
        if isinstance(values, np.ndarray) and values.size:
            if column.kind == "float" and kinds in "fiub":
                return np.asarray(values, dtype=float).tolist()
            if column.kind == "int" and kinds in "iu" and -EXACT_INT <= values.min() <= values.max() <= EXACT_INT:
                return values.tolist()
        quick = _quickly(column.kind, values) if isinstance(values, list) else None
        return quick if quick is not None else [self._converted(column, value) for value in values]

    def _is_plain(self, cells: tuple[Any, ...]) -> bool:
        """Of cells that have the usual types: whether they can be kept as they are."""
        for place in self._ints:  # plain loops: of a row each, a generator would cost as much as all else
            if not -EXACT_INT <= cells[place] <= EXACT_INT:
                return False
        for place in self._texts:  # noqa: SIM110
            if not cells[place].isascii():
                return False
        return True

    def _converted(self, column: Column, value: Any) -> Cell:
        if value is None:
            return None
        if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.ndim == 0):
            value = value.item()
        try:
            return _CONVERT[column.kind](value)
        except (TypeError, ValueError, OverflowError) as error:
            raise TypeError(
                f"{self.stream.name}.{column.name} takes a {column.kind} or None, found {value!r}: {error}"
            ) from None

    def _refuse_names(self, values: Mapping[str, Any]) -> NoReturn:
        known = self.stream.column_names
        missing = [name for name in known if name not in values]
        unknown = [name for name in values if name not in known]
        problems = [f"lacks {', '.join(missing)}"] if missing else []
        problems += [f"has no column {', '.join(map(str, unknown))}"] if unknown else []
        raise KeyError(f"stream {self.stream.name}: {'; '.join(problems)} (its columns: {', '.join(known)})")


def _quickly(kind: Kind, values: list[Any]) -> list[Cell] | None:
    """A list of the usual kind, converted or checked as a whole; None when each has to be looked at."""
    if values.count(None) == len(values):
        return values
    if kind == "float":
        try:
            return list(array("d", values))
        except (TypeError, OverflowError):
            return None
    kinds = set(map(type, values))
    if kind == "int" and kinds == {int} and -EXACT_INT <= min(values) <= max(values) <= EXACT_INT:
        return values
    if kind == "text" and kinds == {str} and "".join(set(values)).isascii():
        return values
    return None


def _getter(names: Sequence[str]) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    if len(names) > 1:
        return itemgetter(*names)
    return lambda values: tuple(values[name] for name in names)


def _float(value: Any) -> float:
    if not isinstance(value, float | int):
        raise TypeError("not a number")
    return float(value)


def _int(value: Any) -> int:
    if not isinstance(value, int):
        raise TypeError("not a whole number")
    if abs(value) > EXACT_INT:
        raise ValueError("too large to be kept exactly")
    return int(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    value.encode("utf-8")  # a lone surrogate would only be refused when the row is written
    return str(value)


_TYPES: dict[Kind, type] = {"float": float, "int": int, "text": str}
_CONVERT: dict[Kind, Callable[[Any], Cell]] = {"float": _float, "int": _int, "text": _text}
