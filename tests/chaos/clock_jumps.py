"""The computer's clock is set, or it sleeps, at random moments of short runs: no wrong duration, no missed limit?

    python tests/chaos/clock_jumps.py --count 300 --seed 1

In each run the clock is set up to four times, by seconds to a year, either way, or the computer sleeps for up to eight
hours, with bench time going on (Windows) or standing still (Linux); in half of them a reading passes an interlock's
limit at a moment of its own, asleep or awake. An injected clock, in virtual time. Prints the counts; exit status 1
when one promise did not hold.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import tally
from jumping_clock import SLEPT_S, Jumping, run_with

from daq.calendar_watch import JUMP_S
from daq.runfile.reader import RunFile

EPOCH_UNIX = 1.8e9
RUN_S = 300
HOT_C = 80.0
TRIPS_WITHIN_S, SAME_S = 1.5, 0.05
SIZES_S = (3.0, 60.0, 3600.0, 86_400.0, 365 * 86_400.0)  # summer time is an hour, a wrong battery a year


@dataclass(frozen=True)
class Jump:
    """At `t_s` of the run's own seconds. `calendar_s`: the clock is that much ahead; `bench_s`: bench time, too."""

    t_s: float
    calendar_s: float
    bench_s: float


@dataclass
class Jumped:
    """What became of a run: `told` are sentences of what was not as promised."""

    jumps: int
    trips_wanted: bool
    told: list[str]


def jumps_of(draw: random.Random) -> list[Jump]:
    found = []
    for t_s in sorted(draw.sample(range(10, RUN_S - 10, 5), draw.randint(1, 4))):
        if draw.random() < 0.4:
            slept_s = draw.uniform(60.0, SLEPT_S)
            found.append(Jump(t_s, slept_s, draw.choice([0.0, slept_s])))
        else:
            found.append(Jump(t_s, draw.choice([-1, 1]) * draw.choice(SIZES_S) * draw.uniform(1.0, 1.5), 0.0))
    return found


def once(folder: Path, draw: random.Random) -> Jumped:
    """One run."""
    jumps, clock = jumps_of(draw), Jumping(EPOCH_UNIX)
    hot_from_s = draw.uniform(20.0, RUN_S - 20.0) if draw.random() < 0.5 else float("inf")
    hot_at: list[float] = []

    def follow(t_s: float, reading_C: float) -> float:
        awake_s = t_s - clock.bench_s + 1e-6  # the run's seconds without those slept through; a sum of decimals
        due = [one for one in jumps if one.t_s <= awake_s]
        clock.calendar_s = sum(one.calendar_s for one in due)
        clock.bench_s = sum(one.bench_s for one in due)
        if awake_s >= hot_from_s and not hot_at:
            hot_at.append(clock.monotonic())
        return HOT_C if hot_at else reading_C

    end, path = run_with(folder, clock, follow)
    with RunFile.open(path) as run:
        told = _durations(run, jumps) + _anchors(run, jumps, clock, end.outcome == "finished")
        trips = [one["tripped_t_s"] for one in run.interlocks]
    if hot_at:
        late_s = trips[0] - hot_at[0] if trips else float("inf")
        told += [] if -SAME_S <= late_s <= TRIPS_WITHIN_S else [f"the interlock tripped {late_s:.1f} s late"]
        told += [] if end.outcome == "failed" else [f"it {end.outcome} at {HOT_C:g} degC"]
    else:
        told += [f"an interlock tripped for nothing: {trips}"] if trips else []
        told += [] if end.outcome == "finished" else [f"{end.outcome}: {end.reason}"]
    return Jumped(len(jumps), bool(hot_at), told)


def _durations(run: RunFile, jumps: Sequence[Jump]) -> list[str]:
    """A row each second, but for what was slept through."""
    slept_s = sorted(one.bench_s for one in jumps if one.bench_s)
    gaps = [after - before for before, after in pairwise(run.table("counts")["t_s"])]
    long = sorted(one for one in gaps if abs(one - 1.0) > SAME_S)
    known = [any(abs(one - 1.0 - slept) <= SAME_S for slept in slept_s) for one in long]
    return [f"a second took {one:.2f} s" for one, is_known in zip(long, known, strict=True) if not is_known]


def _anchors(run: RunFile, jumps: Sequence[Jump], clock: Jumping, is_whole: bool) -> list[str]:
    """The calendar of the run's end is the computer's at that moment, and each jump of it is an anchor."""
    last_s = run.ended_t_s or 0.0
    off_s = run.unix_of(last_s) - (EPOCH_UNIX + last_s - clock.bench_s + clock.calendar_s)
    told = [f"the calendar of the end is {off_s:.1f} s off"] if abs(off_s) > JUMP_S else []
    moved = sum(abs(one.calendar_s - one.bench_s) >= JUMP_S for one in jumps)
    found = len(run.anchors()) - 1
    return told + ([f"{found} anchors for {moved} jumps"] if is_whole and found != moved else [])


def jump_many(count: int, seed: int, folder: Path) -> list[Jumped]:
    """`count` runs, each with jumps of its own; prints those that are not as promised."""
    found = []
    for number in range(count):
        place = folder / f"run-{number}"
        place.mkdir()
        found.append(once(place, random.Random(f"{seed} {number}")))
        for told in found[-1].told:
            print(f"BAD: run {number}: {told}", flush=True)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        found = jump_many(options.count, options.seed, Path(folder))
    bad = sum(bool(one.told) for one in found)
    tally.say(
        {
            "runs": len(found),
            "jumps and sleeps": sum(one.jumps for one in found),
            "limits passed": sum(one.trips_wanted for one in found),
            "durations, calendars or interlocks that were wrong": bad,
        }
    )
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
