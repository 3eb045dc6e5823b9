"""Parameters of procedures: pymeasure's, with the few kinds that an experiment over temperature needs besides.

One declaration serves the plan file, the form and the check. `convert` takes what TOML gives and what a
text field gives, and raises ValueError with a sentence.

pymeasure puts the value in the parameter's place on the procedure object. The small functions at the end say so
to a type checker: `ramp_K_per_min: float = quantity("Ramp", units="K/min", ...)`.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from pymeasure.experiment import BooleanParameter, FloatParameter, IntegerParameter, ListParameter, Parameter

from procedures.form_fields import text_field


class Quantity(FloatParameter):
    """A number with a unit. Written back in full (pymeasure's own keeps six digits), bounds named in errors.

    `required`: a plan must name it; the default is only what a form starts with.
    """

    def __init__(
        self, name: str, *, units: str, minimum: float, maximum: float, required: bool = False, **options: Any
    ) -> None:
        self.required = required
        super().__init__(name, units=units, minimum=minimum, maximum=maximum, **options)

    def convert(self, value: Any) -> float:
        number = to_number(value, self.units or "")
        if not self.minimum <= number <= self.maximum:
            raise ValueError(f"{number:g} is beyond {self.minimum:g} to {self.maximum:g} {self.units}")
        return number

    def __str__(self) -> str:
        return f"{self._value!r} {self.units}".strip() if self.is_set() else ""


class Count(IntegerParameter):
    """A whole number within bounds that its errors name."""

    def convert(self, value: Any) -> int:
        number = to_number(value, self.units or "")
        if number != int(number) or not self.minimum <= number <= self.maximum:
            raise ValueError(f"{number:g} is no whole number from {self.minimum} to {self.maximum}")
        return int(number)


class QuantityOr(Parameter):
    """A number with a unit, or one word that stands for 'let it be found' (`"ocp"`, `"auto"`, `"none"`)."""

    def __init__(self, name: str, *, word: str, units: str, minimum: float, maximum: float, **options: Any) -> None:
        self.word = word
        self.units = units
        self.minimum = minimum
        self.maximum = maximum
        super().__init__(name, default=options.pop("default", word), ui_class=text_field, **options)

    def convert(self, value: Any) -> float | str:
        if isinstance(value, str) and value.strip().lower() == self.word:
            return self.word
        try:
            number = to_number(value, self.units)
        except ValueError as error:
            raise ValueError(f'{error}, or "{self.word}"') from None
        if not self.minimum <= number <= self.maximum:
            bounds = f"{self.minimum:g} to {self.maximum:g} {self.units}"
            raise ValueError(f'{number:g} is beyond {bounds}, or "{self.word}"')
        return number

    def __str__(self) -> str:
        return f"{self._value} {self.units}" if isinstance(self._value, float) else str(self._value or "")


class Temperatures(Parameter):
    """A list of temperatures in degC, or a range `{ start = 25, stop = 120, step = 5 }`; as text `25:120:5`.

    Its value is a list of floats in the order in which they are visited; the last of a range is included.
    A plan must name it; the default is only what a form starts with.
    """

    required = True
    units = "degC"
    LOWEST_C, HIGHEST_C, MOST = -200.0, 1800.0, 500

    def __init__(self, name: str, **options: Any) -> None:
        super().__init__(name, ui_class=text_field, **options)

    def convert(self, value: Any) -> list[float]:
        if isinstance(value, str):
            value = _from_text(value)
        if isinstance(value, Mapping):
            value = _from_range(value)
        if not isinstance(value, list | tuple) or not value:
            raise ValueError("expected a list of temperatures or { start, stop, step }")
        numbers = [to_number(one, self.units) for one in value]
        for number in numbers:
            if not self.LOWEST_C <= number <= self.HIGHEST_C:
                raise ValueError(f"{number:g} °C is beyond {self.LOWEST_C:g} to {self.HIGHEST_C:g} °C")
        for one, other in pairwise(numbers):
            if one == other:
                raise ValueError(f"{one:g} °C stands twice in a row")
        if len(numbers) > self.MOST:
            raise ValueError(f"{len(numbers)} temperatures are more than {self.MOST}")
        return numbers

    def __str__(self) -> str:
        return ", ".join(f"{number:g}" for number in self._value or [])


class Table(Parameter):
    """A table of the plan file; the procedure that owns it checks what stands in it."""

    def __init__(self, name: str, **options: Any) -> None:
        super().__init__(name, ui_class=text_field, **options)

    def convert(self, value: Any) -> dict[str, Any]:
        if isinstance(value, str):
            value = _literal(value)
        if not isinstance(value, Mapping):
            raise ValueError("expected a table")
        return dict(value)


class Choice(ListParameter):
    """One of a few words."""

    def convert(self, value: Any) -> str:
        if value not in self.choices:
            raise ValueError(f"{value!r} is none of {', '.join(map(repr, self.choices))}")
        return str(value)


def to_number(value: Any, units: str) -> float:
    """A finite float. A text may carry the unit behind the number, and no other. Raises ValueError."""
    if isinstance(value, str):
        text, _, unit = value.strip().partition(" ")
        if unit.strip() not in ("", units):
            raise ValueError(f"the unit {unit.strip()!r} is not {units!r}")
        try:
            value = float(text)
        except ValueError:
            raise ValueError(f"{value!r} is not a number{_in(units)}") from None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{value!r} is not a number{_in(units)}")
    return float(value)


def _in(units: str) -> str:
    return f" in {units.replace('degC', '°C')}" if units else ""


def _from_range(given: Mapping[str, Any]) -> list[float]:
    if set(given) != {"start", "stop", "step"}:
        raise ValueError(f"a range has start, stop and step, found {', '.join(given) or 'nothing'}")
    start, stop, step = (to_number(given[key], "degC") for key in ("start", "stop", "step"))
    if step <= 0:
        raise ValueError(f"the step must be positive (it runs from start to stop either way), found {step:g}")
    total = math.floor(abs(stop - start) / step + 1e-9) + 1
    if total > Temperatures.MOST:
        raise ValueError(f"{total} temperatures are more than {Temperatures.MOST}")
    sign = 1.0 if stop >= start else -1.0
    numbers = [round(start + sign * step * index, 9) for index in range(total)]
    return numbers if math.isclose(numbers[-1], stop) else [*numbers, stop]


def _from_text(text: str) -> Any:
    parts = text.split(":")
    if len(parts) == 3:
        return dict(zip(("start", "stop", "step"), parts, strict=True))
    return [one for one in text.strip().strip("[]").split(",") if one.strip()]


def _literal(text: str) -> Any:
    try:
        return ast.literal_eval(text.strip() or "{}")
    except (ValueError, SyntaxError):
        raise ValueError(f"{text!r} is not a table") from None


def quantity(name: str, *, units: str, minimum: float, maximum: float, required: bool = False, **options: Any) -> Any:
    return Quantity(name, units=units, minimum=minimum, maximum=maximum, required=required, **options)


def quantity_or(name: str, *, word: str, units: str, minimum: float, maximum: float, **options: Any) -> Any:
    return QuantityOr(name, word=word, units=units, minimum=minimum, maximum=maximum, **options)


def count(name: str, *, minimum: int, maximum: int, **options: Any) -> Any:
    return Count(name, minimum=minimum, maximum=maximum, **options)


def yes_or_no(name: str, *, default: bool, **options: Any) -> Any:
    return BooleanParameter(name, default=default, **options)


def temperatures(name: str, **options: Any) -> Any:
    return Temperatures(name, **options)


def table(name: str, *, default: Mapping[str, Any], **options: Any) -> Any:
    return Table(name, default=dict(default), **options)


def choice(name: str, *, choices: Sequence[str], **options: Any) -> Any:
    return Choice(name, choices=list(choices), default=choices[0], **options)
