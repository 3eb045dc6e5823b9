"""What the simulated drivers have in common: their options and limits checked, the world they share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from pydantic import BaseModel

from daq.bench import DriverContext
from daq.contracts import Instrument, Limit
from daq.errors import BadInput, InstrumentError
from daq.plugins import suggest
from daq.tables import parse
from drivers.simulated.published import FollowingWorld
from drivers.simulated.simulation import Simulation, read_simulation
from drivers.simulated.world import World

ModelT = TypeVar("ModelT", bound=BaseModel)
FIRMWARE = "simulated"


def bench_place(context: DriverContext) -> str:
    """The bench file's part of 'bench.toml, instruments.furnace'."""
    return context.place.rpartition(", instruments.")[0] or context.place


def simulation_of(context: DriverContext) -> Simulation:
    return read_simulation(context.simulation, bench_place(context))


def options_of(context: DriverContext, model: type[ModelT]) -> ModelT:
    return parse(model, context.options, context.place)


def check_limits(context: DriverContext, known: Mapping[str, tuple[float, float]]) -> None:
    """`known` gives the lowest and highest sensible value of each limit. Raises BadInput."""
    for name, value in context.limits.items():
        place = f"{context.place}.limits, {name}"
        if name not in known:
            raise BadInput("unknown limit", place=place, allowed=suggest(name, list(known)))
        lowest, highest = known[name]
        if not lowest <= value <= highest:
            raise BadInput(f"{value:g} is out of range", place=place, allowed=f"{lowest:g} to {highest:g}")


def cannot_stand_in(instrument: Instrument, why: str) -> BadInput:
    """For a driver's `standing_in_for`."""
    return BadInput(f"no simulated instrument stands in for {instrument.name}: {why}")


def upper_limits(limits: Mapping[str, float], quantities: Sequence[str]) -> list[Limit]:
    """`max_temperature_C` as an upper bound on `temperature_C`, and so on."""
    return [Limit(name, maximum=limits[f"max_{name}"]) for name in quantities if f"max_{name}" in limits]


def check_faults(context: DriverContext, simulation: Simulation, kinds: Sequence[str]) -> None:
    for number, fault in enumerate(simulation.faults):
        if fault.instrument == context.name and fault.kind not in kinds:
            place = f"{bench_place(context)}, simulation.faults[{number}].kind"
            raise BadInput(
                f"{context.name} cannot have the fault {fault.kind!r}", place=place, allowed=", ".join(kinds)
            )


def shared_world(context: DriverContext, simulation: Simulation) -> World:
    """The bench's one simulated world, opened by whoever comes first. Raises BadInput, InstrumentError."""

    def opened() -> World:
        if simulation.furnace_is_peer:
            return FollowingWorld(simulation, context.name, context.state_folder)
        return World(simulation, context.clock, context.state_folder)

    return context.share("simulated world", opened)


class WorldDoor:
    """A driver's way into the shared world; closed until the driver is connected."""

    def __init__(self, context: DriverContext) -> None:
        self._context = context
        self._world: World | None = None

    def enter(self, simulation: Simulation) -> None:
        self._world = shared_world(self._context, simulation)

    def leave(self) -> None:
        self._world = None

    @property
    def world(self) -> World:
        if self._world is None:
            raise InstrumentError(self._context.name, "is not connected; connect the bench first")
        return self._world
