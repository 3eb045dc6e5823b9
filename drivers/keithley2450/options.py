"""What a bench file says about a Keithley 2450, and what the instrument can do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from daq.bench import DriverContext
from daq.contracts import Limit
from daq.errors import BadInput
from daq.plugins import suggest
from daq.tables import parse
from drivers.roles import PotentiostatAbilities
from drivers.transport import PortOptions

RANGES_A = (1.0, 0.1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8)
VOLTAGE_MAX_V, CURRENT_MAX_A = 20.0, 1.0  # of a 20 V, 1 A quadrant; its 200 V are no business of a cell
USUAL_MAX_V, USUAL_MAX_A = 10.0, 0.1
LEAST_VLIM_V, LEAST_ILIM_A = 0.02, 1e-9
PROTECTIONS_V = (2, 5, 10, 20, 40)
LIMITS = {"max_voltage_V": (LEAST_VLIM_V, VOLTAGE_MAX_V), "max_current_A": (1e-6, CURRENT_MAX_A)}
TECHNIQUES = ("open-circuit", "constant-current", "constant-potential", "cyclic-voltammetry", "linear-sweep")


class Keithley2450Options(PortOptions):
    """`[instruments.NAME]`. `nplc`: power line cycles per reading. `patience_s`: how long it may be out of reach in
    a measurement, holding what was set, before the measurement is given up.
    """

    timeout_s: float = Field(default=2.0, ge=0.05, le=60)
    terminals: Literal["front", "rear"] = "front"
    four_wire: bool = False
    nplc: float = Field(default=1.0, ge=0.01, le=10)
    watch_interval_s: float = Field(default=1.0, ge=0.1, le=60)
    patience_s: float = Field(default=20.0, ge=0, le=600)

    @property
    def reading_s(self) -> float:
        """Two conversions with their zero and reference readings, and the way there and back, at 50 Hz."""
        return 0.02 + 6 * self.nplc / 50

    @property
    def shortest_s(self) -> float:
        """The shortest interval between two points."""
        return max(0.1, round(1.25 * self.reading_s, 2))


def options_of(context: DriverContext) -> Keithley2450Options:
    """Raises BadInput for options that can't be used."""
    return parse(Keithley2450Options, context.options, context.place)


def check_limits(limits: Mapping[str, float], place: str) -> None:
    """Raises BadInput for a limit that there is not, or beyond the instrument."""
    for name, value in limits.items():
        spot = f"{place}.limits, {name}"
        if name not in LIMITS:
            raise BadInput("unknown limit", place=spot, allowed=suggest(name, list(LIMITS)))
        lowest, highest = LIMITS[name]
        if not lowest <= value <= highest:
            raise BadInput(f"{value:g} is out of range", place=spot, allowed=f"{lowest:g} to {highest:g}")


def limits_of(limits: Mapping[str, float]) -> list[Limit]:
    """As magnitudes, on every reading."""
    names = [name for name in ("voltage_V", "current_A") if f"max_{name}" in limits]
    return [Limit(name, minimum=-limits[f"max_{name}"], maximum=limits[f"max_{name}"]) for name in names]


def abilities_of(options: Keithley2450Options, limits: Mapping[str, float]) -> PotentiostatAbilities:
    """No frequency and no amplitude: it has no frequency-response analyser."""
    most_A = limits.get("max_current_A", USUAL_MAX_A)
    ranges = tuple(one for one in RANGES_A if one <= most_A * (1 + 1e-9))
    return PotentiostatAbilities(
        channels=(1,),
        techniques=TECHNIQUES,
        frequency_min_Hz=0.0,
        frequency_max_Hz=0.0,
        amplitude_max_V=0.0,
        voltage_max_V=limits.get("max_voltage_V", USUAL_MAX_V),
        current_ranges_A=ranges if ranges and ranges[0] >= most_A * (1 - 1e-9) else (most_A, *ranges),
        range_bandwidth_Hz=(),
        overhead_s_per_point=options.reading_s,
    )


def protection_V(most_V: float) -> int:
    """The lowest step of the instrument's over-voltage protection that leaves `most_V` alone."""
    return next(step for step in PROTECTIONS_V if step >= 1.1 * most_V)
