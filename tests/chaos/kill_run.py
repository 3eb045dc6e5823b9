"""kill -9 of a running engine at random moments, whatever it runs; then `resume` brings it to the right result.

    python tests/chaos/kill_run.py --kind eis-sweep --count 30 --seed 1

Direct current: two hours of nobody before it is resumed; a cycler went on meanwhile, and every record is fetched.
Prints a line for each kill and the counts; exit status 1 when one promise did not hold. Virtual time.
"""

from __future__ import annotations

import argparse
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tally
from kill_kinds import KINDS, Broken, Calm, values_of, write_kind
from killing import CELLRIG, begin, killed_after, rows_by_stream, wait_for_run

from daq.runfile.reader import RunFile

DOWN_h = 2


@dataclass(frozen=True)
class Killed:
    """One kill. `broken`: the step that it hit; `told`: sentences of what was not as promised."""

    kind: str
    moment_s: float
    broken: str
    outcome: str
    rows_after: int
    rows_end: int
    rows_lost: int
    resumed: str
    told: tuple[str, ...]

    def __str__(self) -> str:
        text = f"{'ok ' if not self.told else 'BAD'} {self.kind}, killed after {self.moment_s:.2f} s in "
        text += f"'{self.broken}': {self.rows_after} rows, {self.rows_end} in the end"
        return "; ".join([text, *self.told])


def undisturbed(name: str, folder: Path) -> Calm:
    for path, text in write_kind(name, str(folder)):
        Path(path).write_text(text, encoding="utf-8")
    process = begin(folder, folder / "calm")
    path = wait_for_run(folder / "calm", process)
    began = time.monotonic()
    life_s = 0.0
    while process.poll() is None:  # its report, which is made afterwards, is no part of its life
        with RunFile.open(path) as run:
            life_s = time.monotonic() - began if run.outcome == "running" else life_s
        time.sleep(0.02)
    with RunFile.open(path) as run:
        if run.outcome != "finished":
            raise RuntimeError(f"undisturbed, {name} {run.outcome}: {run.reason}")
        return Calm(life_s, rows_by_stream(path)[KINDS[name].stream], values_of(run))


def kill_once(name: str, folder: Path, number: int, moment_s: float, calm: Calm) -> Killed | Literal["early", "late"]:
    """One run killed `moment_s` after its file appeared; or why there was nothing to kill."""
    runs = folder / f"killed-{number}"
    process = begin(folder, runs)
    path = wait_for_run(runs, process)
    seen = killed_after(moment_s, path, process)
    after = rows_by_stream(path)
    with RunFile.open(path) as run:
        outcome = run.outcome
        broken = [step.key for step in run.steps() if step.state == "running"]
    if outcome == "finished":  # it was over before the kill
        return "late"
    away = [] if name == "eis-sweep" else ["--down-for", f"{DOWN_h}h"]
    again = subprocess.run([*CELLRIG, "resume", str(path), *away], capture_output=True, encoding="utf-8", check=False)
    if not any(after.values()) and "before it began" in again.stderr:  # it had nothing yet, and says so
        return "early"
    told = [] if outcome == "interrupted" else [f"it read as {outcome}"]
    lost = sum(max(0, seen[stream] - after.get(stream, 0)) for stream in seen)
    told += [f"{lost} committed rows are lost"] if lost else []
    hit = Broken(broken[0] if broken else "", after.get(KINDS[name].stream, 0))
    with RunFile.open(path) as run:
        resumed = run.outcome
        if resumed != "finished":
            told.append(f"resumed to {resumed}: {run.reason} {again.stderr[-300:]}")
        else:
            told += KINDS[name].promise(run, hit, calm)
            told += _silent(name, run, hit, calm)
    rows_end = rows_by_stream(path).get(KINDS[name].stream, 0)
    return Killed(name, moment_s, hit.step, outcome, hit.rows, rows_end, lost, resumed, tuple(told))


def _silent(name: str, run: RunFile, hit: Broken, calm: Calm) -> list[str]:
    """Results of direct current that span the break must say so."""
    if name == "eis-sweep" or not hit.rows or hit.rows == calm.rows:
        return []
    rows = run.table(KINDS[name].stream, columns=())
    if not ((rows["step"] == hit.step) & (rows["attempt"] == 1)).any():
        return []
    given = [one for one in run.results() if one.value is not None]
    silent = sorted({one.name for one in given if not re.search("break|broken off", one.method)})
    return [f"no word of the break in {', '.join(silent)}"] if silent else []


def kill_many(name: str, count: int, seed: int, folder: Path) -> list[Killed]:
    """`count` kills at seeded random moments of the run's life on the wall; stops early when too many came too late."""
    folder.mkdir()
    draw = random.Random(f"{name} {seed}")
    calm = undisturbed(name, folder)
    life_s = calm.life_s
    kills: list[Killed] = []
    for number in range(5 * count):
        moment_s = draw.uniform(0.0, life_s)
        kill = kill_once(name, folder, number, moment_s, calm)
        if kill == "late":  # the undisturbed one had a slower machine
            life_s = moment_s
        elif kill != "early":
            kills.append(kill)
            print(kill, flush=True)
        if len(kills) == count:
            break
    return kills


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kind", choices=KINDS, action="append", help="left out: all, one after the other")
    parser.add_argument("--count", type=int, default=10, help="kills of each kind")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    kinds = options.kind or list(KINDS)
    kills: list[Killed] = []
    with tempfile.TemporaryDirectory() as folder:
        for name in kinds:
            kills += kill_many(name, options.count, options.seed, Path(folder) / name)
    kept = sum(not kill.told for kill in kills)
    tally.say(
        {
            "kills": len(kills),
            "committed rows lost": sum(kill.rows_lost for kill in kills),
            "read as something else than interrupted": sum(kill.outcome != "interrupted" for kill in kills),
            "resumed to the end": sum(kill.resumed == "finished" for kill in kills),
            "kept every promise": kept,
        }
    )
    return 0 if kept == len(kills) == options.count * len(kinds) else 1


if __name__ == "__main__":
    sys.exit(main())
