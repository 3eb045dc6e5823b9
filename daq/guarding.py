"""The host's side of its guard: starts it, hears its pulse, starts another when it falls silent."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from daq import plugins
from daq.bench import BenchConfig
from daq.clock import wall_monotonic, wall_sleep
from daq.errors import CellrigError
from daq.host_note import SAID
from daq.system import ProcessId, System

log = logging.getLogger(__name__)
PULSE_S = 1.0
SILENT_S = 15.0  # also the time that a guard has to come up
ANSWER_S = 0.5  # until the answer to a pulse has gone out
MOST_STARTS = 3  # without a pulse in between


def needs_guard(config: BenchConfig) -> bool:
    """Whether the bench has instruments that stay as they are when our processes die."""
    drivers = (plugins.load(plugins.DRIVERS, one.driver, "bench") for one in config.model.instruments.values())
    return not all(getattr(driver, "in_process", False) for driver in drivers)


def policy_text(config: BenchConfig) -> str:
    """What becomes of the bench when cellrig itself is lost; empty where there is nothing to become of."""
    if not needs_guard(config):
        return ""
    drivers = [plugins.load(plugins.DRIVERS, one.driver, "bench") for one in config.model.instruments.values()]
    hours = config.model.safety.hold_h
    by_hand = [
        name
        for (name, _), driver in zip(config.model.instruments.items(), drivers, strict=True)
        if getattr(driver, "operator_run", False)
    ]
    told = f"; {', '.join(by_hand)} can't be stopped from here, a person has to" if by_hand else ""
    if hours > 0 and any(hasattr(driver, "carrying_on") for driver in drivers):
        go_on = "the guard makes safe whatever no test needs; cells that the cycler runs go on"
        if not any(getattr(driver, "role", "") == "temperature" for driver in drivers):
            return f"{go_on} for {hours:g} h at most, then they are stopped{told}"
        return (
            f"{go_on}, the furnace holds for {hours:g} h at most under its own limits, then first the cells and then "
            f"the heater are stopped{told}"
        )
    return f"the guard makes every instrument safe at once{told}"


class GuardKeeper:
    """`on_lost(why)` is called once, when no guard can be kept alive."""

    def __init__(self, system: System, folder: Path, on_lost: Callable[[str], None]) -> None:
        self._system = system
        self._folder = folder
        self._on_lost = on_lost
        self._dismissed = threading.Event()
        self._heard = threading.Event()
        self._guard: ProcessId | None = None
        self._last_s = wall_monotonic()
        self._starts = 0
        self._lost = False

    def start(self) -> None:
        """Returns when the first pulse was heard. Raises CellrigError when none comes: nothing is started unguarded."""
        for _ in range(MOST_STARTS):
            self._start_one()
            if self._heard.wait(SILENT_S):
                break
        else:
            raise CellrigError(f"the guard does not start; see {self._folder / SAID}")
        threading.Thread(target=self._watch, name="guard keeper", daemon=True).start()

    def heard(self, guard: ProcessId) -> None:
        """A pulse."""
        self._guard, self._last_s, self._starts = guard, wall_monotonic(), 0
        self._heard.set()

    @property
    def dismissed(self) -> bool:
        return self._dismissed.is_set()

    @property
    def state(self) -> str:
        if self._lost:
            return "lost"
        if self._guard is None or not self._heard.is_set():  # another one was started, and was not heard yet
            return "starting"
        return "watching" if wall_monotonic() - self._last_s < SILENT_S else "silent"

    def hand_over(self) -> bool:
        """What is kept is the guard's from its next pulse on, with whose answer it hears of it. Whether it did."""
        self._dismissed.set()
        self._heard.clear()
        has_heard = self._heard.wait(SILENT_S)
        wall_sleep(ANSWER_S)
        return has_heard

    def dismiss(self) -> None:
        """The host ends in order: the guard hears of it with its next pulse, and ends too."""
        self._dismissed.set()
        self._heard.clear()
        self._heard.wait(3 * PULSE_S)
        if self._guard is not None:
            self._system.end([self._guard], patience_s=3 * PULSE_S)

    def _watch(self) -> None:
        while not self._dismissed.wait(PULSE_S):
            gone = self._guard is not None and not self._system.is_alive(self._guard)
            if gone or wall_monotonic() - self._last_s > SILENT_S:
                self._again("died" if gone else f"was silent for {SILENT_S:.0f} s")

    def _again(self, why: str) -> None:
        if self._guard is not None:
            self._system.end([self._guard])
        if self._starts >= MOST_STARTS:
            if not self._lost:
                self._lost = True
                self._on_lost(f"it {why}, and {MOST_STARTS} new ones did not start")
            return
        log.warning("the guard %s; another one is started", why)
        try:
            self._start_one()
        except OSError as error:
            log.error("the guard cannot be started: %s", error)

    def _start_one(self) -> None:
        self._starts += 1
        self._guard, self._last_s = None, wall_monotonic()
        self._system.start_detached(["-m", "daq.guard", str(self._folder)], self._folder / SAID)
