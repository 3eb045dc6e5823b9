"""What has to be done first with a bench whose host died: whatever nobody needs is made safe, before anything else.

The guard does it as soon as it sees the death. Where guard and host died together, the next host on the bench does.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from daq.bench import Bench, BenchConfig, build_bench
from daq.bench_lock import bench_folder
from daq.clock import ScaledClock, SystemClock, wall_monotonic, wall_sleep, wall_unix
from daq.contracts import CarriesOn, Instrument, Reason, SafeReport, Settable
from daq.errors import CellrigError
from daq.runner import WORLD
from daq.safety import SafeOutcome, make_all_safe

log = logging.getLogger(__name__)
PORTS_S = 15.0  # a port that a dead process held may take a moment to be free
AGAIN_S = 0.5


def build_again(config: BenchConfig) -> Bench:
    """The bench with drivers of its own, unconnected, on the time that goes on since the death."""
    speed = config.model.bench.speed
    clock = SystemClock() if speed is None else ScaledClock(speed, wall_unix())
    return build_bench(config, clock, bench_folder(config) / WORLD)


def make_safe_first(bench: Bench, hold_h: float) -> tuple[list[str], bool]:
    """Connects, makes safe and reads back; a furnace that warms cells which a cycler runs holds (`hold_h` above 0).

    Returns what was done, a line for each instrument, and whether a furnace is kept warm.
    """
    kept, tests = _kept(bench, hold_h)
    lines = [_hold(name, furnace) for name, furnace in kept.items()]
    others = {name: Opened(one) for name, one in bench.instruments.items() if name not in kept}
    lines += [line_of(one) for one in make_all_safe(others, bench.clock, "engine_lost")]
    if kept:
        lines.append(f"{', '.join(tests)}; {', '.join(kept)} kept warm for it, for {hold_h:g} h at most")
    return lines, bool(kept)


def _kept(bench: Bench, hold_h: float) -> tuple[Mapping[str, Settable], list[str]]:
    """The furnaces to keep, and for which tests. A cycler that can't be reached now is not waited for."""
    cyclers = {name: one for name, one in bench.instruments.items() if isinstance(one, CarriesOn)}
    if not cyclers or hold_h <= 0:
        return {}, []
    furnaces = {name: one for name, one in bench.instruments.items() if isinstance(one, Settable)}
    for instrument in (*cyclers.values(), *furnaces.values()):
        Opened(instrument).open()
    tests = carried_on(cyclers)
    return (furnaces, tests) if tests else ({}, [])


class Opened:
    """An instrument that is connected before it is made safe, each in the thread that makes it safe.

    One that can't be connected is made safe nevertheless: some need no greeting for that.
    """

    def __init__(self, instrument: Instrument) -> None:
        self._instrument = instrument
        self.safe_within_s = instrument.safe_within_s + PORTS_S

    def open(self, patience_s: float = PORTS_S) -> None:
        until_s = wall_monotonic() + patience_s
        while True:
            try:
                return self._instrument.connect()
            except CellrigError as error:
                if wall_monotonic() >= until_s:
                    log.warning("%s", error)
                    return
            wall_sleep(AGAIN_S)

    def make_safe(self, reason: Reason) -> SafeReport:
        self.open()
        return self._instrument.make_safe(reason)


def carried_on(cyclers: Mapping[str, CarriesOn], unknown: str = "") -> list[str]:
    """What runs on by itself. A cycler that does not answer counts as `unknown`."""
    found: list[str] = []
    for name, cycler in cyclers.items():
        try:
            found += [f"{name}: {test}" for test in cycler.carrying_on()]
        except CellrigError as error:
            log.warning("%s", error)
            found += [f"{name}: {unknown}"] if unknown else []
    return found


def _hold(name: str, furnace: Settable) -> str:
    try:
        furnace.hold()
        return f"{name}: holds its temperature"
    except CellrigError as error:
        return f"{name}: NOT SAFE, look at it now: {error}"


def line_of(one: SafeOutcome) -> str:
    return f"{one.instrument}: made safe: {one.text}" if one.verified else f"{one.instrument}: {one.text}"
