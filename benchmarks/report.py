"""How long the report of a sweep with 30 spectra takes: the program from its start to its end, and the report alone.

    python benchmarks/report.py [--rounds 7]

Each round is a process of its own, as a person types it; medians.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from daq.plan import make_plan
from daq.runner import Watcher, run_plan

PLAN = {
    "sample": {"name": "K001", "pellet": {"thickness_mm": 0.9, "diameter_mm": 10}},
    "run": [{"procedure": "eis-sweep", "temperatures_C": {"start": 25, "stop": 112, "step": 3}}],
}
ALONE = """
import sys, time
from pathlib import Path
from procedures.report import write_report
began = time.perf_counter()
write_report(Path(sys.argv[1]))
print(time.perf_counter() - began)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        (ended,) = run_plan(make_plan(PLAN), Path(folder), Watcher())
        whole, alone = [], []
        for _ in range(rounds):
            began = time.perf_counter()
            subprocess.run(
                [sys.executable, "-m", "cellrig", "report", str(ended.path)], check=True, capture_output=True
            )
            whole.append(time.perf_counter() - began)
            done = subprocess.run(
                [sys.executable, "-c", ALONE, str(ended.path)], check=True, capture_output=True, text=True
            )
            alone.append(float(done.stdout))
    print(
        f"report of 30 spectra: {statistics.median(whole):.2f} s from the start of the program "
        f"({min(whole):.2f} to {max(whole):.2f}), {statistics.median(alone):.2f} s the report alone"
    )


if __name__ == "__main__":
    main()
