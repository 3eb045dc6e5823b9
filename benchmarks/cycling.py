"""How long the direct-current runs of the paper take in virtual time, as a person types them, and their memory.

    python benchmarks/cycling.py [--rounds 3]

Each run is a process of its own: from the start of the program through plan, engine, record, analysis and report to its
end; then the report once more, alone. Least of the rounds (a busy machine only adds), on the wall and, beside it, the
processor's seconds, user and system; memory is the largest resident set.
At the end `cellrig analyse` on four million rows of cycling, as BDF and as EC-Lab text, in the processor's seconds.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil

GOLD, SYMMETRIC, LFP = "gold", "symmetric", "lfp"
ELECTRODE = "electrode = { diameter_mm = 9 }"
ACTIVE = "active = { mass_mg = 1.4, diameter_mm = 10, capacity_mAh_g = 121.1 }"


@dataclass(frozen=True)
class Case:
    """`limit_s`: what is promised for the run, on the wall of a machine of its own."""

    title: str
    cell: str
    instrument: str
    sample: str
    run: str
    stream: str
    limit_s: float


CASES = (
    Case("500 h of symmetric cycling at 10 s", SYMMETRIC, "cycler", ELECTRODE, """
procedure = "symmetric-cycling"
temperature_C = 80
currents = ["0.1 mA/cm2"]
half_h = 0.5
stage_h = 500
record_s = 10""", "cycling", 5.0),
    Case("CV of 8 000 s at 10 Hz", GOLD, "potentiostat", ELECTRODE, """
procedure = "cyclic-voltammetry"
temperature_C = 80
lower_V = -0.5
upper_V = 3.5
scan_rate_mV_s = 1
step_mV = 0.1
cycles = 1""", "voltammetry", 3.0),
    Case("150 LFP cycles at 10 s", LFP, "cycler", ACTIVE, """
procedure = "galvanostatic-cycling"
temperature_C = 120
lower_V = 2.9
upper_V = 3.8
cycles = 150
record_s = 10""", "cycling", 8.0),
)  # fmt: skip


def written(case: Case, folder: Path) -> Path:
    bench = f"""
[bench]
name = "{case.cell}"
[instruments.furnace]
driver = "simulated-furnace"
limits = {{ max_temperature_C = 150 }}
[instruments.{case.instrument}]
driver = "simulated-{case.instrument}"
[simulation]
cell = "{case.cell}"
preset = "K001"
"""
    pellet = "pellet = { thickness_mm = 0.9, diameter_mm = 10 }"
    plan = f'bench = "bench.toml"\n[sample]\nname = "K001"\n{pellet}\n{case.sample}\n[[run]]{case.run}\n'
    folder.mkdir()
    (folder / "bench.toml").write_text(bench, encoding="utf-8")
    path = folder / "plan.toml"
    path.write_text(plan, encoding="utf-8")
    return path


@dataclass
class Used:
    """What a process took: seconds on the wall and of processors, the largest resident set."""

    wall_s: float = 0.0
    processor_s: float = 0.0
    memory_MB: float = 0.0


def timed(*arguments: str) -> Used:
    """Of `cellrig ARGUMENTS`. Raises RuntimeError with what it said when it fails."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "cellrig", *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    used = Used()
    watcher = threading.Thread(target=_watch, args=(process.pid, used), daemon=True)
    watcher.start()
    said = process.communicate()[1]
    if process.returncode:
        raise RuntimeError(f"{' '.join(arguments)} ended with {process.returncode}: {said}")
    used.wall_s = time.perf_counter() - began
    return used


def _watch(pid: int, used: Used) -> None:
    try:
        seen = psutil.Process(pid)
        while True:
            used.memory_MB = max(used.memory_MB, seen.memory_info().rss / 1e6)
            times = seen.cpu_times()
            used.processor_s = times.user + times.system
            time.sleep(0.01)
    except psutil.Error:  # it has ended
        return


def measure(case: Case, folder: Path, rounds: int) -> str:
    run: list[Used] = []
    report: list[Used] = []
    plan = written(case, folder)
    for number in range(rounds):
        runs = folder / f"runs-{number}"
        run.append(timed("run", str(plan), "--runs", str(runs), "--json"))
        (path,) = (path.parent for path in runs.glob("*/run.db"))
        report.append(timed("report", str(path)))
    least_s = min(one.wall_s for one in run)
    kept = "within" if least_s <= case.limit_s else "BEYOND"
    return (
        f"{case.title}: {least_s:.1f} s ({kept} {case.limit_s:g} s), {min(one.processor_s for one in run):.1f} s of "
        f"processors; its report alone {min(one.wall_s for one in report):.1f} s; "
        f"at most {max(one.memory_MB for one in run + report):.0f} MB"
    )


ROWS, HALF_S, LIMIT_S = 4_000_000, 5400, 10.0
MPT_HEAD = "EC-Lab ASCII FILE\r\nNb header lines : 6\r\n\r\nGalvanostatic Cycling with Potential Limitation\r\n\r\n"


def long_records(folder: Path) -> list[Path]:
    """0.15 mA for an hour and a half each way, a row every 10 s, as two programs would write it."""
    time_s = 10.0 * np.arange(ROWS)
    half = time_s // HALF_S
    sign = np.where(half % 2 == 0, 1.0, -1.0)
    volt = 3.4 + 0.05 * sign + 0.4 * (time_s % HALF_S / HALF_S - 0.5) * sign
    bdf, mpt = folder / "long.bdf.csv", folder / "long.mpt"
    columns = np.column_stack((time_s, volt, 1.5e-4 * sign))
    np.savetxt(bdf, columns, "%.10g", ",", header="Test Time / s,Voltage / V,Current / A", comments="")
    head = MPT_HEAD + "mode\tox/red\tNs\ttime/s\tEwe/V\tI/mA\tcycle number"
    columns = np.column_stack((np.ones(ROWS), sign > 0, half, time_s, volt, 0.15 * sign, half // 2 + 1))
    formats = ["%d", "%d", "%d", "%.9e", "%.9e", "%.9e", "%d"]
    np.savetxt(mpt, columns, formats, "\t", "\r\n", header=head, comments="")
    return [bdf, mpt]


def measure_analysis(path: Path, rounds: int) -> str:
    seen = [timed("analyse", str(path), "--mass-mg", "1.4", "--json") for _ in range(rounds)]
    cpu_s = min(one.processor_s for one in seen)
    kept = "within" if cpu_s <= LIMIT_S else "BEYOND"
    return (
        f"analyse {ROWS / 1e6:g} million rows, {path.name}: {cpu_s:.1f} s of processor ({kept} {LIMIT_S:g} s), "
        f"at most {max(one.memory_MB for one in seen):.0f} MB for a file of {path.stat().st_size / 1e6:.0f} MB"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        for number, case in enumerate(CASES):
            print(measure(case, Path(folder) / str(number), rounds), flush=True)
        for path in long_records(Path(folder)):
            print(measure_analysis(path, rounds), flush=True)


if __name__ == "__main__":
    main()
