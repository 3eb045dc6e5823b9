"""A day of virtual time on bad wires: 5 % of all replies are faulty. Does it finish, is a value wrong?

    python tests/chaos/soak.py --stand keithley2450 --hours 24 --seed 1

Real drivers, peers in this process. A thread of this script looks at the simulated world itself, which no fault
reaches, and every recorded reading is held against it. Prints what was struck, what became of it, memory and open
files; exit status 1 when one promise did not hold.
"""

from __future__ import annotations

import argparse
import gc
import logging
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import tally
from soak_stands import STANDS, Stand, wrong_values
from soak_truth import Truth

from daq.engine import Engine
from daq.plan import load_plan
from daq.runfile.reader import RunFile
from daq.runner import Watcher, run_plan

FLAT = 0.05
WARM = 0.25  # of the day: caches and histories are full by then
LOOKS, LOOK_LEAST_S = 40, 600.0  # at memory and files


@dataclass
class Soaked:
    """What became of one day. `rss_MB`, `handles`: at each look, from when it was warm."""

    stand: str
    hours: float = 0.0
    outcomes: list[str] = field(default_factory=list)
    replies: int = 0
    struck: Counter[str] = field(default_factory=Counter)
    told: int = 0
    again: int = 0
    rows: int = 0
    wrong: list[str] = field(default_factory=list)
    rss_MB: list[float] = field(default_factory=list)
    handles: list[int] = field(default_factory=list)

    @property
    def grew(self) -> float:
        """Of the memory, as a share, between the first and the last fifth of the looks."""
        few = max(1, len(self.rss_MB) // 5)
        first, last = self.rss_MB[:few], self.rss_MB[-few:]
        return sum(last) / sum(first) - 1 if first else 0.0

    @property
    def handles_grew(self) -> int:
        return self.handles[-1] - self.handles[0] if self.handles else 0

    @property
    def holds(self) -> bool:
        flat = self.grew <= FLAT and self.handles_grew <= FLAT * max([1, *self.handles[:1]])
        return set(self.outcomes) == {"finished"} and not self.wrong and flat


def soak(name: str, hours: float, seed: int, folder: Path) -> Soaked:
    """One stand for about so many hours of its own time."""
    stand = STANDS[name]
    folder.mkdir()
    (folder / "bench.toml").write_text(stand.bench(seed), encoding="utf-8")
    (folder / "plan.toml").write_text(stand.plan(hours), encoding="utf-8")
    soaked, truths = Soaked(name), list[Truth]()
    watcher = Watcher(on_engine=lambda engine: truths.append(_watched(engine, stand, hours, soaked)))
    ended = run_plan(load_plan(folder / "plan.toml"), folder / "runs", watcher)
    for one, truth in zip(ended, truths, strict=True):
        truth.stop()
        with RunFile.open(one.path) as run:
            soaked.hours += (run.ended_t_s or 0.0) / 3600
            soaked.outcomes.append(one.end.outcome if one.end.outcome == "finished" else one.end.reason)
            soaked.told += sum("a reading is missing" in event.text for event in run.events())
            soaked.again += sum(step.attempt > 1 for step in run.attempts())
            rows, wrong = wrong_values(run, stand, truth)
            soaked.rows += rows
            soaked.wrong += wrong
    for faults in truths[-1].faults:
        soaked.replies += faults.replies
        soaked.struck += faults.struck
    return soaked


def _watched(engine: Engine, stand: Stand, hours: float, soaked: Soaked) -> Truth:
    """The truth is written down from now on, and memory looked at now and then."""
    process = psutil.Process()

    def look(t_s: float) -> None:
        if t_s >= WARM * hours * 3600:
            gc.collect()
            soaked.rss_MB.append(process.memory_info().rss / 1e6)
            soaked.handles.append(process.num_handles() if sys.platform == "win32" else process.num_fds())

    truth = Truth(engine._bench, stand.channel, look, max(LOOK_LEAST_S, hours * 3600 / LOOKS))
    truth.start()
    return truth


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stand", choices=STANDS, action="append", help="left out: all, one after the other")
    parser.add_argument("--hours", type=float, default=24)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    logging.disable(logging.WARNING)  # each struck reading is told there
    held = True
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        for name in options.stand or list(STANDS):
            one = soak(name, options.hours, options.seed, Path(folder) / name)
            held = held and one.holds
            for told in [*(end for end in one.outcomes if end != "finished"), *one.wrong[:20]]:
                print("BAD:", told)
            tally.say(
                {
                    "h of bench time": round(one.hours),
                    "replies": one.replies,
                    **{f"{kind}": count for kind, count in sorted(one.struck.items())},
                    "readings missing in the record": one.told,
                    "steps taken up again": one.again,
                    "runs": len(one.outcomes),
                    "not finished": sum(end != "finished" for end in one.outcomes),
                    "values held against the truth": one.rows,
                    "wrong": len(one.wrong),
                    "memory (MB)": max(one.rss_MB, default=0.0),
                    "memory grew (%)": 100 * one.grew,
                    "more open files": one.handles_grew,
                }
            )
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
