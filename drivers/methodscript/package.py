"""Numbers of MethodSCRIPT: literals in a script, and values in the data packages that it sends.

A value of a package is two letters for its type, seven hex digits, and a prefix: (hex - 0x8000000) x prefix. After it
come metadata fields. Facts from PalmSens' public examples and SDK documentation; no instrument was at hand.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

OFFSET = 0x8000000
LARGEST = 2**27
EXPONENTS = {"a": -18, "f": -15, "p": -12, "n": -9, "u": -6, "m": -3, " ": 0,
             "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18, "i": 0}  # fmt: skip
FINEST_FIRST = "afpnum kMGTPE"
TIMING, OVERLOAD, UNDERLOAD, WARNING = 1, 2, 4, 8
NAN = "     nan"
VALUE = re.compile(r"([a-z]{2})(?:([0-9A-Fa-f]{7})([afpnumkMGTPEi ])|( {5}nan))((?:,[0-9A-Za-z]+)*)", re.ASCII)


class PackageError(ValueError):
    """Text that is no data package; the text says why."""


@dataclass(frozen=True, slots=True)
class Value:
    """One value. `status` holds the bits TIMING, OVERLOAD, UNDERLOAD, WARNING; `range_index` is the model's own."""

    type: str
    value: float
    status: int = 0
    range_index: int | None = None


def read_package(line: str) -> tuple[Value, ...]:
    """The values of `P...;...`, without the line's end. Raises PackageError."""
    if not line.startswith("P"):
        raise PackageError(f"{line!r} is no data package")
    return tuple(_value(part) for part in line[1:].split(";"))


def _value(text: str) -> Value:
    match = VALUE.fullmatch(text)
    if match is None:
        raise PackageError(f"{text!r} is no value")
    kind, digits, prefix, nothing, fields = match.groups()
    number = math.nan if nothing else _number(int(digits, 16) - OFFSET, prefix)
    status, range_index = 0, None
    for field in fields.split(",")[1:]:
        try:
            if field[0] == "1" and len(field) == 2:
                status = int(field[1], 16)
            elif field[0] == "2" and len(field) == 3:
                range_index = int(field[1:], 16)
        except ValueError as error:
            raise PackageError(f"{text!r} has a damaged field {field!r}") from error
    return Value(kind, number, status, range_index)


def _number(integer: int, prefix: str) -> float:
    """Divided rather than multiplied where it is small: so that -499905 u is exactly -0.499905."""
    exponent = EXPONENTS[prefix]
    return integer / 10**-exponent if exponent < 0 else float(integer * 10**exponent)


def write_value(value: Value) -> str:
    """As an instrument prints it: the finest prefix for which the rounded number fits in 28 bits."""
    text = NAN if math.isnan(value.value) else _digits(value.value)
    if value.range_index is None and not value.status:
        return value.type + text
    tail = "" if value.range_index is None else f",2{value.range_index:02X}"
    return f"{value.type}{text},1{value.status:X}{tail}"


def write_package(values: tuple[Value, ...]) -> str:
    return "P" + ";".join(write_value(value) for value in values)


def _digits(value: float) -> str:
    for prefix in FINEST_FIRST:
        exponent = EXPONENTS[prefix]
        scaled = value * 10**-exponent if exponent < 0 else value / 10**exponent
        if -LARGEST <= (integer := round(scaled)) < LARGEST:
            return f"{integer + OFFSET:07X}{prefix}"
    raise PackageError(f"{value:g} is too large for a package")


def literal(value: float, *, with_prefix: bool = False) -> str:
    """A number for a script: an integer and a prefix, never a point, a plus sign or an exponent: 1.5 is `1500m`.

    The coarsest prefix that is exact; else the finest that fits. `with_prefix`: never without one, as some
    instruments want potentials. Raises ValueError for what is not finite or too large.
    """
    if not math.isfinite(value):
        raise ValueError(f"{value} can't stand in a script")
    if value == 0:
        return "0m" if with_prefix else "0"
    best = ""
    for prefix in "munpfa" if with_prefix else "Mk munpfa":
        exponent = EXPONENTS[prefix]
        scaled = value * 10**-exponent if exponent < 0 else value / 10**exponent
        if abs(scaled) >= LARGEST:
            break
        integer = round(scaled)
        best = f"{integer}{prefix.strip()}"
        if math.isclose(integer, scaled, rel_tol=1e-12):
            break
    if not best:
        raise ValueError(f"{value:g} is too large for a script")
    return best


def read_literal(text: str) -> float:
    """The number that a literal stands for. Raises ValueError for one that the script language does not have."""
    match = re.fullmatch(r"(-?\d+)([afpnumkMGTPEi]?)|0x([0-9A-Fa-f]+)", text, re.ASCII)
    if match is None:
        raise ValueError(f"{text!r} is no literal")
    if match[3]:
        return float(int(match[3], 16))
    return _number(int(match[1]), match[2] or " ")
