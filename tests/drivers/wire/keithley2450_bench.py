"""A simulated Keithley 2450 on a cable in memory, under virtual time, with the truth about its cell."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from wire_bench import driver_context

from daq.bench import SharedParts
from daq.virtual_clock import VirtualClock
from drivers.simulated.wire.in_process import SimulatedKeithley2450
from drivers.simulated.wire.keithley2450_device import Keithley2450Device
from drivers.techniques import DcPoint, Technique

AT_AMBIENT = {"reference_temperature_C": 20}
SYMMETRIC = {"cell": "symmetric", "parameters": AT_AMBIENT}
LFP = {"cell": "lfp", "parameters": {**AT_AMBIENT, "initial_state_of_charge": 0.5}}
OHM = (235.0 + 12.0) / 0.6362  # of the symmetric cell


@dataclass
class Rig:
    driver: SimulatedKeithley2450
    clock: VirtualClock

    @property
    def device(self) -> Keithley2450Device:
        return self.driver.peer.device

    def take(self, technique: Technique) -> list[DcPoint]:
        return [point for point in self.driver.measure(technique) if isinstance(point, DcPoint)]

    def truth(self) -> tuple[float, float]:
        """Potential and current of the cell now, and no instrument asked."""
        return self.device.cell.pass_time()

    def after(self, hours: float, every_s: float = 60.0) -> list[tuple[float, float]]:
        """The truth while nobody talks to the instrument."""
        found = []
        for _ in range(int(hours * 3600 / every_s)):
            self.clock.sleep(every_s)
            found.append(self.truth())
        return found


@contextmanager
def rig(
    folder: Path,
    simulation: Mapping[str, Any] = SYMMETRIC,
    limits: Mapping[str, float] | None = None,
    **options: Any,
) -> Iterator[Rig]:
    """The driver, built and not connected, in its virtual time."""
    clock, shared = VirtualClock(), SharedParts()
    context = driver_context(options, folder, clock, "source", shared, limits or {})
    driver = SimulatedKeithley2450(replace(context, simulation=dict(simulation)))
    with clock.attached():
        yield Rig(driver, clock)
        shared.close()


@contextmanager
def connected(folder: Path, *more: Any, **options: Any) -> Iterator[Rig]:
    with rig(folder, *more, **options) as it:
        it.driver.connect()
        yield it


@contextmanager
def left_alone(it: Rig, technique: Technique, points: int) -> Iterator[None]:
    """After so many points nobody talks to the instrument any more, as when this computer is dead."""
    abandoned = cast(Generator[DcPoint, None, None], it.driver.measure(technique))
    for _ in range(points):
        next(abandoned)
    it.driver.cable.unplugged = True
    yield
    it.driver.cable.unplugged = False
    it.driver.transport.forgive()
    abandoned.close()
