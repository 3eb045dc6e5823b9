"""The MethodSCRIPT peer as a process of its own: the bench file's model, on the clock of the world it is in."""

from __future__ import annotations

from daq.bench import BenchConfig
from daq.errors import BadInput
from drivers.methodscript.models import MODELS
from drivers.simulated.wire.faults import WireFaults
from drivers.simulated.wire.methodscript_core import MethodScriptCore
from drivers.simulated.world import World

USUAL = "EmStat4 HR"


def methodscript_of(
    config: BenchConfig | None, model: str | None, world: World, faults: WireFaults
) -> MethodScriptCore:
    """The model as asked for, else the bench file's, else an EmStat4 HR. Raises BadInput for one that there is not."""
    instruments = [] if config is None else config.model.instruments.values()
    tables = [one for one in instruments if one.driver == "methodscript"]
    named = str((tables[0].model_extra or {}).get("model", USUAL)) if tables else USUAL
    found = next((one for one in MODELS if one.name == (model or named)), None)
    if found is None:
        known = ", ".join(one.name for one in MODELS)
        raise BadInput(f"there is no model {model or named!r}", place="simulate", allowed=known)
    return MethodScriptCore(world, found, faults, pace=1 / world.clock.speed)
