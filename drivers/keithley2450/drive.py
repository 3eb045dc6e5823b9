"""Which source, level and limit a technique is given, so that the instrument itself keeps what the cell must not pass.

A limit of this instrument is a magnitude: a voltage limit of 3.8 V lets a cell go to -3.8 V. See decision 0009.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from daq.errors import BadInput
from drivers.keithley2450.options import LEAST_ILIM_A, LEAST_VLIM_V
from drivers.staircase import DirectCurrentTechnique
from drivers.techniques import ConstantCurrent

HEADROOM = 1.05  # of a current cut-off: the limit must not hide that it was passed
Function = Literal["current", "voltage"]


@dataclass(frozen=True)
class Drive:
    """`level` in A or V, `limit` the other as a magnitude. `guarded`: the cut-off that the instrument itself keeps."""

    function: Function
    level: float
    limit: float
    guarded: str = ""

    @property
    def told(self) -> str:
        if self.function == "current":
            return f"source {self.level:g} A, at most {self.limit:g} V"
        return f"source {self.level:g} V, at most {self.limit:g} A"


def at_rest(most_V: float) -> Drive:
    """No current: what measures the open-circuit potential, for off is an open relay."""
    return Drive("current", 0.0, most_V)


def drive_for(technique: DirectCurrentTechnique, level: float, most_V: float, most_A: float) -> Drive:
    """`level` is the first stair's. Raises BadInput where the instrument's limits leave no way."""
    if isinstance(technique, ConstantCurrent):
        return _constant_current(technique, most_V)
    current_max_A = technique.cut_offs.current_max_A
    limit_A = technique.current_range_A or most_A
    if current_max_A is not None:
        limit_A = min(HEADROOM * current_max_A, most_A)
    return Drive("voltage", level, _at_least(limit_A, LEAST_ILIM_A, "a current limit", "A"))


def needs_rest(technique: DirectCurrentTechnique) -> bool:
    """Whether the potential at rest is needed first: where a sweep starts from it, and where it decides the way."""
    if isinstance(technique, ConstantCurrent):
        return _constant_current(technique, math.inf).function == "voltage"
    return getattr(technique, "start_V", 0.0) is None


def is_beyond(technique: ConstantCurrent, drive: Drive, rest_V: float) -> bool:
    """Whether a cell at rest is past the cut-off already: a voltage source would drive it the other way."""
    if drive.function == "current":
        return False
    return rest_V >= drive.level if technique.current_A > 0 else rest_V <= drive.level


def _constant_current(technique: ConstantCurrent, most_V: float) -> Drive:
    """A current source where both cut-offs are one magnitude, or there is none; else a voltage source at the cut-off
    that lies ahead, with the current as its limit.
    """
    low, high, amps = technique.cut_offs.voltage_min_V, technique.cut_offs.voltage_max_V, technique.current_A
    ahead, name = (high, "voltage_max_V") if amps > 0 else (low, "voltage_min_V")
    for volts in (low, high):
        if volts is not None and abs(volts) > most_V:
            raise BadInput(f"a cut-off of {volts:g} V is beyond the source", allowed=f"{-most_V:g} to {most_V:g} V")
    if amps == 0 or ahead is None:
        return Drive("current", amps, most_V)
    if low is not None and high is not None and math.isclose(low, -high):
        return Drive("current", amps, _at_least(high, LEAST_VLIM_V, "a voltage limit", "V"), name)
    return Drive("voltage", ahead, _at_least(abs(amps), LEAST_ILIM_A, "a current limit", "A"), name)


def _at_least(value: float, least: float, what: str, unit: str) -> float:
    if value < least:
        raise BadInput(f"{what} of {value:g} {unit} is below what a 2450 can keep", allowed=f"from {least:g} {unit}")
    return value
