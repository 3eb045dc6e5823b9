"""kill -9 of the bench host while LFP cells cycle at 60 degC, furnace and tester each on a wire: who keeps what warm.

    python tests/chaos/kill_cycling.py --count 6 --seed 1

The tester goes on by itself and the guard lets the furnace hold for it. How that ends is taken in turn: the run is
resumed in time; `hold_h` is over, so first the cells are stopped, then the heater; the tester is done, so the heater
goes off, and the run resumed afterwards has every record. In the last two the guard is killed with its host, and who
comes next keeps the furnace until the time is over: the guard of a run that was refused, or a service's idle host.
Asked are the two peers, processes of their own. Prints a line for each kill and the counts; exit status 1 when one
promise did not hold. Linux only, as `kill_host.py`.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import tally
from host_bench import ended_with_the_test, guards_of, peer, shown, until, write_bench
from kill_host import own_state
from killing import CELLRIG

from daq.bench import BenchConfig
from daq.catalog import list_runs
from daq.clock import wall_monotonic, wall_sleep
from daq.host_note import find_host
from daq.runfile.reader import RunFile

SPEED = 600
OVEN_C = 60
LOSS_PERCENT, CAPACITY_mAh_g = 1.0, 121.1
MAY_TAKE_S = 14.0  # as in kill_host.py: the furnace's own safe_within_s at this timeout, and 5 s
SHORT_h, LONG_h = 0.5, 24.0
BENCH = f"""
[bench]
name = "cycler and furnace on wires"
speed = {{speed}}
lost_after_s = 900
{{tables}}
[instruments.furnace]
driver = "eurotherm"
port = "{{port}}"
timeout_s = 0.05
limits = {{{{ max_temperature_C = 150 }}}}
[instruments.cycler]
driver = "neware"
port = "socket://127.0.0.1:{{instruments}}"
step_folder = "steps"
step_folder_windows = 'C:\\steps'
current_max_A = 0.1
voltage_min_V = -5
channels = {{{{ 1 = "21-1-3" }}}}
[simulation]
cell = "lfp"
preset = "K001"
furnace = "peer"
[simulation.parameters]
reference_temperature_C = {OVEN_C}
capacity_loss_percent_per_cycle = {LOSS_PERCENT}
coulombic_efficiency = 1.0
first_cycle_efficiency = 1.0
"""
PLAN = f"""
bench = "bench.toml"
[sample]
name = "cell"
pellet = {{{{ thickness_mm = 0.4, diameter_mm = 9 }}}}
electrode = {{{{ diameter_mm = 9 }}}}
active = {{{{ mass_mg = 1.4, diameter_mm = 10, capacity_mAh_g = {CAPACITY_mAh_g} }}}}
[[run]]
procedure = "galvanostatic-cycling"
temperature_C = {OVEN_C}
charge_current = ["240 mA/g"]
discharge_current = ["240 mA/g"]
lower_V = 2.9
upper_V = 3.8
cycles = {{cycles}}
record_s = 30
"""
End = Literal["resumed", "over", "done", "refused", "served"]
CYCLES: Mapping[End, int] = {  # 8: long enough to start another run, or a service, beside it
    "resumed": 8, "over": 2, "done": 2, "refused": 8, "served": 8,
}  # fmt: skip
ENDS: Sequence[End] = ("resumed", "over", "done", "refused", "served")
BOTH_DIED: Sequence[End] = ("refused", "served")


@dataclass
class Kept:
    """One kill. `off_s`: wall seconds until the heater was off; `wrong`: what was not as promised, in words."""

    end: End
    rows: int = 0
    off_s: float = float("nan")
    resumed: str = ""
    wrong: list[str] = field(default_factory=list)

    def want(self, holds: object, otherwise: str) -> None:
        if not holds:
            self.wrong.append(otherwise)

    @property
    def line(self) -> str:
        off = "" if self.end == "resumed" else f", heater off after {self.off_s:.1f} s"
        after = f", resumed: {self.resumed}" if self.resumed else ""
        verdict = f"BROKEN: {'; '.join(self.wrong)}" if self.wrong else "holds"
        return f"killed at {self.rows} records, furnace held, {self.end}{off}{after}  {verdict}"


@dataclass
class Stand:
    """A bench in its folder, and the two peers of it."""

    folder: Path
    config: BenchConfig
    furnace: subprocess.Popen[str]
    tester: subprocess.Popen[str]

    def is_hot(self) -> bool:
        """The heater is on, and the furnace where the cells need it."""
        told = shown(self.furnace)
        found = re.search(r"temperature_C=([-0-9.]+)", told)
        return "heater_on=True" in told and found is not None and abs(float(found[1]) - OVEN_C) < 3

    def is_cycling(self) -> bool:
        return "21-1-3 working" in shown(self.tester)

    def path(self) -> Path:
        return list_runs(self.folder / "runs")[0].path

    def rows(self) -> int:
        if not list_runs(self.folder / "runs"):
            return 0
        with RunFile.open(self.path()) as run:
            return {one.name: one.rows for one in run.streams()}.get("cycling", 0)

    def said(self, sources: Sequence[str] = ("guard",)) -> str:
        """In the run, by the guard or who took its place."""
        with RunFile.open(self.path()) as run:
            return "\n".join(one.text for one in run.events() if one.source in sources)


@contextmanager
def standing(folder: Path, hold_h: float, cycles: int) -> Iterator[Stand]:
    with own_state(folder), socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        config = write_bench(folder, BENCH, SPEED, f"[safety]\nhold_h = {hold_h}", str(port))
        (folder / "plan.toml").write_text(PLAN.format(cycles=cycles), encoding="utf-8")
        bench = folder / "bench.toml"
        with ended_with_the_test(config), peer(bench) as furnace, peer(bench, "neware") as tester:
            yield Stand(folder, config, furnace, tester)


def once(folder: Path, end: End, moment_s: float, cycles: int | None = None) -> Kept:
    """One kill in an empty `folder`, `moment_s` after the first record, and the end of it."""
    found = Kept(end)
    cycles = CYCLES[end] if cycles is None else cycles
    with standing(folder, LONG_h if end in ("resumed", "done") else SHORT_h, cycles) as stand:
        words = [*CELLRIG, "run", str(folder / "plan.toml"), "--runs", str(folder / "runs")]
        with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as cli:
            until(lambda: stand.rows() > 3, 120, "the cell does not cycle")
            wall_sleep(moment_s)
            note = find_host(stand.config)
            assert note is not None, "the run was over before the kill"
            if end in BOTH_DIED:
                for guard in guards_of(folder):
                    guard.kill()
            os.kill(note.process.pid, signal.SIGKILL)
            killed_s = wall_monotonic()
            found.rows = stand.rows()
            if end == "refused":
                cli.kill()
            cli.wait(60)
        if end not in BOTH_DIED:
            found.want("kept warm" in stand.said(), "the guard does not say that the furnace is kept")
        ends = {"resumed": _resumed, "over": _over, "done": _done, "refused": _refused, "served": _served}
        ends[end](stand, found, killed_s, cycles)
        if found.wrong:
            found.wrong.append(f"the guard says: {stand.said()}")
    return found


def _resumed(stand: Stand, found: Kept, killed_s: float, cycles: int) -> None:
    found.want(stand.is_hot(), "the furnace did not hold")
    found.want(stand.is_cycling(), "the tester did not go on")
    _refused_beside_it(stand, found)
    _resume(stand, found, cycles)


def _refused_beside_it(stand: Stand, found: Kept) -> None:
    """Who types `run` where `resume` was meant loses nothing."""
    words = [*CELLRIG, "run", str(stand.folder / "plan.toml"), "--runs", str(stand.folder / "runs")]
    other = subprocess.run(words, capture_output=True, encoding="utf-8", check=False)
    told = " ".join((other.stdout + other.stderr).split())
    refused = other.returncode != 0 and "An earlier run left that" in told
    found.want(refused, f"another run beside it was not refused: {other.returncode} {told[-300:]}")
    found.want(stand.is_hot() and stand.is_cycling(), "a run that was refused touched furnace or cell")
    found.want(len(list_runs(stand.folder / "runs")) == 1, "a run that was refused left a folder")


def _over(stand: Stand, found: Kept, killed_s: float, cycles: int) -> None:
    """The cells are stopped when the time is over and not before; then the heater."""
    due_s = 3600 * SHORT_h / SPEED
    if wall_monotonic() - killed_s < 0.8 * due_s:
        found.want(stand.is_hot() and stand.is_cycling(), "furnace or tester did not wait for the end of the time")
    until(lambda: "heater_on=False" in shown(stand.furnace), due_s + 3 * MAY_TAKE_S, "the heater stays on")
    found.off_s = wall_monotonic() - killed_s
    found.want(due_s - 0.5 <= found.off_s <= due_s + MAY_TAKE_S, f"it was due after {due_s:.1f} s")
    found.want(not stand.is_cycling(), "the cell was not stopped before the heater")
    until(lambda: "furnace: made safe" in stand.said(), 20, "the guard does not write what it did")
    said = stand.said()
    found.want("no longer keeps the furnace: the time is over" in said, "not because the time was over")
    found.want(0 < said.find("cycler: made safe") < said.find("furnace: made safe"), "not the cells first")


def _refused(stand: Stand, found: Kept, killed_s: float, cycles: int) -> None:
    _refused_beside_it(stand, found)
    _kept_till_over(stand, found, wall_monotonic(), "the guard")


def _served(stand: Stand, found: Kept, killed_s: float, cycles: int) -> None:
    words = [*CELLRIG, "serve", "--bench", str(stand.folder / "bench.toml"), "--port", "0"]
    with subprocess.Popen(words, cwd=stand.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as service:
        try:
            until(lambda: "kept warm" in stand.said(("engine",)), 60, "the service's host does not keep the furnace")
            _kept_till_over(stand, found, wall_monotonic(), "the bench host")
        finally:
            service.send_signal(signal.SIGINT)
            service.wait(30)


def _kept_till_over(stand: Stand, found: Kept, since_s: float, who: str) -> None:
    """`who` took over at `since_s` or a little before. The furnace is not left to itself when the time is over."""
    found.want(stand.is_hot() and stand.is_cycling(), "furnace or tester did not wait for the end of the time")
    due_s = 3600 * SHORT_h / SPEED
    until(lambda: "heater_on=False" in shown(stand.furnace), due_s + 3 * MAY_TAKE_S, "the heater stays on")
    found.off_s = wall_monotonic() - since_s
    found.want(found.off_s <= due_s + MAY_TAKE_S, f"it was due after {due_s:.1f} s")
    found.want(not stand.is_cycling(), "the cell was not stopped before the heater")
    told = f"{who} no longer keeps the furnace: the time is over"
    until(lambda: told in stand.said(("engine", "guard")), 20, f"it is not written that {told}")


def _done(stand: Stand, found: Kept, killed_s: float, cycles: int) -> None:
    until(lambda: not stand.is_cycling(), 60, "the tester does not come to its end")
    until(lambda: "heater_on=False" in shown(stand.furnace), MAY_TAKE_S, "the heater stays on")
    found.off_s = wall_monotonic() - killed_s
    until(lambda: "furnace: made safe" in stand.said(), 20, "the guard does not write what it did")
    found.want("the cycler has nothing to do any more" in stand.said(), "not because the tester was done")
    _resume(stand, found, cycles)


def _resume(stand: Stand, found: Kept, cycles: int) -> None:
    """To its end: every record once, and the capacities of the cell that was put in."""
    words = [*CELLRIG, "resume", str(stand.path()), "--json"]
    again = subprocess.run(words, capture_output=True, encoding="utf-8", check=False)
    found.resumed = json.loads(again.stdout)["outcome"] if again.returncode == 0 else again.stderr[-300:]
    found.want(found.resumed == "finished", "not resumed to the end")
    with RunFile.open(stand.path()) as run:
        records = run.table("cycling", columns=("record",))["record"]
        results = [one for one in run.results() if one.name == "discharge_capacity"]
    found.want(np.array_equal(records, np.arange(1, len(records) + 1)), "a record is missing or there twice")
    capacities = [one.value or 0.0 for one in sorted(results, key=lambda one: one.at["cycle"])]
    truth = [CAPACITY_mAh_g * (1 - LOSS_PERCENT / 100) ** n for n in range(cycles)]
    off = [abs(ours / there - 1) for ours, there in zip(capacities, truth, strict=False)]
    found.want(len(off) == cycles and max(off) < 0.01, f"capacities {capacities}, put in: {truth}")


def kill_many(count: int, seed: int, folder: Path) -> list[Kept]:
    """`count` kills at seeded random moments, their ends in turn; prints a line for each."""
    moment = random.Random(seed)
    found: list[Kept] = []
    for number in range(count):
        place = folder / f"cycling-{number}"
        place.mkdir()
        found.append(once(place, ENDS[number % len(ENDS)], moment.uniform(0.0, 2.0)))
        print(found[-1].line, flush=True)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=6)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        found = kill_many(options.count, options.seed, Path(folder))
    held = sum(not one.wrong for one in found)
    resumed = [one for one in found if one.end in ("resumed", "done")]
    tally.say(
        {
            "hosts killed while cells cycled": len(found),
            "resumed to the end": sum(one.resumed == "finished" for one in resumed),
            "kept every promise": held,
        }
    )
    return 0 if held == len(found) else 1


if __name__ == "__main__":
    sys.exit(main())
