"""A MethodSCRIPT driver on its peer in memory, under virtual time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from daq.bench import DriverContext, SharedParts
from daq.virtual_clock import VirtualClock
from drivers.simulated.wire.methodscript_core import MethodScriptCore
from drivers.simulated.wire.methodscript_twin import SimulatedMethodScript
from drivers.techniques import DcPoint, Point, SpectrumPoint, Technique


@dataclass
class Rig:
    driver: SimulatedMethodScript
    clock: VirtualClock
    context: DriverContext

    @property
    def core(self) -> MethodScriptCore:
        return self.driver.peer.device

    @property
    def is_on(self) -> bool:
        return self.core.cell.applied.is_on

    def direct(self, technique: Technique) -> list[DcPoint]:
        return [point for point in self.driver.measure(technique) if isinstance(point, DcPoint)]

    def spectrum(self, technique: Technique) -> list[SpectrumPoint]:
        return [point for point in self.driver.measure(technique) if isinstance(point, SpectrumPoint)]

    def points(self, technique: Technique) -> list[Point]:
        return list(self.driver.measure(technique))


@contextmanager
def rig(folder: Path, cell: str = "blocking", preset: str = "K001", **options: Any) -> Iterator[Rig]:
    parameters = options.pop("parameters", {})
    clock, shared = VirtualClock(), SharedParts()
    context = DriverContext(
        name="potentiostat",
        options=options,
        limits={},
        clock=clock,
        state_folder=folder,
        simulation={"cell": cell, "preset": preset, "parameters": parameters},
        place="bench.toml, instruments.potentiostat",
        shared=shared,
    )
    with clock.attached():
        driver = SimulatedMethodScript(context)
        driver.connect()
        yield Rig(driver, clock, replace(context))
        driver.disconnect()
        shared.close()
