"""Where a result holds, in words: units that stand in a key are written behind the number."""

from __future__ import annotations

from typing import Any

_UNITS = {"mA_cm2": "mA/cm2", "mA_g": "mA/g", "mA": "mA", "mV": "mV", "Hz": "Hz", "V": "V", "C": "°C"}
DIGITS = 4  # a current that was measured, not the one that was set: 0.249999 is 0.25


def quantity_in_words(key: str, value: Any) -> str:
    """`current_density_mA_cm2`, 0.249999: `current density 0.25 mA/cm2`; a key without a unit as it is."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    for ending, unit in _UNITS.items():
        if is_number and key.endswith(f"_{ending}"):
            return f"{key.removesuffix(f'_{ending}').replace('_', ' ')} {value:.{DIGITS}g} {unit}"
    shown = f"{value:g}" if isinstance(value, float) else str(value)
    return f"{key.replace('_', ' ')} {shown}"
