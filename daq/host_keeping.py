"""The host's side of a furnace that is kept for cells of a broken-off run: while it idles, and when it has to end."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from daq.bench import Bench, BenchConfig
from daq.clock import wall_monotonic
from daq.errors import CellrigError
from daq.furnace_kept import FurnaceKept
from daq.guard_words import write_into_run
from daq.idle_bench import IdleBench
from daq.in_time import in_time

log = logging.getLogger(__name__)
LOOK_MAY_TAKE_S = 180.0  # of the wall's time: it connects, and may have to make everything safe


class HostKeeping:
    """`make` builds the bench, unconnected. Only one thread may use it, but for `is_on`."""

    def __init__(self, config: BenchConfig, make: Callable[[], Bench], tell: Callable[[str], None]) -> None:
        self._config = config
        self._make = make
        self._tell = tell
        self._kept: FurnaceKept | None = None
        self._run: Path | None = None
        self._looked_s = 0.0

    @property
    def is_on(self) -> bool:
        return self._kept is not None

    def begin(self, run: Path | None) -> None:
        """From now on, for the cells of this run, and for as long as the bench file says."""
        self._looked_s = wall_monotonic()
        self._kept, self._run = FurnaceKept(self._config, self._looked_s), run

    def drop(self) -> None:
        """A run has taken furnace and cells over; their end is its own."""
        self._kept = None

    def look(self, idle: IdleBench) -> None:
        """When it is time: ask the cycler, read the furnace, and end the keeping where that is due.

        Whoever works the idle bench by hand has it again afterwards. Raises Hangs.
        """
        kept = self._kept
        if kept is None or wall_monotonic() - self._looked_s < kept.pause_s:
            return
        self._looked_s = wall_monotonic()
        by_hand = list(idle.states())
        idle.close()  # a port is open once
        self._look(kept)
        for name in by_hand:
            try:
                idle.connect(name, True)
            except CellrigError as error:
                log.warning("%s", error)

    def _look(self, kept: FurnaceKept) -> None:
        bench = self._make()
        try:
            patience_s = LOOK_MAY_TAKE_S * bench.clock.speed
            lines = in_time(bench.clock, patience_s, lambda: kept.look(bench, "the bench host"), "bench", "a look")
        finally:
            bench.close()
        if lines:
            self._kept = None
            for line in lines:
                log.warning("%s", line)
            self._tell("\n".join(lines))
            if self._run is not None:
                write_into_run(self._run, lines, self._config.model.bench.speed or 1.0, "engine")
