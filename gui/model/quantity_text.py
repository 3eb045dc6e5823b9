"""Numbers as people type them into a field: `1 MHz`, `50k`, `500 uA`, `0,5`; a wrong unit is explained."""

from __future__ import annotations

import math
import re

_NUMBER = re.compile(r"^\s*([+\-−]?(?:\d+[.,]?\d*|[.,]\d+)(?:[eE][+\-−]?\d+)?)\s*(.*?)\s*$")
_PREFIX = {"": 1.0, "p": 1e-12, "n": 1e-9, "u": 1e-6, "µ": 1e-6, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9}
_BARE_PREFIX = ("Hz", "V", "A", "ohm")  # "50k" is 50 kHz; "5 m" of a time would be minutes to some
_TIME_S = {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_SAME = {"Ω": "ohm", "°C": "degC", "μ": "µ"}


def number_of(text: str, unit: str) -> float:
    """In `unit`. A prefix or another unit of time is converted. Raises ValueError with a sentence."""
    match = _NUMBER.match(text)
    if match is None:
        raise ValueError(f"{text.strip()!r} is not a number" if text.strip() else "is empty")
    value = float(match.group(1).replace(",", ".").replace("−", "-"))
    return value * _factor(_plain(match.group(2)), unit, match.group(2))


def _factor(given: str, unit: str, written: str) -> float:
    if given in ("", unit):
        return 1.0
    if unit in _TIME_S and given in _TIME_S:
        return _TIME_S[given] / _TIME_S[unit]
    wanted_prefix, base = _split(unit)
    prefix, given_base = _split(given)
    if given_base == base:
        return _PREFIX[prefix] / _PREFIX[wanted_prefix]
    if given in _PREFIX and unit in _BARE_PREFIX:
        return _PREFIX[given]
    wanted = f"{shown_unit(unit)} (a prefix may stand before it)" if unit else "left out"
    raise ValueError(f"the unit must be {wanted}, not {written!r}")


def _split(unit: str) -> tuple[str, str]:
    """Prefix and the rest: `mA/cm2` is m and A/cm2; a bare `m` or `min` has none."""
    for base in ("Hz", "V", "A", "ohm", "s", "Ah", "W"):
        for prefix in _PREFIX:
            for end in ("", "/cm2", "/g", "/s", "h/g", "h/cm2"):
                if unit == f"{prefix}{base}{end}":
                    return prefix, base + end
    return "", unit


def _plain(unit: str) -> str:
    for odd, plain in _SAME.items():
        unit = unit.replace(odd, plain)
    return unit.replace("cm²", "cm2").replace(" ", "")


def shown_unit(unit: str) -> str:
    return unit.replace("degC", "°C").replace("ohm", "Ω").replace("cm2", "cm²")


def text_of(value: object, unit: str) -> str:
    """How a value stands in a field: with a prefix where that reads better."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if unit in ("Hz",) and value and not 1e-2 <= abs(value) < 1e3:
        exponent = max(-2, min(2, math.floor(math.log10(abs(value)) / 3)))
        prefix = {-2: "u", -1: "m", 0: "", 1: "k", 2: "M"}[exponent]
        return f"{value / 1000.0**exponent:.10g} {prefix}{unit}"
    return f"{value:.10g} {shown_unit(unit)}".strip()
