"""Who runs a run: whoever holds the operating system's lock on its `run.lock`. The lock goes when its holder dies."""

from __future__ import annotations

import contextlib
from pathlib import Path

from filelock import FileLock, Timeout

from daq.clock import wall_sleep, wall_unix

LOCK = "run.lock"
_PROBES = 5
_PROBE_PAUSE_S = 0.003
_RECENT_S = 120.0  # a live run writes its readings at least twice a minute


def take(folder: Path) -> FileLock | None:
    """The lock of the run in `folder`, held; None when somebody else has it. Raises OSError."""
    lock = FileLock(folder / LOCK, thread_local=False)
    for attempt in range(_PROBES):  # somebody who only looks holds it for an instant
        if attempt:
            wall_sleep(_PROBE_PAUSE_S * attempt)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            continue
        if (folder / LOCK).exists():
            return lock
        lock.release()  # its owner ended the run, and removed the file, just before it came to us
    return None


def give_up(lock: FileLock, folder: Path, *, remove: bool) -> None:
    """Let go of the lock. An ended run keeps no lock file, an abandoned one does."""
    if remove:
        with contextlib.suppress(OSError):  # while it is held, so that nobody's new lock is removed;
            (folder / LOCK).unlink(missing_ok=True)  # Windows refuses, there the release removes it
    lock.release()


def has_owner(folder: Path) -> bool:
    """Whether somebody runs the run in `folder` now."""
    if not (folder / LOCK).exists():
        return False
    try:
        lock = take(folder)
    except OSError:  # not ours to lock (another user's, or a read-only copy): a fresh log is the best sign of life
        return _written_lately(folder)
    if lock is None:
        return True
    lock.release()
    return False


def _written_lately(folder: Path) -> bool:
    try:
        latest = max(path.stat().st_mtime for path in folder.glob("run.db*"))
    except (OSError, ValueError):
        return False
    return abs(wall_unix() - latest) < _RECENT_S
