"""The service's way to the bench host: finds it, starts it, and asks it, whether or not it was there a moment ago."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import Any

from daq.bench import BenchConfig
from daq.errors import CellrigError
from daq.host_client import start_host
from daq.host_note import HostNote, find_host
from daq.lines import LineClient, Unreachable

log = logging.getLogger(__name__)
LOOK_S = 2.0
COMMAND_S = 120.0  # the slowest instrument's make_safe and more
GONE = "the bench host is gone; its guard makes the bench safe, then a new one is started"


class HostDoor:
    """`status` and `ask` may be called from any thread. A thread of its own keeps a host there; `problem` says what
    keeps it away. What takes long goes its own way, so that the status does not wait for it.
    """

    def __init__(self, config: BenchConfig, runs_folder: Path) -> None:
        self._config = config
        self._runs_folder = runs_folder
        self._note: HostNote | None = None
        self._clients: tuple[LineClient, LineClient] | None = None
        self._mutex = threading.Lock()
        self._closing = threading.Event()
        self.problem = "the bench host is being started"
        self._thread = threading.Thread(target=self._keep, name="host keeper", daemon=True)

    def open(self) -> None:
        """Find the host, or start it. Raises BenchBusy, CellrigError when there is none and none comes."""
        self._attach(find_host(self._config) or start_host(self._config, self._runs_folder))
        self._thread.start()

    def close(self) -> None:
        """The host stays: it belongs to the bench, not to us."""
        self._closing.set()
        self._attach(None)

    def status(self) -> dict[str, Any]:
        """Raises Unreachable while there is no host."""
        return self._asked(0, "status", 10.0)

    def ask(self, what: str, **details: Any) -> Any:
        """Raises Unreachable while there is no host, and whatever the host raises."""
        return self._asked(1, what, COMMAND_S, **details)

    def _asked(self, which: int, what: str, timeout_s: float, **details: Any) -> Any:
        clients = self._clients
        if clients is None:
            raise Unreachable(self.problem)
        try:
            return clients[which].ask(what, timeout_s, **details)
        except Unreachable:
            with self._mutex:
                if self._clients is clients:
                    self._clients = None
                    self.problem = GONE
            raise

    def _attach(self, note: HostNote | None) -> None:
        with self._mutex:
            before, self._clients = self._clients, (note.client(), note.client()) if note else None
            self._note = note
            self.problem = "" if note else self.problem
        for client in before or ():
            client.close()

    def _keep(self) -> None:
        while not self._closing.wait(LOOK_S):
            now = find_host(self._config)
            if now is None or now != self._note:
                self._attach(None)
                try:
                    self._attach(now or start_host(self._config, self._runs_folder))
                except CellrigError as error:
                    self.problem = str(error)
                    log.warning("%s", error)
            elif self._clients is None:
                self._attach(now)
