"""What a guard does when the host is gone: lock, end what is left, open, make safe, verify, write it down."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from daq.bench import Bench, BenchConfig, build_bench
from daq.bench_lock import GUARD, bench_folder, bench_lock
from daq.clock import ScaledClock, SystemClock, wall_monotonic, wall_sleep, wall_unix
from daq.contracts import CarriesOn, Instrument, Reason, SafeReport, Settable
from daq.errors import BenchBusy, CellrigError
from daq.guard_words import broken_off, write_into_run
from daq.host_note import QUEUE
from daq.notifier import notifier_of
from daq.runner import WORLD
from daq.safety import SafeOutcome, make_all_safe
from daq.system import ProcessId, System

log = logging.getLogger(__name__)
LOCK_S = 30.0  # a dead process's lock is free at once; somebody else's is not ours to wait for
CHILDREN_S = 5.0  # a driver's own child makes its instrument safe when its pipe breaks, and ends
PORTS_S = 15.0  # a port that a dead process held may take a moment to be free
AGAIN_S = 0.5
LOOK_S = 30.0  # bench time between two looks at a furnace that is kept for a cycler


class Duty:
    """Built before anything happens, so that what can't be loaded is known early."""

    def __init__(self, config: BenchConfig, system: System) -> None:
        self._config = config
        self._system = system
        self._speed = config.model.bench.speed or 1.0
        self._run: Path | None = None
        self._notifier = notifier_of(config)
        self._build()  # drivers are imported now, while all is well

    def act(self, why: str, children: Sequence[ProcessId]) -> None:
        """The whole duty; returns when nothing is kept any more. Raises BenchBusy when somebody else has the bench."""
        try:
            self._act(why, children)
        finally:
            self._notifier.close()

    def _act(self, why: str, children: Sequence[ProcessId]) -> None:
        self._run = broken_off(bench_folder(self._config) / QUEUE)
        began_s = wall_monotonic()
        with self._lock():
            self._system.end(children, patience_s=CHILDREN_S if children else 0.0)
            keeping = self._first(why)
        until_s = began_s + 3600 * self._config.model.safety.hold_h / self._speed
        while keeping:
            wall_sleep(min(LOOK_S / self._speed, LOOK_S))
            try:
                with self._lock():
                    keeping = self._look(is_over=wall_monotonic() >= until_s)
            except BenchBusy:
                return  # a new host has come, or a person

    def _first(self, why: str) -> bool:
        """Make safe what nobody keeps; True when a furnace is kept for cells that a cycler runs."""
        bench = self._build()
        lines = [f"{why}; the guard has the bench"]
        try:
            kept, tests = self._kept(bench)
            for name, furnace in kept.items():
                lines.append(_hold(name, furnace))
            others = {name: Opened(one) for name, one in bench.instruments.items() if name not in kept}
            lines += [_line(one) for one in make_all_safe(others, bench.clock, "engine_lost")]
            if kept:
                hours = self._config.model.safety.hold_h
                lines.append(f"{', '.join(tests)}; {', '.join(kept)} kept warm for it, for {hours:g} h at most")
            self._write(lines)
            return bool(kept)
        finally:
            bench.close()

    def _kept(self, bench: Bench) -> tuple[Mapping[str, Settable], list[str]]:
        """The furnaces to keep, and for which tests. A cycler that can't be reached now is not waited for."""
        cyclers = {name: one for name, one in bench.instruments.items() if isinstance(one, CarriesOn)}
        if not cyclers or self._config.model.safety.hold_h <= 0:
            return {}, []
        furnaces = {name: one for name, one in bench.instruments.items() if isinstance(one, Settable)}
        for instrument in (*cyclers.values(), *furnaces.values()):
            Opened(instrument).open()
        tests = _tests(cyclers)
        return (furnaces, tests) if tests else ({}, [])

    def _look(self, is_over: bool) -> bool:
        """True while the furnace is still kept."""
        bench = self._build()
        try:
            for instrument in bench.instruments.values():
                Opened(instrument).open(patience_s=0.0)
            cyclers = {name: one for name, one in bench.instruments.items() if isinstance(one, CarriesOn)}
            broken = [text for one in bench.instruments.values() if isinstance(one, Settable) for text in _broken(one)]
            if not broken and not is_over and _tests(cyclers, unknown="cannot be asked"):
                return True
            why = broken[0] if broken else "the time is over" if is_over else "the cycler has nothing to do any more"
            self._end_keeping(bench, list(cyclers), why)
            return False
        finally:
            bench.close()

    def _end_keeping(self, bench: Bench, cyclers: Sequence[str], why: str) -> None:
        """The cells first, then the heater."""
        lines = [f"the guard no longer keeps the furnace: {why}"]
        for names in (cyclers, [name for name in bench.instruments if name not in cyclers]):
            some = {name: Opened(bench.instruments[name]) for name in names}
            lines += [_line(one) for one in make_all_safe(some, bench.clock, "failed")]
        self._write(lines)

    # ------------------------------------------------------------ tools
    def _build(self) -> Bench:
        speed = self._config.model.bench.speed
        clock = SystemClock() if speed is None else ScaledClock(speed, wall_unix())
        return build_bench(self._config, clock, bench_folder(self._config) / WORLD)

    def _lock(self) -> AbstractContextManager[None]:
        return bench_lock(self._config, GUARD, patience_s=LOCK_S)

    def _write(self, lines: Sequence[str]) -> None:
        for line in lines:
            log.warning("%s", line)
        self._notifier.tell("guard", "\n".join(lines))
        if self._run is not None:
            write_into_run(self._run, lines, self._speed)


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


def _tests(cyclers: Mapping[str, CarriesOn], unknown: str = "") -> list[str]:
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


def _broken(furnace: Settable) -> list[str]:
    """What speaks against leaving this furnace as it is."""
    try:
        snapshot = furnace.read()
    except CellrigError as error:
        return [str(error)]
    found = [f"{furnace.name} reports: {fault}" for fault in snapshot.faults]
    for limit in furnace.limits():
        value = snapshot.values.get(limit.quantity)
        if isinstance(value, float | int) and limit.maximum is not None and value > limit.maximum:
            found.append(f"{furnace.name}: {limit.quantity} = {value:.5g} is above {limit.maximum:g}")
    return found


def _line(one: SafeOutcome) -> str:
    return f"{one.instrument}: made safe: {one.text}" if one.verified else f"{one.instrument}: {one.text}"
