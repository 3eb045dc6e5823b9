"""kill -9 of running direct-current measurements, two hours of nobody, and `resume --down-for 2h`.

    python tests/chaos/kill_dc.py --count 10 --seed 1

A cycler went on meanwhile: every record is fetched. A constant current goes on with the charge that was left. A linear
sweep ends with what it has. Each result says that it spans a break. Prints a line for each kill and the counts; exit
status 1 when one promise did not hold.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from kill_sweep import CELLRIG, killed_after, rows_by_stream, wait_for_run

from daq.runfile.reader import RunFile
from procedures.dc_taking import passed_charge_C

DOWN_h = 2
AREA_cm2 = np.pi * 0.45**2
BENCH = """
[bench]
name = "killed"
[instruments.one]
driver = "{driver}"
[simulation]
cell = "{cell}"
[simulation.parameters]
reference_temperature_C = 20
"""
PLAN = """
bench = "{cell}-{driver}.toml"
[sample]
name = "killed"
electrode = {{ diameter_mm = 9 }}
[[run]]
{run}
"""
LADDER = """procedure = "critical-current"
currents = { start = 0.1, stop = 1.0, step = 0.1, unit = "mA/cm2" }
half_min = 60
"""
CYCLED = """procedure = "symmetric-cycling"
currents = ["0.1 mA/cm2", "0.2 mA/cm2"]
stage_h = 200
"""


@dataclass(frozen=True)
class Kind:
    """What is killed: driver, cell, plan, and the stream that its numbers come from."""

    driver: str
    cell: str
    run: str
    stream: str


KINDS: Mapping[str, Kind] = {
    "critical current": Kind("simulated-potentiostat", "symmetric", LADDER, "polarisation"),
    "linear sweep": Kind("simulated-potentiostat", "gold", 'procedure = "linear-sweep"\nstep_mV = 0.1', "voltammetry"),
    "cycling": Kind("simulated-cycler", "symmetric", CYCLED, "cycling"),
}


@dataclass(frozen=True)
class DcKill:
    """One kill. `broken`: the step that it hit; `told`: sentences of what was not as promised."""

    kind: str
    moment_s: float
    broken: str
    rows_seen: int
    rows_after: int
    rows_end: int
    told: tuple[str, ...]

    def __str__(self) -> str:
        text = f"{'ok ' if not self.told else 'BAD'} {self.kind}, killed after {self.moment_s:.2f} s in "
        text += f"'{self.broken}': {self.rows_after} rows, {self.rows_end} in the end"
        return "; ".join([text, *self.told])


@dataclass(frozen=True)
class Calm:
    """The same run, undisturbed."""

    life_s: float
    rows: int
    values: Mapping[str, float]


def undisturbed(kind: Kind, folder: Path) -> Calm:
    text = BENCH.format(driver=kind.driver, cell=kind.cell)
    (folder / f"{kind.cell}-{kind.driver}.toml").write_text(text, encoding="utf-8")
    plan = PLAN.format(driver=kind.driver, cell=kind.cell, run=kind.run)
    (folder / "plan.toml").write_text(plan, encoding="utf-8")
    process = _begin(folder, folder / "calm")
    run = wait_for_run(folder / "calm", process)
    began = time.monotonic()
    process.wait()
    return Calm(time.monotonic() - began, rows_by_stream(run)[kind.stream], _values(run))


def _begin(folder: Path, runs: Path) -> subprocess.Popen[bytes]:
    command = [*CELLRIG, "run", str(folder / "plan.toml"), "--runs", str(runs)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _values(path: Path) -> dict[str, float]:
    with RunFile.open(path) as run:
        return {f"{one.name} {dict(one.at)}": one.value for one in run.results() if one.value is not None}


def kill_once(name: str, folder: Path, number: int, moment_s: float, calm: Calm) -> DcKill | None:
    """One run killed `moment_s` after its file appeared. None when it was over, or no row of it was there."""
    runs = folder / f"killed-{number}"
    process = _begin(folder, runs)
    path = wait_for_run(runs, process)
    seen = killed_after(moment_s, path, process)
    after = rows_by_stream(path)
    with RunFile.open(path) as run:
        outcome = run.outcome
        broken = [step.key for step in run.steps() if step.state == "running"]
    if outcome == "finished" or not broken or not after.get(KINDS[name].stream):
        return None
    command = [*CELLRIG, "resume", str(path), "--down-for", f"{DOWN_h}h"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    told = [] if outcome == "interrupted" else [f"it read as {outcome}"]
    if lost := sum(max(0, seen[stream] - after.get(stream, 0)) for stream in seen):
        told.append(f"{lost} committed rows are lost")
    with RunFile.open(path) as run:
        if run.outcome != "finished":
            told.append(f"resumed to {run.outcome}: {run.reason} {done.stderr[-300:]}")
        else:
            told += PROMISES[name](run, broken[0], after, calm)
            silent = [one.name for one in run.results() if one.value is not None and "break" not in one.method]
            is_whole = name == "linear sweep" and after["voltammetry"] == calm.rows  # killed after its last point
            told += [f"no word of the break in {', '.join(silent)}"] if silent and not is_whole else []
    rows = after[KINDS[name].stream], rows_by_stream(path)[KINDS[name].stream]
    return DcKill(name, moment_s, broken[0], sum(seen.values()), *rows, tuple(told))


# ---------------------------------------------------------------- what is promised
def charge_is_whole(run: RunFile, broken: str, after: Mapping[str, int], calm: Calm) -> list[str]:
    """Every half cycle before the short passed its charge once, and the critical current is the calm one's."""
    wanted = {f"{k:03d}": 3600 * 1e-4 * k * AREA_cm2 for k in range(1, 11)}
    off = {
        step: charge / wanted[step[:3]] - 1
        for step, charge in passed_charge_C(run, "polarisation").items()
        if abs(charge / wanted[step[:3]] - 1) > 2e-3
    }
    told = [f"{step} passed {100 * share:+.2f} % of its charge too much" for step, share in off.items()]
    rows = run.table("polarisation", columns=("charge_C",))
    mine = np.abs(rows["charge_C"][(rows["step"] == broken) & (rows["attempt"] == 1)])
    is_within = len(mine) > 0 and max(mine) < 0.998 * wanted[broken[:3]]
    if is_within and not any("that are left" in event.text for event in run.events()):
        told.append("no word of the charge that was left")
    return told + _unlike(run, calm, ("critical_current_density",), 1e-4)


def ends_with_what_it_has(run: RunFile, broken: str, after: Mapping[str, int], calm: Calm) -> list[str]:
    rows = {one.name: one.rows for one in run.streams()}["voltammetry"]
    if rows != after["voltammetry"]:
        return [f"{rows} rows, {after['voltammetry']} at the kill"]
    onset = [one for one in run.results() if one.name == "oxidation_onset"]
    if len(onset) == 1 and onset[0].value is None and onset[0].reason:
        return []
    return _unlike(run, calm, ("oxidation_onset",), 0.002)


def every_record_is_there(run: RunFile, broken: str, after: Mapping[str, int], calm: Calm) -> list[str]:
    rows = run.table("cycling", columns=("record", "time_s"))
    told = []
    if list(rows["record"]) != list(range(1, len(rows["record"]) + 1)):
        told.append("records are missing or there twice")
    if len(rows["record"]) != calm.rows:
        told.append(f"{len(rows['record'])} records, {calm.rows} undisturbed")
    if np.any(np.diff(rows["time_s"]) <= 0):
        told.append("time runs backwards")
    return told + _unlike(run, calm, ("hours_cycled", "polarisation"), 1e-6)


PROMISES: Mapping[str, Callable[[RunFile, str, Mapping[str, int], Calm], list[str]]] = {
    "critical current": charge_is_whole,
    "linear sweep": ends_with_what_it_has,
    "cycling": every_record_is_there,
}


def _unlike(run: RunFile, calm: Calm, names: Sequence[str], within: float) -> list[str]:
    """Numbers that are not those of the undisturbed run."""
    told = []
    found = {f"{one.name} {dict(one.at)}": one.value for one in run.results()}
    for name, value in calm.values.items():
        if name.split(" ", 1)[0] in names:
            ours = found.get(name)
            if ours is None or abs(ours - value) > within * max(abs(value), 1e-12):
                told.append(f"{name} is {ours}, {value} undisturbed")
    return told


# ---------------------------------------------------------------- all of them
def kill_many(name: str, count: int, seed: int, folder: Path) -> list[DcKill]:
    """`count` kills at seeded random moments of the run's life on the wall."""
    folder.mkdir()
    draw = random.Random(f"{name} {seed}")
    calm = undisturbed(KINDS[name], folder)
    kills: list[DcKill] = []
    for number in range(5 * count):
        kill = kill_once(name, folder, number, draw.uniform(0.0, calm.life_s), calm)
        if kill is not None:
            kills.append(kill)
            print(kill, flush=True)
        if len(kills) == count:
            break
    return kills


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10, help="kills of each kind")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    lines, good = [], True
    with tempfile.TemporaryDirectory() as folder:
        for name in KINDS:
            kills = kill_many(name, options.count, options.seed, Path(folder) / name.replace(" ", "-"))
            kept = sum(not kill.told for kill in kills)
            rows = sum(kill.rows_end - kill.rows_after for kill in kills)
            lines.append(f"{name}: {kept} of {len(kills)} kills kept every promise; {rows} rows came after them")
            good = good and kept == len(kills) == options.count
    print("\n".join(lines))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
