"""What an interlock looks at: a live quantity, the difference of two, or how fast one changes, as people write it.

furnace.temperature_C                                     what an instrument reads
furnace.sample_temperature_C - furnace.temperature_C      a difference of two in the same unit
furnace.temperature_C per min                             a rate (per s, min or h)
furnace.silence_s                                         how long an instrument has not answered
polarisation.voltage_V                                    a column of what a procedure records
disk.free_GB                                              what is left where the runs are kept
"""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from daq.contracts import Columns
from daq.errors import BadInput
from daq.plugins import suggest
from daq.stream import Stream

Sources = Mapping[str, Mapping[str, str]]  # source: column: unit
Form = Literal["value", "difference", "rate", "first"]
SILENCE, DISK, FREE = "silence_s", "disk", "free_GB"
SECONDS = {"s": 1.0, "min": 60.0, "h": 3600.0}
FORMS = "INSTRUMENT.QUANTITY, a difference 'A.x - B.y', or a rate 'A.x per min' (s, min, h)"
_TERM = r"([^\s.]+)\.([A-Za-z]\w*)"
_WRITTEN = re.compile(rf"{_TERM}(?:\s+-\s+{_TERM}|\s+per\s+(\w+))?")


@dataclass(frozen=True)
class Term:
    """A column of an instrument's reading or of a stream."""

    source: str
    column: str


@dataclass(frozen=True)
class Quantity:
    """`first`: the first of its terms that has a value. `seconds` is the length of a rate's unit of time."""

    text: str
    unit: str
    terms: tuple[Term, ...]
    form: Form = "value"
    seconds: float = 1.0

    @property
    def sources(self) -> frozenset[str]:
        return frozenset(term.source for term in self.terms)


def numeric_columns(stream: Stream) -> dict[str, str]:
    """The columns of a stream that a limit can be set on, with their units."""
    return {column.name: column.unit for column in stream.columns if column.kind != "text"}


def read_quantity(text: str, sources: Sources, place: str) -> Quantity:
    """Raises BadInput for what does not exist on this bench, and for a difference of two units."""
    written = _WRITTEN.fullmatch(text.strip())
    if written is None:
        raise BadInput(f"{text!r} names no quantity", place=place, allowed=FORMS)
    source, column, other_source, other_column, per = written.groups()
    first, unit = _term(source, column, sources, place)
    if per is not None:
        if per not in SECONDS:
            raise BadInput(f"a rate is per s, min or h, not per {per!r}", place=place, allowed=FORMS)
        return Quantity(text.strip(), f"{_step_unit(unit)}/{per}", (first,), "rate", SECONDS[per])
    if other_source is None:
        return Quantity(text.strip(), unit, (first,))
    second, other_unit = _term(other_source, other_column, sources, place)
    if unit != other_unit:
        raise BadInput(f"{text!r} is a difference of {unit or '1'} and {other_unit or '1'}", place=place)
    return Quantity(text.strip(), _step_unit(unit), (first, second), "difference")


def _term(source: str, column: str, sources: Sources, place: str) -> tuple[Term, str]:
    columns = sources.get(source)
    if columns is None:
        raise BadInput(f"there is no {source!r} here", place=place, allowed=suggest(source, sorted(sources)))
    if column not in columns:
        told = suggest(column, sorted(columns))
        same = [one for one in columns if one.rpartition("_")[0] == column.rpartition("_")[0] != ""]
        wrong = f"{source} gives it in {columns[same[0]]}, not in {column.rpartition('_')[2]}" if same else ""
        problem = wrong or f"{source} has no {column!r}"
        raise BadInput(problem, place=place, allowed=told)
    return Term(source, column), columns[column]


def _step_unit(unit: str) -> str:
    """Differences of temperatures are kelvin."""
    return "K" if unit == "degC" else unit


class Gauge:
    """The value of one quantity, out of what was fed. `window_s` is what a rate is taken over."""

    def __init__(self, quantity: Quantity, window_s: float = 60.0) -> None:
        self._quantity = quantity
        self._window_s = window_s
        self._terms = tuple(enumerate(quantity.terms))  # fed with every reading of the bench
        self._latest: list[float | None] = [None] * len(quantity.terms)  # term by term
        self._past: deque[tuple[float, float]] = deque()

    def feed(self, source: str, values: Mapping[str, object], t_s: float) -> float | None:
        """The value now, None while it is not known. A row without the column leaves what was known."""
        for place, term in self._terms:
            if term.source != source or term.column not in values:
                continue
            value = values[term.column]
            if not isinstance(value, float | int) or math.isnan(value):
                self._latest[place] = None
                continue
            self._latest[place] = float(value)
            if self._quantity.form == "rate":
                self._past.append((t_s, float(value)))
                while len(self._past) > 2 and self._past[1][0] <= t_s - self._window_s:
                    self._past.popleft()
        return self._value()

    def of_columns(self, source: str, columns: Columns) -> np.ndarray | None:
        """What it would be, reading by reading of one source; empty where that leaves it unknown.

        None for a rate, and where something else has a part in it, or only some of the readings have it.
        """
        if self._quantity.form == "rate" or any(term.source != source for _, term in self._terms):
            return None
        found = [columns[term.column] for _, term in self._terms if term.column in columns]
        known = [one for one in found if isinstance(one, np.ndarray)]
        if any(one is not None for values in found if not isinstance(values, np.ndarray) for one in values):
            return None
        if self._quantity.form == "difference":
            return known[0] - known[1] if len(known) == 2 else np.empty(0)
        return known[0] if known else np.empty(0)

    def _value(self) -> float | None:
        known = self._latest
        if self._quantity.form == "rate":
            return self._rate()
        if self._quantity.form == "difference":
            return None if known[0] is None or known[1] is None else known[0] - known[1]
        return known[0] if len(known) == 1 else next((value for value in known if value is not None), None)

    def _rate(self) -> float | None:
        """Least squares over the window; None before half of it has been seen."""
        past = self._past
        if len(past) < 3 or past[-1][0] - past[0][0] < 0.5 * self._window_s:
            return None
        slope = _slope(past)
        return None if slope is None else slope * self._quantity.seconds


def _slope(points: Iterable[tuple[float, float]]) -> float | None:
    pairs = list(points)
    mean_t = sum(t for t, _ in pairs) / len(pairs)
    mean_v = sum(v for _, v in pairs) / len(pairs)
    spread = sum((t - mean_t) ** 2 for t, _ in pairs)
    return sum((t - mean_t) * (v - mean_v) for t, v in pairs) / spread if spread > 0 else None
