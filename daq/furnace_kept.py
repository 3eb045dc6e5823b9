"""A furnace that is kept warm, after its run was broken off, for cells that a cycler runs by itself: what ends that.

The time of the bench file (`hold_h`) is over, the cycler has nothing to do any more, or the furnace itself speaks
against it: then first the cells are stopped, then the heater. The guard looks after it, and an idle host likewise.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from daq.bench import Bench, BenchConfig
from daq.clock import wall_monotonic
from daq.contracts import CarriesOn, Settable
from daq.errors import CellrigError
from daq.safe_first import Opened, carried_on, line_of
from daq.safety import make_all_safe

log = logging.getLogger(__name__)
LOOK_S = 30.0  # bench time between two looks


class FurnaceKept:
    """From `began_s` on (`wall_monotonic`), which is when the bench was taken over from the dead host."""

    def __init__(self, config: BenchConfig, began_s: float) -> None:
        speed = config.model.bench.speed or 1.0
        self.pause_s = min(LOOK_S / speed, LOOK_S)
        self._until_s = began_s + 3600 * config.model.safety.hold_h / speed
        self._lost_after_s = config.model.bench.lost_after_s / speed
        self._silent_since_s: dict[str, float] = {}  # by furnace

    def look(self, bench: Bench, who: str) -> list[str]:
        """Connects cyclers and furnaces. Empty while it goes on; else what was done when `who` ended it."""
        cyclers = {name: one for name, one in bench.instruments.items() if isinstance(one, CarriesOn)}
        furnaces = [one for one in bench.instruments.values() if isinstance(one, Settable)]
        for instrument in (*cyclers.values(), *furnaces):
            Opened(instrument).open(patience_s=0.0)
        broken = [text for one in furnaces for text in self._broken(one)]
        is_over = wall_monotonic() >= self._until_s
        if not broken and not is_over and carried_on(cyclers, unknown="cannot be asked"):
            return []
        why = broken[0] if broken else "the time is over" if is_over else "the cycler has nothing to do any more"
        return [f"{who} no longer keeps the furnace: {why}", *_end(bench, list(cyclers))]

    def _broken(self, furnace: Settable) -> list[str]:
        """What speaks against leaving this furnace as it is. One that is silent is waited for, as in a run."""
        now_s = wall_monotonic()
        try:
            snapshot = furnace.read()
        except CellrigError as error:
            log.warning("%s", error)
            since_s = self._silent_since_s.setdefault(furnace.name, now_s)
            return [str(error)] if now_s - since_s >= self._lost_after_s else []
        self._silent_since_s.pop(furnace.name, None)
        found = [f"{furnace.name} reports: {fault}" for fault in snapshot.faults]
        for limit in furnace.limits():
            value = snapshot.values.get(limit.quantity)
            if isinstance(value, float | int) and limit.maximum is not None and value > limit.maximum:
                found.append(f"{furnace.name}: {limit.quantity} = {value:.5g} is above {limit.maximum:g}")
        return found


def _end(bench: Bench, cyclers: Sequence[str]) -> list[str]:
    """The cells first, then the heater."""
    lines: list[str] = []
    for names in (cyclers, [name for name in bench.instruments if name not in cyclers]):
        some = {name: Opened(bench.instruments[name]) for name in names}
        lines += [line_of(one) for one in make_all_safe(some, bench.clock, "failed")]
    return lines
