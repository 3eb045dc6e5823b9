"""kill -9 of everything at once, guard included, in mid-sweep: the data are whole, the next start makes safe first.

    python tests/chaos/kill_tree.py --count 10 --seed 1

The heater stays on, for nobody is left. Whoever starts next switches it off before anything else: what was written
into the furnace, and in which order, is read from its own log. Prints a line for each and the counts; exit status 1
when one promise did not hold. Linux only, as `kill_host.py`.
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
import tally
from host_bench import WIRE, ended_with_the_test, guards_of, peer, shown, typed, until, write_bench, write_plan
from kill_host import MIDDLE_S, SPEED, WITHIN, _worst, own_state
from killing import CELLRIG, rows_by_stream

from daq.catalog import list_runs
from daq.clock import wall_sleep
from daq.host_note import find_host
from daq.runfile.reader import RunFile
from drivers.eurotherm.registers import MANUAL, OUTPUT


@dataclass(frozen=True)
class Felled:
    """What became of a run whose command line, host and guard died together."""

    processes: int
    rows_lost: int
    outcome: str
    resumed: str
    worst: float
    was_on: bool
    written: str

    @property
    def made_safe_first(self) -> bool:
        """The first that was written into the furnace after the death is manual, output 0."""
        return self.was_on and self.written.startswith(f"{MANUAL}=1 {OUTPUT}=0")

    @property
    def holds(self) -> bool:
        whole = self.rows_lost == 0 and self.outcome == "interrupted" and self.made_safe_first
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
                until(lambda: guards_of(folder), 30, "no guard")
                wall_sleep(moment_s)
                (path,) = [one.path for one in list_runs(folder / "runs")]
                note = find_host(config)
                before = rows_by_stream(path)
                tree = [*guards_of(folder), psutil.Process(cli.pid)]
                tree += [psutil.Process(note.process.pid)] if note else []
                for process in tree:  # the guard first, so that it can't act
                    process.kill()
                psutil.wait_procs(tree, timeout=10)
            was_on = "heater_on=True" in shown(furnace)
            typed(furnace, "written")  # what was written before is of no interest
            after = rows_by_stream(path)
            with RunFile.open(path) as run:
                outcome = run.outcome
            again = subprocess.run(
                [*CELLRIG, "resume", str(path), "--json"], capture_output=True, encoding="utf-8", check=False
            )
            resumed = json.loads(again.stdout)["outcome"] if again.returncode == 0 else again.stderr[-200:]
            lost = sum(max(0, count - after.get(name, 0)) for name, count in before.items())
            written = typed(furnace, "written").strip()
            return Felled(len(tree), lost, outcome, resumed, _worst(path), was_on, written)


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
    tally.say(
        {
            "process trees killed": len(found),
            "committed rows lost": sum(one.rows_lost for one in found),
            "read as something else than interrupted": sum(one.outcome != "interrupted" for one in found),
            "heaters on afterwards": sum(one.was_on for one in found),
            "next starts that switched it off before anything else": sum(one.made_safe_first for one in found),
            "resumed to the end": sum(one.resumed == "finished" for one in found),
            "kept every promise": held,
        }
    )
    return 0 if held == options.count else 1


if __name__ == "__main__":
    sys.exit(main())
