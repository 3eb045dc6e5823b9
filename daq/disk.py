"""Room on disk, asked for before a run starts; `disk_watch` looks at it while it is written."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from daq.errors import BadInput

BYTES_PER_ROW = 120
RESERVE_BYTES = 8 * 2**20
STOP_BYTES = RESERVE_BYTES  # besides the reserve: what the log and the end of a run take
WARN_BYTES = 200 * 10**6
MARGIN = 1.5


def bytes_needed(rows: int) -> int:
    """What a run of so many rows takes, with margin, its reserve file, its write-ahead log, and the room to end in."""
    return int(rows * BYTES_PER_ROW * MARGIN) + 2 * RESERVE_BYTES + STOP_BYTES


def free_bytes(runs_folder: Path) -> int:
    """Free space where `runs_folder` is or would be. Raises BadInput when no run can be stored there."""
    try:
        folder = runs_folder.absolute()
        while not folder.exists() and folder != folder.parent:
            folder = folder.parent
        return shutil.disk_usage(folder).free
    except OSError as error:
        raise BadInput(
            f"no run can be stored here: {error.strerror or error}",
            place=str(runs_folder)[:120],
            allowed="a folder on a local disk that you may write to; name one with --runs or CELLRIG_RUNS",
        ) from error


def free_if_told(runs_folder: Path) -> int | None:
    """The same, for who only shows it; None where it can't be told."""
    with suppress(BadInput):
        return free_bytes(runs_folder)
    return None


def check_room(runs_folder: Path, rows: int) -> None:
    """Raises BadInput when the disk of `runs_folder` has no room for `rows`."""
    free = free_bytes(runs_folder)
    needed = bytes_needed(rows)
    if free < needed:
        raise BadInput(
            f"the disk has {free / 2**20:.0f} MB free, the run needs {needed / 2**20:.0f} MB",
            place=str(runs_folder),
            allowed="free some space, or name another folder with --runs",
        )
