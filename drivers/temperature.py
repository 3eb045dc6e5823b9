"""What every driver of a furnace or a stage has in common: the stream, limits, checked targets, plausible readings."""

from __future__ import annotations

import math
from collections.abc import Mapping
from operator import attrgetter

from daq.bench import DriverContext
from daq.contracts import Limit, Snapshot
from daq.errors import BadInput
from daq.plugins import suggest
from daq.stream import Column, Stream
from drivers.roles import FurnaceAbilities, FurnaceReading

TEMPERATURE_STREAM = Stream(
    "temperature",
    (
        Column("temperature_C", "degC", help="control sensor"),
        Column("setpoint_C", "degC", help="target"),
        Column("working_setpoint_C", "degC", help="where the ramp is now"),
        Column("output_percent", "%", help="heater power"),
        Column("sample_temperature_C", "degC", help="sensor at the sample; NULL without one"),
    ),
    help="the furnace",
)
_of_columns = attrgetter(*TEMPERATURE_STREAM.column_names)  # a month of readings passes here in virtual time
LIMITS = ("max_temperature_C", "min_temperature_C")
LOWEST_C, HIGHEST_C = -200.0, 1800.0


def snapshot_of(reading: FurnaceReading) -> Snapshot:
    """A reading as a row of `TEMPERATURE_STREAM`; what an instrument does not tell (nan) is NULL."""
    known = [None if value is None or math.isnan(value) else value for value in _of_columns(reading)]
    return Snapshot(dict(zip(TEMPERATURE_STREAM.column_names, known, strict=True)), reading.faults)


def check_limits(context: DriverContext, lowest_C: float = LOWEST_C, highest_C: float = HIGHEST_C) -> None:
    """A real furnace must be told how hot it may get. Raises BadInput."""
    place = f"{context.place}.limits"
    for name, value in context.limits.items():
        if name not in LIMITS:
            raise BadInput("unknown limit", place=f"{place}, {name}", allowed=suggest(name, list(LIMITS)))
        if not lowest_C <= value <= highest_C:
            allowed = f"{lowest_C:g} to {highest_C:g}"
            raise BadInput(f"{value:g} is out of range", place=f"{place}, {name}", allowed=allowed)
    if "max_temperature_C" not in context.limits:
        raise BadInput(
            "max_temperature_C is missing: how hot may this furnace get, with what is in it?",
            place=place,
            allowed=f"{lowest_C:g} to {highest_C:g}, as in limits = {{ max_temperature_C = 150 }}",
        )
    if context.limits.get("min_temperature_C", lowest_C) >= context.limits["max_temperature_C"]:
        raise BadInput("min_temperature_C is not below max_temperature_C", place=place)


def monitor_limits(limits: Mapping[str, float], margin_K: float = 0.0) -> list[Limit]:
    """The bench file's maximum as a bound on every reading; the minimum bounds set-points only."""
    return [Limit("temperature_C", maximum=limits["max_temperature_C"] + margin_K)]


def check_target(name: str, temperature_C: float, ramp_K_per_min: float | None, abilities: FurnaceAbilities) -> None:
    """Raises BadInput for a set-point or a ramp beyond `abilities`, and for nan."""
    lowest_C, highest_C = abilities.temperature_min_C, abilities.temperature_max_C
    if not lowest_C <= temperature_C <= highest_C:
        allowed = f"{lowest_C:g} to {highest_C:g} °C"
        raise BadInput(f"{name}: a target of {temperature_C:g} °C is out of reach", allowed=allowed)
    fastest = abilities.ramp_max_K_per_min
    if ramp_K_per_min is not None and not (0 < ramp_K_per_min <= fastest and math.isfinite(ramp_K_per_min)):
        allowed = f"above 0, up to {fastest:g} K/min"
        raise BadInput(f"{name}: a ramp of {ramp_K_per_min:g} K/min is out of reach", allowed=allowed)
