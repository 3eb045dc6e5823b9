"""Neware: millions of records fetched after a break, and what watching 64 channels costs.

    python benchmarks/neware.py [--records 4000000] [--rounds 200]

The server is a process of its own that makes its replies quickly (`_bts_server.py`). Fetched: by the driver alone,
and by a procedure's cycler run into a run on disk. Watched: 64 working channels, of each its status and its new
records, as 64 runs at 5 s would; processor time and memory of this process.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import psutil

from daq.bench import DriverContext, SharedParts
from daq.clock import Clock, SystemClock
from daq.contracts import Rig, Step
from daq.runfile.writer import RunWriter
from daq.sample import Sample
from daq.tables import parse
from daq.virtual_clock import VirtualClock
from drivers.neware import Neware
from drivers.schedule import CyclerRecord, Protection, Rest, Schedule
from procedures.cycled_cell import CellJob
from procedures.cycler_run import CyclerRun
from procedures.dc_streams import CYCLING

SERVER = Path(__file__).with_name("_bts_server.py")
POLL_s, CHANNELS = 5.0, 64
FETCHED_s, CORE_PERCENT = 60.0, 10.0  # what is promised
AT_ONCE = 100_000
CELL = {"name": "cell", "electrode": {"diameter_mm": 9}}


@contextmanager
def driver_on(folder: Path, clock: Clock, *words: str) -> Iterator[Neware]:
    command = [sys.executable, "-P", str(SERVER), *words]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8") as server:
        assert server.stdout is not None
        options = {
            "port": server.stdout.readline().strip(),
            "step_folder": str(folder),
            "step_folder_windows": "C:\\steps",
            "current_max_A": 0.1,
        }
        place = "benchmark, instruments.cycler"
        driver = Neware(DriverContext("cycler", options, {}, clock, folder, {}, place, SharedParts()))
        driver.connect()
        yield driver
        driver.disconnect()
        server.communicate("quit\n", timeout=10)


class OnDisk:
    """What a cycler run needs of a rig: a run on disk, and a test that it remembers."""

    def __init__(self, folder: Path) -> None:
        self.clock, self.t_s = SystemClock(), 0.0
        self.writer = RunWriter.create(
            folder, procedure="benchmark", sample={"name": "cell"}, parameters={}, bench={}, streams=[CYCLING],
            steps=[Step("cycler", "on the cycler")], plan={}, versions={}, started_unix=0.0, bench_unix=0.0,
        )  # fmt: skip
        self._attempt = self.writer.begin_step("cycler", 0.0)

    def recall(self, key: str, default: Any = None) -> Any:
        return "21-1-1_1_cell" if key == "cycler ref" else default

    def record_many(self, stream: str, t_s: Sequence[float], columns: Mapping[str, Any]) -> None:
        self.writer.record_many(stream, "cycler", self._attempt, t_s, columns)

    def log(self, *_: Any) -> None:
        pass

    sampling = progress = remember = log


def is_whole(records: Sequence[CyclerRecord], first: int) -> bool:
    return [one.number for one in records] == list(range(first, first + len(records)))


class Stopwatch:
    """Seconds on the wall, and of this process's own work: on a busy machine the two are far apart."""

    def __init__(self) -> None:
        self._began = time.perf_counter(), time.process_time()

    def told(self) -> tuple[float, str]:
        wall_s, own_s = time.perf_counter() - self._began[0], time.process_time() - self._began[1]
        return wall_s, f"{wall_s:.1f} s ({own_s:.1f} s of this process's own work)"


def fetched_by_the_driver(driver: Neware, count: int) -> str:
    watch, after = Stopwatch(), 0
    while records := driver.records("21-1-1_1_cell", after, AT_ONCE):
        assert is_whole(records, after + 1)
        after = records[-1].number
    assert after == count
    return watch.told()[1]


def fetched_into_a_run(driver: Neware, count: int, folder: Path) -> tuple[float, str]:
    rig = OnDisk(folder)
    run = CyclerRun(cast(Rig, rig), driver, lambda rig: None)
    watch = Stopwatch()
    run.run([CellJob(parse(Sample, CELL, "benchmark"), Schedule("benchmark", (Rest(1.0),), Protection(0, 5, 1)), 1.0)])
    rig.writer.flush()
    took = watch.told()
    rig.writer.close("finished", "", 0.0)
    return took


def watched(driver: Neware, clock: VirtualClock, rounds: int) -> tuple[float, float, float]:
    """Processor seconds of one look at all channels; resident MB after a tenth of the rounds, and after all."""
    refs = [f"21-{1 + n // 8}-{1 + n % 8}_1_cell" for n in range(CHANNELS)]
    cursors = dict.fromkeys(refs, 1000)
    this, early_MB = psutil.Process(), 0.0
    began = time.process_time()
    for number in range(rounds):
        clock.sleep(POLL_s)
        for ref in refs:
            assert driver.attach(ref).state == "running"
            records = driver.records(ref, cursors[ref])
            assert is_whole(records, cursors[ref] + 1)
            cursors[ref] += len(records)
        if number == rounds // 10:
            early_MB = this.memory_info().rss / 1e6
    return (time.process_time() - began) / rounds, early_MB, this.memory_info().rss / 1e6


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=4_000_000)
    parser.add_argument("--rounds", type=int, default=200)
    given = parser.parse_args()
    with TemporaryDirectory() as name:
        folder = Path(name)
        clock = VirtualClock()
        with clock.attached(), driver_on(folder, clock, "--channels", str(CHANNELS), "--running") as driver:
            each_s, early_MB, late_MB = watched(driver, clock, given.rounds)
        percent = 100 * each_s / POLL_s
        print(f"{CHANNELS} channels every {POLL_s:g} s: {percent:.1f} % of a core (at most {CORE_PERCENT:g} %)")
        print(f"memory after {given.rounds // 10} looks {early_MB:.0f} MB, after {given.rounds} {late_MB:.0f} MB")
        with driver_on(folder, SystemClock(), "--channels", "1", "--records", str(given.records)) as driver:
            alone = fetched_by_the_driver(driver, given.records)
            print(f"{given.records} records, by the driver alone: {alone}", flush=True)
            whole_s, told = fetched_into_a_run(driver, given.records, folder)
        allowed_s = FETCHED_s * given.records / 4e6
        print(f"{given.records} records into a run on disk: {told}; at most {allowed_s:.0f} s")
    return 0 if percent <= CORE_PERCENT and whole_s <= allowed_s else 1


if __name__ == "__main__":
    sys.exit(main())
