"""The bench host: the one process that owns a bench's instruments, with or without anybody who looks.

    python -P -m daq.host --bench bench.toml --runs runs            works the bench's queue until it is told to end
    python -P -m daq.host --bench bench.toml --runs runs --once 12  does that one entry, then ends

It is started detached, holds the bench's lock, writes where it is into the bench's folder, and answers questions there.
"""

from __future__ import annotations

import argparse
import logging
import secrets
import signal
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from daq.bench import BenchConfig, load_bench
from daq.bench_lock import bench_folder, bench_lock
from daq.errors import BadInput, BenchBusy, CellrigError
from daq.guard_words import broken_off, write_into_run
from daq.guarding import GuardKeeper, needs_guard
from daq.host_note import NAME, QUEUE, HostNote, find_host
from daq.host_work import HostWork
from daq.lines import LineServer
from daq.run_queue import RunQueue
from daq.safe_first import build_again, make_safe_first
from daq.system import ProcessId, System

log = logging.getLogger(__name__)


class Host:
    """Answers, and keeps the guard; `HostWork` does the work. `serve` returns when it is told to end."""

    def __init__(self, config: BenchConfig, runs_folder: Path, system: System | None = None) -> None:
        self.config = config
        self.system = system or System()
        self.folder = bench_folder(config)
        self.queue = RunQueue(self.folder / QUEUE)
        self.work = HostWork(config, runs_folder, self.queue, self._leave_hung)
        self._ending = threading.Event()
        self._hands_over = False
        self._token = secrets.token_urlsafe(24)
        self._server = LineServer(self._token, self.answer)
        self._guard = GuardKeeper(self.system, self.folder, self._guard_lost) if needs_guard(config) else None
        self.note = HostNote(
            process=self.system.this_process(),
            port=self._server.port,
            token=self._token,
            runs_folder=str(runs_folder.absolute()),
            bench=config.as_dict(),
            needs_guard=self._guard is not None,
        )

    # ------------------------------------------------------------ life
    def serve(self, once: int | None = None) -> None:
        """Work the queue, or one entry of it."""
        try:
            self.note.write(self.folder)
            if self._guard is not None:
                self._guard.start()
                self._after_a_death(once is not None)
            if once is None:
                self.work.run_queue(self._ending)
            else:
                self.work.run_entry(once)
        finally:
            self.work.close()
            if self._guard is not None:
                self._let_go_of(self._guard)
            (self.folder / NAME).unlink(missing_ok=True)
            self._server.close()
            self.queue.close()

    def _after_a_death(self, is_direct: bool) -> None:
        """Where a host before this one died in a run, the bench is made safe before anything else.

        Its guard has done so already, unless it died too; twice does no harm.
        """
        died = self.queue.entries(("running",))
        if not died:
            return
        bench = build_again(self.config)
        try:
            lines, is_kept = make_safe_first(bench, self.config.model.safety.hold_h)
        finally:
            bench.close()
        if is_kept:
            self.work.keeping.begin(broken_off(self.folder / QUEUE))
        for line in lines:
            log.warning("after the death of a host: %s", line)
        for entry in died:
            if entry.runs:
                told = ["the bench host had died in this run; before anything else:", *lines]
                write_into_run(Path(entry.runs[-1]["path"]), told, self.config.model.bench.speed or 1.0, "engine")
            if is_direct:  # the queue's own host settles them when it begins
                self.queue.end(entry.id, "interrupted", "the bench host died")

    def _let_go_of(self, guard: GuardKeeper) -> None:
        """A furnace that is kept for cells is the guard's from now on, which outlives us for that."""
        if self.work.keeping.is_on:
            self._hands_over = True
            if guard.hand_over():
                return
            log.error("the guard does not take over the furnace that is kept for a cycler; the bench is made safe")
            self.work.make_safe()
            self.work.close()
        guard.dismiss()

    def end(self) -> None:
        """End in order: a run in progress is stopped first."""
        self._ending.set()
        self.work.end()

    def _guard_lost(self, why: str) -> None:
        """Nobody would switch the heater off if we died now: the run ends, the bench is safe."""
        log.error("no guard: %s", why)
        self.work.stop(f"the guard can't be kept alive ({why}); the run was ended safely")

    def _leave_hung(self) -> None:
        """A driver hangs in this process and may hold its port: nothing here can use it again.

        The run has its end on disk. The guard finds this process gone and makes the bench safe with drivers of its own.
        """
        log.error("a driver hangs; the bench host ends, so that the bench can be opened anew")
        self.system.end_at_once()

    # ------------------------------------------------------------ questions
    def answer(self, what: str, details: Mapping[str, Any]) -> Any:
        """One question of a client, with a JSON answer. Raises BadInput for one that makes no sense."""
        work = self.work
        if what == "beat":
            return self._beat(ProcessId(**details["process"]))
        if what == "status":
            return self.status()
        if what == "look":
            return work.look()
        if what == "stop":
            return work.stop() if work.busy else work.make_safe()  # a person's STOP means the bench, run or not
        if what == "make_safe":
            return work.make_safe()
        if what == "pause":
            return work.pause(bool(details.get("on", True)))
        if what == "skip":
            return work.skip()
        if what == "connect":
            return work.connect(str(details["instrument"]), bool(details.get("on", True)))
        if what == "manual":
            values = {key: value for key, value in details.items() if key not in ("instrument", "command")}
            return work.manual(str(details["instrument"]), str(details["command"]), values)
        if what == "end":
            if work.busy and not details.get("even_running"):
                raise BadInput("a run is in progress", place=self.config.place, allowed="stop it first")
            return self.end()
        raise BadInput(f"the host knows no {what!r}")

    def status(self) -> dict[str, Any]:
        """All that a window wants to know, as JSON."""
        guard = "not needed" if self._guard is None else self._guard.state
        return {**self.work.status(), "guard": guard, "pid": self.note.process.pid}

    def _beat(self, guard: ProcessId) -> dict[str, Any]:
        """The guard's pulse; it learns what it would have to know if we died now."""
        if self._guard is not None:
            self._guard.heard(guard)
        children = [vars(one) for one in self.system.children(self.note.process) if one.pid != self.work.reports.pid]
        ending = self._hands_over or (self._ending.is_set() and not self.work.busy and not self.work.keeping.is_on)
        return {"children": children, "ending": ending, "keep": self._hands_over}


def run_host(bench: Path | None, runs_folder: Path, once: int | None) -> None:
    """Hold the bench and serve. Raises BenchBusy when somebody else has it, BadInput for a bench file that won't do."""
    config = load_bench(bench)
    folder = bench_folder(config)
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / "host.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        note = find_host(config)
        who = f"process {note.process.pid}" if note else "another process"
        raise BenchBusy(f"the bench has a host already: {who}", place=config.place) from None
    try:
        with bench_lock(config, "cellrig's bench host"):
            host = Host(config, runs_folder)
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: threading.Thread(target=host.end, daemon=True).start())
            host.serve(once)
    finally:
        lock.release()


def main() -> None:
    parser = argparse.ArgumentParser("cellrig-host")
    parser.add_argument("--bench", type=Path)
    parser.add_argument("--runs", type=Path, required=True)
    parser.add_argument("--once", type=int)
    asked = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s: %(message)s")
    logging.getLogger("pymeasure").setLevel(logging.ERROR)  # which optional parts it misses concerns nobody here
    try:
        run_host(asked.bench, asked.runs, asked.once)
    except CellrigError as error:
        print(f"cellrig host: {error}", file=sys.stderr, flush=True)
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
