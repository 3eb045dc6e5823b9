"""How long the direct-current runs of the paper take in virtual time, as a person types them, and their memory.

    python benchmarks/cycling.py [--rounds 3]

Each run is a process of its own: from the start of the program through plan, engine, record and analysis to its end,
and the report after it. Least of the rounds (a busy machine only adds); memory is the largest resident set.
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

import psutil

GOLD, SYMMETRIC, LFP = "gold", "symmetric", "lfp"
ELECTRODE = "electrode = { diameter_mm = 9 }"
ACTIVE = "active = { mass_mg = 1.4, diameter_mm = 10, capacity_mAh_g = 121.1 }"


@dataclass(frozen=True)
class Case:
    """`limit_s`: what is promised for the run without its report."""

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


def timed(*arguments: str) -> tuple[float, float]:
    """Seconds and MB of `cellrig ARGUMENTS`. Raises RuntimeError with what it said when it fails."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "cellrig", *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    most = [0.0]
    watcher = threading.Thread(target=_watch_memory, args=(process.pid, most), daemon=True)
    watcher.start()
    said = process.communicate()[1]
    if process.returncode:
        raise RuntimeError(f"{' '.join(arguments)} ended with {process.returncode}: {said}")
    return time.perf_counter() - began, most[0]


def _watch_memory(pid: int, most: list[float]) -> None:
    try:
        seen = psutil.Process(pid)
        while True:
            most[0] = max(most[0], seen.memory_info().rss / 1e6)
            time.sleep(0.01)
    except psutil.Error:  # it has ended
        return


def measure(case: Case, folder: Path, rounds: int) -> str:
    run_s, report_s, memory_MB = [], [], []
    plan = written(case, folder)
    for number in range(rounds):
        runs = folder / f"runs-{number}"
        seconds, used_MB = timed("run", str(plan), "--runs", str(runs), "--json")
        (run,) = (path.parent for path in runs.glob("*/run.db"))
        again_s, again_MB = timed("report", str(run))
        run_s.append(seconds)
        report_s.append(again_s)
        memory_MB += [used_MB, again_MB]
    kept = "within" if min(run_s) <= case.limit_s else "BEYOND"
    return (
        f"{case.title}: {min(run_s):.1f} s ({kept} {case.limit_s:g} s), its report {min(report_s):.1f} s, "
        f"at most {max(memory_MB):.0f} MB"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        for number, case in enumerate(CASES):
            print(measure(case, Path(folder) / str(number), rounds), flush=True)


if __name__ == "__main__":
    main()
