"""What the killing scripts share: a run in a process of its own, what a reader sees of it, and the kill."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from daq.catalog import list_runs
from daq.errors import CellrigError
from daq.runfile.reader import RunFile

SWEEP = """
[sample]
name = "killed"
pellet = { thickness_mm = 0.9, diameter_mm = 10 }
[[run]]
procedure = "eis-sweep"
temperatures_C = [30, 50, 70, 90]
"""
NAMES = ("activation_energy", "conductivity_25C")
CELLRIG = [sys.executable, "-P", "-m", "procedures.cli"]


def begin(folder: Path, runs: Path) -> subprocess.Popen[bytes]:
    """`cellrig run` of the plan in `folder`."""
    words = [*CELLRIG, "run", str(folder / "plan.toml"), "--runs", str(runs)]
    return subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def wait_for_run(runs: Path, process: subprocess.Popen[bytes]) -> Path:
    for _ in range(6000):
        found = [path.parent for path in runs.glob("*/run.db")]
        if found and look(found[0]):
            return found[0]
        if process.poll() is not None:
            raise RuntimeError(f"the run ended with {process.returncode} before it began")
        time.sleep(0.01)
    process.kill()
    raise RuntimeError("the run did not begin")


def killed_after(moment_s: float, run: Path, process: subprocess.Popen[bytes]) -> dict[str, int]:
    """The rows that a reader saw before the kill."""
    seen: dict[str, int] = {}
    deadline = time.monotonic() + moment_s
    while time.monotonic() < deadline and process.poll() is None:
        seen = look(run) or seen
        time.sleep(0.02)
    seen = look(run) or seen
    process.kill()
    process.wait()
    return seen


def rows_by_stream(folder: Path) -> dict[str, int]:
    with RunFile.open(folder) as run:
        return {stream.name: stream.rows for stream in run.streams()}


def look(folder: Path) -> dict[str, int] | None:
    try:
        return rows_by_stream(folder)
    except CellrigError:  # it is being made this moment
        return None


# ---------------------------------------------------------------- the sweep, undisturbed
def undisturbed(folder: Path) -> dict[str, tuple[float, float]]:
    (folder / "plan.toml").write_text(SWEEP, encoding="utf-8")
    begin(folder, folder / "calm").wait()
    return results(list_runs(folder / "calm")[0].path)


def results(folder: Path) -> dict[str, tuple[float, float]]:
    with RunFile.open(folder) as run:
        found = {r.name: (r.value, r.uncertainty) for r in run.results() if r.name in NAMES}
    return {name: (value or 0.0, uncertainty or 0.0) for name, (value, uncertainty) in found.items()}


def deviation(found: dict[str, tuple[float, float]], calm: dict[str, tuple[float, float]]) -> float:
    """Largest difference in units of the combined standard error (not less than 0.1 % of the value)."""
    worst = 0.0
    for name, (value, uncertainty) in calm.items():
        other, other_uncertainty = found.get(name, (0.0, 0.0))
        scale = max((uncertainty**2 + other_uncertainty**2) ** 0.5, 1e-3 * abs(value))
        worst = max(worst, abs(other - value) / scale)
    return worst
