"""Numbers, times and sizes as a person reads them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from daq.errors import BadInput

ROUNDING = 1e-12  # relative: below it an uncertainty is what sums of equal floats leave over
SECONDS = {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}


def measured(value: float | None, uncertainty: float | None) -> str:
    """`0.1343 ± 0.0021`: two digits of the uncertainty, the value to the same decimal.

    Below 1e-3 and from 1e5 on a common power of ten: `(4.49 ± 0.45)e-3`. Without an uncertainty, or with one that is
    the rounding of arithmetic, four digits; `-` for a number that was refused.
    """
    if value is None or not math.isfinite(value):
        return "-"
    if uncertainty is None or not math.isfinite(uncertainty) or uncertainty <= ROUNDING * abs(value):
        return f"{value:.4g}"
    size = max(abs(value), uncertainty)
    power = math.floor(math.log10(size)) if not 1e-3 <= size < 1e5 else 0
    scale = 10.0**power
    decimals = min(12, 1 - math.floor(math.log10(uncertainty / scale)))
    shown = [f"{round(number / scale, decimals):.{max(0, decimals)}f}" for number in (value, uncertainty)]
    text = " ± ".join(shown)
    return f"({text})e{power}" if power else text


def duration(seconds: float | None) -> str:
    """`45 s`, `12 min`, `3 h 20 min`, `2 d 4 h`; `?` when it is not known."""
    if seconds is None or not math.isfinite(seconds):
        return "?"
    seconds = max(0.0, seconds)
    if seconds < 59.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        hours, rest = divmod(minutes, 60)
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    days, rest = divmod(round(minutes / 60), 24)
    return f"{days} d {rest} h" if rest else f"{days} d"


def seconds_of(written: str, place: str) -> float:
    """`90 s`, `20min`, `2h`, `1 d 6 h` in seconds. Raises BadInput."""
    parts = re.findall(r"\s*(\d+(?:\.\d+)?)\s*(s|min|h|d)\b", written)
    if not parts or re.sub(r"\s*\d+(?:\.\d+)?\s*(s|min|h|d)\b", "", written).strip():
        raise BadInput(f"{written!r} is not a time", place=place, allowed="numbers with s, min, h or d, as 2h")
    return sum(float(number) * SECONDS[unit] for number, unit in parts)


def size(count: float) -> str:
    """Bytes, in powers of 1000."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 999.5:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"


def local_time(unix: float | None) -> str:
    """Unix seconds in this computer's time zone, to the second."""
    if unix is None:
        return "-"
    return datetime.fromtimestamp(unix, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def one_line(value: object) -> str:
    """A parameter's value, short enough for a line."""
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return ", ".join(one_line(part) for part in value)
    if isinstance(value, dict):
        return ", ".join(f"{key} {one_line(part)}" for key, part in value.items())
    return "-" if value is None else str(value)


def quoted(path: object) -> str:
    """A path as it can be pasted behind a command."""
    text = str(path)
    return f'"{text}"' if any(sign in text for sign in " ()&;'$") else text


def trip(one: Mapping[str, Any]) -> str:
    """A tripped interlock as the run keeps it: its name, where it has one of its own, and the value it tripped at."""
    name, told = str(one["name"]), str(one["text"])
    return told if name == one["quantity"] else f"{name}: {told}"
