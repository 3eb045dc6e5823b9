"""Numbers and times as people read them: a prefix rather than 1e-05, hours and minutes, the dot for decimals."""

from __future__ import annotations

import math

PREFIXES = (
    (1e9, "G"),
    (1e6, "M"),
    (1e3, "k"),
    (1.0, ""),
    (1e-3, "m"),
    (1e-6, "µ"),
    (1e-9, "n"),
    (1e-12, "p"),
    (1e-15, "f"),
    (1e-18, "a"),
)
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
NOTHING = "—"


def with_prefix(value: float | None, unit: str, digits: int = 4) -> str:
    """`12.41 µA`; a dash for what is not known."""
    if value is None or not math.isfinite(value):
        return NOTHING
    size = abs(value)
    if size == 0:
        return f"0 {unit}"
    for scale, prefix in PREFIXES:
        if size >= scale * 0.9999:
            return f"{_plain(value / scale, digits)} {prefix}{unit}".replace("-", "−")
    return f"{value:.{digits}g} {unit}".replace("-", "−")


def _plain(value: float, digits: int) -> str:
    """With so many significant digits and no exponent below a thousand."""
    before = max(1, math.floor(math.log10(abs(value))) + 1) if value else 1
    return f"{value:.{max(0, digits - before)}f}"


def power_of_ten(exponent: int) -> str:
    return f"{10.0**exponent:g}" if 0 <= exponent <= 2 else "10" + str(exponent).translate(SUPERSCRIPTS)


def hours(seconds: float) -> str:
    """`3:05`, hours and minutes since the start."""
    sign = "−" if seconds < 0 else ""
    minutes = round(abs(seconds) / 60)
    return f"{sign}{minutes // 60}:{minutes % 60:02d}"


def hours_exact(seconds: float) -> str:
    sign = "−" if seconds < 0 else ""
    whole = round(abs(seconds))
    return f"{sign}{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def span(seconds: float | None) -> str:
    """`1 h 09 min`, `25 s`, `12 d 3 h`."""
    if seconds is None or not math.isfinite(seconds):
        return NOTHING
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min"
    if whole < 48 * 3600:
        return f"{whole // 3600} h {whole // 60 % 60:02d} min"
    return f"{whole // 86400} d {whole // 3600 % 24} h"
