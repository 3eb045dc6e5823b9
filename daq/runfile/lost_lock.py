"""A run whose `run.lock` somebody deleted while it was written: who writes it is told by the process itself.

Its writer puts the file back within a second (`RunWriter.keep_lock`). Until then: a killed run keeps its lock file, an
ended one says so in its file. So one that reads `running` and has none is either a copy, or its writer lives and holds
the lock on a file that has no name any more.
"""

from __future__ import annotations

import os
import platform
from pathlib import Path

import psutil

from daq.errors import RunFileError
from daq.runfile.owner import LOCK, has_owner
from daq.runfile.schema import RUN_DB
from daq.runfile.stored import read_run


def is_written(folder: Path) -> bool:
    """Whether somebody runs the run in `folder` now, also where its lock file is gone."""
    return has_owner(folder) or writer_without_lock(folder) is not None


def writer_without_lock(folder: Path) -> int | None:
    """The number of the process that has this run open for writing though its lock file is gone; None without."""
    if (folder / LOCK).exists():
        return None
    try:
        run = read_run(folder)
        pid = int(run["pid"])
        if run["outcome"] != "running" or run["host"] != platform.node() or pid == os.getpid():
            return None
        file = os.path.realpath(folder / RUN_DB)
        opened = [one.path for one in psutil.Process(pid).open_files()]
    except (RunFileError, KeyError, TypeError, ValueError, psutil.Error, OSError):
        return None
    return pid if any(os.path.normcase(os.path.realpath(one)) == os.path.normcase(file) for one in opened) else None
