"""One run of 64 cells on a Neware tester: what it costs, whether its memory stays, and whether each cell is found.

    python benchmarks/many_cells.py [--cells 64] [--rate 8]

Procedure, engine, driver, the tester's server and its 64 cells are all in this process, under the virtual clock: so the
processor time told is more than a bench's computer has to give. The run waits 10 s between its looks at all
channels, as short as a real one ever does. At this rate a cell gives a few percent less than its slow capacity; a whole
day is `--rate 0.083`. The simulated tester keeps every record, as a real one does on its own disk: how much that is of
this process's memory is told apart.
"""

from __future__ import annotations

import argparse
import sys
import time
import tracemalloc
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import psutil

from daq.bench import BenchConfig
from daq.engine import Progress
from daq.plan import make_plan
from daq.runfile.reader import RunFile
from daq.runner import Watcher, run_plan
from drivers.schedule import CyclerRecord

CORE_PERCENT, GROWTH_MB = 10.0, 60.0  # the second beside the tester's records: what the allocator keeps of a day
CAPACITY_mAh_g, LEAST_mAh_g = 121.1, 90.0


def mass_mg(channel: int) -> float:
    return 1.2 + 0.01 * channel


def capacity_mAh_g(channel: int) -> float:
    return LEAST_mAh_g + 0.4 * channel


def bench(cells: int) -> dict[str, Any]:
    return {
        "bench": {"name": "many cells"},
        "instruments": {
            "furnace": {"driver": "simulated-furnace", "limits": {"max_temperature_C": 150}},
            "cycler": {"driver": "simulated-neware", "peer": {"channels": 8 * -(-cells // 8)}},
        },
        "simulation": {
            "cell": "lfp",
            "preset": "K001",
            "channels": {
                str(one): {"parameters": {"active_mass_mg": mass_mg(one), "capacity_mAh_g": capacity_mAh_g(one)}}
                for one in range(1, cells + 1)
            },
        },
        "source": None,
    }


def sample(channel: int) -> dict[str, Any]:
    active = {"mass_mg": mass_mg(channel), "diameter_mm": 10, "capacity_mAh_g": CAPACITY_mAh_g}
    return {"id": f"cell-{channel}", "name": "LFP", "channel": channel, "active": active}


class Watch:
    """Processor time and memory, from the first look at the running cells to the last."""

    def __init__(self) -> None:
        self.this = psutil.Process()
        self.looks: list[tuple[float, float, float]] = []

    def see(self, progress: Progress) -> None:
        if " run" in progress.text and "cells" in progress.text:
            self.looks.append((progress.bench_s, time.process_time(), self.this.memory_info().rss / 1e6))

    def percent(self) -> float:
        """Of a core, at real-time equivalent."""
        (from_s, began_s, _), (to_s, ended_s, _) = self.looks[0], self.looks[-1]
        return 100 * (ended_s - began_s) / (to_s - from_s)

    def growth_MB(self) -> float:
        """Over the last nine tenths."""
        return self.looks[-1][2] - self.looks[len(self.looks) // 10][2]


def record_MB(count: int = 10_000) -> float:
    """What a tester's record takes, measured."""
    tracemalloc.start()
    kept = [
        CyclerRecord(n, n + 0.1, 1, 1, n + 0.2, n + 0.3, n + 0.4, n + 0.5, n + 0.6) for n in range(1000, 1000 + count)
    ]
    took, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return took / len(kept) / 1e6


def worst_error(run: RunFile) -> float:
    """Of all cells' discharge capacity, relative to the truth. Raises when one was not found, or rows are missing."""
    named = [one for one in run.results() if one.name == "discharge_capacity"]
    found = {one.at["sample"]: one.value for one in named if one.value is not None}
    rows = run.table("cycling", columns=("channel", "record"))
    errors = []
    for channel in sorted(set(rows["channel"].tolist())):
        numbers = np.sort(rows["record"][rows["channel"] == channel])
        assert np.array_equal(numbers, np.arange(1, len(numbers) + 1)), f"channel {channel}"
        errors.append(abs(found[f"cell-{channel}"] / capacity_mAh_g(channel) - 1))
    return max(errors)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=64)
    parser.add_argument("--rate", type=float, default=8.0, help="C-rate of the one cycle")
    given = parser.parse_args()
    asked = {
        "procedure": "galvanostatic-cycling",
        "temperature_C": 120,
        "charge_current": [f"{given.rate:g} C"],
        "discharge_current": [f"{given.rate:g} C"],
        "cycles": 1,
    }
    watch = Watch()
    with TemporaryDirectory() as name:
        plan = make_plan(
            {"sample": [sample(one) for one in range(1, given.cells + 1)], "run": [asked]},
            BenchConfig.from_dict(bench(given.cells)),
        )
        (ended,) = run_plan(plan, Path(name), Watcher(on_progress=watch.see))
        with RunFile.open(ended.path) as run:
            assert run.outcome == "finished", run.reason
            error = worst_error(run)
            rows = len(run.table("cycling", columns=("record",))["record"])
    hours = (watch.looks[-1][0] - watch.looks[0][0]) / 3600
    every_s = 3600 * hours / (len(watch.looks) - 1)
    cost = f"{watch.percent():.1f} % of a core ({36 * watch.percent():.0f} s an hour; at most {CORE_PERCENT:g} %)"
    print(f"{given.cells} cells, {hours:.2f} h, looked at every {every_s:.0f} s, {rows} rows: {cost}")
    kept_MB = 0.9 * rows * record_MB()
    own_MB = watch.growth_MB() - kept_MB
    grown = (
        f"{watch.growth_MB():+.1f} MB in the last nine tenths, {kept_MB:.1f} MB of them the simulated tester's records"
    )
    print(f"memory {watch.looks[-1][2]:.0f} MB, {grown}")
    print(f"capacities: at most {100 * error:.2f} % off the truth")
    return 0 if watch.percent() <= CORE_PERCENT and own_MB <= GROWTH_MB else 1


if __name__ == "__main__":
    sys.exit(main())
