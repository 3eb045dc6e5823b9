"""A run's folder, lock and connection for its writer: a new one, or one that has no owner any more."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock

from daq.contracts import Step
from daq.disk import check_room
from daq.errors import BadInput, RunFileError
from daq.runfile import owner
from daq.runfile.folder import free_reserve, make_reserve
from daq.runfile.lost_lock import writer_without_lock
from daq.runfile.plain import open_for_writing, use_wal
from daq.runfile.schema import RUN_DB, SET_HEAD, create_tables, to_json
from daq.runfile.stored import check_identity, guarded, read_run
from daq.stream import Stream


def open_new(
    folder: Path, head: Mapping[str, Any], streams: Sequence[Stream], steps: Sequence[Step]
) -> tuple[FileLock, sqlite3.Connection]:
    """In a folder that was just made. Raises BadInput when nothing can be stored there, ValueError for streams or steps
    that clash; then nothing is left of it.
    """
    lock: FileLock | None = None
    connection: sqlite3.Connection | None = None
    try:
        lock = owner.take(folder)
        if lock is None:
            raise RunFileError("the new folder was taken by another process", place=str(folder))
        make_reserve(folder)
        connection = open_for_writing(folder / RUN_DB)
        connection.execute("BEGIN IMMEDIATE")
        create_tables(connection, streams, steps)
        connection.executemany(SET_HEAD, [(key, to_json(value, key)) for key, value in head.items()])
        connection.execute("COMMIT")  # into the file itself, so that its header names it from the start
        use_wal(connection)
    except BaseException as error:
        _undo(folder, lock, connection)
        if isinstance(error, OSError | sqlite3.Error):
            raise BadInput(f"no run can be stored here: {error}", place=str(folder.parent)) from error
        raise
    return lock, connection


@contextmanager
def open_again(folder: Path) -> Iterator[tuple[FileLock, sqlite3.Connection]]:
    """Of a run without an owner; given back where the block fails, in which all is read that may be damaged.

    Raises RunFileError when somebody runs it, or when it is no run of this schema; BadInput when it can't be written.
    """
    lock = _taken(folder)
    connection: sqlite3.Connection | None = None
    try:
        check_room(folder, rows=0)
        make_reserve(folder)
        connection = open_for_writing(folder / RUN_DB)
        use_wal(connection)
        with guarded(folder):
            yield lock, connection
    except BaseException as error:
        if connection is not None:
            connection.close()
        free_reserve(folder)
        owner.give_up(lock, folder, remove=False)
        if isinstance(error, OSError | sqlite3.OperationalError):
            raise BadInput(f"cannot be written: {error}", place=str(folder)) from error
        if isinstance(error, sqlite3.Error):
            raise RunFileError(f"is damaged: {error}", place=str(folder)) from error
        raise


def _taken(folder: Path) -> FileLock:
    check_identity(folder / RUN_DB)
    pid = writer_without_lock(folder)
    if pid is not None:
        raise RunFileError(
            f"is being run by process {pid}, and somebody deleted its {owner.LOCK}",
            place=str(folder),
            allowed="wait until it ends, or stop it",
        )
    try:
        lock = owner.take(folder)
    except OSError as error:
        raise BadInput(f"cannot be written: {error.strerror or error}", place=str(folder)) from error
    if lock is None:
        raise RunFileError(f"is being run by {_owner_text(folder)}", place=str(folder), allowed="wait, or stop it")
    return lock


def _owner_text(folder: Path) -> str:
    try:
        run = read_run(folder)
        return f"pid {run['pid']} on {run['host']}"
    except (RunFileError, KeyError):
        return "another process"


def _undo(folder: Path, lock: FileLock | None, connection: sqlite3.Connection | None) -> None:
    """A run that could not be begun leaves nothing behind."""
    if connection is not None:
        connection.close()
    for path in folder.iterdir():
        if path.name != owner.LOCK:
            path.unlink(missing_ok=True)
    if lock is not None:
        owner.give_up(lock, folder, remove=True)
    with contextlib.suppress(OSError):
        folder.rmdir()
