"""Where a result holds, in words: units that stand in a key are written behind the number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from daq.contracts import Result

_UNITS = {"mA_cm2": "mA/cm2", "mA_g": "mA/g", "mA": "mA", "mV": "mV", "Hz": "Hz", "V": "V", "C": "°C"}
_CLOCKS = {"critical-current": "the start of the run", "symmetric-cycling": "the start of its schedule"}
IN_A_FILE = "time 0 of the file"
DIGITS = 4  # a current that was measured, not the one that was set: 0.249999 is 0.25


def quantity_in_words(key: str, value: Any) -> str:
    """`current_density_mA_cm2`, 0.249999: `current density 0.25 mA/cm2`; a key without a unit as it is."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    for ending, unit in _UNITS.items():
        if is_number and key.endswith(f"_{ending}"):
            return f"{key.removesuffix(f'_{ending}').replace('_', ' ')} {value:.{DIGITS}g} {unit}"
    shown = f"{value:g}" if isinstance(value, float) else str(value)
    return f"{key.replace('_', ' ')} {shown}"


def counted_since(results: Sequence[Result], origin: str) -> list[Result]:
    """The same; a short circuit's hours say in where they hold what they are counted from, where they do not yet."""
    return [_told(one, origin) if one.name == "short_circuit" and one.value is not None else one for one in results]


def _told(one: Result, origin: str) -> Result:
    return replace(one, at={**one.at, "since": one.at.get("since", origin)})


def on_its_clock(results: Sequence[Result], procedure: str) -> list[Result]:
    """`counted_since`, of a run of this procedure: a ladder counts on the run's clock, heating included, a symmetric
    cell on that of its schedule."""
    return counted_since(results, _CLOCKS[procedure]) if procedure in _CLOCKS else list(results)
