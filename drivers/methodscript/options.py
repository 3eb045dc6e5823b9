"""What a bench file says about a MethodSCRIPT instrument."""

from __future__ import annotations

from pydantic import Field

from daq.bench import DriverContext
from daq.errors import BadInput
from daq.plugins import suggest
from daq.tables import parse
from drivers.methodscript.models import MODELS, Model
from drivers.transport import LineSettings, PortOptions

FREQUENCY_MIN_Hz = 1e-4
FTDI_MODELS = ("espico", "senswb")


class MethodScriptOptions(PortOptions):
    """`[instruments.NAME]`. `model` as its maker calls it.

    `max_frequency_Hz`, `max_voltage_V`: where the instrument at hand reaches further, or less far, than its model's
    table. `smallest_range_A`: the smallest current range that it may choose itself. `repeat_values`: every value is
    sent twice and compared, for serial lines without a check of their own (an EmStat Pico's); not needed on USB.
    """

    model: str
    max_frequency_Hz: float | None = Field(default=None, gt=0, le=1e7)
    max_voltage_V: float | None = Field(default=None, gt=0, le=20)
    smallest_range_A: float | None = Field(default=None, gt=0, le=1)
    repeat_values: bool = False

    def usual_line(self, model: Model) -> LineSettings:
        return self.line(LineSettings(baud=230_400 if model.prefix in FTDI_MODELS else 921_600))


def options_of(context: DriverContext) -> tuple[MethodScriptOptions, Model]:
    """Raises BadInput for options or limits that can't be used."""
    options = parse(MethodScriptOptions, context.options, context.place)
    model = next((one for one in MODELS if one.name == options.model), None)
    if model is None:
        known = [one.name for one in MODELS]
        raise BadInput(
            f"there is no model {options.model!r}",
            place=f"{context.place}.model",
            allowed=suggest(options.model, known),
        )
    smallest_A = options.smallest_range_A
    if smallest_A is not None and smallest_A not in model.ranges_A:
        ranges = ", ".join(f"{one:g}" for one in model.ranges_A)
        raise BadInput(
            f"{model.name} has no range of {smallest_A:g} A", place=f"{context.place}.smallest_range_A", allowed=ranges
        )
    bounds = {"max_voltage_V": options.max_voltage_V or model.voltage_max_V, "max_current_A": model.ranges_A[0]}
    for name, value in context.limits.items():
        spot = f"{context.place}.limits, {name}"
        if name not in bounds:
            raise BadInput("unknown limit", place=spot, allowed=suggest(name, list(bounds)))
        if not 0 <= value <= bounds[name]:
            raise BadInput(f"{value:g} is out of range", place=spot, allowed=f"0 to {bounds[name]:g}")
    return options, model
