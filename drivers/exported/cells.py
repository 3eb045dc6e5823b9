"""Cells of an exported table as numbers, times and dates."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]
CLOCK = re.compile(r"(?:(\d+)[-. ])?(\d+):(\d{2}):(\d{2}(?:[.,]\d+)?)")
DATES = ("%m/%d/%Y %H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M:%S", "%d.%m.%Y %H:%M:%S")


def numbers(column: Any) -> Floats:
    """A column as floats, nan for what is no number. A decimal comma is taken where no cell has a point."""
    if not pd.api.types.is_numeric_dtype(column):
        text = column.astype(str)
        if text.str.contains(r"\d,\d", regex=True).any() and not text.str.contains(r"\d\.\d", regex=True).any():
            text = text.str.replace(",", ".", regex=False)
        column = pd.to_numeric(text, errors="coerce")
    return np.asarray(column, dtype=float)


def clock_seconds(column: Any) -> Floats:
    """`hh:mm:ss` and `d-hh:mm:ss`, or a workbook's times, in seconds; nan for what is neither."""
    return np.array([_seconds(cell) for cell in column], dtype=float)


def _seconds(cell: object) -> float:
    if isinstance(cell, timedelta):
        return cell.total_seconds()
    if isinstance(cell, time):
        return cell.hour * 3600.0 + cell.minute * 60 + cell.second + cell.microsecond * 1e-6
    found = CLOCK.fullmatch(str(cell).strip())
    if found is None:
        return float("nan")
    days, hours, minutes, seconds = found.groups()
    return int(days or 0) * 86400.0 + int(hours) * 3600 + int(minutes) * 60 + float(seconds.replace(",", "."))


def unix_of(cell: object) -> float | None:
    """The local time of the cycler's computer, taken as that of this one; None for what is no date."""
    if isinstance(cell, datetime):
        return cell.timestamp()
    if isinstance(cell, date):
        return None
    text = str(cell).strip().partition(".")[0] if ":" in str(cell) and "/" in str(cell) else str(cell).strip()
    text = re.sub(r"[.,]\d+$", "", text)
    for form in DATES:
        try:
            return datetime.strptime(text, form).timestamp()
        except ValueError:
            continue
    return None
