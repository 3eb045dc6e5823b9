"""The queue of a bench, on disk: what was submitted, in which order, and what became of it.

One SQLite file in the bench's folder. Service and host use it at the same time, each change is one transaction, so a
kill of either loses nothing. A queued plan is frozen: the entry holds the plan itself, not the name of its file.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

from daq.clock import wall_unix
from daq.errors import BadInput, StorageError

T = TypeVar("T")
VERSION = 1
APPLICATION = 0x63726971  # "criq"
KEPT = 200  # ended entries
UNTOLD = 5  # messages that got to nobody
State = Literal["waiting", "held", "direct", "running", "finished", "stopped", "failed", "interrupted", "refused"]
AHEAD = ("waiting", "held")
Kind = Literal["plan", "resume"]

_SCHEMA = """
CREATE TABLE entry (
    id INTEGER PRIMARY KEY AUTOINCREMENT, place REAL NOT NULL, kind TEXT NOT NULL, title TEXT NOT NULL,
    sample TEXT NOT NULL, state TEXT NOT NULL, note TEXT NOT NULL DEFAULT '', added_unix REAL NOT NULL,
    work TEXT NOT NULL, runs TEXT NOT NULL DEFAULT '[]'
);
CREATE INDEX entry_state ON entry (state, place);
CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
_TOLD = ("id", "kind", "title", "sample", "state", "note", "added_unix", "runs")
_COLUMNS = ", ".join((*_TOLD[:-1], "work", "runs"))


@dataclass(frozen=True)
class Entry:
    """`work` is the frozen plan (`daq.frozen_plan`), or `{"path": …}` of a run to resume. `runs`: what came of it."""

    id: int
    kind: Kind
    title: str
    sample: str
    state: State
    note: str
    added_unix: float
    work: Mapping[str, Any] = field(repr=False)
    runs: list[dict[str, Any]] = field(default_factory=list)

    def as_table(self) -> dict[str, Any]:
        """For a person or a program that looks at the queue: everything but the frozen plan."""
        return {key: value for key, value in vars(self).items() if key != "work"}


class RunQueue:
    """One connection, shared by threads. Raises StorageError when it can't be written, BadInput for a foreign file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._mutex = threading.RLock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, timeout=10, isolation_level=None, check_same_thread=False)
            self._refuse_foreign()  # before anything in it is touched
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._found()
        except sqlite3.DatabaseError as error:
            raise BadInput(f"the queue cannot be read: {error}", place=str(path), allowed=_REMEDY) from error

    def close(self) -> None:
        with self._mutex:
            self._db.close()

    # ------------------------------------------------------------ looking
    def entries(self, states: tuple[str, ...] | None = None) -> list[Entry]:
        """In order: what runs, then what is ahead, as it will be run; of what has ended the last ones, oldest first."""
        return [_entry(row) for row in self._in_order(_COLUMNS, states)]

    def tables(self, states: tuple[str, ...] | None = None) -> list[dict[str, Any]]:
        """As `entries`, each as `Entry.as_table`; a long queue is told quickly, for no plan in it is read."""
        found = self._in_order(", ".join(_TOLD), states)
        return [{**dict(zip(_TOLD, row, strict=True)), "runs": json.loads(row[-1])} for row in found]

    def _in_order(self, columns: str, states: tuple[str, ...] | None) -> list[tuple[Any, ...]]:
        where = f"WHERE state IN ({', '.join('?' * len(states))})" if states else ""
        return self._all(f"SELECT {columns} FROM entry {where} ORDER BY place", *states or ())

    def get(self, entry_id: int) -> Entry:
        """Raises BadInput when there is none."""
        known = abs(entry_id) < 2**63  # SQLite takes no larger number
        rows = self._all(f"SELECT {_COLUMNS} FROM entry WHERE id = ?", entry_id) if known else []
        if not rows:
            raise BadInput(f"there is no entry {entry_id} in the queue", place="queue")
        return _entry(rows[0])

    def version(self) -> tuple[int, int]:
        """Another one after every change, whoever made it; nothing of the queue is read for it."""
        with self._mutex:
            (others,) = self._db.execute("PRAGMA data_version").fetchone()
            return others, self._db.total_changes

    def files(self) -> set[str]:
        """The copies of files (`daq.plan_files`) that a plan here, or a run of it that may be resumed, still needs."""
        named = "FROM entry, json_each(entry.work, '$.files') WHERE state NOT IN ('finished', 'refused')"
        return {str(name) for (name,) in self._all(f"SELECT DISTINCT value {named}")}

    @property
    def held(self) -> str:
        """Why nothing is started from the queue; empty when it runs."""
        rows = self._all("SELECT value FROM setting WHERE name = 'held'")
        return str(rows[0][0]) if rows else ""

    @property
    def untold(self) -> list[dict[str, Any]]:
        """Messages that got to nobody since one last got to everybody, oldest first: `unix` and `text`."""
        rows = self._all("SELECT value FROM setting WHERE name = 'untold'")
        return json.loads(rows[0][0]) if rows else []

    # ------------------------------------------------------------ changing
    def add(self, kind: Kind, title: str, sample: str, work: Mapping[str, Any], state: State = "waiting") -> Entry:
        """At the end of the queue; it is on disk when this returns."""

        def change() -> int:
            added = self._db.execute(
                "INSERT INTO entry (place, kind, title, sample, state, added_unix, work)"
                " VALUES ((SELECT coalesce(max(place), 0) + 1 FROM entry), ?, ?, ?, ?, ?, ?)",
                (kind, title, sample, state, wall_unix(), json.dumps(work)),
            )
            return added.lastrowid or 0

        return self.get(self._changed(change))

    def move(self, entry_id: int, by: int) -> None:
        """`by` places later (earlier when negative) among what is ahead; beyond an end means to that end."""

        def change() -> None:
            ahead = [(row[0], row[1]) for row in self._all(_AHEAD)]
            numbers = [one for one, _ in ahead]
            if entry_id not in numbers:
                raise BadInput(f"entry {entry_id} is not waiting", place="queue")
            at = numbers.index(entry_id)
            numbers.insert(max(0, min(len(numbers) - 1, at + by)), numbers.pop(at))
            for number, (_, place) in zip(numbers, ahead, strict=True):
                self._db.execute("UPDATE entry SET place = ? WHERE id = ?", (place, number))

        self._changed(change)

    def remove(self, entry_id: int) -> None:
        """Out of the queue, before it was started. Raises BadInput for one that runs or ran."""

        def change() -> None:
            gone = self._db.execute("DELETE FROM entry WHERE id = ? AND state IN ('waiting', 'held')", (entry_id,))
            if not gone.rowcount:
                raise BadInput(f"entry {entry_id} is {self.get(entry_id).state}: it can't be removed", place="queue")

        self._changed(change)

    def hold(self, entry_id: int, on: bool, note: str = "") -> None:
        """Pass it over until it is let go."""

        def change() -> None:
            before, after = ("waiting", "held") if on else ("held", "waiting")
            done = self._db.execute(
                "UPDATE entry SET state = ?, note = ? WHERE id = ? AND state IN (?, ?)",
                (after, note, entry_id, before, after),
            )
            if not done.rowcount:
                raise BadInput(f"entry {entry_id} is {self.get(entry_id).state}, not waiting", place="queue")

        self._changed(change)

    def hold_all(self, why: str) -> None:
        """Start nothing from now on (`why` empty: go on)."""
        self._changed(lambda: self._db.execute(_SET, ("held", why)))

    def keep_untold(self, problems: Sequence[str]) -> None:
        """What went wrong with a message; none: it got to everybody, and what there was before is forgotten."""

        def change() -> None:
            before = self.untold
            now = [*before, *({"unix": wall_unix(), "text": one} for one in problems)] if problems else []
            if now != before:
                self._db.execute(_SET, ("untold", json.dumps(now[-UNTOLD:])))

        self._changed(change)

    def replace_work(self, entry_id: int, work: Mapping[str, Any]) -> None:
        self._changed(lambda: self._db.execute("UPDATE entry SET work = ? WHERE id = ?", (json.dumps(work), entry_id)))

    # ------------------------------------------------------------ the host's side
    def take(self, entry_id: int | None = None) -> Entry | None:
        """The next one that waits (or the direct one with this number), now running. None when there is none."""

        def change() -> int | None:
            which, values = ("id = ? AND state = 'direct'", (entry_id,)) if entry_id else ("state = 'waiting'", ())
            rows = self._all(f"SELECT id FROM entry WHERE {which} ORDER BY place LIMIT 1", *values)
            if not rows:
                return None
            self._db.execute("UPDATE entry SET state = 'running', note = '' WHERE id = ?", (rows[0][0],))
            return int(rows[0][0])

        found = self._changed(change)
        return None if found is None else self.get(found)

    def add_run(self, entry_id: int, run: Mapping[str, Any]) -> None:
        """A run that was begun (`path`), or ended (the same `path` with more keys)."""

        def change() -> None:
            known = {one["path"]: one for one in self.get(entry_id).runs}
            runs = [*{**known, run["path"]: dict(run)}.values()]  # in the order in which they were begun
            self._db.execute("UPDATE entry SET runs = ? WHERE id = ?", (json.dumps(runs), entry_id))

        self._changed(change)

    def end(self, entry_id: int, state: State, note: str) -> None:
        def change() -> None:
            self._db.execute("UPDATE entry SET state = ?, note = ? WHERE id = ?", (state, note, entry_id))
            self._db.execute(_FORGET, (KEPT,))

        self._changed(change)

    def interrupted(self) -> list[Entry]:
        """Entries that a host was running when it died; they read so from now on."""

        def change() -> list[Entry]:
            found = self.entries(("running", "direct"))
            for entry in found:
                self._db.execute(
                    "UPDATE entry SET state = 'interrupted', note = 'the bench host died' WHERE id = ?", (entry.id,)
                )
            return found

        return self._changed(change)

    # ------------------------------------------------------------ the file
    def _found(self) -> None:
        def change() -> None:
            if self._refuse_foreign():
                return
            for statement in _SCHEMA.split(";"):
                self._db.execute(statement)
            self._db.execute(f"PRAGMA user_version = {VERSION}")
            self._db.execute(f"PRAGMA application_id = {APPLICATION}")

        self._changed(change)

    def _refuse_foreign(self) -> bool:
        """False for a new file, which is empty yet. Raises BadInput for one that is no queue of this version."""
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        application = self._db.execute("PRAGMA application_id").fetchone()[0]
        if version == 0 and application == 0:
            return False
        if (application, version) != (APPLICATION, VERSION):
            self._db.close()
            what = "was written by another version of cellrig" if application == APPLICATION else "is no queue"
            raise BadInput(f"the file {what}", place=str(self.path), allowed=_REMEDY)
        return True

    def _changed(self, change: Callable[[], T]) -> T:
        with self._mutex:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                try:
                    done = change()
                    self._db.execute("COMMIT")
                    return done
                except BaseException:
                    with suppress(sqlite3.Error):
                        self._db.execute("ROLLBACK")
                    raise
            except sqlite3.OperationalError as error:
                raise StorageError(f"{self.path}: the queue cannot be written: {error}") from error

    def _all(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with self._mutex:
            return self._db.execute(sql, values).fetchall()


_SET = "INSERT INTO setting VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
_AHEAD = "SELECT id, place FROM entry WHERE state IN ('waiting', 'held') ORDER BY place"
_FORGET = (
    "DELETE FROM entry WHERE id IN (SELECT id FROM entry WHERE state NOT IN ('waiting', 'held', 'running', 'direct')"
    " ORDER BY id DESC LIMIT -1 OFFSET ?)"
)
_REMEDY = "move it away, and a new one is made; the runs themselves lie elsewhere and are whole"


def _entry(row: tuple[Any, ...]) -> Entry:
    return Entry(*row[:7], work=json.loads(row[7]), runs=json.loads(row[8]))
