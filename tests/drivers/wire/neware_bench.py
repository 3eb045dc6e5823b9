"""A Neware driver with its simulated testers, under virtual time; and schedules to run on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from daq.bench import DriverContext, SharedParts
from daq.virtual_clock import VirtualClock
from drivers.schedule import Current, CyclerRecord, End, Loop, Protection, Record, Rest, Schedule
from drivers.simulated.cycler_driver import SimulatedCycler
from drivers.simulated.wire.neware_core import NewareCore
from drivers.simulated.wire.neware_twin import SimulatedNeware

SIMULATION = {"cell": "symmetric"}


@dataclass
class NewareBench:
    """`again()` is a second driver with the same testers: as after the death of this computer's process."""

    driver: SimulatedNeware
    context: DriverContext
    clock: VirtualClock

    @property
    def core(self) -> NewareCore:
        return self.driver.peer.core

    def again(self) -> SimulatedNeware:
        driver = SimulatedNeware(self.context)
        driver.peer = self.driver.peer
        driver.transport.link = self.driver.cable
        self.driver = driver
        driver.connect()
        return driver

    def finished(self, ref: str, most_s: float = 1e6) -> None:
        until_s = self.clock.monotonic() + most_s
        while self.driver.attach(ref).state in ("running", "unknown"):
            assert self.clock.monotonic() < until_s
            self.clock.sleep(60)


@contextmanager
def neware_bench(folder: Path, simulation: dict[str, Any] | None = None, **peer: Any) -> Iterator[NewareBench]:
    clock = VirtualClock()
    context = context_of(folder, clock, "cycler", {"peer": peer}, simulation)
    driver = SimulatedNeware(context)
    with clock.attached():
        driver.connect()
        bench = NewareBench(driver, context, clock)
        try:
            yield bench
        finally:
            bench.driver.disconnect()
            context.shared.close()


def context_of(
    folder: Path, clock: VirtualClock, name: str, options: dict[str, Any], simulation: dict[str, Any] | None = None
) -> DriverContext:
    place = f"bench.toml, instruments.{name}"
    table = SIMULATION if simulation is None else simulation
    return DriverContext(name, options, {}, clock, folder / "state", table, place, SharedParts())


def to_and_fro(current_A: float = 5e-5, half_s: float = 600.0, cycles: int = 3) -> Schedule:
    record, end = Record(10.0), (End("time_s", "above", half_s),)
    steps = (Rest(60, record), Current(current_A, end, record), Current(-current_A, end, record), Loop(2, cycles))
    return Schedule("to and fro", steps, Protection(-4.5, 4.5, 1e-3))


def truth(
    folder: Path, schedule: Schedule, seconds: float, simulation: dict[str, Any] | None = None
) -> list[CyclerRecord]:
    """What the simulated cycler records of the same schedule, on the same cell."""
    clock = VirtualClock()
    context = context_of(folder, clock, "truth", {}, simulation)
    cycler = SimulatedCycler(context)
    with clock.attached():
        cycler.connect()
        ref = cycler.submit(1, schedule, "cell")
        clock.sleep(seconds)
        found = list(cycler.records(ref))
        cycler.disconnect()
        context.shared.close()
    return found
