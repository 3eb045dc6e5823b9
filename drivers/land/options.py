"""What a bench file may say about a LAND tester."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, field_validator

from daq.bench import DriverContext
from daq.errors import BadInput
from daq.tables import StrictModel, parse
from drivers.roles import CyclerAbilities


class LandOptions(StrictModel):
    """`[instruments.NAME]`. Ranges are those of the tester at hand: its plate says them, no program can be asked.

    `settled_s`: a file counts when it has not changed for so long. `clock_tolerance_min`: by how much the first row of
    an export may differ from the time at which the channel was said to be started.
    """

    exports: str = Field(min_length=1)
    channels: int = Field(default=8, ge=1, le=4096)
    settled_s: float = Field(default=30.0, ge=0, le=3600)
    clock_tolerance_min: float = Field(default=60.0, gt=0, le=24 * 60)
    voltage_min_V: float = Field(default=-5.0, ge=-100, le=0)
    voltage_max_V: float = Field(default=5.0, gt=0, le=100)
    current_max_mA: float = Field(default=10.0, gt=0, le=1e6)
    current_resolution_uA: float = Field(default=0.1, gt=0)
    record_interval_min_s: float = Field(default=1.0, gt=0)

    @field_validator("exports")
    @classmethod
    def _no_blank(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("name the folder that LAND's program exports into")
        return value

    def abilities(self) -> CyclerAbilities:
        """`can_start` is False, for ever: there is no protocol to start a LAND channel by."""
        return CyclerAbilities(
            channels=tuple(range(1, self.channels + 1)),
            voltage_min_V=self.voltage_min_V,
            voltage_max_V=self.voltage_max_V,
            current_max_A=1e-3 * self.current_max_mA,
            current_resolution_A=1e-6 * self.current_resolution_uA,
            record_interval_min_s=self.record_interval_min_s,
            step_time_min_s=self.record_interval_min_s,
            can_start=False,
        )


def folder_of(options: LandOptions, bench_folder: Path) -> Path:
    """The folder of the exports; relative to the bench file."""
    return bench_folder / Path(options.exports).expanduser()


def options_of(context: DriverContext) -> LandOptions:
    """Raises BadInput, also for limits: what nobody can stop can't be limited."""
    if context.limits:
        name = next(iter(context.limits))
        raise BadInput(
            "unknown limit: cellrig can't end what runs on a LAND channel; set its protection limits in LAND's program",
            place=f"{context.place}.limits, {name}",
        )
    return parse(LandOptions, context.options, context.place)
