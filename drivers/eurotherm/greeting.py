"""What is asked of a controller before anything is heated: who it is, its units and mode, and the guards it gets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from daq.errors import InstrumentError
from drivers.eurotherm import registers as reg
from drivers.eurotherm.models import FAMILIES, Family, family_of
from drivers.eurotherm.options import EurothermOptions
from drivers.eurotherm.registers import Registers, tolerance

UNIT_SECONDS = {"K/s": 1.0, "K/min": 60.0, "K/h": 3600.0}
MODES = {1: "on standby", 2: "in configuration"}
UNITS = {1: "Fahrenheit", 2: "kelvin"}


@dataclass(frozen=True)
class Settings:
    """What the controller is set to. `rate_unit_s`: seconds per unit of its rate limit."""

    decimals: int
    rate_unit_s: float
    power_failed: bool


def family_told_by(identity: int, stated: str, name: str) -> Family:
    """The family of register 122, or the one that the bench file states. Raises InstrumentError where they differ."""
    told = family_of(identity)
    if stated == "auto":
        if told is None:
            raise InstrumentError(
                name,
                f"identity {identity:#06x} is not known; name the family in the bench file "
                '(model = "3200" or "3500"), and check the register list by hand first',
            )
        return told
    if told is not None and told.name != stated:
        raise InstrumentError(name, f'it is a {told.name}, but the bench file says model = "{stated}"')
    return next(family for key, family in FAMILIES.items() if key == stated)


def check_settings(
    registers: Registers, family: Family, options: EurothermOptions, limits: Mapping[str, float]
) -> Settings:
    """Mode and units as they have to be, the guards written and read back. Its mode is never written.

    Raises InstrumentError when it is not fit to be used.
    """
    check_mode(registers)
    units = registers.word(reg.UNITS)
    if units != 0:
        raise InstrumentError(
            registers.name, f"shows {UNITS.get(units, 'no unit')}; set it to degrees Celsius at its panel"
        )
    decimals = min(registers.word(reg.DECIMALS), 2)
    near = tolerance(decimals)
    registers.set_number(reg.SETPOINT_HIGH, limits["max_temperature_C"], "its high set-point limit", near)
    if "min_temperature_C" in limits:
        registers.set_number(reg.SETPOINT_LOW, limits["min_temperature_C"], "its low set-point limit", near)
    registers.set_number(reg.BREAK_POWER, 0.0, "the power at a broken sensor", near)
    if options.max_output_percent is not None:
        registers.set_number(reg.OUTPUT_HIGH, options.max_output_percent, "its output limit", near)
    power_failed = family.has_power_flag and bool(registers.word(reg.POWER_FAILED))
    return Settings(decimals, _rate_unit_s(registers, family, options.ramp_units), power_failed)


def check_mode(registers: Registers) -> None:
    """Raises InstrumentError on standby or in configuration: it takes a set-point then, and does not heat."""
    mode = registers.word(reg.MODE)
    if mode != 0:
        state = MODES.get(mode, f"in mode {mode}")
        raise InstrumentError(registers.name, f"is {state}; put it back to operation at its panel")


def check_output_limit(registers: Registers) -> None:
    """Raises InstrumentError where the controller may not heat at all."""
    limit = registers.number(reg.OUTPUT_HIGH)
    if limit <= 0:
        raise InstrumentError(
            registers.name,
            f"has an output limit (30) of {limit:g} %: it can't heat; raise the limit at its panel, or set "
            "max_output_percent in the bench file",
        )


def _rate_unit_s(registers: Registers, family: Family, stated: str) -> float:
    """Stated, or told by register 531 in the family's own code; where there is none, minutes."""
    if stated != "auto":
        return UNIT_SECONDS[stated]
    if family.seconds_per_rate_unit is None:
        return UNIT_SECONDS["K/min"]
    code = registers.word(reg.RATE_UNITS)
    if code > 2:
        raise InstrumentError(registers.name, f"tells rate units {code}, which is none; state ramp_units in the bench")
    return family.seconds_per_rate_unit[code]
