"""The window's way to a bench through its service: one thread asks how things are, another passes on what is asked.

The service is found, or started as a process of its own; neither it nor what it runs ends with the window.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from daq.bench import BenchConfig
from daq.bench_lock import bench_folder
from daq.clock import wall_monotonic
from daq.errors import CellrigError
from daq.lines import Unreachable
from daq.service.client import BenchClient
from daq.service.note import ServiceNote
from daq.system import System
from gui.model.bench_status import BenchState, BenchStatus, InstrumentStatus, QueueEntry, RunStatus
from gui.model.link import BenchLink

LOOK_S = 0.4
START_S = 30.0
NOT_UNDERSTOOD = (KeyError, TypeError, ValueError, AttributeError)  # of an answer that was taken apart
OTHER_VERSION = (
    "the bench's service answered what this window doesn't know; it is of another version of cellrig: when no run goes "
    "on, end it (Ctrl-C where it was started) and start the window again"
)
AT_ONCE = ("stop", "make_safe")
STATES: Mapping[str, BenchState] = {
    "starting": "running",
    "idle": "idle",
    "running": "running",
    "paused": "paused",
    "waiting": "waiting",
    "stopping": "stopping",
}


class ServiceLink(BenchLink):
    """`runs` is where a service that has to be started records."""

    def __init__(self, config: BenchConfig, runs: Path) -> None:
        super().__init__()
        self._config = self.bench = config
        self._runs = runs
        self._closing = threading.Event()
        self._asked: queue.SimpleQueue[tuple[str, dict[str, Any]] | None] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=self._look, name="bench status", daemon=True),
            threading.Thread(target=self._pass_on, name="bench requests", daemon=True),
        ]

    def open(self) -> None:
        self._tell(self._connecting("looking for the bench service…"))
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        self._closing.set()
        self._asked.put(None)
        for thread in self._threads:
            thread.join(timeout=2)

    def ask(self, what: str, **details: Any) -> None:
        if what in AT_ONCE:  # never behind an instrument that takes its time
            threading.Thread(target=self._do, args=(what, details), name=what, daemon=True).start()
        else:
            self._asked.put((what, details))

    # ------------------------------------------------------------ the thread that looks
    def _look(self) -> None:
        client: BenchClient | None = None
        started_s, is_awaited = float("-inf"), False
        while not self._closing.is_set():
            try:
                if client is None:
                    if ServiceNote.read(bench_folder(self._config)) is None and wall_monotonic() - started_s > START_S:
                        started_s, is_awaited = wall_monotonic(), False
                        self._start()
                        is_awaited = True
                    client = BenchClient.of(self._config)
                self._tell(status_of(client.status()))
                is_awaited = False
            except Unreachable as error:
                client = _closed(client)
                if is_awaited and wall_monotonic() - started_s < START_S:
                    self._tell(self._connecting("starting the bench service…"))
                else:
                    said = f"; what it said when it was started is in {self._log}" if is_awaited else ""
                    self._tell(self._away(f"{error}{said}"))
            except CellrigError as error:  # a token that is not its any more is read anew
                client = _closed(client)
                self._tell(self._away(str(error)))
            except NOT_UNDERSTOOD as error:
                self._tell(self._away(f"{OTHER_VERSION} ({error!r})"))
            self._closing.wait(LOOK_S)
        _closed(client)

    def _start(self) -> None:
        words = ["-m", "cellrig", "serve", "--port", "0", "--runs", str(self._runs.absolute())]
        words += ["--bench", str(self._config.source)] if self._config.source else []
        try:
            System().start_detached(words, self._log)
        except OSError as error:
            raise CellrigError(f"the bench's service cannot be started: {error}") from error

    @property
    def _log(self) -> Path:
        return bench_folder(self._config) / "service-start.log"  # once it serves, it has a log of its own

    def _connecting(self, text: str) -> BenchStatus:
        return BenchStatus("connecting", bench=self._config.name, problem=text)

    def _away(self, problem: str) -> BenchStatus:
        return BenchStatus("away", bench=self._config.name, problem=problem)

    def _tell(self, status: BenchStatus) -> None:
        if not self._closing.is_set():
            self.status.emit(status)

    # ------------------------------------------------------------ the thread that passes on
    def _pass_on(self) -> None:
        while (asked := self._asked.get()) is not None:
            self._do(*asked)

    def _do(self, what: str, details: Mapping[str, Any]) -> None:
        try:
            with BenchClient.of(self._config) as client:
                level, text = "info", REQUESTS[what](client, details)
        except CellrigError as error:
            level, text = "error", f"{what.replace('_', ' ')}: {error}"
        except NOT_UNDERSTOOD as error:
            level, text = "error", f"{what.replace('_', ' ')}: {OTHER_VERSION} ({error!r})"
        if not self._closing.is_set():
            self.answered.emit(level, text)


def _closed(client: BenchClient | None) -> None:
    if client is not None:
        client.close()


Request = Callable[[BenchClient, Mapping[str, Any]], str]


def _submit(client: BenchClient, details: Mapping[str, Any]) -> str:
    entry = client.submit(details["plan"])
    return f"entry {entry['id']} is in the queue: {entry['title']} of {entry['sample']}"


def _resume(client: BenchClient, details: Mapping[str, Any]) -> str:
    run_id = Path(details["path"]).name
    client.post(f"/runs/{run_id}/resume")
    return f"{run_id} goes on next"


def _manual(client: BenchClient, details: Mapping[str, Any]) -> str:
    return client.post(f"/instruments/{details['instrument']}/command", details["command"])["done"]


def _connect(client: BenchClient, details: Mapping[str, Any]) -> str:
    return client.post(f"/instruments/{details['instrument']}/connection", {"on": details["on"]})["done"]


def _hold(client: BenchClient, details: Mapping[str, Any]) -> str:
    held = client.post("/queue/hold", {"on": details["on"]})["held"]
    return f"the queue is held: {held}" if held else "the queue goes on"


def _hold_entry(client: BenchClient, details: Mapping[str, Any]) -> str:
    entry = client.post(f"/queue/{details['id']}/hold", {"on": details["on"]})
    return f"entry {entry['id']} is {entry['state']}"


def _move(client: BenchClient, details: Mapping[str, Any]) -> str:
    client.post(f"/queue/{details['id']}/move", {"by": details["by"]})
    return f"entry {details['id']} was moved"


REQUESTS: Mapping[str, Request] = {
    "stop": lambda client, details: client.stop(),
    "make_safe": lambda client, details: client.make_safe(),
    "pause": lambda client, details: client.post("/run/pause", {"on": details["on"]})["done"],
    "skip": lambda client, details: client.post("/run/skip")["done"],
    "submit": _submit,
    "resume": _resume,
    "manual": _manual,
    "connect": _connect,
    "hold": _hold,
    "hold_entry": _hold_entry,
    "move": _move,
    "remove": lambda client, details: f"entry {client.remove(int(details['id']))} was removed",
}


def status_of(told: Mapping[str, Any]) -> BenchStatus:
    """The service's status as the window's. While the host is away the service has less to tell."""
    run = told["run"]
    return BenchStatus(
        state=STATES.get(told["state"], "away"),
        bench=told["bench"],
        run=None if run is None else _run_status(run),
        instruments=tuple(_instrument(one) for one in told["instruments"]),
        queue=tuple(
            QueueEntry(str(one["id"]), one["title"], one["sample"], one["state"], one["note"])
            for one in told["queue"]
            if one["state"] != "running"
        ),
        held=bool(told["held"]),
        disk_free_bytes=told.get("disk_free_bytes"),
        problem=told["problem"],
        safe=told.get("safe", ""),
        notes=tuple(told.get("notes", ())),
        speed=float(told.get("speed") or 1.0),
    )


def _run_status(run: Mapping[str, Any]) -> RunStatus:
    names = ("id", "procedure", "sample", "step", "steps", "title", "text", "share", "remaining_s")
    alerts = tuple(run.get("alerts") or ())
    return RunStatus(path=Path(run["path"]), alerts=alerts, **{name: run[name] for name in names})


def _instrument(one: Mapping[str, Any]) -> InstrumentStatus:
    return InstrumentStatus(
        name=one["name"],
        role=one["role"],
        driver=one["driver"],
        identity=one["identity"],
        connected=one["connected"],
        values=one["values"],
        faults=tuple(one["faults"]),
        age_s=one["age_s"],
    )
