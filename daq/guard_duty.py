"""What a guard does when the host is gone: lock, end what is left, open, make safe, verify, write it down."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

from daq import untold
from daq.bench import Bench, BenchConfig
from daq.bench_lock import GUARD, bench_folder, bench_lock
from daq.clock import wall_monotonic, wall_sleep
from daq.contracts import CarriesOn, Settable
from daq.errors import BenchBusy, CellrigError
from daq.guard_words import broken_off, write_into_run
from daq.host_note import QUEUE
from daq.interruption import is_interrupted
from daq.notifier import notifier_of
from daq.safe_first import Opened, build_again, carried_on, line_of, make_safe_first
from daq.safety import make_all_safe
from daq.system import ProcessId, System

log = logging.getLogger(__name__)
LOCK_S = 30.0  # a dead process's lock is free at once; somebody else's is not ours to wait for
CHILDREN_S = 5.0  # a driver's own child makes its instrument safe when its pipe breaks, and ends
LOOK_S = 30.0  # bench time between two looks at a furnace that is kept for a cycler


class Duty:
    """Built before anything happens, so that what can't be loaded is known early."""

    def __init__(self, config: BenchConfig, system: System) -> None:
        self._config = config
        self._system = system
        self._speed = config.model.bench.speed or 1.0
        self._run: Path | None = None
        self._silent_since_s: dict[str, float] = {}  # by furnace
        self._notifier = notifier_of(config, partial(untold.keep, config))
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
            except BenchBusy:  # a new host has come; one that only refused another run leaves the cells to us again
                keeping = self._run is not None and is_interrupted(self._run)

    def _first(self, why: str) -> bool:
        """Make safe what nobody keeps; True when a furnace is kept for cells that a cycler runs."""
        bench = self._build()
        try:
            lines, is_kept = make_safe_first(bench, self._config.model.safety.hold_h)
            self._write([f"{why}; the guard has the bench", *lines])
            return is_kept
        finally:
            bench.close()

    def _look(self, is_over: bool) -> bool:
        """True while the furnace is still kept."""
        bench = self._build()
        try:
            for instrument in bench.instruments.values():
                Opened(instrument).open(patience_s=0.0)
            cyclers = {name: one for name, one in bench.instruments.items() if isinstance(one, CarriesOn)}
            furnaces = [one for one in bench.instruments.values() if isinstance(one, Settable)]
            broken = [text for one in furnaces for text in self._broken(one)]
            if not broken and not is_over and carried_on(cyclers, unknown="cannot be asked"):
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
            lines += [line_of(one) for one in make_all_safe(some, bench.clock, "failed")]
        self._write(lines)

    def _broken(self, furnace: Settable) -> list[str]:
        """What speaks against leaving this furnace as it is. One that is silent is waited for, as in a run."""
        now_s = wall_monotonic()
        try:
            snapshot = furnace.read()
        except CellrigError as error:
            log.warning("%s", error)
            since_s = self._silent_since_s.setdefault(furnace.name, now_s)
            return [str(error)] if now_s - since_s >= self._config.model.bench.lost_after_s / self._speed else []
        self._silent_since_s.pop(furnace.name, None)
        found = [f"{furnace.name} reports: {fault}" for fault in snapshot.faults]
        for limit in furnace.limits():
            value = snapshot.values.get(limit.quantity)
            if isinstance(value, float | int) and limit.maximum is not None and value > limit.maximum:
                found.append(f"{furnace.name}: {limit.quantity} = {value:.5g} is above {limit.maximum:g}")
        return found

    # ------------------------------------------------------------ tools
    def _build(self) -> Bench:
        return build_again(self._config)

    def _lock(self) -> AbstractContextManager[None]:
        return bench_lock(self._config, GUARD, patience_s=LOCK_S)

    def _write(self, lines: Sequence[str]) -> None:
        for line in lines:
            log.warning("%s", line)
        self._notifier.tell("guard", "\n".join(lines))
        if self._run is not None:
            write_into_run(self._run, lines, self._speed)
