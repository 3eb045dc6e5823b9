"""kill -9 of everything at once, guard included, in mid-sweep: the data are whole, the run is interrupted and resumes.

    python tests/chaos/kill_tree.py --count 10 --seed 1

prints a line for each and the counts; exit status 1 when one promise did not hold. Linux only, as `kill_host.py`.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
from host_bench import WIRE, ended_with_the_test, peer, shown, until, write_bench, write_plan
from kill_host import MIDDLE_S, SPEED, WITHIN, _worst, own_state
from kill_sweep import CELLRIG, rows_by_stream

from daq.catalog import list_runs
from daq.clock import wall_sleep
from daq.host_note import find_host
from daq.runfile.reader import RunFile


@dataclass(frozen=True)
class Felled:
    """What became of a run whose command line, host and guard died together."""

    processes: int
    rows_lost: int
    outcome: str
    resumed: str
    worst: float

    @property
    def holds(self) -> bool:
        whole = self.rows_lost == 0 and self.outcome == "interrupted"
        return whole and self.processes >= 3 and self.resumed == "finished" and self.worst < WITHIN


def fell(folder: Path, moment_s: float) -> Felled:
    """One bench in an empty `folder`, everything of it but the furnace's peer killed while it heats or measures."""
    with own_state(folder):
        config = write_bench(folder, WIRE, SPEED)
        plan = write_plan(folder, [40])
        words = [*CELLRIG, "run", str(plan), "--runs", str(folder / "runs")]
        with ended_with_the_test(config), peer(folder / "bench.toml") as furnace:
            with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as cli:
                until(lambda: "heater_on=True" in shown(furnace), 60, "the furnace does not heat")
                until(lambda: _guards(folder), 30, "no guard")
                wall_sleep(moment_s)
                (path,) = [one.path for one in list_runs(folder / "runs")]
                note = find_host(config)
                before = rows_by_stream(path)
                tree = [*_guards(folder), psutil.Process(cli.pid)]
                tree += [psutil.Process(note.process.pid)] if note else []
                for process in tree:  # the guard first, so that it can't act
                    process.kill()
                psutil.wait_procs(tree, timeout=10)
            after = rows_by_stream(path)
            with RunFile.open(path) as run:
                outcome = run.outcome
            again = subprocess.run(
                [*CELLRIG, "resume", str(path), "--json"], capture_output=True, encoding="utf-8", check=False
            )
            resumed = json.loads(again.stdout)["outcome"] if again.returncode == 0 else again.stderr[-200:]
            lost = sum(max(0, count - after.get(name, 0)) for name, count in before.items())
            return Felled(len(tree), lost, outcome, resumed, _worst(path))


def _guards(folder: Path) -> list[psutil.Process]:
    """Those of the bench in `folder`."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if "daq.guard" in words and str(folder) in words[-1]:
            found.append(process)
    return found


def fell_many(count: int, seed: int, folder: Path) -> list[Felled]:
    """`count` at seeded random moments; prints a line for each."""
    moment = random.Random(seed)
    found = []
    for number in range(count):
        place = folder / f"tree-{number}"
        place.mkdir()
        found.append(fell(place, moment.uniform(0.0, 0.5 * MIDDLE_S)))
        print(found[-1], flush=True)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        found = fell_many(options.count, options.seed, Path(folder))
    held = sum(one.holds for one in found)
    print(
        f"{len(found)} process trees killed: {sum(one.rows_lost for one in found)} committed rows lost, "
        f"{sum(one.outcome != 'interrupted' for one in found)} read as something else than interrupted, "
        f"{sum(one.resumed == 'finished' for one in found)} resumed to the end; {held} kept every promise"
    )
    return 0 if held == options.count else 1


if __name__ == "__main__":
    sys.exit(main())
