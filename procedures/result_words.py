"""Numbers and names as a person reads them on paper."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from daq.contracts import Result
from procedures.cli.text import measured
from procedures.result_place import quantity_in_words

SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
UNITS = {"ohm": "Ω", "degC": "°C", "1": "", "S/cm": "S\u00a0cm⁻¹", "S K/cm": "S\u00a0K\u00a0cm⁻¹"}
NAMES = {
    "activation_energy": "activation energy Eₐ",
    "prefactor": "prefactor A",
    "conductivity_25C": "conductivity at 25 °C",
    "transition_temperature": "transition temperature",
    "total_resistance": "R total",
    "bulk_resistance": "R bulk",
    "grain_boundary_resistance": "R grain boundary",
    "kramers_kronig_residual": "Kramers-Kronig residual",
}
PREFIXES = {-15: "f", -12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T"}


def number(value: float | None, uncertainty: float | None = None) -> str:
    """`0.5598 ± 0.0002`, `(4.495 ± 0.005) × 10⁻⁶`; `–` for what is not known."""
    text = measured(value, uncertainty)
    if text == "-":
        return "–"
    text = re.sub(r"e\+?(-?)0*(\d+)$", lambda m: " × 10" + (m[1] + m[2]).translate(SUPERSCRIPT), text)
    return re.sub(r"(?<![\w⁰-⁹])-(?=\d)", "−", text)


def with_prefix(value: float | None, uncertainty: float | None, unit: str) -> str:
    """`25.49 ± 0.03 kΩ`: one prefix for value and uncertainty."""
    if value is None or not math.isfinite(value):
        return "–"
    exponent, prefix = prefix_of(value)
    scale = 10.0**exponent
    return f"{number(value / scale, None if uncertainty is None else uncertainty / scale)} {prefix}{unit}"


def prefix_of(value: float) -> tuple[int, str]:
    """The power of ten and the letter with which `value` is 1 … 999."""
    if value == 0 or not math.isfinite(value):
        return 0, ""
    exponent = 3 * math.floor(math.log10(abs(value)) / 3 + 1e-9)
    exponent = min(max(exponent, min(PREFIXES)), max(PREFIXES))
    return exponent, PREFIXES[exponent]


def frequency(hertz: float) -> str:
    exponent, prefix = prefix_of(hertz)
    return f"{hertz / 10.0**exponent:.3g} {prefix}Hz"


def unit_of(result: Result) -> str:
    return UNITS.get(result.unit, result.unit)


def name_of(result: Result) -> str:
    return NAMES.get(result.name, result.name.replace("_", " "))


def value_of(result: Result) -> str:
    """Value, uncertainty and unit; `–` for a refused number."""
    if result.value is None:
        return "–"
    if result.unit == "ohm":
        return with_prefix(result.value, result.uncertainty, "Ω")
    return f"{number(result.value, result.uncertainty)} {unit_of(result)}".strip()


def interval_of(result: Result) -> str:
    """`0.5594 … 0.5601`, `(4.484 … 4.496) × 10⁻⁶`: as many digits as its width has sense for. Ohms with the prefix
    that their value has, `24.85 … 25.07 kΩ`."""
    if result.interval is None or not all(math.isfinite(end) for end in result.interval):
        return ""
    if result.unit != "ohm":
        return _between(*result.interval)
    exponent, prefix = prefix_of(result.value if result.value is not None else max(result.interval, key=abs))
    low, high = (end / 10.0**exponent for end in result.interval)
    return f"{_between(low, high)} {prefix}Ω"


def _between(low: float, high: float) -> str:
    width, size = high - low, max(abs(low), abs(high))
    if not width > 0:
        return number(low)
    power = math.floor(math.log10(size)) if not 1e-3 <= size < 1e5 else 0
    decimals = min(max(1 - math.floor(math.log10(width / 10.0**power)), 0), 15)
    ends = " … ".join(f"{end / 10.0**power:.{decimals}f}".replace("-", "−") for end in (low, high))
    return f"({ends}) × 10{str(power).translate(SUPERSCRIPT)}" if power else ends


def where_of(at: Mapping[str, Any]) -> str:
    """`heating, 60 °C, sample a`."""
    parts = []
    for key, value in at.items():
        if key == "temperature_C" and isinstance(value, int | float):
            parts.append(f"{value:g} °C")
        elif key == "sample_temperature_C" and isinstance(value, int | float):
            parts.append(f"sample {value:.2f} °C")
        elif key in {"direction", "sample"}:
            parts.append(str(value))
        elif key == "branch":
            parts.append(f"{value} the transition")
        else:
            parts.append(quantity_in_words(key, value))
    return ", ".join(parts)
