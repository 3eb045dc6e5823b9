"""One owner of a bench at a time. The lock is the operating system's: it goes when its holder dies."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from platformdirs import user_state_path

from daq.bench import BenchConfig
from daq.errors import BadInput, BenchBusy


def state_root() -> Path:
    """Where cellrig keeps what belongs to a bench rather than to a run; CELLRIG_STATE overrides it."""
    named = os.environ.get("CELLRIG_STATE")
    return Path(named) if named else user_state_path("cellrig")


def bench_folder(config: BenchConfig) -> Path:
    """The bench's own folder: named by its file, so that two benches never share one."""
    digest = hashlib.sha256(str(config.source).encode()).hexdigest()[:12]
    stem = config.source.stem if config.source else "built-in"
    return state_root() / "benches" / f"{stem}-{digest}"


@contextmanager
def bench_lock(config: BenchConfig, holder: str) -> Iterator[None]:
    """Hold the bench. The built-in simulated bench is made anew in each process and needs no lock.

    Raises BenchBusy naming the holder.
    """
    if config.source is None:
        yield
        return
    folder = bench_folder(config)
    note = folder / "holder.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / "bench.lock")
        lock.acquire(timeout=0)
    except Timeout:
        raise BenchBusy(
            f"the bench is in use by {_holder(note)}; wait for it, or stop it", place=config.place
        ) from None
    except OSError as error:
        raise BadInput(f"cannot lock the bench: {error}", place=str(folder)) from error
    try:
        note.write_text(json.dumps({"pid": os.getpid(), "holder": holder}), encoding="utf-8")
        yield
    finally:
        note.unlink(missing_ok=True)
        lock.release()


def _holder(note: Path) -> str:
    try:
        told = json.loads(note.read_text(encoding="utf-8"))
        return f"{told['holder']} (process {told['pid']})"
    except (OSError, ValueError, KeyError):
        return "another process"
