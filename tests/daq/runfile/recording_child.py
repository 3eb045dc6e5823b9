"""A process that records until it is killed; what `record` has acknowledged is told in a file beside the run.

Started by the tests as `python recording_child.py RUNS ACKNOWLEDGED PAUSE_S [RESUME]`. Rows carry their running number.
A line of the file is the number of a row and the moment when `record` returned.
"""

from __future__ import annotations

import itertools
import struct
import sys
from pathlib import Path

from daq.clock import wall_monotonic, wall_sleep
from daq.contracts import Step
from daq.runfile.reader import RunFile
from daq.runfile.writer import RunWriter
from daq.stream import Column, Stream

STREAM = Stream("cell", (Column("number", kind="int"), Column("voltage_V", "V"), Column("note", kind="text")))
STEPS = (Step("hold", "hold"), Step("sweep", "sweep"))


def begin(runs: Path) -> RunWriter:
    return RunWriter.create(
        runs,
        procedure="endless",
        sample={"name": "to be killed"},
        parameters={},
        bench={},
        streams=[STREAM],
        steps=STEPS,
        plan={},
        versions={"cellrig": "test"},
        started_unix=1.8e9,
        bench_unix=1.8e9,
    )


def main(runs: Path, acknowledged: Path, pause_s: float, resume: Path | None) -> None:
    writer = begin(runs) if resume is None else RunWriter.reopen(resume)
    with RunFile.open(writer.path) as run:
        first = run.streams()[0].rows
    attempt = writer.begin_step("hold", wall_monotonic())
    writer.remember("began", first)
    with acknowledged.open("wb", buffering=0) as told:
        for number in itertools.count(first):
            if pause_s:
                wall_sleep(pause_s)
            t_s = wall_monotonic()
            writer.record("cell", "hold", attempt, t_s, {"number": number, "voltage_V": 0.5, "note": "n"})
            told.write(struct.pack("<qd", number, wall_monotonic()))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]), Path(sys.argv[4]) if len(sys.argv) > 4 else None)
