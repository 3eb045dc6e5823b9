"""Real drivers on a cable in memory, with the peer and the shared simulated world at its other end, in this process.

`driver = "simulated-eurotherm"`, `"simulated-linkam"` or `"simulated-keithley2450"`: everything between the driver and
the furnace or the cell is the real code (frames, barriers, read-backs), under virtual time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from pydantic import Field

from daq.bench import DriverContext
from daq.tables import StrictModel, parse
from drivers.eurotherm import Eurotherm
from drivers.keithley2450 import Keithley2450Source
from drivers.linkam import Linkam
from drivers.simulated.options import shared_world, simulation_of
from drivers.simulated.wire.eurotherm_device import EurothermDevice, Family
from drivers.simulated.wire.faults import Replies, WireFaults
from drivers.simulated.wire.keithley2450_device import Keithley2450Device
from drivers.simulated.wire.linkam_core import LinkamCore
from drivers.simulated.wire.modbus_core import RtuCore
from drivers.simulated.wire.scpi_core import ScpiCore
from drivers.transport import Core, MemoryLink, lay


class Outage(StrictModel):
    """The cable is out from `after_s` (bench time since it was first used) for `for_s`."""

    after_s: float = Field(ge=0)
    for_s: float = Field(gt=0)


class PeerOptions(StrictModel):
    """`peer = { ... }` of a wire instrument in this process: the model that answers, and the line's faults."""

    family: Family = "2400"
    baud: int = Field(default=9600, ge=0)
    faults: Mapping[str, float | bool] = Field(default_factory=dict)
    unplugged: list[Outage] = Field(default_factory=list)


def peer_options(context: DriverContext) -> PeerOptions:
    """Raises BadInput."""
    options = parse(PeerOptions, context.options.get("peer", {}), f"{context.place}.peer")
    wire_faults(options.faults)
    return options


def wire_faults(table: Mapping[str, float | bool]) -> WireFaults:
    """Raises BadInput for a fault that there is not."""
    faults = WireFaults()
    for name, value in table.items():
        faults.set(f"{name}={('on' if value else 'off') if isinstance(value, bool) else value}")
    return faults


def cable_to(core: Core, context: DriverContext, port: str) -> MemoryLink:
    """The cable between driver and peer, laid on the bench as `port`."""
    outages = [(one.after_s, one.for_s) for one in peer_options(context).unplugged]
    cable = MemoryLink(core, context.clock, port, outages)
    lay(context, port, cable)
    return cable


def driver_context(context: DriverContext, port: str) -> DriverContext:
    """The context of the real driver behind it: everything that is not the peer's, and the port in memory."""
    rest = {name: value for name, value in context.options.items() if name != "peer"}
    return replace(context, options={"port": port, **rest})


class EurothermPeer:
    """A Eurotherm on its cable; built at the first byte, when the shared world may be opened."""

    def __init__(self, context: DriverContext) -> None:
        options = peer_options(context)
        self.faults = wire_faults(options.faults)
        self._context = context
        self._options = options
        self._core: RtuCore | None = None

    @property
    def device(self) -> EurothermDevice:
        device = next(iter(self.core.units.values()))
        assert isinstance(device, EurothermDevice)
        return device

    @property
    def core(self) -> RtuCore:
        if self._core is None:
            device = EurothermDevice(
                shared_world(self._context, simulation_of(self._context)), self._options.family, latency=True
            )
            unit = int(self._context.options.get("unit", 1))
            self._core = RtuCore({unit: device}, self.faults, self._options.baud)
        return self._core

    def feed(self, data: bytes, now: float) -> Replies:
        return self.core.feed(data, now)


class SimulatedEurotherm(Eurotherm):
    """The Eurotherm driver with a simulated controller on its cable, in this process: for virtual time."""

    in_process = True

    def __init__(self, context: DriverContext) -> None:
        port = f"memory-{context.name}"
        self.peer = EurothermPeer(context)
        self.cable = cable_to(self.peer, context, port)
        super().__init__(driver_context(context, port))

    @classmethod
    def check(cls, context: DriverContext) -> None:
        peer_options(context)
        simulation_of(context)
        super().check(driver_context(context, f"memory-{context.name}"))


class LinkamPeer:
    """A Linkam on its cable; built at the first byte, when the shared world may be opened."""

    def __init__(self, context: DriverContext) -> None:
        options = peer_options(context)
        self.faults = wire_faults(options.faults)
        self._context = context
        self._options = options
        self._core: LinkamCore | None = None

    @property
    def device(self) -> LinkamCore:
        if self._core is None:
            self._core = LinkamCore(
                shared_world(self._context, simulation_of(self._context)), self.faults, self._options.baud
            )
        return self._core

    def feed(self, data: bytes, now: float) -> Replies:
        return self.device.feed(data, now)


class SimulatedLinkam(Linkam):
    """The Linkam driver with a simulated controller on its cable, in this process: for virtual time."""

    in_process = True

    def __init__(self, context: DriverContext) -> None:
        port = f"memory-{context.name}"
        self.peer = LinkamPeer(context)
        self.cable = cable_to(self.peer, context, port)
        super().__init__(driver_context(context, port))

    @classmethod
    def check(cls, context: DriverContext) -> None:
        peer_options(context)
        simulation_of(context)
        super().check(driver_context(context, f"memory-{context.name}"))


class Keithley2450Peer:
    """A 2450 on its cable; built at the first byte, when the shared world may be opened."""

    def __init__(self, context: DriverContext) -> None:
        self.faults = wire_faults(peer_options(context).faults)
        self._context = context
        self._core: ScpiCore | None = None

    @property
    def device(self) -> Keithley2450Device:
        device = self.core.device
        assert isinstance(device, Keithley2450Device)
        return device

    @property
    def core(self) -> ScpiCore:
        if self._core is None:
            world = shared_world(self._context, simulation_of(self._context))
            self._core = ScpiCore(Keithley2450Device(world, latency=True), self.faults)
        return self._core

    def feed(self, data: bytes, now: float) -> Replies:
        return self.core.feed(data, now)


class SimulatedKeithley2450(Keithley2450Source):
    """The 2450 driver with a simulated instrument on its cable and a simulated cell: V and A, in virtual time."""

    in_process = True

    def __init__(self, context: DriverContext) -> None:
        port = f"memory-{context.name}"
        self.peer = Keithley2450Peer(context)
        self.cable = cable_to(self.peer, context, port)
        super().__init__(driver_context(context, port))

    @classmethod
    def check(cls, context: DriverContext) -> None:
        peer_options(context)
        simulation_of(context)
        super().check(driver_context(context, f"memory-{context.name}"))
