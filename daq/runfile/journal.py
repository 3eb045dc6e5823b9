"""Rows to disk in groups: who records also commits, and a timer commits what a pause leaves behind.

A commit costs an fsync, 0.2 to 20 ms. So a row is committed at once when the last commit is older than `GROUP_S`,
and joins the rows that follow otherwise: one row a second is durable at once, a hundred thousand a second go in large
transactions, and a crash never costs more than about `GROUP_S`. A thread that alone did all commits would starve at
full speed (1-2 s of rows at risk, measured); the timer only picks up stragglers.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, NoReturn

from daq.clock import wall_monotonic
from daq.errors import StorageError
from daq.runfile.lane import Lane

log = logging.getLogger(__name__)
GROUP_S = 0.020
ROWS_PER_COMMIT = 50_000  # keeps the log of a huge batch small enough for the reserve

Statement = tuple[str, Sequence[Any]]
Waiting = Sequence[tuple[Lane, int]]


class Journal:
    """Owns the connection that writes. Safe to use from many threads.

    After the first failed write it refuses new rows (`StorageError`), gives back the reserve by calling
    `free_reserve`, and still takes what `write` brings: the events, results and outcome of the end of the run.
    """

    def __init__(self, connection: sqlite3.Connection, place: str, free_reserve: Callable[[], None]) -> None:
        self._connection = connection
        self._place = place
        self._free_reserve = free_reserve
        self._lock = threading.RLock()  # around every use of the connection
        self._lanes: list[Lane] = []
        self._committed_at = -GROUP_S
        self._failure: StorageError | None = None
        self._refuses = False
        self.closed = False
        self._straggler = threading.Event()
        self._straggling = False  # as the event, for the thread that records: to look at a plain flag is free
        self._timer = threading.Thread(target=self._commit_stragglers, name="run file timer", daemon=True)
        self._timer.start()

    def lane(self, sql: str) -> Lane:
        """A new lane for the rows of one INSERT; what `add` and `add_many` take."""
        lane = Lane(sql)
        with self._lock:
            self._lanes.append(lane)
        return lane

    def add(self, lane: Lane, row: Sequence[Any]) -> None:
        """One row, durable at the latest `GROUP_S` later. Raises StorageError."""
        if self._refuses:
            self._refuse()
        lane.add(row)
        if wall_monotonic() - self._committed_at >= GROUP_S:
            self.flush()
            if self._refuses:
                self._refuse()
        elif not self._straggling:
            self._straggling = True
            self._straggler.set()

    def add_many(self, lane: Lane, rows: Iterator[Sequence[Any]]) -> None:
        """Many rows of one table; as `add`, in transactions of at most `ROWS_PER_COMMIT`."""
        is_first = True
        while True:
            if self._refuses:
                self._refuse()
            if not lane.add_many(islice(rows, ROWS_PER_COMMIT)):
                return
            if not is_first or wall_monotonic() - self._committed_at >= GROUP_S:
                self.flush()
            else:
                self._straggling = True
                self._straggler.set()
            is_first = False

    def flush(self) -> None:
        """Everything added is durable on return, by the room of the reserve if need be; else raises StorageError."""
        with self._lock:
            if not self.closed:
                self._commit()

    def write(self, *statements: Statement) -> None:
        """These statements, after everything that was added, durable on return; also after a failure.

        Raises StorageError when even the reserve didn't help.
        """
        with self._lock:
            if self.closed:
                self._refuse()
            self._commit(statements)

    def ask(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """A query; sees what is committed."""
        with self._lock:
            return self._connection.execute(sql, values).fetchall()

    @property
    def failure(self) -> StorageError | None:
        return self._failure

    def close(self) -> sqlite3.Connection:
        """Stop the timer; the connection goes back to the caller. Commit before: what still waits is dropped."""
        with self._lock:
            self.closed = self._refuses = True
            self._straggler.set()
        self._timer.join()
        return self._connection

    # ------------------------------------------------------------ inside the lock
    def _commit(self, statements: Sequence[Statement] = ()) -> None:
        """One transaction. On the first failure the reserve is freed and the transaction tried once more."""
        self._straggler.clear()
        self._straggling = False  # last, and before the rows are counted: a row that comes later sets both again
        waiting = [(lane, count) for lane in self._lanes if (count := len(lane))]
        if waiting or statements:
            try:
                self._transaction(waiting, statements)
            except (sqlite3.Error, OSError) as error:
                self._after_failure(error, waiting, statements)
            for lane, count in waiting:
                lane.drop(count)
        self._committed_at = wall_monotonic()

    def _transaction(self, waiting: Waiting, statements: Sequence[Statement]) -> None:
        connection = self._connection
        try:
            connection.execute("BEGIN IMMEDIATE")
            for lane, count in waiting:
                lane.insert(connection, count)
            for sql, values in statements:
                connection.execute(sql, values)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def _after_failure(self, error: Exception, waiting: Waiting, statements: Sequence[Statement]) -> None:
        """Once more with the reserve freed; then without the rows, for how the run ended matters more."""
        if self._failure is None:
            log.error("%s: %s", self._place, error)
            self._failure = StorageError(
                f"{self._place}: could not be written ({error}). The disk is full, gone, or not writable any more; "
                "the run ends here. Free some space and resume it"
            )
            self._refuses = True
            self._free_reserve()
            self._reuse_log()
            try:
                self._transaction(waiting, statements)
                return
            except (sqlite3.Error, OSError) as again:
                log.error("%s: still not, with the reserve freed: %s", self._place, again)
        if not statements:
            raise StorageError(str(self._failure)) from error  # the rows still wait: there may be room later
        lost = sum(count for _, count in waiting)
        if lost:
            log.error("%s: the last %d rows could not be written", self._place, lost)
        try:
            self._transaction((), statements)
        except (sqlite3.Error, OSError) as last:
            raise StorageError(f"{self._place}: could not be written ({last})") from last

    def _reuse_log(self) -> None:
        """Bring the log into the file, so that what follows is written over its start and needs no new room."""
        with contextlib.suppress(sqlite3.Error):
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def _refuse(self) -> NoReturn:
        if self._failure is not None:
            raise StorageError(str(self._failure)) from self._failure
        raise StorageError(f"{self._place}: the run is closed, nothing more can be recorded")

    def _commit_stragglers(self) -> None:
        pause = threading.Event()  # never set: a plain wait for wall time
        while True:
            self._straggler.wait()
            pause.wait(max(0.0, self._committed_at + GROUP_S - wall_monotonic()))
            with self._lock:
                if self.closed:
                    return
                if wall_monotonic() - self._committed_at < GROUP_S:
                    continue  # somebody committed meanwhile; if rows came after that, the flag is set
                try:
                    self._commit()
                except Exception:  # the timer must live on; whoever records next meets the failure
                    log.exception("%s: a late commit failed", self._place)
