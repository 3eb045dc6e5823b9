"""The enums of the vendor's SDK, and the strictness of pythonnet about what is passed for them."""

from __future__ import annotations

import enum
from typing import Any

SCALES = ("1000A", "100A", "80A", "50A", "40A", "20A", "10A", "1A", "100mA", "10mA", "1mA")
SMALL_SCALES = ("100uA", "10uA", "1uA", "100nA", "10nA", "1nA", "100pA", "10pA", "1pA")


class EIMode(enum.Enum):
    Potentiostatic = 0
    Galvanostatic = 1


class EICellOnOff(enum.Enum):
    Off = 0
    On = 1


class EIBandwidth(enum.Enum):
    UltraHigh_Speed = 0
    High_Speed = 1
    High_Stability = 2


class FraWaveType(enum.Enum):
    Sine = 0
    MultiSine5 = 1
    MultiSine15 = 3


CURRENT_RANGES: Any = enum.Enum(
    "EICurrentRange", {f"CR{place:02d}_{name}": 7 - place for place, name in enumerate(SCALES + SMALL_SCALES)}
)


def strict(value: Any, kind: type[enum.Enum]) -> Any:
    """As pythonnet 3: no number stands for an enum."""
    if not isinstance(value, kind):
        raise TypeError(
            f"since Python.NET 3.0 {type(value).__name__} can not be converted to Enum implicitly. Use Enum(int_value)"
        )
    return value


def number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or type(value) not in (int, float):
        raise TypeError(f"'{type(value).__name__}' value cannot be converted to System.Double")
    return float(value)
