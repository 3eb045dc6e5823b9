"""A run, read: while it is written, after it was killed, when it has ended."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from daq.contracts import Outcome, Result, StepState
from daq.errors import BadInput, RunFileError
from daq.runfile import owner
from daq.runfile.checkup import first_damage
from daq.runfile.columns import read_table
from daq.runfile.lost_lock import writer_without_lock
from daq.runfile.plain import open_for_reading
from daq.runfile.schema import IDENTITIES, INTERLOCKS, RUN_DB, quoted
from daq.runfile.stored import check_identity, folder_of, guarded, head_of, read_streams
from daq.runfile.tidying import tidy


@dataclass(frozen=True)
class StepRecord:
    """One attempt at a step; `attempt` 0 and state `waiting` when there was none. Times are bench seconds."""

    key: str
    title: str
    state: StepState
    attempt: int
    started_t_s: float | None
    ended_t_s: float | None


@dataclass(frozen=True)
class StreamInfo:
    name: str
    columns: tuple[str, ...]
    units: tuple[str, ...]
    rows: int
    help: str = ""


@dataclass(frozen=True)
class EventRecord:
    id: int
    t_s: float
    level: str
    source: str
    text: str


@dataclass(frozen=True)
class Anchor:
    t_s: float
    unix: float
    why: str


class RunFile:
    """A run on disk; a context manager. Every question is a read transaction of its own, so it never holds up the
    writer, and each answer is as fresh as it can be. Errors are RunFileError. Use it in the thread that opened it.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder
        check_identity(folder / RUN_DB)
        tidy(folder)
        with guarded(folder):
            self._connection = open_for_reading(folder / RUN_DB)
        try:
            with guarded(folder):
                self._head = head_of(self._connection)
                self._streams = {stream.name: stream for stream in read_streams(self._connection)}
                self._keys = np.array(["", *self._column("SELECT key FROM step ORDER BY number")], dtype=object)
                self.id: str = self._head["id"]
        except KeyError as error:
            self._connection.close()
            raise RunFileError(f"is damaged: it has no {error}", place=str(folder)) from error
        except BaseException:
            self._connection.close()
            raise

    @classmethod
    def open(cls, path: Path) -> RunFile:
        """The run in a folder, or of a run.db. Raises RunFileError: missing, foreign, damaged, newer schema."""
        return cls(folder_of(path))

    def close(self) -> None:
        """The first who leaves after the writer tidies up what we may have kept it from tidying."""
        self._connection.close()
        if self.path.exists() and (self.path / RUN_DB).exists():
            tidy(self.path)

    def __enter__(self) -> RunFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ------------------------------------------------------------ the head
    @property
    def head(self) -> Mapping[str, Any]:
        """Table `run` as it was when this reader was opened."""
        return self._head

    @property
    def procedure(self) -> str:
        return self._head["procedure"]

    @property
    def sample(self) -> Mapping[str, Any]:
        return self._head["sample"]

    @property
    def parameters(self) -> Mapping[str, Any]:
        return self._head["parameters"]

    @property
    def bench(self) -> Mapping[str, Any]:
        return self._head["bench"]

    @property
    def plan(self) -> Mapping[str, Any]:
        return self._head["plan"]

    @property
    def versions(self) -> Mapping[str, str]:
        return self._head["versions"]

    @property
    def instruments(self) -> Mapping[str, Mapping[str, str]]:
        """What each instrument answered when it was connected: maker, model, serial, firmware; by its name."""
        return self.recall(IDENTITIES) or {}

    @property
    def started(self) -> str:
        """Host time of the start, ISO 8601 with the lab's offset from UTC."""
        return self._head["started"]

    @property
    def started_unix(self) -> float:
        return self._head["started_unix"]

    @property
    def outcome(self) -> Outcome:
        """As of now. A run that is `running` in the file and has no living owner is `interrupted`."""
        stored: Outcome = self._now("outcome")
        if stored == "running" and not owner.has_owner(self.path):
            lives = self._now("outcome") != stored or writer_without_lock(self.path) is not None
            return "running" if lives else "interrupted"
        return stored

    @property
    def reason(self) -> str:
        """Why it ended as it did, in words; empty until then."""
        return self._now("reason")

    @property
    def ended_t_s(self) -> float | None:
        return self._now("ended_t_s")

    def _now(self, key: str) -> Any:
        found = self._column("SELECT value FROM run WHERE key = ?", key)
        if not found:
            raise RunFileError(f"is damaged: it has no {key}", place=str(self.path))
        return json.loads(found[0])

    # ------------------------------------------------------------ steps, streams, rows
    def steps(self) -> list[StepRecord]:
        """Every step of the plan in order, with its last attempt."""
        return [
            StepRecord(key, title, state or "waiting", attempt or 0, started, ended)
            for key, title, state, attempt, started, ended in self._ask(
                "SELECT key, title, state, attempt, started_t_s, ended_t_s FROM step LEFT JOIN attempt"
                " ON step = number AND attempt = (SELECT max(attempt) FROM attempt WHERE step = number)"
                " ORDER BY number"
            )
        ]

    def attempts(self) -> list[StepRecord]:
        """Every attempt at every step, in the order of the steps."""
        return [
            StepRecord(*row)
            for row in self._ask(
                "SELECT key, title, state, attempt, started_t_s, ended_t_s FROM attempt JOIN step"
                " ON step = number ORDER BY number, attempt"
            )
        ]

    def streams(self) -> list[StreamInfo]:
        """The streams by name. Nothing is ever deleted, so the last id is the number of rows."""
        return [
            StreamInfo(
                one.name,
                one.column_names,
                tuple(column.unit for column in one.columns),
                self._column(f"SELECT ifnull(max(id), 0) FROM {quoted(one.name)}")[0],
                one.help,
            )
            for one in self._streams.values()
        ]

    def table(self, stream: str, after: int = 0, columns: Sequence[str] | None = None) -> dict[str, np.ndarray]:
        """The rows with an id above `after`, in order: arrays of one length by column name.

        `columns`: only these of the stream's own, which is what most of the time goes into; None: all.

        `id`, `attempt` are int64, `step` (the step's key, "" outside of any) and text columns are objects (str),
        `t_s` and float columns float64 with nan where nothing was stored, int columns int64, or float64 with nan
        when a value is missing. Raises RunFileError for a stream or a column that the run doesn't have.
        """
        if stream not in self._streams:
            raise RunFileError(
                f"has no stream {stream!r}", place=str(self.path), allowed=", ".join(self._streams) or "none"
            )
        known = self._streams[stream].columns
        unknown = [name for name in columns or () if name not in self._streams[stream].column_names]
        if unknown:
            names = ", ".join(one.name for one in known)
            raise RunFileError(f"{stream} has no column {unknown[0]!r}", place=str(self.path), allowed=names)
        wanted = known if columns is None else tuple(one for one in known if one.name in columns)
        with guarded(self.path):
            return read_table(self._connection, stream, wanted, self._keys, after)

    def rows(self, stream: str, after: int = 0, limit: int = 1000) -> list[list[Any]]:
        """The first `limit` rows with an id above `after`, each as id, step, attempt, t_s and the stream's columns.

        What was not stored is None. Raises RunFileError for a stream that the run doesn't have.
        """
        if stream not in self._streams:
            raise RunFileError(
                f"has no stream {stream!r}", place=str(self.path), allowed=", ".join(self._streams) or "none"
            )
        names = ", ".join(
            quoted(name) for name in ("id", "step", "attempt", "t_s", *self._streams[stream].column_names)
        )
        found = self._ask(f"SELECT {names} FROM {quoted(stream)} WHERE id > ? ORDER BY id LIMIT ?", after, limit)
        return [[row[0], self._keys[row[1]], *row[2:]] for row in found]

    @property
    def interlocks(self) -> list[dict[str, Any]]:
        """Every tripping of an interlock, with the fields of `daq.interlock_watch.Trip`; times in s of the run."""
        return list(self.recall(INTERLOCKS, []))

    def changes(self) -> int:
        """A number that is another one when somebody has written to the run. Cheap: ask many times a second."""
        return int(self._column("PRAGMA data_version")[0])

    def damage(self) -> str:
        """What is broken first in the structure of the file, in SQLite's words; empty when it is whole.

        Reads the whole file: half a second for 100 MB. `daq.runfile.checkup` looks closer.
        """
        return first_damage(self._connection)

    @property
    def is_salvaged(self) -> bool:
        """Whether this is what was left of a damaged run, copied by `daq.runfile.salvage`."""
        return "salvaged" in self._head

    def check_can_resume(self) -> None:
        """Raises BadInput for a run that has finished, is in progress, or is what was left of a damaged one."""
        if self.is_salvaged:
            raise BadInput("the run was salvaged from a damaged file; run its plan anew", place=str(self.path))
        if self.outcome in ("finished", "running"):
            raise BadInput(f"the run is {self.outcome}: there is nothing to resume", place=str(self.path))

    def events(self, after: int = 0) -> list[EventRecord]:
        """The log, from the event after the id `after` on."""
        return [
            EventRecord(*row)
            for row in self._ask("SELECT id, t_s, level, source, text FROM event WHERE id > ? ORDER BY id", after)
        ]

    def anchors(self) -> list[Anchor]:
        return [Anchor(*row) for row in self._ask("SELECT t_s, unix, why FROM anchor ORDER BY id")]

    def unix_of(self, t_s: float) -> float:
        """When `t_s` was, by the calendar of the bench: from the last anchor at or before it."""
        return float(self.unix_of_all(np.array([t_s]))[0])

    def unix_of_all(self, t_s: np.ndarray) -> np.ndarray:
        """As `unix_of`, of each."""
        anchors = sorted(self.anchors(), key=lambda one: one.t_s)
        anchors = anchors or [Anchor(0.0, float(self._head["bench_unix"]), "start")]
        at_s, unix = np.array([one.t_s for one in anchors]), np.array([one.unix for one in anchors])
        last = np.maximum(np.searchsorted(at_s, t_s, side="right") - 1, 0)
        return unix[last] + (t_s - at_s[last])

    def results(self) -> list[Result]:
        return [
            Result(
                name,
                value,
                unit,
                uncertainty,
                None if low is None and high is None else (_or_nan(low), _or_nan(high)),
                json.loads(at),
                method,
                reason,
            )
            for name, value, unit, uncertainty, low, high, at, method, reason in self._ask(
                "SELECT name, value, unit, uncertainty, interval_low, interval_high, at, method, reason"
                " FROM result ORDER BY id"
            )
        ]

    def recall(self, key: str, default: Any = None) -> Any:
        """What the procedure remembered, as JSON gives it back (tuples are lists)."""
        found = self._column("SELECT value FROM state WHERE key = ?", key)
        return json.loads(found[0]) if found else default

    def _ask(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with guarded(self.path):
            return self._connection.execute(sql, values).fetchall()

    def _column(self, sql: str, *values: Any) -> list[Any]:
        return [row[0] for row in self._ask(sql, *values)]


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else value
