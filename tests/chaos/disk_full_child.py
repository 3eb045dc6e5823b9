"""A sweep on a disk that gets full while it runs. Linux only: RLIMIT_FSIZE, tmpfs.

    python disk_full_child.py PLAN RUNS limit BYTES   no file of this process may grow beyond BYTES
    python disk_full_child.py PLAN RUNS fill ROWS     once the run has ROWS events, the disk is filled to the last byte
    python disk_full_child.py PLAN RUNS most ROWS     the same, but 4 MB are left

prints what the engine said of the end as JSON.
"""

from __future__ import annotations

import errno
import json
import resource
import sys
import threading
from pathlib import Path

from daq.control import Control
from daq.engine import Engine, Progress
from daq.plan import load_plan
from daq.runfile.reader import RunFile
from daq.runner import Watcher, run_plan

LEFT_BYTES = {"fill": 0, "most": 4_000_000}
CHUNK = 65536


def fill(folder: Path, left: int) -> None:
    """Fill the disk of `folder`; what is `left` is given back at the end, for nobody else writes here but the run."""
    spare = folder / "spare.bin"
    if left:
        spare.write_bytes(b"x" * left)
    with (folder / "filler.bin").open("wb", buffering=0) as filler:
        for size in (CHUNK, 512):
            try:
                while filler.write(b"x" * size) == size:
                    pass
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
    spare.unlink(missing_ok=True)


class Trouble:
    """What happens to the disk; the engine's own thread brings it about, at the same row each time."""

    def __init__(self, runs: Path, mode: str, amount: int) -> None:
        self.runs, self.mode, self.amount = runs, mode, amount
        self.run: Path | None = None
        self.came = False

    def started(self, path: Path, control: Control) -> None:
        self.run = path

    def engine(self, engine: Engine) -> None:
        if self.mode == "limit":
            self.came = True
            resource.setrlimit(resource.RLIMIT_FSIZE, (self.amount, resource.RLIM_INFINITY))

    def progress(self, progress: Progress) -> None:
        assert self.run is not None
        if self.mode == "limit" or self.came:
            return
        with RunFile.open(self.run) as run:
            rows = sum(stream.rows for stream in run.streams())
        if rows >= self.amount:
            self.came = True
            fill(self.runs, LEFT_BYTES[self.mode])
            if self.mode == "most":  # a simulated hour is a blink, the watch looks twice a second
                threading.Event().wait(1.5)


def main(plan: Path, runs: Path, mode: str, amount: int) -> None:
    trouble = Trouble(runs, mode, amount)
    ended = run_plan(load_plan(plan), runs, Watcher(trouble.started, trouble.progress, trouble.engine))[-1]
    told = {
        "path": str(ended.path),
        "outcome": ended.end.outcome,
        "reason": ended.end.reason,
        "safe": all(one.verified for one in ended.end.safety) and bool(ended.end.safety),
        "came": trouble.came,
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
