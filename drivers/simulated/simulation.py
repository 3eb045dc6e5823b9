"""The `[simulation]` table of a bench file, checked whole and resolved to numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, TypeVar

from pydantic import BaseModel, Field

from daq.errors import BadInput
from daq.plugins import suggest
from daq.tables import StrictModel, parse
from drivers.simulated.cell_parameters import GoldParameters, LfpParameters, SymmetricParameters
from drivers.simulated.cells.blocking import BlockingCell
from drivers.simulated.cells.blocking_in_time import BlockingCellInTime
from drivers.simulated.cells.cell import Cell
from drivers.simulated.cells.gold import GoldCell
from drivers.simulated.cells.lfp import LfpCell
from drivers.simulated.cells.symmetric import SymmetricCell
from drivers.simulated.faults import Fault
from drivers.simulated.parameters import (
    AnalyserParameters,
    BlockingParameters,
    CyclerParameters,
    FurnaceParameters,
    HolderParameters,
)
from drivers.simulated.presets import PRESETS
from drivers.simulated.sample import Holding, Transition

CellParameters: TypeAlias = BlockingParameters | GoldParameters | SymmetricParameters | LfpParameters
CELLS: Mapping[str, type[CellParameters]] = {
    "blocking": BlockingParameters,
    "gold": GoldParameters,
    "symmetric": SymmetricParameters,
    "lfp": LfpParameters,
}
CHANNELS_MAX = 8  # of one simulated instrument
CHANNELS_NAMED_MAX = 512  # of a tester of many units

ModelT = TypeVar("ModelT", bound=BaseModel)


class ChannelTable(StrictModel):
    """`[simulation.channels.N]`: another sample on channel N."""

    cell: str | None = None
    preset: str | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)


class SimulationTable(StrictModel):
    """`[simulation]`."""

    cell: str = "blocking"
    preset: str = "K001"
    seed: int = Field(default=1, ge=0)
    furnace: Literal["own", "peer"] = "own"
    parameters: dict[str, Any] = Field(default_factory=dict)
    channels: dict[str, ChannelTable] = Field(default_factory=dict)
    faults: list[dict[str, Any]] = Field(default_factory=list)


@dataclass(frozen=True)
class ChannelSpec:
    """What is connected to one channel."""

    cell: str
    preset: str
    parameters: CellParameters
    holder: HolderParameters

    def holding(self, ambient_C: float) -> Holding:
        p = self.parameters
        transition = None
        has_phases = isinstance(p, BlockingParameters)
        if has_phases and p.transition_heating_C is not None and p.transition_cooling_C is not None:
            transition = Transition(
                p.transition_heating_C, p.transition_cooling_C, p.transition_width_K, p.transition_time_s
            )
        return Holding(self.holder.sample_lag_s, self.holder.lead_loss_fraction, ambient_C, transition)

    def build(self) -> BlockingCell:
        """The impedance of a blocking cell, without memory. Raises TypeError for another cell."""
        if not isinstance(self.parameters, BlockingParameters):
            raise TypeError(f"a {self.cell} cell is no blocking cell")
        return BlockingCell(self.parameters)

    def cell_in_time(self, seed: int, channel: int) -> Cell:
        """A fresh cell. `seed` and `channel` decide how it is unsteady."""
        p = self.parameters
        if isinstance(p, GoldParameters):
            return GoldCell(p)
        if isinstance(p, SymmetricParameters):
            return SymmetricCell(p, seed, channel)
        if isinstance(p, LfpParameters):
            return LfpCell(p)
        return BlockingCellInTime(BlockingCell(p))


@dataclass(frozen=True)
class Simulation:
    """A checked simulation. `channels[0]` is channel 1; there are eight, or as many as are named.

    `main` is on all others. `furnace_is_peer`: the furnace is simulated by a process that answers on the wire.
    """

    seed: int
    furnace: FurnaceParameters
    analyser: AnalyserParameters
    cycler: CyclerParameters
    main: ChannelSpec
    channels: tuple[ChannelSpec, ...]
    faults: tuple[Fault, ...]
    furnace_is_peer: bool = False

    def channel(self, number: int) -> ChannelSpec:
        """What is on this channel, from 1 upwards."""
        return self.channels[number - 1] if number <= len(self.channels) else self.main

    def fingerprint(self) -> dict[str, Any]:
        """What a kept state belongs to: every number, without the faults."""
        return {
            "seed": self.seed,
            "furnace": self.furnace.model_dump(),
            "analyser": self.analyser.model_dump(),
            "cycler": self.cycler.model_dump(),
            "channels": [
                {"cell": one.cell, **one.parameters.model_dump(), **one.holder.model_dump()} for one in self.channels
            ],
        }


def read_simulation(table: Mapping[str, Any], place: str) -> Simulation:
    """`[simulation]` as numbers; `place` names the bench file. Raises BadInput for whatever can't be used."""
    here = f"{place}, simulation"
    checked = parse(SimulationTable, table, here)
    here_parameters = f"{here}.parameters"
    own = CELLS.get(checked.cell, BlockingParameters)
    models = (FurnaceParameters, HolderParameters, AnalyserParameters, CyclerParameters, own)
    _refuse_unknown(checked.parameters, models, here_parameters)
    main = _channel(checked.cell, checked.preset, checked.parameters, here)
    others = {
        _channel_number(key, here): _other_channel(channel, checked, f"{here}.channels.{key}")
        for key, channel in checked.channels.items()
    }
    return Simulation(
        seed=checked.seed,
        furnace=_only(FurnaceParameters, checked.parameters, here_parameters),
        analyser=_only(AnalyserParameters, checked.parameters, here_parameters),
        cycler=_only(CyclerParameters, checked.parameters, here_parameters),
        main=main,
        channels=tuple(others.get(number, main) for number in range(1, max(CHANNELS_MAX, *others, 0) + 1)),
        faults=tuple(parse(Fault, fault, f"{here}.faults[{n}]") for n, fault in enumerate(checked.faults)),
        furnace_is_peer=checked.furnace == "peer",
    )


def _channel_number(key: str, place: str) -> int:
    if key not in {str(number) for number in range(1, CHANNELS_NAMED_MAX + 1)}:
        raise BadInput(f"there is no channel {key!r}", place=f"{place}.channels", allowed=f"1 to {CHANNELS_NAMED_MAX}")
    return int(key)


def _other_channel(channel: ChannelTable, main: SimulationTable, place: str) -> ChannelSpec:
    """A channel's own sample. With a preset of its own only the holder's numbers of the main table carry over."""
    cell = channel.cell or main.cell
    own = CELLS.get(cell, BlockingParameters)
    _refuse_unknown(channel.parameters, (HolderParameters, own), f"{place}.parameters")
    is_another = channel.preset is not None or cell != main.cell
    carried = _subset(main.parameters, HolderParameters if is_another else own)
    carried |= _subset(main.parameters, HolderParameters)
    return _channel(cell, channel.preset or main.preset, carried | channel.parameters, place)


def _channel(cell: str, preset: str, parameters: Mapping[str, Any], place: str) -> ChannelSpec:
    if cell not in CELLS:
        raise BadInput(f"there is no cell {cell!r}", place=f"{place}.cell", allowed=suggest(cell, list(CELLS)))
    if preset not in PRESETS[cell]:
        known = suggest(preset, list(PRESETS[cell]))
        raise BadInput(f"there is no preset {preset!r} for a {cell} cell", place=f"{place}.preset", allowed=known)
    own = _subset(parameters, CELLS[cell])
    checked = parse(CELLS[cell], {**PRESETS[cell][preset], **own}, f"{place}.parameters")
    if isinstance(checked, BlockingParameters):
        _check_transition(checked, f"{place}.parameters")
    return ChannelSpec(cell, preset, checked, _only(HolderParameters, parameters, f"{place}.parameters"))


def _check_transition(parameters: BlockingParameters, place: str) -> None:
    """The numbers of a low phase come together, and heating turns at the higher temperature."""
    needed = (
        "low_phase_bulk_resistance_ohm",
        "low_phase_grain_boundary_resistance_ohm",
        "transition_heating_C",
        "transition_cooling_C",
    )
    given = [name for name in needed if getattr(parameters, name) is not None]
    if given and len(given) < len(needed):
        missing = ", ".join(name for name in needed if name not in given)
        raise BadInput(f"{given[0]} asks for a low phase, which also needs {missing}", place=place)
    if parameters.low_phase_activation_energy_eV is not None and not given:
        raise BadInput(f"low_phase_activation_energy_eV also needs {', '.join(needed)}", place=place)
    heating, cooling = parameters.transition_heating_C, parameters.transition_cooling_C
    if heating is not None and cooling is not None and heating < cooling:
        raise BadInput(
            f"transition_heating_C = {heating:g} is below transition_cooling_C = {cooling:g}",
            place=place,
            allowed="a transition on heating at or above the one on cooling",
        )


def _refuse_unknown(table: Mapping[str, Any], models: tuple[type[BaseModel], ...], place: str) -> None:
    known = [name for model in models for name in model.model_fields]
    for name in table:
        if name not in known:
            raise BadInput("unknown parameter", place=f"{place}, {name}", allowed=suggest(name, known))


def _subset(table: Mapping[str, Any], model: type[BaseModel]) -> dict[str, Any]:
    return {name: value for name, value in table.items() if name in model.model_fields}


def _only(model: type[ModelT], table: Mapping[str, Any], place: str) -> ModelT:
    return parse(model, _subset(table, model), place)
