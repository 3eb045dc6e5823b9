"""A simulated bench in virtual time for the tests, built through the door a user has: the bench file's table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from daq.bench import Bench, BenchConfig, BenchFileModel, build_bench
from daq.clock import Clock
from daq.tables import parse
from daq.virtual_clock import VirtualClock
from drivers.simulated.cells.blocking import BlockingCell
from drivers.simulated.furnace_driver import SimulatedFurnace
from drivers.simulated.potentiostat_driver import SimulatedPotentiostat
from drivers.simulated.world import World
from drivers.techniques import Spectrum, SpectrumPoint


@dataclass
class TruthBench:
    bench: Bench
    furnace: SimulatedFurnace
    potentiostat: SimulatedPotentiostat
    clock: Clock

    @property
    def world(self) -> World:
        return self.furnace.world

    def cell(self, channel: int = 1) -> BlockingCell:
        return self.world.simulation.channels[channel - 1].build()

    def spectrum(self, technique: Spectrum, channel: int = 1) -> list[SpectrumPoint]:
        points = list(self.potentiostat.measure(technique, channel))
        return [point for point in points if isinstance(point, SpectrumPoint)]

    def settle(self, temperature_C: float, hours: float = 3.0) -> None:
        self.furnace.set_target(temperature_C, 3)
        self.clock.sleep(hours * 3600)


def config(
    simulation: Mapping[str, Any] | None = None,
    furnace: Mapping[str, Any] | None = None,
    potentiostat: Mapping[str, Any] | None = None,
) -> BenchConfig:
    table = {
        "bench": {"name": "truth"},
        "instruments": {
            "furnace": {"driver": "simulated-furnace", **(furnace or {})},
            "potentiostat": {"driver": "simulated-potentiostat", **(potentiostat or {})},
        },
        "simulation": dict(simulation or {}),
    }
    return BenchConfig(parse(BenchFileModel, table, "bench.toml"), Path("bench.toml"))


def build(folder: Path, simulation: Mapping[str, Any] | None = None, **more: Any) -> TruthBench:
    """The bench, not connected. `more`: clock, furnace, potentiostat (their tables)."""
    clock: Clock = more.pop("clock", None) or VirtualClock()
    bench = build_bench(config(simulation, **more), clock, folder)
    furnace = cast(SimulatedFurnace, bench.by_role("temperature"))
    return TruthBench(bench, furnace, cast(SimulatedPotentiostat, bench.by_role("potentiostat")), clock)


@contextmanager
def truth_bench(folder: Path, simulation: Mapping[str, Any] | None = None, **more: Any) -> Iterator[TruthBench]:
    """The bench, connected, the calling thread in its virtual time; closed at the end."""
    truth = build(folder, simulation, **more)
    with truth.clock.attached():
        truth.bench.connect()
        try:
            yield truth
        finally:
            truth.bench.close()
