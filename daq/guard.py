"""The guard: a process outside the host's tree that makes the bench safe when the host is gone.

    python -P -m daq.guard FOLDER      FOLDER is the bench's, with the host's note in it

It asks the host for its pulse. When the host has died, or has been silent for too long, the guard ends what is left
of it, takes the bench's lock, opens the instruments, makes them safe, reads back that they are, and writes all this
into the run that was broken off. Where a cycler runs cells by itself it keeps the furnace for as long as the bench
file's `[safety]` allows. It ends when somebody else has taken the bench.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from daq.clock import wall_monotonic, wall_sleep
from daq.errors import BenchBusy, CellrigError
from daq.guard_duty import Duty
from daq.guarding import PULSE_S
from daq.host_note import HostNote
from daq.lines import LineClient, Unreachable
from daq.system import ProcessId, System

log = logging.getLogger(__name__)
SILENT_S = 20.0  # a host that lives but says nothing for so long is hung
ASLEEP_S = 5.0  # a pulse this late means that this computer slept, or was stopped: the host gets its time anew


class Guard:
    """Watches one host. `watch` returns when the host ended in order, or when the duty is done."""

    def __init__(self, note: HostNote, duty: Duty, system: System, client: LineClient | None = None) -> None:
        self._note = note
        self._duty = duty
        self._system = system
        self._client = client or note.client()
        self._pulse = {"process": vars(system.this_process())}
        self._known: dict[str, Any] = {"children": [], "ending": False}

    def watch(self) -> None:
        silent_since_s: float | None = None
        while True:
            began_s = wall_monotonic()
            try:
                self._known = self._client.ask("beat", timeout_s=5.0, **self._pulse)
                silent_since_s = None
                if self._known["ending"]:
                    return self._take_over() if self._known["keep"] else None
            except Unreachable:
                if not self._system.is_alive(self._note.process):
                    return self._act("died")
                silent_since_s = silent_since_s if silent_since_s is not None else began_s
                if wall_monotonic() - silent_since_s > SILENT_S:
                    return self._act(f"has been silent for {SILENT_S:.0f} s and was ended")
            except CellrigError as error:  # it answers, if with nonsense: it lives
                log.warning("the host says: %s", error)
            wall_sleep(PULSE_S)
            if silent_since_s is not None and wall_monotonic() - began_s > PULSE_S + 5.0 + ASLEEP_S:
                silent_since_s = wall_monotonic()

    def _take_over(self) -> None:
        """The host ends in order, and leaves cells that cycle in a warm furnace."""
        until_s = wall_monotonic() + SILENT_S
        while self._system.is_alive(self._note.process) and wall_monotonic() < until_s:
            wall_sleep(PULSE_S / 5)
        self._system.end([self._note.process])
        self._on_duty("the bench host ended; the cells of an earlier run go on", [])

    def _act(self, what: str) -> None:
        log.warning("the bench host %s", what)
        left = self._system.end([self._note.process])
        if left:
            log.error("the host cannot be ended; the bench is opened beside it")
        children = [ProcessId(**child) for child in self._known["children"]]
        self._on_duty(f"the bench host {what}", children)

    def _on_duty(self, why: str, children: Sequence[ProcessId]) -> None:
        try:
            self._duty.act(why, children)
        except BenchBusy as busy:
            log.warning("nothing was done: %s", busy)  # a new host, or a person, came first


def main() -> None:
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s: %(message)s")
    system = System()
    folder = Path(sys.argv[1])
    note = HostNote.read(folder)
    if note is None:
        raise SystemExit(f"cellrig guard: there is no host's note in {folder}")
    Guard(note, Duty(note.config, system), system).watch()


if __name__ == "__main__":
    main()
