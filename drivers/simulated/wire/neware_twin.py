"""`driver = "simulated-neware"`: the Neware driver on a cable in memory, BTS Client and testers at its other end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import Field

from daq.bench import DriverContext
from daq.tables import StrictModel, parse
from drivers.neware import Neware
from drivers.simulated.options import shared_world, simulation_of
from drivers.simulated.wire.faults import Replies
from drivers.simulated.wire.in_process import Outage, wire_faults
from drivers.simulated.wire.neware_core import NewareCore, Quirks, set_quirks
from drivers.simulated.wire.neware_tester import DEVID, UNIT, NewareTester
from drivers.transport import MemoryLink, lay

WINDOWS_FOLDER = "C:\\cellrig steps"
CHANNELS_MAX = 512
REAL_ONLY = frozenset({"port", "step_folder", "step_folder_windows", "backup_folder_windows", "username", "password"})


class NewarePeerOptions(StrictModel):
    """`peer = { ... }`: how many channels there are, faults of the line, and quirks of the server."""

    channels: int = Field(default=8, ge=1, le=CHANNELS_MAX)
    faults: Mapping[str, float | bool] = Field(default_factory=dict)
    quirks: Mapping[str, int | bool] = Field(default_factory=dict)
    unplugged: list[Outage] = Field(default_factory=list)


def peer_options(context: DriverContext) -> NewarePeerOptions:
    """Raises BadInput."""
    options = parse(NewarePeerOptions, context.options.get("peer", {}), f"{context.place}.peer")
    wire_faults(options.faults)
    quirks_of(options, context.place)
    return options


def quirks_of(options: NewarePeerOptions, place: str) -> Quirks:
    """Raises BadInput for a quirk that there is not."""
    return set_quirks(Quirks(), options.quirks, f"{place}.peer.quirks")


class NewarePeer:
    """BTS Client and its testers; built at the first byte, when the shared world may be opened."""

    def __init__(self, context: DriverContext, files: Mapping[str, Path]) -> None:
        self._context, self._files = context, files
        self._options = peer_options(context)
        self._core: NewareCore | None = None

    @property
    def core(self) -> NewareCore:
        if self._core is None:
            world = shared_world(self._context, simulation_of(self._context))
            tester = NewareTester(world, self._context, self._options.channels, self._files)
            quirks = quirks_of(self._options, self._context.place)
            self._core = NewareCore(tester, quirks, wire_faults(self._options.faults))
            self._context.share(f"peer of {self._context.name}", lambda: tester)  # closed with the bench
        return self._core

    def feed(self, data: bytes, now: float) -> Replies:
        return self.core.feed(data, now)


class SimulatedNeware(Neware):
    """The Neware driver with simulated testers on its cable, in this process: for virtual time."""

    in_process = True

    def __init__(self, context: DriverContext) -> None:
        inner = driver_context(context)
        folder = Path(inner.options["step_folder"])
        self.peer = NewarePeer(context, {inner.options["step_folder_windows"]: folder})
        outages = [(one.after_s, one.for_s) for one in peer_options(context).unplugged]
        self.cable = MemoryLink(self.peer, context.clock, inner.options["port"], outages)
        lay(context, inner.options["port"], self.cable)
        super().__init__(inner)

    def connect(self) -> None:
        Path(self.options.step_folder).mkdir(parents=True, exist_ok=True)
        super().connect()

    @classmethod
    def twin_options(cls, options: Mapping[str, Any]) -> dict[str, Any]:
        """Of a real bench's, without its server and its shared folder: nothing is written there. Its channels are the
        first ones of a simulated tester, under the bench's own numbers.
        """
        kept = {key: value for key, value in options.items() if key not in REAL_ONLY}
        if not kept.get("channels"):
            return kept
        numbers = list(kept["channels"])
        addresses = {one: f"{DEVID}-{1 + n // UNIT}-{1 + n % UNIT}" for n, one in enumerate(numbers)}
        return {**kept, "channels": addresses, "peer": {"channels": max(UNIT, len(numbers))}}

    @classmethod
    def check(cls, context: DriverContext) -> None:
        peer_options(context)
        simulation_of(context)
        super().check(driver_context(context))


def driver_context(context: DriverContext) -> DriverContext:
    """The context of the real driver: a shared folder in the bench's state folder, the range of simulated cells."""
    rest = {name: value for name, value in context.options.items() if name != "peer"}
    usual = {
        "port": f"socket://memory-{context.name}:502",
        "step_folder": str(Path(context.state_folder) / f"steps_{context.name}"),
        "step_folder_windows": WINDOWS_FOLDER,
        "voltage_min_V": -5.0,
        "voltage_max_V": 5.0,
        "current_max_A": 0.1,
    }
    return replace(context, options={**usual, **rest})
