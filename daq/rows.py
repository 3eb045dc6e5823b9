"""Columns of many rows, row by row."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from daq.contracts import Columns, Value


def rows_of(columns: Columns) -> Iterator[dict[str, Value]]:
    """Each with plain numbers, also of numpy's."""
    lists = [one.tolist() if isinstance(one, np.ndarray) else one for one in columns.values()]
    return (dict(zip(columns, row, strict=True)) for row in zip(*lists, strict=True))
