"""`simulated-autolab` in virtual time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from daq.bench import BenchConfig, BenchFileModel, build_bench
from daq.tables import parse
from daq.virtual_clock import VirtualClock
from drivers.simulated.autolab.driver import SimulatedAutolab


@contextmanager
def virtual_autolab(
    folder: Path, simulation: dict[str, Any] | None = None, **options: Any
) -> Iterator[tuple[SimulatedAutolab, VirtualClock]]:
    table = {
        "bench": {"name": "test"},
        "instruments": {"potentiostat": {"driver": "simulated-autolab", **options}},
        "simulation": simulation or {},
    }
    clock = VirtualClock()
    bench = build_bench(BenchConfig(parse(BenchFileModel, table, "bench.toml"), folder / "bench.toml"), clock, folder)
    driver = bench.instruments["potentiostat"]
    assert isinstance(driver, SimulatedAutolab)
    with clock.attached():
        bench.connect()
        try:
            yield driver, clock
        finally:
            bench.close()
