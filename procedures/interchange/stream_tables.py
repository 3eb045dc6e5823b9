"""Whole streams of a run as plain CSV or Parquet: every row, every attempt, as recorded."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from daq.errors import BadInput


def as_csv(table: Mapping[str, Any]) -> bytes:
    """Column names with their units, then the rows; numbers with all their digits, an empty cell for no value."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table)
    for row in zip(*(np.asarray(column).tolist() for column in table.values()), strict=True):
        writer.writerow(["" if _missing(value) else value for value in row])
    return text.getvalue().encode("utf-8")


def as_parquet(table: Mapping[str, Any], units: Mapping[str, str]) -> bytes:
    """Parquet with the unit of each column in its metadata. Raises BadInput without pyarrow."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise BadInput(
            "Parquet files need the package pyarrow, which is not installed: pip install 'cellrig[parquet]', "
            "or export as csv",
            place="export",
        ) from error
    arrays, fields = [], []
    for name, column in table.items():
        values = np.asarray(column)
        is_text = values.dtype.kind in "OUS"
        array = pa.array([None if _missing(value) else str(value) for value in values.tolist()] if is_text else values)
        arrays.append(array)
        fields.append(pa.field(name, array.type, metadata={"unit": units.get(name, "")}))
    sink = io.BytesIO()
    pq.write_table(pa.table(arrays, schema=pa.schema(fields)), sink)
    return sink.getvalue()


def _missing(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))
