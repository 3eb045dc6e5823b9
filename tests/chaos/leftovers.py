"""What a chaos that was broken off leaves behind: processes that outlive their parents by design, mounts, folders.

Everything that `chaos.py` starts inherits a mark in its environment, hosts and guards too, which leave our process
tree on purpose. Linux, as all that kills here: other processes' environment, tmpfs.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import psutil

MARK = "CELLRIG_CHAOS"
LEAVES_S = 10.0


def marked(work: Path) -> Mapping[str, str]:
    """The environment of what is started for the chaos in `work`, where its temporary files go, too."""
    work.mkdir(parents=True, exist_ok=True)
    return {**os.environ, MARK: str(work), "TMPDIR": str(work)}


def left_by(work: Path) -> list[psutil.Process]:
    """The processes that carry the mark, now; not this one."""
    found: list[psutil.Process] = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.pid != os.getpid() and process.environ().get(MARK) == str(work):
                found.append(process)
    return found


def clear(work: Path) -> int:
    """Ends what is left, frees what it mounted, removes its files. Returns how many processes there were."""
    ended: set[int] = set()
    while left := left_by(work):  # a launcher may be about to start another
        ended |= {one.pid for one in left}
        for process in left:
            with suppress(psutil.Error):
                process.kill()
        _, stay = psutil.wait_procs(left, timeout=LEAVES_S)
        if stay:
            raise RuntimeError(f"can't be ended: {', '.join(str(one) for one in stay)}")
    for disk in psutil.disk_partitions(all=True):
        if work in Path(disk.mountpoint).parents:
            subprocess.run(["umount", disk.mountpoint], check=True)
    shutil.rmtree(work, ignore_errors=True)
    return len(ended)
