"""One owner of a bench at a time. The lock is the operating system's: it goes when its holder dies."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout
from platformdirs import user_state_path

from daq.bench import BenchConfig
from daq.clock import wall_monotonic, wall_sleep
from daq.errors import BadInput, BenchBusy
from daq.system import System


def state_root() -> Path:
    """Where cellrig keeps what belongs to a bench rather than to a run; CELLRIG_STATE overrides it."""
    named = os.environ.get("CELLRIG_STATE")
    return Path(named) if named else user_state_path("cellrig")


def bench_folder(config: BenchConfig) -> Path:
    """The bench's own folder: named by its file, so that two benches never share one."""
    digest = hashlib.sha256(str(config.source).encode()).hexdigest()[:12]
    stem = config.source.stem if config.source else "built-in"
    return state_root() / "benches" / f"{stem}-{digest}"


GUARD = "cellrig guard"
POLL_S = 0.2


@contextmanager
def bench_lock(config: BenchConfig, holder: str, patience_s: float = 60.0) -> Iterator[None]:
    """Hold the bench. The built-in simulated bench is made anew in each process and needs no lock.

    A guard that is making the bench safe is waited for, and a holder that has died: until the last of its threads is
    gone the system keeps its lock. `patience_s` at most; anybody else is not. Raises BenchBusy naming the holder.
    """
    if config.source is None:
        yield
        return
    folder = bench_folder(config)
    note = folder / "holder.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / "bench.lock")
        if not _acquired(lock, note, wall_monotonic() + patience_s):
            raise BenchBusy(f"the bench is in use by {_holder(note)}; wait for it, or stop it", place=config.place)
    except OSError as error:
        raise BadInput(f"cannot lock the bench: {error}", place=str(folder)) from error
    try:
        note.write_text(json.dumps({"pid": os.getpid(), "holder": holder}), encoding="utf-8")
        yield
    finally:
        note.unlink(missing_ok=True)
        lock.release()


def _acquired(lock: FileLock, note: Path, until_s: float) -> bool:
    while True:
        with suppress(Timeout):
            lock.acquire(timeout=0)
            return True
        holder = _read(note)
        is_waited_for = holder is not None and (holder.name.startswith(GUARD) or System().is_gone(holder.pid))
        if not is_waited_for or wall_monotonic() >= until_s:
            return False
        wall_sleep(POLL_S)


@dataclass(frozen=True)
class _Holder:
    name: str
    pid: int


def _read(note: Path) -> _Holder | None:
    try:
        told = json.loads(note.read_text(encoding="utf-8"))
        return _Holder(str(told["holder"]), int(told["pid"]))
    except (OSError, ValueError, KeyError):
        return None


def _holder(note: Path) -> str:
    holder = _read(note)
    return "another process" if holder is None else f"{holder.name} (process {holder.pid})"
