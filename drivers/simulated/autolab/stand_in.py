"""The double as something that `sdk = "module:function"` of an Autolab's options can name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field

from daq.clock import Clock
from daq.tables import StrictModel, parse
from drivers.autolab.models import MODELS
from drivers.autolab.sdk import Sdk
from drivers.simulated.autolab.device import Device
from drivers.simulated.autolab.ei import EI
from drivers.simulated.autolab.faults import AutolabFaults, Truths
from drivers.simulated.autolab.net_values import FraWaveType
from drivers.simulated.autolab.physics import CellBehind
from drivers.simulated.autolab.surface import Instrument, InstrumentExtensions
from drivers.simulated.simulation import read_simulation
from drivers.simulated.world import World

CABLE_OUT = "usb_is_out"
VERSION = "cellrig double"


class Settings(StrictModel):
    """`sdk_settings`. With a `state_folder` the instrument keeps cell, set-point and relay when its client dies."""

    model: str = "PGSTAT302N"
    channel: int = 1
    state_folder: str
    simulation: dict[str, Any] = Field(default_factory=dict)
    faults: AutolabFaults = Field(default_factory=AutolabFaults)
    truths: Truths = Field(default_factory=Truths)


def double(settings: dict[str, Any], clock: Clock) -> Sdk:
    """An SDK with a world of its own behind it."""
    checked = parse(Settings, settings, "sdk_settings")
    folder = Path(checked.state_folder)
    folder.mkdir(parents=True, exist_ok=True)
    world = World(read_simulation(checked.simulation, "sdk_settings"), clock, folder)
    kept = folder / f"autolab_{checked.channel}.json"
    return sdk_on(world, clock, checked, kept, cable_out=folder / CABLE_OUT)[0]


def sdk_on(
    world: World,
    clock: Clock,
    settings: Settings,
    kept: Path | None,
    name: str = "autolab",
    cable_out: Path | None = None,
) -> tuple[Sdk, Device]:
    cell = CellBehind(world, settings.channel, settings.truths, kept, settings.faults.open_lead)
    device = Device(clock, MODELS[settings.model], cell, settings.faults, settings.truths, name)
    device.cable_out = cable_out
    device.strikes = lambda kind: world.faults.strikes(name, kind) is not None  # type: ignore[arg-type]
    return Sdk(lambda: Instrument(device), EI, FraWaveType, InstrumentExtensions, VERSION), device
