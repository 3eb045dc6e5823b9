"""Rows of a stream as arrays, about a million a second: numbers are streamed flat into one array, texts apart."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from itertools import chain

import numpy as np

from daq.runfile.schema import quoted
from daq.stream import Column


def read_table(
    connection: sqlite3.Connection, stream: str, columns: Sequence[Column], keys: np.ndarray, after: int
) -> dict[str, np.ndarray]:
    """See `RunFile.table`. `keys[n]` is the key of step number n. One read transaction."""
    name = quoted(stream)
    numbers = ["step", "attempt", "t_s", *[c.name for c in columns if c.kind != "text"]]
    texts = [c.name for c in columns if c.kind == "text"]
    connection.execute("BEGIN")
    try:
        flat = _flat(
            connection, f"SELECT {', '.join(map(quoted, numbers))} FROM {name} WHERE id > ? ORDER BY id", after
        )
        block = flat.reshape(-1, len(numbers)).T
        ids = _ids(connection, name, after, block.shape[1])
        words = {
            one: _words(connection, f"SELECT {quoted(one)} FROM {name} WHERE id > ? ORDER BY id", after)
            for one in texts
        }
    finally:
        connection.execute("ROLLBACK")
    found = dict(zip(numbers, block, strict=True))
    if ids.size and not 0 <= found["step"].min() <= found["step"].max() < keys.size:
        raise ValueError(f"{stream} has rows of steps that the plan lacks")
    table: dict[str, np.ndarray] = {
        "id": ids,
        "step": keys[found["step"].astype(np.int64)],
        "attempt": found["attempt"].astype(np.int64),
        "t_s": np.ascontiguousarray(found["t_s"]),
    }
    for column in columns:
        table[column.name] = words[column.name] if column.kind == "text" else _numbers(column, found[column.name])
    return table


def _flat(connection: sqlite3.Connection, sql: str, after: int) -> np.ndarray:
    """All numbers, row by row. The quick way takes no NULL; the other costs half as much again."""
    try:
        return np.fromiter(chain.from_iterable(connection.execute(sql, (after,))), dtype=float)
    except TypeError:
        cells = list(chain.from_iterable(connection.execute(sql, (after,))))
        return np.array(cells, dtype=float)


def _ids(connection: sqlite3.Connection, name: str, after: int, count: int) -> np.ndarray:
    """The ids; they follow each other unless somebody edited the file, so the ends are enough to know them."""
    if count == 0:
        return np.empty(0, dtype=np.int64)
    ends = f"SELECT (SELECT min(id) FROM {name} WHERE id > ?), (SELECT max(id) FROM {name})"  # both at once: a scan
    first, last = connection.execute(ends, (after,)).fetchone()
    if last - first + 1 == count:
        return np.arange(first, last + 1, dtype=np.int64)
    rows = connection.execute(f"SELECT id FROM {name} WHERE id > ? ORDER BY id", (after,))
    return np.fromiter(chain.from_iterable(rows), dtype=np.int64)


def _words(connection: sqlite3.Connection, sql: str, after: int) -> np.ndarray:
    cells = ["" if cell is None else cell for (cell,) in connection.execute(sql, (after,))]
    words = np.empty(len(cells), dtype=object)
    words[:] = cells
    return words


def _numbers(column: Column, values: np.ndarray) -> np.ndarray:
    if column.kind == "int" and not np.isnan(values).any():
        return values.astype(np.int64)
    return np.ascontiguousarray(values)
