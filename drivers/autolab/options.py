"""What a bench file says about an Autolab. Paths, model and every unproven answer are configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, field_validator

from daq.bench import DriverContext
from daq.errors import BadInput
from daq.plugins import suggest
from daq.tables import StrictModel, parse
from drivers.autolab.models import MODELS

LIMITS = {"max_voltage_V": 10.0, "max_current_A": 1.0}


class Module(StrictModel):
    """One M204 module (or one PGSTAT): a channel. `hardware_setup_file` empty: that of the table above it."""

    serial: str = ""
    hardware_setup_file: str = ""


class FirstHour(StrictModel):
    """What the owner found on a dummy cell; see docs/how-to/first-hour-autolab.md. None: not answered yet.

    `galvanostatic_setpoint`: amperes, or volts that are multiplied with the range; unanswered, no current is applied.
    `range_change`: with the cell on or only with the cell off; unanswered, as "cell-off".
    `follower`: whether the instrument corrects the impedance for its current follower, or the driver has to.
    """

    galvanostatic_setpoint: Literal["A", "V"] | None = None
    fra_amplitude: Literal["rms", "peak"] = "rms"
    imaginary: Literal["inverted", "true"] = "inverted"
    range_change: Literal["cell-on", "cell-off"] | None = None
    follower: Literal["instrument", "driver"] = "instrument"


class AutolabOptions(StrictModel):
    """`[instruments.NAME]` of an Autolab.

    `sdk` is "dotnet" for the vendor's, or `module:function` that gives another with the same surface; `sdk_settings`
    are handed to that function. `settle_s` is waited after a change of frequency or range.
    """

    model: str
    sdk_folder: str = ""
    firmware_file: str
    hardware_setup_file: str = ""
    modules: list[Module] = Field(default_factory=lambda: [Module()], min_length=1, max_length=12)
    fra: bool = True
    first_hour: FirstHour = Field(default_factory=FirstHour)
    bandwidth_margin: float = Field(default=10.0, ge=1, le=1000)
    settle_s: float = Field(default=0.2, ge=0, le=60)
    switch_settle_s: float = Field(default=1.0, ge=0, le=60)
    watch_interval_s: float = Field(default=0.1, ge=0.1, le=10)
    deadline_s: float = Field(default=20.0, ge=0.2, le=600)
    sdk: str = "dotnet"
    sdk_settings: dict[str, Any] = Field(default_factory=dict)

    @field_validator("model")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in MODELS:
            raise ValueError(f"there is no model {value!r}; {suggest(value, list(MODELS))}")
        return value

    @field_validator("sdk")
    @classmethod
    def _loadable(cls, value: str) -> str:
        if value not in ("dotnet", "dotnet-core") and value.count(":") != 1:
            raise ValueError('expected "dotnet", or "module:function" of a stand-in')
        return value

    def setup_file(self, channel: int) -> str:
        return self.modules[channel - 1].hardware_setup_file or self.hardware_setup_file


def options_of(context: DriverContext) -> AutolabOptions:
    """Raises BadInput for options that can't be used."""
    options = parse(AutolabOptions, context.options, context.place)
    for number in range(1, len(options.modules) + 1):
        if not options.setup_file(number):
            raise BadInput(f"channel {number} has no hardware_setup_file", place=context.place)
    serials = [module.serial for module in options.modules]
    if len(serials) > 1 and len(set(serials) - {""}) < len(serials):
        raise BadInput("several modules need a serial each, all different", place=f"{context.place}.modules")
    return options


def check_limits(limits: Mapping[str, float], place: str) -> None:
    """Raises BadInput for a limit that there is not, or beyond the instrument."""
    for name, value in limits.items():
        spot = f"{place}.limits, {name}"
        if name not in LIMITS:
            raise BadInput("unknown limit", place=spot, allowed=suggest(name, list(LIMITS)))
        if not 0 <= value <= LIMITS[name]:
            raise BadInput(f"{value:g} is out of range", place=spot, allowed=f"0 to {LIMITS[name]:g}")
