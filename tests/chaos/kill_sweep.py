"""kill -9 of a running sweep at random moments: what was committed is there, and `resume` brings it to the right end.

    python tests/chaos/kill_sweep.py --count 50 --seed 1

prints a line for each kill and the counts; exit status 1 when one promise did not hold.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from daq.catalog import list_runs
from daq.errors import CellrigError
from daq.runfile.reader import RunFile

PLAN = """
[sample]
name = "killed"
pellet = { thickness_mm = 0.9, diameter_mm = 10 }
[[run]]
procedure = "eis-sweep"
temperatures_C = [30, 50, 70, 90]
"""
NAMES = ("activation_energy", "conductivity_25C")
CELLRIG = [sys.executable, "-P", "-m", "procedures.cli"]


@dataclass(frozen=True)
class Verdict:
    """What became of one killed run. `rows_seen` were committed when a reader last looked before the kill."""

    moment_s: float
    rows_seen: int
    rows_lost: int
    outcome: str
    resumed: str
    attempts: int
    deviation: float
    steps_open: int

    @property
    def holds(self) -> bool:
        broke_a_step = self.attempts == 2 or self.steps_open == 0
        return (
            self.rows_lost == 0
            and self.outcome == "interrupted"
            and self.resumed == "finished"
            and broke_a_step
            and self.deviation < 4.5
        )


def rows_by_stream(folder: Path) -> dict[str, int]:
    with RunFile.open(folder) as run:
        return {stream.name: stream.rows for stream in run.streams()}


def results(folder: Path) -> dict[str, tuple[float, float]]:
    with RunFile.open(folder) as run:
        found = {r.name: (r.value, r.uncertainty) for r in run.results() if r.name in NAMES}
    return {name: (value or 0.0, uncertainty or 0.0) for name, (value, uncertainty) in found.items()}


def undisturbed(folder: Path) -> dict[str, tuple[float, float]]:
    plan = folder / "plan.toml"
    plan.write_text(PLAN, encoding="utf-8")
    subprocess.run([*CELLRIG, "run", str(plan), "--runs", str(folder / "calm")], check=True, capture_output=True)
    return results(list_runs(folder / "calm")[0].path)


def kill_once(folder: Path, number: int, moment_s: float, calm: dict[str, tuple[float, float]]) -> Verdict | None:
    """One run killed `moment_s` after its file appeared. None when it was over before."""
    runs = folder / f"killed-{number}"
    process = subprocess.Popen(
        [*CELLRIG, "run", str(folder / "plan.toml"), "--runs", str(runs)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    run = wait_for_run(runs, process)
    seen = killed_after(moment_s, run, process)
    after = rows_by_stream(run)
    with RunFile.open(run) as killed:
        outcome = killed.outcome
        broken = [step.key for step in killed.steps() if step.state == "running"]
    if outcome == "finished":  # it was over before the kill
        return None
    done = subprocess.run([*CELLRIG, "resume", str(run), "--json"], capture_output=True, text=True, check=False)
    with RunFile.open(run) as resumed:
        again = [step for step in resumed.steps() if step.key in broken]
        end = resumed.outcome if done.returncode == 0 else f"exit {done.returncode}: {done.stderr[-200:]}"
    return Verdict(
        moment_s,
        sum(seen.values()),
        sum(max(0, seen[name] - after.get(name, 0)) for name in seen),
        outcome,
        end,
        max((step.attempt for step in again), default=1),
        deviation(results(run), calm),
        len(broken),
    )


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


def wait_for_run(runs: Path, process: subprocess.Popen[bytes]) -> Path:
    for _ in range(1000):
        found = [path.parent for path in runs.glob("*/run.db")]
        if found and look(found[0]):
            return found[0]
        if process.poll() is not None:
            raise RuntimeError(f"the run ended with {process.returncode} before it began")
        time.sleep(0.01)
    raise RuntimeError("the run did not begin")


def look(folder: Path) -> dict[str, int] | None:
    try:
        return rows_by_stream(folder)
    except CellrigError:  # it is being made this moment
        return None


def deviation(found: dict[str, tuple[float, float]], calm: dict[str, tuple[float, float]]) -> float:
    """Largest difference in units of the combined standard error (not less than 0.1 % of the value)."""
    worst = 0.0
    for name, (value, uncertainty) in calm.items():
        other, other_uncertainty = found.get(name, (0.0, 0.0))
        scale = max((uncertainty**2 + other_uncertainty**2) ** 0.5, 1e-3 * abs(value))
        worst = max(worst, abs(other - value) / scale)
    return worst


def kill_many(count: int, seed: int, folder: Path) -> list[Verdict]:
    """`count` kills at seeded random moments of the run's life on the wall."""
    random_moment = random.Random(seed)
    began = time.monotonic()
    calm = undisturbed(folder)
    life_s = max(0.3, 0.6 * (time.monotonic() - began))
    verdicts: list[Verdict] = []
    number = 0
    while len(verdicts) < count and number < 3 * count:
        number += 1
        verdict = kill_once(folder, number, random_moment.uniform(0.0, life_s), calm)
        if verdict is not None:
            verdicts.append(verdict)
            print(json.dumps(vars(verdict) | {"holds": verdict.holds}), flush=True)
    return verdicts


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        verdicts = kill_many(options.count, options.seed, Path(folder))
    held = sum(verdict.holds for verdict in verdicts)
    print(
        f"{len(verdicts)} kills: {sum(v.rows_lost for v in verdicts)} committed rows lost, "
        f"{sum(v.outcome != 'interrupted' for v in verdicts)} read as something else than interrupted, "
        f"{sum(v.resumed == 'finished' for v in verdicts)} resumed to the end, "
        f"{sum(v.attempts == 2 for v in verdicts)} with a step in attempt 2; "
        f"{held} of {len(verdicts)} kept every promise; {options.count} were asked for"
    )
    return 0 if held == options.count else 1


if __name__ == "__main__":
    sys.exit(main())
