"""Currents and capacities as a plan gives them, and in amperes and ampere-hours for a sample.

`"0.1 mA/cm2"`, `"80 mA/g"`, `"0.5 C"`, `"C/10"`, `"1e-4 A"`; `"0.05 mAh/cm2"`, `"100 mAh/g"`, `"1 mAh"`.
Areas are the electrode's (the pellet's where no electrode is given), masses the active material's; none is guessed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pymeasure.experiment import Parameter

from daq.errors import BadInput
from daq.sample import Sample
from procedures.form_fields import text_field
from procedures.sample_geometry import electrode_area_cm2

CURRENT_UNITS = ("A", "mA", "uA", "mA/cm2", "mA/g", "C")
CAPACITY_UNITS = ("Ah", "mAh", "mAh/cm2", "mAh/g")
_AMOUNT = re.compile(r"\s*([0-9.eE+-]+)\s*([A-Za-z/0-9]+)\s*")
_POTENTIAL = ("mV", "V")
_PLAIN = {"A": 1.0, "mA": 1e-3, "uA": 1e-6, "Ah": 1.0, "mAh": 1e-3}
MOST = 500


@dataclass(frozen=True)
class Amount:
    """A positive number in one of the units above."""

    value: float
    unit: str

    def __str__(self) -> str:
        return f"{self.value!r} {self.unit}"

    @property
    def told(self) -> str:
        return f"{self.value:g} {self.unit}"


def read_amount(given: Any, units: Sequence[str]) -> Amount:
    """From what a plan gives. Raises ValueError naming the units."""
    known = ", ".join(units)
    text = str(given).replace("cm²", "cm2").replace("µ", "u")
    rate = re.fullmatch(r"\s*C\s*/\s*([0-9.]+)\s*", text)
    if rate and "C" in units and float(rate[1]) > 0:
        return Amount(1 / float(rate[1]), "C")
    found = _AMOUNT.fullmatch(text)
    if isinstance(given, bool) or not found or found[2] not in units:
        raise ValueError(f'{given!r} is not an amount with one of the units {known}, as in "0.1 {units[-2]}"')
    try:
        value = float(found[1])
    except ValueError:
        raise ValueError(f"{found[1]!r} is not a number") from None
    if not (value > 0 and math.isfinite(value)):
        why = (
            "for the other sign exchange the cell's leads" if found[2] in _POTENTIAL else "the direction is the step's"
        )
        raise ValueError(f"{given!r} must be above 0: {why}")
    return Amount(value, found[2])


def resolve(amount: Amount, sample: Sample, place: str) -> float:
    """In amperes or ampere-hours. Raises BadInput naming the key of the sample that is missing."""
    if amount.unit in _PLAIN:
        return amount.value * _PLAIN[amount.unit]
    if amount.unit.endswith("/cm2"):
        return 1e-3 * amount.value * require_area(sample, place, amount.told)
    grams = 1e-3 * _require_active(sample, "mass_mg", place, amount.told)
    if amount.unit == "C":
        return 1e-3 * amount.value * grams * _require_active(sample, "capacity_mAh_g", place, amount.told)
    return 1e-3 * amount.value * grams


def require_area(sample: Sample, place: str, what: str) -> float:
    """cm2. Raises BadInput when neither electrode nor pellet has an area."""
    area = electrode_area_cm2(sample)
    if area is None:
        raise BadInput(f"{what} needs an area", place=f"{place}, sample.electrode", allowed="{ diameter_mm = 9 }")
    return area


def _require_active(sample: Sample, key: Literal["mass_mg", "capacity_mAh_g"], place: str, what: str) -> float:
    value = getattr(sample.active, key) if sample.active is not None else None
    if value is None:
        example = "active = { mass_mg = 1.4, capacity_mAh_g = 170 }"
        raise BadInput(f"{what} needs {key} of the active material", place=f"{place}, sample.active.{key}",
                       allowed=example)  # fmt: skip
    return float(value)


class Amounts(Parameter):
    """One amount or a list of them, or `{ start, stop, step, unit }`. Its value is a list of texts."""

    def __init__(self, name: str, *, units: Sequence[str], **options: Any) -> None:
        self.allowed = tuple(units)
        super().__init__(name, ui_class=text_field, **options)

    def convert(self, value: Any) -> list[str]:
        if isinstance(value, dict):
            value = _range(value)
        elif isinstance(value, str):
            value = [one for one in value.split(",") if one.strip()]
        if not isinstance(value, list | tuple) or not value:
            raise ValueError("expected a list of amounts, or { start, stop, step, unit }")
        if len(value) > MOST:
            raise ValueError(f"{len(value)} amounts are more than {MOST}")
        return [str(read_amount(one, self.allowed)) for one in value]

    def __str__(self) -> str:
        return ", ".join(self._value or [])

    @staticmethod
    def of(texts: Sequence[str], units: Sequence[str]) -> list[Amount]:
        return [read_amount(text, units) for text in texts]


def _range(given: dict[str, Any]) -> list[str]:
    if set(given) != {"start", "stop", "step", "unit"}:
        raise ValueError(f"a range has start, stop, step and unit, found {', '.join(given) or 'nothing'}")
    try:
        start, stop, step = (float(given[key]) for key in ("start", "stop", "step"))
    except (TypeError, ValueError):
        raise ValueError("start, stop and step of a range are numbers") from None
    if not (0 < start <= stop < math.inf and 0 < step < math.inf):
        raise ValueError("a range needs 0 < start <= stop and a step above 0")
    count = math.floor((stop - start) / step + 1e-9) + 1
    if count > MOST:
        raise ValueError(f"{count} amounts are more than {MOST}")
    return [f"{round(start + index * step, 12)!r} {given['unit']}" for index in range(count)]


def amounts(name: str, *, units: Sequence[str] = CURRENT_UNITS, **options: Any) -> Any:
    return Amounts(name, units=units, **options)
