"""What was done with the bench after its host died, told in the run that was broken off."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from daq.clock import wall_monotonic, wall_sleep, wall_unix
from daq.errors import CellrigError
from daq.run_queue import RunQueue
from daq.runfile.reader import RunFile
from daq.runfile.writer import RunWriter

log = logging.getLogger(__name__)
PATIENCE_S = 10.0  # whoever looks at the run holds its lock for an instant


def broken_off(queue_file: Path) -> Path | None:
    """The run that the dead host was in, by the queue on disk; None when it was in none."""
    if not queue_file.exists():
        return None
    try:
        queue = RunQueue(queue_file)
        try:
            begun = [one.runs[-1]["path"] for one in queue.entries(("running", "interrupted")) if one.runs]
        finally:
            queue.close()
        return Path(begun[-1]) if begun else None
    except CellrigError as error:
        log.warning("the queue can't be read: %s", error)
        return None


def write_into_run(path: Path, lines: Sequence[str], speed: float, source: str = "guard") -> None:
    """As events of `source`, each with the bench time that has passed since the start.

    The run reads `interrupted` afterwards.
    The bench is safe by now: a run that can't be written is told to the log and left.
    """
    until_s = wall_monotonic() + PATIENCE_S
    while True:
        try:
            return _write(path, lines, speed, source)
        except CellrigError as error:
            log.warning("not written into the run: %s", error)
            if wall_monotonic() >= until_s:
                return
        wall_sleep(0.5)


def _write(path: Path, lines: Sequence[str], speed: float, source: str) -> None:
    with RunFile.open(path) as run:
        anchors, clock = run.anchors(), run.recall("clock")
        if run.outcome not in ("interrupted", "running"):
            return
    writer = RunWriter.reopen(path)
    try:
        t_s = writer.last_t_s
        if anchors and clock:  # bench time goes `speed` times as fast as the wall's since its epoch
            now_unix = clock["epoch_unix"] + (wall_unix() - clock["epoch_unix"]) * speed
            t_s = max(t_s, anchors[-1].t_s + now_unix - anchors[-1].unix)  # the last: the calendar may have jumped
        for line in lines:
            writer.event(t_s, "error" if "look at it" in line else "warning", source, line)
    finally:
        writer.abandon()
