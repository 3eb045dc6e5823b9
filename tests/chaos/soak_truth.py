"""What the simulated world really was, second by second, written down while a run goes on in its virtual time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from daq.bench import Bench
from drivers.simulated.wire.faults import WireFaults
from drivers.simulated.wire.in_process import SimulatedEurotherm, SimulatedKeithley2450, SimulatedLinkam
from drivers.simulated.wire.methodscript_twin import SimulatedMethodScript
from drivers.simulated.wire.neware_twin import SimulatedNeware

EVERY_S = 1.0
COLUMNS = ("furnace", "setpoint", "sample", "voltage", "current")
ROOM = 2 * 86_400
BEFORE_S, AFTER_S = 20.0, 2.0  # a row may be that much younger than what it tells: retries take their time


class Truth:
    """Columns by name, a row each second. `look(t_s)` is called every `look_every_s`.

    `furnace`: what the sensor of the controller shows; `sample`: the sample on `channel`; `voltage`, `current`: of the
    cell on a source-meter. `records`: of a cycler's tests.
    """

    def __init__(self, bench: Bench, channel: int, look: Callable[[float], None], look_every_s: float) -> None:
        self.bench, self._channel = bench, channel
        self._look, self._look_every_s = look, look_every_s
        self._stopping = bench.clock.event()
        self._table = np.full((ROOM, 1 + len(COLUMNS)), 0.0)  # all of it at once: it is not what grows
        self._count = 0
        self.origin_s = 0.0
        self.faults = [found for one in bench.instruments.values() if (found := faults_of(one)) is not None]

    def start(self) -> None:
        clock = self.bench.clock
        self.origin_s = clock.monotonic()
        clock.spawn(self._watch, "truth")

    def stop(self) -> None:
        self._stopping.set()

    def between(self, t_s: np.ndarray, column: str) -> tuple[np.ndarray, np.ndarray]:
        """The least and the largest of a column in the window of each row."""
        table = self._table[: self._count]
        values = table[:, 1 + COLUMNS.index(column)]
        low, high = np.empty(len(t_s)), np.empty(len(t_s))
        begins = np.searchsorted(table[:, 0], t_s - BEFORE_S) - 1
        ends = np.searchsorted(table[:, 0], t_s + AFTER_S) + 1
        for number, (begin, end) in enumerate(zip(begins, ends, strict=True)):
            window = values[max(0, begin) : end]
            low[number], high[number] = window.min(), window.max()
        return low, high

    def at(self, t_s: np.ndarray, column: str) -> np.ndarray:
        table = self._table[: self._count]
        return np.interp(t_s, table[:, 0], table[:, 1 + COLUMNS.index(column)])

    def _watch(self) -> None:
        clock, next_look_s = self.bench.clock, 0.0
        while not self._stopping.is_set():
            t_s = clock.monotonic() - self.origin_s
            self._table[self._count] = [t_s, *self._now()]
            self._count += 1
            if t_s >= next_look_s:
                next_look_s += self._look_every_s
                self._look(t_s)
            clock.wait(self._stopping, EVERY_S)

    def _now(self) -> list[float]:
        found = [float("nan")] * len(COLUMNS)
        for one in self.bench.instruments.values():
            if isinstance(one, SimulatedEurotherm | SimulatedLinkam):
                device: Any = one.peer.device
                world = device.physics
                view, sample = world.furnace(), world.sample(self._channel)
                found[:3] = [view.temperature_C, view.setpoint_C, sample.temperature_C]
            elif isinstance(one, SimulatedKeithley2450):
                found[3:] = one.peer.device.cell.pass_time()
        return found


def faults_of(instrument: object) -> WireFaults | None:
    """The bad wire of a wire instrument in this process."""
    if isinstance(instrument, SimulatedEurotherm | SimulatedLinkam | SimulatedKeithley2450):
        return instrument.peer.faults
    if isinstance(instrument, SimulatedMethodScript):
        return instrument.peer.device.faults
    if isinstance(instrument, SimulatedNeware):
        return instrument.peer.core.faults
    return None
