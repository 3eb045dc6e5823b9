"""kill -9 of the bench host in mid-sweep on a wire bench: the furnace's own log says when its heater went off.

    python tests/chaos/kill_host.py --count 30 --seed 1

prints a row for each kill and the counts; exit status 1 when one promise did not hold. Linux only: kill -9, a pty. The
furnace is a peer in a process of its own (`cellrig simulate eurotherm`), asked by this script and not by what it tests.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import tally
from host_bench import WIRE, ended_with_the_test, peer, shown, until, write_bench, write_plan
from killing import CELLRIG

from daq.bench import BenchConfig
from daq.bench_lock import bench_folder
from daq.catalog import list_runs
from daq.clock import wall_monotonic, wall_sleep
from daq.host_note import SAID, find_host
from daq.runfile.reader import RunFile

SPEED = 600
TEMPERATURES = (40, 60)
TRUTH_S_CM = {40: 1.27e-5, 60: 4.43e-5}
WITHIN = 0.05  # of the truth, for a single spectrum at each temperature
SAFE_WITHIN_S = 9.0  # of the driver, at this bench's timeout
MAY_TAKE_S = SAFE_WITHIN_S + 5.0
MIDDLE_S = 3.0  # a temperature; each takes about five


@dataclass(frozen=True)
class Killed:
    """What became of one run whose host was killed. `off_s`: wall seconds until the peer's heater was off."""

    moment_s: float
    off_s: float
    target_C: float
    outcome: str
    told: bool
    resumed: str
    worst: float
    said: str

    @property
    def holds(self) -> bool:
        safe = 0.0 <= self.off_s <= MAY_TAKE_S
        return (
            safe and self.outcome == "interrupted" and self.told and self.resumed == "finished" and self.worst < WITHIN
        )

    @property
    def line(self) -> str:
        off = f"off after {self.off_s:4.1f} s" if self.off_s >= 0 else "STAYED ON"
        return (
            f"killed {self.moment_s:4.1f} s after it began to heat, at {self.target_C:5.1f} degC: heater {off}, "
            f"reads {self.outcome}, guard {'told' if self.told else 'SILENT'}, resumed: {self.resumed}, "
            f"{100 * self.worst:4.1f} % off the truth  {'holds' if self.holds else f'BROKEN; {self.said}'}"
        )


def once(folder: Path, moment_s: float, temperatures: Sequence[int]) -> Killed | None:
    """One kill in an empty `folder`. None when the run was over before it."""
    with own_state(folder):
        config = write_bench(folder, WIRE, SPEED)
        plan = write_plan(folder, list(temperatures))
        with ended_with_the_test(config), peer(folder / "bench.toml") as furnace:
            return _once(folder, config, plan, furnace, moment_s)


def _once(
    folder: Path, config: BenchConfig, plan: Path, furnace: subprocess.Popen[str], moment_s: float
) -> Killed | None:
    runs = folder / "runs"
    words = [*CELLRIG, "run", str(plan), "--runs", str(runs)]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as cli:
        until(lambda: "heater_on=True" in shown(furnace), 60, "the furnace does not heat")
        wall_sleep(moment_s)
        note = find_host(config)
        if note is None:
            cli.wait(30)
            return None
        at_C = _temperature(shown(furnace))
        os.kill(note.process.pid, signal.SIGKILL)
        off_s = _until_off(furnace)
        cli.wait(60)
    (path,) = [one.path for one in list_runs(runs)]
    with RunFile.open(path) as run:
        outcome = run.outcome
        told = any(one.source == "guard" and "made safe: heater off" in one.text for one in run.events())
    if outcome == "finished":
        return None
    words = [*CELLRIG, "resume", str(path), "--json"]
    again = subprocess.run(words, capture_output=True, encoding="utf-8", check=False)
    resumed = json.loads(again.stdout)["outcome"] if again.returncode == 0 else again.stderr[-200:]
    said = " / ".join((bench_folder(config) / SAID).read_text(encoding="utf-8").splitlines()[-12:])
    return Killed(moment_s, off_s, at_C, outcome, told, resumed, _worst(path), said)


def _until_off(furnace: subprocess.Popen[str]) -> float:
    """Seconds until the peer's furnace says that its heater is off; -1 when it does not."""
    began_s = wall_monotonic()
    while wall_monotonic() - began_s < 3 * MAY_TAKE_S:
        if "heater_on=False" in shown(furnace):
            return wall_monotonic() - began_s
        wall_sleep(0.05)
    return -1.0


def _temperature(text: str) -> float:
    found = re.search(r"temperature_C=([-0-9.]+)", text)
    return float(found[1]) if found else float("nan")


def _worst(path: Path) -> float:
    """The largest deviation of a conductivity from the truth that the simulated pellet was given, as a share."""
    with RunFile.open(path) as run:
        found = {round(one.at["temperature_C"]): one.value for one in run.results() if one.name == "conductivity"}
        wanted = run.parameters["temperatures_C"]
    return max(abs((found.get(round(at)) or 0.0) / TRUTH_S_CM[round(at)] - 1) for at in wanted)


@contextmanager
def own_state(folder: Path) -> Iterator[None]:
    """Benches of this script keep their state in `folder`."""
    before = os.environ.get("CELLRIG_STATE")
    os.environ["CELLRIG_STATE"] = str(folder / "state")
    try:
        yield
    finally:
        os.environ.pop("CELLRIG_STATE")
        if before is not None:
            os.environ["CELLRIG_STATE"] = before


def kill_many(count: int, seed: int, folder: Path, temperatures: Sequence[int] = TEMPERATURES) -> list[Killed]:
    """`count` kills at seeded random moments; prints a line for each."""
    moment = random.Random(seed)
    found: list[Killed] = []
    for number in range(2 * count):
        if len(found) == count:
            break
        place = folder / f"host-{number}"
        place.mkdir()
        one = once(place, moment.uniform(0.0, MIDDLE_S * len(temperatures)), temperatures)
        if one is not None:
            found.append(one)
            print(one.line, flush=True)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        found = kill_many(options.count, options.seed, Path(folder))
    held = sum(one.holds for one in found)
    slowest = max((one.off_s for one in found), default=float("nan"))
    tally.say(
        {
            "hosts killed": len(found),
            "heaters stayed on": sum(one.off_s < 0 for one in found),
            f"the slowest off after, of {MAY_TAKE_S:.0f} s allowed (s)": slowest,
            "read as something else than interrupted": sum(one.outcome != "interrupted" for one in found),
            "resumed to the end": sum(one.resumed == "finished" for one in found),
            "kept every promise": held,
        }
    )
    return 0 if len(found) == options.count == held else 1


if __name__ == "__main__":
    sys.exit(main())
