"""`driver = "simulated-methodscript"`: the real driver on a cable in memory, with the interpreter and the simulated
cells at its other end. Scripts, packages and aborts are the real ones, under virtual time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from pydantic import Field

from daq.bench import DriverContext
from daq.tables import StrictModel, parse
from drivers.methodscript import MethodScript
from drivers.methodscript.models import Model
from drivers.methodscript.options import options_of
from drivers.simulated.options import shared_world, simulation_of
from drivers.simulated.wire.faults import Replies
from drivers.simulated.wire.in_process import Outage, wire_faults
from drivers.simulated.wire.methodscript_core import MethodScriptCore
from drivers.transport import MemoryLink, lay

USUAL = "EmStat4 HR"


class MethodScriptPeerOptions(StrictModel):
    """`peer = { ... }`: what happens to the line."""

    faults: Mapping[str, float | bool] = Field(default_factory=dict)
    unplugged: list[Outage] = Field(default_factory=list)


class MethodScriptPeer:
    """An instrument on its cable; built at the first byte, when the shared world may be opened."""

    def __init__(self, context: DriverContext, model: Model) -> None:
        options = _peer_options(context)
        self.outages = [(one.after_s, one.for_s) for one in options.unplugged]
        self._faults = wire_faults(options.faults)
        self._context = context
        self._model = model
        self._core: MethodScriptCore | None = None

    @property
    def device(self) -> MethodScriptCore:
        if self._core is None:
            world = shared_world(self._context, simulation_of(self._context))
            self._core = MethodScriptCore(world, self._model, self._faults)
        return self._core

    def let_go(self) -> None:
        """What runs is ended and the cell switched off."""
        if self._core is not None:
            self._core.switch_off()

    def feed(self, data: bytes, now: float) -> Replies:
        return self.device.feed(data, now)

    def due_s(self, now: float) -> float:
        return self.device.due_s(now)

    def spoken(self, now: float) -> Replies:
        return self.device.spoken(now)


class SimulatedMethodScript(MethodScript):
    """The MethodSCRIPT driver with a simulated instrument on its cable, in this process. `model`: an EmStat4 HR."""

    in_process = True

    def __init__(self, context: DriverContext) -> None:
        inner = _driver_context(context)
        _, model = options_of(inner)
        self.peer = MethodScriptPeer(context, model)
        port = inner.options["port"]
        self.cable = MemoryLink(self.peer, context.clock, port, self.peer.outages)
        lay(context, port, self.cable)
        super().__init__(inner)

    def disconnect(self) -> None:
        """As the real one, but in no time: a bench is closed outside of virtual time."""
        self.peer.let_go()
        self.transport.close()
        super().disconnect()

    @classmethod
    def check(cls, context: DriverContext) -> None:
        _peer_options(context)
        simulation_of(context)
        super().check(_driver_context(context))


def _peer_options(context: DriverContext) -> MethodScriptPeerOptions:
    """Raises BadInput."""
    options = parse(MethodScriptPeerOptions, context.options.get("peer", {}), f"{context.place}.peer")
    wire_faults(options.faults)
    return options


def _driver_context(context: DriverContext) -> DriverContext:
    rest = {name: value for name, value in context.options.items() if name != "peer"}
    return replace(context, options={"model": USUAL, "port": f"memory-{context.name}", **rest})
