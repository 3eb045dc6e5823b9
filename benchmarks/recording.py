"""Recording, side by side: rows per second into a file, and what a kill -9 costs.

    python benchmarks/recording.py [--rounds 7] [--no-qcodes]

Six floats a row. Ours: `RunWriter.record` and `record_many`, until fsynced. pymeasure 0.16: a Worker with its
Recorder (CSV), until each row is handed to the operating system; it never syncs. QCoDeS 0.58: `add_result`, until
flushed to its SQLite file. Every figure is from a process of its own, the cases take turns, and what is compared is
the median of the ratios of neighbours: a machine's speed wanders by a factor of two. QCoDeS lives in `.venv-qcodes`,
which is made at the first run (some 300 MB; without a network the comparison is left out).
"""

from __future__ import annotations

import argparse
import json
import mmap
import os
import random
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

ROOT = Path(__file__).resolve().parents[1]
QCODES = ROOT / ".venv-qcodes"
NAMES = ("index", "time_s", "voltage_V", "current_A", "temperature_K", "phase_rad")
PYMEASURE_NAMES = ("Index", "Time (s)", "Voltage (V)", "Current (A)", "Temperature (K)", "Phase (rad)")
BATCH = 1000
KILLS = 3
MOST_ROWS = 4_000_000
Row = tuple[float, ...]


def make_rows(count: int) -> list[Row]:
    noise = random.Random(1)
    return [
        (float(i), i * 1e-3, noise.random(), noise.gauss(0, 1e-9), round(noise.gauss(4.2, 1e-3), 3), noise.random())
        for i in range(count)
    ]


# ------------------------------------------------------------ ours
def our_writer(folder: Path):
    """A new run of ours; imported here, for the QCoDeS environment lacks cellrig."""
    from daq.contracts import Step
    from daq.runfile.writer import RunWriter
    from daq.stream import Column, Stream

    return RunWriter.create(
        folder,
        procedure="benchmark",
        sample={"name": "none"},
        parameters={},
        bench={},
        streams=[Stream("points", tuple(Column(name) for name in NAMES))],
        steps=[Step("one", "one")],
        plan={},
        versions={},
        started_unix=time.time(),
        bench_unix=time.time(),
    )


def ours_one(folder: Path, rows: list[Row], told: Callable[[], None] | None = None) -> float:
    writer = our_writer(folder)
    a, b, c, d, e, f = NAMES
    record = writer.record
    began = time.perf_counter()
    for t_s, row in enumerate(rows):
        values = {a: row[0], b: row[1], c: row[2], d: row[3], e: row[4], f: row[5]}
        record("points", "one", 1, float(t_s), values)
        if told:
            told()
    writer.flush()
    took = time.perf_counter() - began
    writer.close("finished", "", 0.0)
    return took


def ours_many(folder: Path, rows: list[Row]) -> float:
    import numpy as np

    writer = our_writer(folder)
    block = np.array(rows)
    began = time.perf_counter()
    for start in range(0, len(rows), BATCH):
        part = block[start : start + BATCH]
        columns = {name: part[:, k] for k, name in enumerate(NAMES)}
        writer.record_many("points", "one", 1, part[:, 1], columns)
    writer.flush()
    took = time.perf_counter() - began
    writer.close("finished", "", 0.0)
    return took


def ours_found(folder: Path) -> tuple[int, str]:
    from daq.runfile.reader import RunFile

    (path,) = folder.iterdir()
    with RunFile.open(path) as run:
        return run.table("points")["id"].size, run.outcome


# ------------------------------------------------------------ pymeasure
def pymeasure_class(rows: list[Row], batches: bool, told: Callable[[], None] | None):
    from pymeasure.experiment import Procedure

    class Emitting(Procedure):
        DATA_COLUMNS: ClassVar = list(PYMEASURE_NAMES)
        took = 0.0

        def execute(self) -> None:
            import numpy as np

            a, b, c, d, e, f = PYMEASURE_NAMES
            block = np.array(rows)
            began = time.perf_counter()
            if batches:
                for start in range(0, len(rows), BATCH):
                    part = block[start : start + BATCH]
                    self.emit("batch results", {name: part[:, k] for k, name in enumerate(PYMEASURE_NAMES)})
            else:
                for row in rows:
                    self.emit("results", {a: row[0], b: row[1], c: row[2], d: row[3], e: row[4], f: row[5]})
                    if told:
                        told()
            self.took = time.perf_counter() - began

    return Emitting


def pymeasure_one(
    folder: Path, rows: list[Row], told: Callable[[], None] | None = None, *, batches: bool = False
) -> float:
    from pymeasure.experiment import Results, Worker

    procedure = pymeasure_class(rows, batches, told)()
    worker = Worker(Results(procedure, str(folder / "data.csv")))
    worker.start()
    while worker.is_alive():
        time.sleep(0.002)
    if procedure.status != procedure.FINISHED:
        raise SystemExit(f"pymeasure ended with status {procedure.status}")
    return procedure.took


def pymeasure_many(folder: Path, rows: list[Row]) -> float:
    return pymeasure_one(folder, rows, batches=True)


def pymeasure_found(folder: Path) -> tuple[int, str]:
    from pymeasure.experiment import Results

    results: Any = Results.load(str(folder / "data.csv"), procedure_class=pymeasure_class([], False, None))
    names = {value: name for name, value in vars(type(results.procedure)).items() if isinstance(value, int)}
    status = results.procedure.status
    if status == type(results.procedure).FINISHED:
        return len(results.data), "finished"
    return len(results.data), names.get(status, str(status)).lower()


# ------------------------------------------------------------ QCoDeS, in its own environment
def qcodes_one(folder: Path, rows: list[Row], told: Callable[[], None] | None = None) -> float:
    from qcodes.dataset import (  # pyright: ignore[reportMissingImports]
        Measurement,
        initialise_or_create_database_at,
        load_or_create_experiment,
    )

    initialise_or_create_database_at(str(folder / "data.db"))
    measurement = Measurement(exp=load_or_create_experiment("benchmark", "none"))
    first, *others = NAMES
    measurement.register_custom_parameter(first, paramtype="numeric")
    for name in others:
        measurement.register_custom_parameter(name, setpoints=(first,), paramtype="numeric")
    with measurement.run() as saver:
        began = time.perf_counter()
        for row in rows:
            saver.add_result(*zip(NAMES, row, strict=True))
            if told:
                told()
        saver.flush_data_to_database(block=True)
        return time.perf_counter() - began


def qcodes_found(folder: Path) -> tuple[int, str]:
    from qcodes.dataset import (  # pyright: ignore[reportMissingImports]
        initialise_or_create_database_at,
        load_by_id,
    )

    initialise_or_create_database_at(str(folder / "data.db"))
    found = load_by_id(1)
    data = found.get_parameter_data()
    rows = min((len(data[name][name]) for name in data), default=0)
    return rows, "finished" if found.completed else "not completed"


def qcodes_python() -> Path | None:
    """The interpreter of QCoDeS's own environment, made when it is missing; None when that isn't possible."""
    python = QCODES / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not (QCODES / "ready").exists():
        print("making .venv-qcodes ...", flush=True)
        venv.create(QCODES, with_pip=True, clear=True)
        done = subprocess.run(
            [python, "-m", "pip", "install", "--quiet", "qcodes==0.58.0"], stderr=subprocess.DEVNULL, check=False
        )
        if done.returncode:
            shutil.rmtree(QCODES, ignore_errors=True)
            print("QCoDeS could not be installed here: it is not compared")
            return None
        (QCODES / "ready").write_text("qcodes 0.58.0\n", encoding="utf-8")
    return python


# ------------------------------------------------------------ processes of their own
CASES: dict[str, tuple[Callable[[Path, list[Row]], float], int]] = {
    "ours, one": (ours_one, 100_000),
    "pymeasure, one": (pymeasure_one, 50_000),
    "ours, many": (ours_many, 200_000),
    "pymeasure, many": (pymeasure_many, 50_000),
    "qcodes, one": (qcodes_one, 3_000),
}
KILLED = {
    "ours": (ours_one, ours_found),
    "pymeasure": (pymeasure_one, pymeasure_found),
    "qcodes": (qcodes_one, qcodes_found),
}


def child(*arguments: str) -> list[str]:
    python = qcodes_python() if "qcodes" in arguments[1] else Path(sys.executable)
    return [str(python), str(Path(__file__).resolve()), *arguments]


def rows_per_s(case: str, folder: Path) -> float:
    done = subprocess.run(
        child("--time", case, str(folder)), capture_output=True, text=True, encoding="utf-8", check=False
    )
    if done.returncode:
        raise SystemExit(f"{case}: {done.stderr}")
    return float(json.loads(done.stdout.splitlines()[-1]))


def time_case(case: str, folder: Path) -> None:
    work, count = CASES[case]
    (folder / "warm").mkdir()
    (folder / "timed").mkdir()
    work(folder / "warm", make_rows(2000))
    print(json.dumps(count / work(folder / "timed", make_rows(count))))


class Told:
    """When each row was acknowledged, in a mapped file: it outlives its process."""

    def __init__(self, path: Path, pause_s: float) -> None:
        with path.open("wb") as file:
            file.truncate(8 * MOST_ROWS)
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 8 * MOST_ROWS)
        self._count, self._pause_s = 0, pause_s

    def __call__(self) -> None:
        struct.pack_into("<d", self._map, 8 * self._count, time.monotonic())
        self._count += 1
        if self._pause_s:
            time.sleep(self._pause_s)

    @staticmethod
    def read(path: Path) -> list[float]:
        data = path.read_bytes()
        return list(iter_until_zero(data))


def iter_until_zero(data: bytes) -> Iterator[float]:
    for (moment,) in struct.iter_unpack("<d", data):
        if not moment:
            return
        yield moment


def record_until_killed(tool: str, folder: Path, pause_s: float) -> None:
    rows = make_rows(2000) * 500  # a million: more than it lives to write
    KILLED[tool][0](folder / "run", rows, Told(folder / "told", pause_s))  # pyright: ignore[reportCallIssue]


def kill_once(tool: str, pause_s: float, folder: Path) -> tuple[int, float, str]:
    """Rows that were acknowledged and are gone, the seconds they span, and what the file says of its end."""
    (folder / "run").mkdir()
    process = subprocess.Popen(child("--until-killed", tool, str(folder), str(pause_s)), stdout=subprocess.DEVNULL)
    told = folder / "told"
    while not told.exists() or not any(told.read_bytes()[:8]):
        time.sleep(0.02)
    time.sleep(random.uniform(1.0, 2.0))
    process.kill()
    process.wait()
    moments = Told.read(told)
    done = subprocess.run(
        child("--found", tool, str(folder)), capture_output=True, text=True, encoding="utf-8", check=False
    )
    if done.returncode:
        raise SystemExit(f"{tool}: {done.stderr}")
    rows, end = json.loads(done.stdout.splitlines()[-1])
    gone = moments[rows:]
    return len(gone), (gone[-1] - gone[0]) if gone else 0.0, end


# ------------------------------------------------------------ the two tables
def thousands(value: float) -> str:
    return f"{value / 1000:.0f}k" if value >= 10_000 else f"{value / 1000:.1f}k"


def compare_speed(rounds: int, with_qcodes: bool) -> None:
    names = [name for name in CASES if with_qcodes or "qcodes" not in name]
    found: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(rounds):
        for name in names:
            with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DATA")) as folder:
                found[name].append(rows_per_s(name, Path(folder)))

    def line(what: str, ours: str, theirs: str, tool: str) -> None:
        ratio = statistics.median(a / b for a, b in zip(found[ours], found[theirs], strict=True))
        print(
            f"rows/s, {what}: ours {thousands(statistics.median(found[ours]))}, "
            f"{tool} {thousands(statistics.median(found[theirs]))}, {ratio:.1f}x {tool}",
            flush=True,
        )

    line("one row a call", "ours, one", "pymeasure, one", "pymeasure")
    line(f"{BATCH} rows a call", "ours, many", "pymeasure, one", "pymeasure one row a call")
    line(f"{BATCH} rows a call", "ours, many", "pymeasure, many", "pymeasure in batches")
    if with_qcodes:
        line("one row a call", "ours, one", "qcodes, one", "QCoDeS")


def compare_kills(with_qcodes: bool) -> None:
    for pause_s, speed in ((0.01, "100 rows/s"), (0.0, "full speed")):
        for tool in KILLED:
            if tool == "qcodes" and not with_qcodes:
                continue
            worst: tuple[int, float, str] = (-1, 0.0, "")
            for _ in range(KILLS):
                with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DATA")) as folder:
                    worst = max(worst, kill_once(tool, pause_s, Path(folder)))
            rows, seconds, end = worst
            lost = f"{tool} loses {rows} rows ({seconds * 1000:.0f} ms), reads as {end}"
            print(f"kill -9 at {speed}, worst of {KILLS}: {lost}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--no-qcodes", action="store_true")
    parser.add_argument("--time", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--until-killed", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--found", nargs=2, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.time:
        time_case(asked.time[0], Path(asked.time[1]))
    elif asked.until_killed:
        tool, folder, pause_s = asked.until_killed
        record_until_killed(tool, Path(folder), float(pause_s))
    elif asked.found:
        print(json.dumps(KILLED[asked.found[0]][1](Path(asked.found[1]) / "run")))
    else:
        with_qcodes = not asked.no_qcodes and qcodes_python() is not None
        compare_speed(asked.rounds, with_qcodes)
        compare_kills(with_qcodes)


if __name__ == "__main__":
    main()
