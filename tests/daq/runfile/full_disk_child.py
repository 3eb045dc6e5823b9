"""A process whose files may not grow beyond a limit, as on a full disk: it records into it, then ends the run.

Started by the test as `python full_disk_child.py RUNS OUTCOME`, the outcome being how it would like to end; prints what
happened as JSON. RLIMIT_FSIZE is Unix only.
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path

from daq.contracts import Outcome, Result, Step
from daq.errors import StorageError
from daq.runfile.writer import RunWriter
from daq.stream import Column, Stream

ROOM = 600_000


def main(runs: Path, outcome: Outcome) -> None:
    writer = RunWriter.create(
        runs,
        procedure="endless",
        sample={"name": "full"},
        parameters={},
        bench={},
        streams=[Stream("cell", (Column("voltage_V", "V"),))],
        steps=[Step("hold", "hold")],
        plan={},
        versions={},
        started_unix=1.8e9,
        bench_unix=1.8e9,
    )
    attempt = writer.begin_step("hold", 0.0)
    resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM, resource.RLIM_INFINITY))
    told: dict[str, object] = {"recorded": 0}
    try:
        for number in range(1_000_000):
            writer.record("cell", "hold", attempt, float(number), {"voltage_V": float(number)})
            if number % 200 == 0:
                writer.flush()
                told["recorded"] = number + 1
    except StorageError as error:
        told["error"] = str(error)
    told["reserve"] = (writer.path / "reserve.bin").exists()
    try:
        writer.record("cell", "hold", attempt, 1.0, {"voltage_V": 1.0})
    except StorageError as error:
        told["again"] = str(error)
    writer.event(1.0, "error", "engine", "the disk is full")
    writer.end_step("hold", attempt, "failed", 1.0)
    writer.replace_results([Result("voltage", 1.0, "V")])
    told["written"] = writer.close(outcome, "all steps done", 1.0)
    print(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]), "failed" if sys.argv[2] == "failed" else "finished")
