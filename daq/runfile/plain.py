"""One plain file: a run that nobody writes needs no `-wal` and `-shm` beside it. Copies of runs."""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path

from daq.errors import BadInput, RunFileError
from daq.runfile.schema import RUN_DB

PAGE_BYTES = 8192  # 5 % more rows a second than with SQLite's 4096; 16384 would double what a slow run writes
LOG_BYTES = 4 << 20  # the log goes into the file at this size, so that the reserve is always more than it
log = logging.getLogger(__name__)
_WRITE_VERSION = 18  # the byte of SQLite's header that is 2 in WAL mode, 1 in a plain file


def open_for_writing(path: Path) -> sqlite3.Connection:
    """A connection whose commits are on the disk when they return. A new file is not in WAL mode yet."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5.0)
    try:
        connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")  # of a new file; an old one keeps its own
        connection.execute(f"PRAGMA wal_autocheckpoint = {LOG_BYTES // PAGE_BYTES}")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA temp_store = MEMORY")
    except BaseException:
        connection.close()
        raise
    return connection


def use_wal(connection: sqlite3.Connection) -> None:
    """Readers and the writer don't wait for each other from now on. Raises sqlite3.OperationalError."""
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        raise sqlite3.OperationalError(f"write-ahead logging is not possible here, the journal stays {mode!r}")


def open_for_reading(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path.absolute().as_uri() + "?mode=ro", uri=True, isolation_level=None, timeout=5.0)


def is_plain(path: Path) -> bool:
    """Whether everything is in the one file."""
    with path.open("rb") as file:
        head = file.read(_WRITE_VERSION + 1)
    return len(head) > _WRITE_VERSION and head[_WRITE_VERSION] == 1


def make_plain(connection: sqlite3.Connection) -> bool:
    """Bring the log into the file and leave WAL mode. False when a reader or a full disk is in the way: nothing is
    lost then, the log stays beside the file."""
    try:
        connection.execute("PRAGMA busy_timeout = 500")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        (mode,) = connection.execute("PRAGMA journal_mode = DELETE").fetchone()
    except sqlite3.OperationalError as error:
        log.info("the run keeps its log for now: %s", error)
        return False
    return mode == "delete"


def copy_run(path: Path, target: Path) -> Path:
    """A copy of a run, also of one that is running, in the new folder `target`; returns it.

    Raises BadInput when `target` exists or cannot be written, RunFileError when `path` is no run.
    """
    from daq.runfile.stored import check_identity, folder_of  # they open files by this module

    folder = folder_of(path)
    check_identity(folder / RUN_DB)
    try:
        target.mkdir(parents=True)
        source = open_for_reading(folder / RUN_DB)
        try:
            copy = open_for_writing(target / RUN_DB)
            try:
                source.backup(copy)
                make_plain(copy)
            finally:
                copy.close()
        finally:
            source.close()
    except FileExistsError:
        raise BadInput("exists already; a copy needs a new folder", place=str(target)) from None
    except sqlite3.DatabaseError as error:
        raise RunFileError(f"cannot be copied to {target}: {error}", place=str(folder)) from error
    except OSError as error:
        raise BadInput(f"cannot be written: {error.strerror or error}", place=str(target)) from error
    return target
