"""A run that was killed is tidied by the first who opens it."""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path

from daq.runfile.lost_lock import is_written
from daq.runfile.plain import is_plain, make_plain
from daq.runfile.schema import RUN_DB

log = logging.getLogger(__name__)


def tidy(folder: Path) -> None:
    """Make a run that has no owner one plain file; else do nothing.

    Safe beside another who does the same, and beside a writer that comes just now: SQLite's locks decide.
    """
    path = folder / RUN_DB
    halfway = (folder / f"{RUN_DB}-journal").exists()  # the power went while the file was made plain: the header's
    if (is_plain(path) and not halfway) or is_written(folder):  # change waits to be taken back, which a reader
        return  # may not do
    try:
        connection = sqlite3.connect(path.absolute().as_uri() + "?mode=rw", uri=True, isolation_level=None)
        try:
            make_plain(connection)
        finally:
            connection.close()
    except sqlite3.OperationalError as error:  # a read-only folder, most likely; reading may work all the same
        log.info("%s is not tidied: %s", path, error)
