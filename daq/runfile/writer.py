"""The one writer of a run: rows, events, steps, and at last the outcome."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from filelock import FileLock

from daq.contracts import Outcome, Result, Step, StepState, Value
from daq.errors import StorageError
from daq.runfile import owner
from daq.runfile.attempts import Attempts
from daq.runfile.door import Door
from daq.runfile.folder import free_reserve, new_folder
from daq.runfile.journal import Journal
from daq.runfile.opening import open_again, open_new
from daq.runfile.plain import make_plain
from daq.runfile.schema import RUN_DB, SET_HEAD, clean_text, quoted, to_json
from daq.runfile.stored import read_streams
from daq.runfile.text_log import TextLog
from daq.stream import Stream

_REMEMBER = "INSERT INTO state VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
_EVENT = "INSERT INTO event (t_s, level, source, text) VALUES (?, ?, ?, ?)"
_ANCHOR = "INSERT INTO anchor (t_s, unix, why) VALUES (?, ?, ?)"
_RESULT = (
    "INSERT INTO result (name, value, unit, uncertainty, interval_low, interval_high, at, method, reason) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


class RunWriter:
    """Writes one run; made by `create` or `reopen`. Safe to use from many threads.

    `path` is the run's folder, `id` its name. Every writing method raises StorageError when the disk takes no more;
    from then on rows are refused, while events, steps, results and the outcome still fit into the freed reserve.
    """

    def __init__(self, folder: Path, lock: FileLock, connection: sqlite3.Connection, streams: Sequence[Stream]) -> None:
        self.path = folder
        self.id = folder.name
        self._lock = lock
        self._streams = [stream.name for stream in streams]
        self._doors = {stream.name: Door(stream) for stream in streams}
        self._journal = Journal(connection, str(folder), partial(free_reserve, folder))
        self._lanes = {stream.name: self._journal.lane(self._doors[stream.name].insert_sql) for stream in streams}
        self._events = self._journal.lane(_EVENT)
        self._text = TextLog(folder)
        self._attempts = Attempts(connection, self._journal, self.note)
        self._steps = self._attempts.numbers

    # ------------------------------------------------------------ to begin, to go on
    @classmethod
    def create(
        cls,
        runs_folder: Path,
        *,
        procedure: str,
        sample: Mapping[str, Any],
        parameters: Mapping[str, Any],
        bench: Mapping[str, Any],
        streams: Sequence[Stream],
        steps: Sequence[Step],
        plan: Mapping[str, Any],
        versions: Mapping[str, str],
        started_unix: float,
        bench_unix: float,
    ) -> RunWriter:
        """A new run in a folder of its own, outcome `running`.

        `started_unix` is host time, `bench_unix` the bench clock's. Raises BadInput when nothing can be stored in
        `runs_folder`, ValueError for streams or steps that clash.
        """
        folder = new_folder(runs_folder, procedure, str(sample.get("name", "")), started_unix)
        head = {
            "id": folder.name,
            "procedure": procedure,
            "sample": sample,
            "parameters": parameters,
            "bench": bench,
            "plan": plan,
            "versions": versions,
            "started": datetime.fromtimestamp(started_unix, UTC).astimezone().isoformat(timespec="seconds"),
            "started_unix": started_unix,
            "bench_unix": bench_unix,
            **_this_process(),
            **_outcome("running", "", None),
        }
        lock, connection = open_new(folder, head, streams, steps)
        writer = cls(folder, lock, connection, streams)
        writer._text.head(head)
        writer._text.anchor(0.0, bench_unix)  # until the run begins and has one of its own
        return writer

    @classmethod
    def reopen(cls, folder: Path) -> RunWriter:
        """Go on with a run that has no owner: outcome `running` again, steps left `running` become `broken`.

        Raises RunFileError when somebody runs it, or when it is no run of this schema; BadInput when it can't be
        written.
        """
        folder = folder.absolute()
        with open_again(folder) as (lock, connection):
            writer = cls(folder, lock, connection, read_streams(connection))
        try:
            writer._take_over()
        except BaseException:
            writer.abandon()
            raise
        return writer

    def _take_over(self) -> None:
        head = {**_this_process(), **_outcome("running", "", None)}
        self._journal.write(
            *[(SET_HEAD, (key, to_json(value, key))) for key, value in head.items()],
            ("UPDATE attempt SET state = 'broken', ended_t_s = ? WHERE state = 'running'", (self.last_t_s,)),
        )
        for t_s, unix in self._journal.ask("SELECT t_s, unix FROM anchor ORDER BY id DESC LIMIT 1"):
            self._text.anchor(t_s, unix)
        self.note(self.last_t_s, "run", f"opened again by process {head['pid']} on {head['host']}")
        self._attempts.break_off()

    # ------------------------------------------------------------ rows
    def record(self, stream: str, step: str, attempt: int, t_s: float, values: Mapping[str, Value]) -> None:
        """One row; durable at once, or within 20 ms when rows come faster than that.

        Raises KeyError for an unknown stream, step or column and for a missing one, TypeError for a wrong kind.
        Numbers of numpy are taken, None is stored as NULL, and so is nan (a reader gets nan for both).
        """
        try:
            door, number = self._doors[stream], self._steps[step]
        except KeyError:
            self._refuse(stream, step)
        self._journal.add(self._lanes[stream], door.row(number, attempt, t_s, values))

    def record_many(
        self,
        stream: str,
        step: str,
        attempt: int,
        t_s: Sequence[float] | np.ndarray,
        columns: Mapping[str, Sequence[Any] | np.ndarray],
    ) -> None:
        """Many rows: `t_s` and each column are sequences or arrays of one length. Raises as `record` does."""
        try:
            door, number = self._doors[stream], self._steps[step]
        except KeyError:
            self._refuse(stream, step)
        self._journal.add_many(self._lanes[stream], door.rows(number, attempt, t_s, columns))

    def _refuse(self, stream: str, step: str) -> NoReturn:
        if stream not in self._doors:
            raise KeyError(f"the run has no stream {stream!r} (it has: {', '.join(self._doors)})")
        raise KeyError(f"the run has no step {step!r}")

    def event(self, t_s: float, level: str, source: str, text: str) -> None:
        """A line of the run's log."""
        row = (float(t_s), level, source, clean_text(text))
        self._text.line(*row)
        if self._journal.failure is None:
            self._journal.add(self._events, row)
        else:
            self._journal.write((_EVENT, row))

    def note(self, t_s: float, source: str, text: str) -> None:
        """A line in `run.log` alone: what the run file says elsewhere."""
        self._text.line(t_s, "info", source, text)

    def anchor(self, t_s: float, unix: float, why: str) -> None:
        """Bench time against the calendar: at the start, at a resume, when the system's clock jumped."""
        self._text.anchor(float(t_s), float(unix))
        self._journal.write((_ANCHOR, (float(t_s), float(unix), why)))

    def keep_lock(self) -> bool:
        """Take the run's lock anew where somebody deleted its file; True when that was so.

        Where it can't be taken now the next call tries again.
        """
        if (self.path / owner.LOCK).exists():
            return False
        with contextlib.suppress(OSError):
            again = owner.take(self.path)
            if again is not None:
                self._lock.release()  # of a file that has no name any more
                self._lock = again
                return True
        return False

    @property
    def failure(self) -> StorageError | None:
        """The first write that failed, even when the reserve helped: no row was taken since."""
        return self._journal.failure

    def flush(self) -> None:
        """Everything recorded is durable on return. Raises StorageError when that needed more than the reserve."""
        self._journal.flush()

    @property
    def last_t_s(self) -> float:
        """The latest time that is stored; scans the run, so ask once (at a resume)."""
        times = "SELECT max(t_s) AS t_s FROM "
        tables = " UNION ALL ".join([times + f'"{one}"' for one in [*self._streams, "event", "anchor"]])
        found = self._journal.ask(f"SELECT max(t_s) FROM ({tables} UNION ALL SELECT max(started_t_s) FROM attempt)")
        return found[0][0] or 0.0

    # ------------------------------------------------------------ steps
    def begin_step(self, key: str, t_s: float) -> int:
        """The number of the attempt that begins now: 1, or one more than the last. Durable on return."""
        return self._attempts.begin(key, t_s)

    def end_step(self, key: str, attempt: int, state: StepState, t_s: float) -> None:
        """How an attempt ended. Durable on return."""
        self._attempts.end(key, attempt, state, t_s)

    def mark_step(self, key: str, state: StepState, t_s: float) -> None:
        """Another state for a step without another attempt at it: skipped, say. Durable on return."""
        self._attempts.mark(key, state, t_s)

    def step_states(self) -> dict[str, StepState]:
        """The state of each step's last attempt; `waiting` where there is none."""
        return self._attempts.states()

    def attempt_of(self, key: str) -> int:
        """The number of the last attempt at a step, 0 when there is none."""
        return self._attempts.last_of(key)

    # ------------------------------------------------------------ state, results, the end
    def remember(self, key: str, value: Any) -> None:
        """Keep `value` (JSON) for after a break; durable on return. Raises TypeError when it isn't plain data."""
        self._journal.write((_REMEMBER, (key, to_json(value, f"what is remembered as {key!r}"))))

    def recall(self, key: str, default: Any = None) -> Any:
        """What was remembered, as JSON gives it back (tuples are lists)."""
        found = self._journal.ask("SELECT value FROM state WHERE key = ?", key)
        return json.loads(found[0][0]) if found else default

    def replace_results(self, results: Sequence[Result]) -> None:
        """These are the results now, all or none of them. Durable on return."""
        rows = [_result_row(one) for one in results]
        self._journal.write(("DELETE FROM result", ()), *[(_RESULT, row) for row in rows])

    def close(self, outcome: Outcome, reason: str, t_s: float) -> tuple[Outcome, str]:
        """The end: the outcome is the last thing written, then the run becomes one plain file.

        Returns outcome and reason as they were written: a run with a write that failed is no success, it is `failed`.

        A reader that is open meanwhile may keep `run.db-wal` alive; the next one to open the run tidies it up.
        Raises StorageError when the outcome could not be written: the run then reads as interrupted.
        """
        if self._journal.closed:
            raise StorageError(f"{self.path}: the run is closed already")
        with contextlib.suppress(StorageError):  # kept as `failure`; how the run ended is still written
            self._journal.flush()
        if self.failure is not None and outcome in ("finished", "stopped"):
            outcome, reason = "failed", str(self.failure)
        head = {**_outcome(outcome, reason, float(t_s)), "rows": self._row_counts()}
        try:
            self._journal.write(*[(SET_HEAD, (key, to_json(value, key))) for key, value in head.items()])
        except StorageError:
            self._let_go(ended=False)
            raise
        self.note(t_s, "run", f"closed as {outcome}: {reason}")
        self._let_go(ended=True)
        if not (self.path / RUN_DB).exists():
            raise StorageError(f"{self.path / RUN_DB} is gone: somebody removed it while the run was written")
        return outcome, reason

    def _row_counts(self) -> dict[str, int]:
        """By stream; a reader can tell by them whether all rows are still there."""
        last = "SELECT ifnull(max(id), 0) FROM "
        return {name: self._journal.ask(last + quoted(name))[0][0] for name in self._streams}

    def abandon(self) -> None:
        """Leave the run without an owner: it reads as interrupted and can be resumed. After `close`: nothing."""
        if self._journal.closed:
            return
        with contextlib.suppress(StorageError):  # what could not be written was logged when it failed
            self._journal.write()
        self._let_go(ended=False)

    def _let_go(self, *, ended: bool) -> None:
        connection = self._journal.close()
        self._text.close()
        free_reserve(self.path)
        make_plain(connection)
        connection.close()
        owner.give_up(self._lock, self.path, remove=ended)


def _this_process() -> dict[str, Any]:
    return {"pid": os.getpid(), "host": platform.node()}


def _outcome(outcome: Outcome, reason: str, ended_t_s: float | None) -> dict[str, Any]:
    return {"outcome": outcome, "reason": reason, "ended_t_s": ended_t_s}


def _result_row(result: Result) -> tuple[Any, ...]:
    low, high = result.interval or (None, None)
    numbers = [None if one is None else float(one) for one in (result.value, result.uncertainty, low, high)]
    at = to_json(result.at, f"`at` of the result {result.name}")
    value, uncertainty, *interval = numbers
    return (result.name, value, result.unit, uncertainty, *interval, at, result.method, result.reason)
