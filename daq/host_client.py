"""From a program that is not the host: start one, or find one, and have a plan run in it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from daq.bench import BenchConfig
from daq.bench_lock import bench_folder, bench_lock
from daq.clock import wall_monotonic, wall_sleep
from daq.control import Control
from daq.disk import check_room
from daq.engine import Progress, RunEnd
from daq.entry_runs import ended
from daq.errors import BenchBusy, CellrigError
from daq.frozen_plan import freeze, titles
from daq.host_note import QUEUE, SAID, HostNote, find_host
from daq.lines import LineClient, Unreachable
from daq.notify_file import recipients
from daq.plan import Plan, check_plan
from daq.run_queue import RunQueue
from daq.run_reports import PATIENCE_S
from daq.runfile.reader import RunFile
from daq.runner import Ended, Watcher
from daq.system import System

log = logging.getLogger(__name__)
START_S = 60.0  # imports on a slow disk, and a guard that is still making the bench safe
POLL_S = 0.1
GUARD_S = 30.0  # how long the end of a run is waited for when its host has died


def start_host(
    config: BenchConfig, runs_folder: Path, *, once: int | None = None, is_over: Callable[[], bool] = lambda: False
) -> HostNote | None:
    """A new host for this bench, detached. Returns when it answers, or None when what it was started for is over.

    Raises BenchBusy when somebody has the bench, CellrigError with the host's own words when it does not come up.
    """
    there = find_host(config)
    if there is not None:
        raise BenchBusy(f"the bench has a host already (process {there.process.pid})", place=config.place)
    with bench_lock(config, "cellrig, starting the bench host"):
        pass  # whoever holds it is named here, and not in the host's log
    system = System()
    folder = bench_folder(config)
    said = folder / SAID
    begins_at = said.stat().st_size if said.exists() else 0
    words = ["-m", "daq.host", "--runs", str(runs_folder.absolute())]
    words += ["--bench", str(config.source)] if config.source else []
    words += ["--once", str(once)] if once is not None else []
    try:
        system.start_detached(words, said)
    except OSError as error:
        raise CellrigError(f"the bench host cannot be started: {error}") from error
    until_s = wall_monotonic() + START_S
    while wall_monotonic() < until_s:
        note = find_host(config, system)
        if note is not None or is_over():
            return note
        text = said.read_bytes()[begins_at:].decode("utf-8", "replace") if said.exists() else ""
        refused = [line for line in text.splitlines() if line.startswith("cellrig host: ")]
        if refused:
            raise BenchBusy(refused[-1].removeprefix("cellrig host: "))
        if "Traceback" in text:
            raise CellrigError(f"the bench host ended with a bug; see {said}")
        wall_sleep(POLL_S / 2)
    raise CellrigError(f"the bench host does not come up within {START_S:.0f} s; see {said}")


def run_in_host(plan: Plan, runs_folder: Path, watcher: Watcher) -> list[Ended]:
    """`daq.runner.run_plan`, in a host of its own that outlives whoever called this."""
    checked = check_plan(plan)
    recipients(plan.bench.model.notify.to, plan.bench.place)
    check_room(runs_folder, sum(one.rows for one in checked))
    title, sample = titles(plan)
    return _in_host(plan.bench, runs_folder, watcher, "plan", title, sample, freeze(plan, runs_folder))


def resume_in_host(path: Path, watcher: Watcher) -> list[Ended]:
    """`daq.runner.resume_run`, likewise."""
    with RunFile.open(path) as run:
        run.check_can_resume()
        config = BenchConfig.from_dict(run.bench)
        title, sample = f"resume {run.procedure}", str(run.sample.get("name", ""))
    work = {"path": str(path.absolute())}
    return _in_host(config, path.absolute().parent, watcher, "resume", title, sample, work)


def _in_host(
    config: BenchConfig, runs: Path, watcher: Watcher, kind: Any, title: str, sample: str, work: Mapping[str, Any]
) -> list[Ended]:
    queue = RunQueue(bench_folder(config) / QUEUE)
    try:
        entry = queue.add(kind, title, sample, work, state="direct")
        try:
            note = start_host(config, runs, once=entry.id, is_over=lambda: _is_over(queue, entry.id))
        except CellrigError as error:
            queue.end(entry.id, "refused", str(error))
            raise
        return _followed(queue, entry.id, note, watcher) if note else ended(queue.get(entry.id))
    finally:
        queue.close()


def _is_over(queue: RunQueue, number: int) -> bool:
    return queue.get(number).state not in ("direct", "running")


class RemoteControl:
    """A run in a host, as `daq.control.Control`. What can't be passed on is logged: the run goes on without us."""

    def __init__(self, client: LineClient) -> None:
        self._client = client
        self.paused = False

    def stop(self, reason: str = "stopped by the user") -> None:
        self._ask("stop")

    def make_safe_now(self) -> None:
        self._ask("make_safe")

    def pause(self) -> None:
        self.paused = True
        self._ask("pause", on=True)

    def go_on(self) -> None:
        self.paused = False
        self._ask("pause", on=False)

    def skip_step(self) -> None:
        self._ask("skip")

    def _ask(self, what: str, **details: Any) -> None:
        try:
            self._client.ask(what, **details)
        except CellrigError as error:
            log.error("%s: %s", what, error)


def _followed(queue: RunQueue, number: int, note: HostNote, watcher: Watcher) -> list[Ended]:
    """Tell the watcher what the host does with this entry, until it is done."""
    system, client = System(), note.client()
    control: Control = RemoteControl(client)
    path = ""
    shown: dict[str, Any] = {}
    try:
        while True:
            try:
                run = client.ask("status")["run"] or {}
            except Unreachable:
                run = {}
            if run and run["path"] != path:
                path = run["path"]
                watcher.on_start(Path(path), control)
            if run != shown and run.get("step") and watcher.on_progress is not None:
                watcher.on_progress(_progress(run))
            shown = run
            if _is_over(queue, number):
                _wait_for_its_end(system, note)
                return ended(queue.get(number))
            if not system.is_alive(note.process):
                return _after_its_death(queue, number)
            wall_sleep(POLL_S)
    finally:
        client.close()


def _wait_for_its_end(system: System, note: HostNote) -> None:
    """So that the bench is free for whoever comes next, and the report is there."""
    until_s = wall_monotonic() + GUARD_S + PATIENCE_S
    while system.is_alive(note.process) and wall_monotonic() < until_s:
        wall_sleep(POLL_S / 2)


def _progress(run: Mapping[str, Any]) -> Progress:
    return Progress(
        run["step"],
        run["steps"],
        run["title"],
        run["text"],
        run["following"],
        run["remaining_s"],
        run["bench_s"],
    )


def _after_its_death(queue: RunQueue, number: int) -> list[Ended]:
    """The host died: its guard's words are waited for, and the run is told of as it is.

    Without a word of the guard the entry is left as it is: the next host then does the guard's duty first.
    """
    entry = queue.get(number)
    if not entry.runs:
        raise CellrigError("the bench host died before the run began; see its log")
    path = Path(entry.runs[-1]["path"])
    until_s = wall_monotonic() + GUARD_S
    said: list[str] = []
    while not said and wall_monotonic() < until_s:
        wall_sleep(POLL_S)
        with RunFile.open(path) as run:
            said = [event.text for event in run.events() if event.source == "guard"]
    if said:
        queue.interrupted()
    reason = f"the bench host died; the guard says: {'; '.join(said)}" if said else "the bench host died"
    return [*map(_as_it_is, entry.runs[:-1]), Ended(path, RunEnd("interrupted", reason, ()))]


def _as_it_is(run: Mapping[str, Any]) -> Ended:
    with RunFile.open(Path(run["path"])) as found:
        return Ended(Path(run["path"]), RunEnd(found.outcome, found.reason, ()))
