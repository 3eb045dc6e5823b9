"""Peers on real ports for the tests: a world in real time, an instrument in it, a mount, a context."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from daq.bench import DriverContext, SharedParts
from daq.clock import Clock, ScaledClock, SystemClock
from drivers.simulated.simulation import read_simulation
from drivers.simulated.wire.eurotherm_device import EurothermDevice, Family
from drivers.simulated.wire.faults import WireFaults
from drivers.simulated.wire.modbus_core import RtuCore
from drivers.simulated.wire.mounts import PtyMount
from drivers.simulated.world import World


def world_in(folder: Path, clock: Clock | None = None) -> World:
    return World(read_simulation({}, "test"), clock or SystemClock(), folder)


def driver_context(
    options: Mapping[str, Any],
    folder: Path,
    clock: Clock | None = None,
    name: str = "furnace",
    shared: SharedParts | None = None,
    limits: Mapping[str, float] | None = None,
) -> DriverContext:
    return DriverContext(
        name=name,
        options=dict(options),
        limits={"max_temperature_C": 150.0} if limits is None else limits,
        clock=clock or SystemClock(),
        state_folder=folder,
        simulation={},
        place=f"bench.toml, instruments.{name}",
        shared=shared or SharedParts(),
    )


@dataclass
class EurothermOnPty:
    """One controller on a pseudo-terminal."""

    world: World
    device: EurothermDevice
    core: RtuCore
    mount: PtyMount
    folder: Path
    clock: Clock
    shared: SharedParts = field(default_factory=SharedParts)

    @property
    def faults(self) -> WireFaults:
        return self.core.faults

    def context(self, **options: Any) -> DriverContext:
        options = {"port": self.mount.port, "timeout_s": 0.2, "frame_gap_s": 0.0, **options}
        return driver_context(options, self.folder, self.clock, shared=self.shared)


@contextmanager
def eurotherm_on_pty(folder: Path, family: Family = "2400", speed: float = 1.0) -> Iterator[EurothermOnPty]:
    clock = ScaledClock(speed) if speed != 1.0 else SystemClock()
    world = world_in(folder, clock)
    device = EurothermDevice(world, family)
    core = RtuCore({1: device}, WireFaults(late_s=0.25, busy_s=0.05))
    mount = PtyMount(core, folder / "port")
    bench = EurothermOnPty(world, device, core, mount, folder, clock)
    try:
        yield bench
    finally:
        bench.shared.close()
        mount.close()
