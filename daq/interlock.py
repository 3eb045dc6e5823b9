"""Interlocks: limits on live quantities and what is done when one is passed. Declared here, watched elsewhere.

Those of the bench file and of the plan, the limits of the drivers, what a sample bears and how long an instrument may
be silent are all the same thing: there is one mechanism that watches limits (`daq.interlock_watch`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from daq.contracts import Instrument, patience_s
from daq.errors import BadInput
from daq.quantity import DISK, FREE, SILENCE, Quantity, Sources, Term, numeric_columns, read_quantity
from daq.sample import Sample
from daq.stream import Stream
from daq.tables import StrictModel

Action = Literal["warn", "pause", "skip", "stop", "make_safe"]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Hours = Annotated[float, Field(gt=0, le=24 * 60, allow_inf_nan=False)]
Bound = float | str | None
WAIT_MAX_H = 12.0
SAMPLE_MARGIN_K = 2.0  # a furnace that is set to just what its sample bears overshoots a little


class InterlockTable(StrictModel):
    """`[[interlock]]` of a bench file or a plan. A bound is a number, or a text with its unit: `"118 degC"`."""

    quantity: str = Field(min_length=3)
    action: Action
    name: str = Field(default="", max_length=80)
    maximum: Bound = None
    minimum: Bound = None
    hysteresis: NotNegative = 0.0
    delay_s: NotNegative = 0.0
    clear_after_s: NotNegative = 30.0
    window_s: Annotated[float, Field(ge=5, le=86400, allow_inf_nan=False)] = 60.0
    wait_max_h: Hours = WAIT_MAX_H


@dataclass(frozen=True)
class Interlock:
    """Trips when its quantity has been beyond a bound (inclusive) for `delay_s`; clears when it has been inside by
    `hysteresis` for `clear_after_s`. `owner` is the instrument that an error about it names.
    """

    name: str
    quantity: Quantity
    action: Action
    owner: str
    maximum: float | None = None
    minimum: float | None = None
    hysteresis: float = 0.0
    delay_s: float = 0.0
    clear_after_s: float = 0.0
    window_s: float = 60.0
    wait_max_s: float = 0.0
    is_built_in: bool = False

    @property
    def bounds_text(self) -> str:
        unit = f" {self.quantity.unit}".replace("degC", "°C") if self.quantity.unit else ""
        parts = [("at least", self.minimum), ("at most", self.maximum)]
        return ", ".join(f"{word} {bound:g}{unit}" for word, bound in parts if bound is not None)

    def is_beyond(self, value: float, by: float = 0.0) -> bool:
        """Whether `value` is outside of the bounds narrowed by `by`."""
        above = self.maximum is not None and value > self.maximum - by
        below = self.minimum is not None and value < self.minimum + by
        return above or below

    def passed_text(self, value: float) -> str:
        """`temperature_C = 151.5 is above its limit of 150`."""
        if self.quantity.terms[0].column == SILENCE and self.quantity.form == "value":
            return f"no reading for {value:.0f} s"
        bound, side = self.maximum, "above"
        if bound is None or value <= bound:
            bound, side = self.minimum, "below"
        assert bound is not None
        what = self.quantity.text
        return f"{what} = {value:.5g} is {side} its limit of {bound:g}"


def sources_of(instruments: Mapping[str, Instrument], streams: Sequence[Stream] = ()) -> dict[str, dict[str, str]]:
    """What an interlock may name: every instrument's reading and its silence, the streams, the disk."""
    found = {stream.name: numeric_columns(stream) for stream in streams}
    found[DISK] = {FREE: "GB"}
    for name, instrument in instruments.items():
        found[name] = {**numeric_columns(instrument.snapshot_stream), SILENCE: "s"}
    return found


def read_interlocks(tables: Sequence[InterlockTable], sources: Sources, place: str) -> list[Interlock]:
    """Raises BadInput naming the first that can't be: its quantity, its unit, or bounds that exclude each other."""
    found: list[Interlock] = []
    for number, table in enumerate(tables, 1):
        where = f"{place}, interlock {table.name or number}"
        one = _read(table, sources, where)
        if one.name in {other.name for other in found}:
            raise BadInput(f"two interlocks are called {one.name!r}", place=f"{where}, name", allowed="a name for each")
        found.append(one)
    return found


def _read(table: InterlockTable, sources: Sources, place: str) -> Interlock:
    quantity = read_quantity(table.quantity, sources, f"{place}, quantity")
    maximum = _bound(table.maximum, quantity, f"{place}, maximum")
    minimum = _bound(table.minimum, quantity, f"{place}, minimum")
    if maximum is None and minimum is None:
        raise BadInput("has no limit", place=place, allowed="maximum, minimum or both")
    if maximum is not None and minimum is not None and minimum + 2 * table.hysteresis >= maximum:
        raise BadInput("no value is within its limits", place=place, allowed="minimum + 2 hysteresis below maximum")
    if table.action != "pause" and table.wait_max_h != WAIT_MAX_H:
        raise BadInput(f"an interlock that does {table.action!r} does not wait", place=f"{place}, wait_max_h")
    return Interlock(
        table.name or quantity.text, quantity, table.action, quantity.terms[0].source, maximum, minimum,
        table.hysteresis, table.delay_s, table.clear_after_s, table.window_s, 3600 * table.wait_max_h,
    )  # fmt: skip


def _bound(written: Bound, quantity: Quantity, place: str) -> float | None:
    if written is None:
        return None
    if isinstance(written, str):
        number, _, unit = written.strip().partition(" ")
        if unit.strip() != quantity.unit:
            allowed = f"{quantity.unit}, or the number alone" if quantity.unit else "the number alone"
            raise BadInput(f"{quantity.text} is not in {unit.strip() or 'no unit'!r}", place=place, allowed=allowed)
        try:
            written = float(number)
        except ValueError:
            raise BadInput(f"{number!r} is no number", place=place) from None
    if not math.isfinite(written):
        raise BadInput(f"{written!r} is no limit", place=place, allowed="a finite number")
    return written


# ---------------------------------------------------------------- those that nobody has to write
def built_in(instruments: Mapping[str, Instrument], samples: Sequence[Sample], lost_after_s: float) -> list[Interlock]:
    """The limits of every driver, the longest silence of every instrument, and what the samples bear."""
    found: list[Interlock] = []
    for name, instrument in instruments.items():
        for limit in instrument.limits():
            quantity = Quantity(limit.quantity, "", (Term(name, limit.quantity),))
            found.append(
                Interlock(f"limit of {name}", quantity, "stop", name, limit.maximum, limit.minimum, is_built_in=True)
            )
        silence = Quantity(f"{name}.{SILENCE}", "s", (Term(name, SILENCE),))
        found.append(
            Interlock(
                f"{name} answers", silence, "stop", name, maximum=patience_s(instrument, lost_after_s), is_built_in=True
            )
        )
        if getattr(instrument, "role", None) == "temperature":
            found += [_borne(name, instrument, sample) for sample in samples if sample.max_temperature_C is not None]
    return found


def _borne(name: str, furnace: Instrument, sample: Sample) -> Interlock:
    """By the sensor at the sample where the furnace has one, else by its own."""
    assert sample.max_temperature_C is not None
    wanted = ("sample_temperature_C", "temperature_C")
    there = furnace.snapshot_stream.column_names
    terms = tuple(Term(name, column) for column in wanted if column in there)
    quantity = Quantity(f"the temperature of {sample.label} in °C", "degC", terms, "first")
    highest_C = sample.max_temperature_C + SAMPLE_MARGIN_K
    return Interlock(f"what {sample.label} bears", quantity, "stop", name, maximum=highest_C, is_built_in=True)
