"""A disk that gets full at random moments of a sweep: the run ends failed and says why, safe and whole; it resumes.

    python tests/chaos/disk_full.py --count 20 --seed 1

prints a row for each moment and the counts; exit status 1 when one promise did not hold. Linux only. Two kinds of
full disk: RLIMIT_FSIZE (a write fails out of the blue), and a tmpfs of 40 MB that is filled (root only; left out, and
said so, where it can't be mounted): to the last byte, or so that the run's own watch has to end it in time.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import tally
from killing import CELLRIG, deviation, results, rows_by_stream, undisturbed

from daq.runfile.reader import RunFile

CHILD = Path(__file__).with_name("disk_full_child.py")
TMPFS = "size=40m"
LEAST = 250_000  # an empty run and its log: a limit below is none that a disk gets to while it is written
WORDS = {"limit": "file size limited", "fill": "disk filled", "most": "4 MB left"}


@dataclass(frozen=True)
class Moment:
    """What became of one run whose disk got full."""

    kind: str
    amount: int
    outcome: str
    reason: str
    safe: bool
    whole: bool
    rows: int
    told_true: bool
    resumed: str
    deviation: float

    @property
    def holds(self) -> bool:
        ended = self.outcome == "failed" and "disk" in self.reason and self.told_true
        return ended and self.safe and self.whole and self.resumed == "finished" and self.deviation < 4.5

    @property
    def line(self) -> str:
        verdict = "holds" if self.holds else f"BROKEN: {self.reason}"
        return (
            f"{WORDS[self.kind]:<18} {self.amount:>8} {self.outcome:<12} {self.rows:>6} rows "
            f"{'file whole' if self.whole else 'DAMAGED':<11}{'safe' if self.safe else 'NOT SAFE':<9}"
            f"resumed: {self.resumed:<9} {self.deviation:5.2f} sigma  {verdict}"
        )


def once(folder: Path, kind: str, amount: int, calm: dict[str, tuple[float, float]]) -> Moment | None:
    """One run in `folder`, which must be empty. None when it was over before its disk got full."""
    words = [sys.executable, str(CHILD), str(folder.parent / "plan.toml"), str(folder), kind, str(amount)]
    done = subprocess.run(words, capture_output=True, encoding="utf-8", check=False)
    if done.returncode != 0:
        return Moment(kind, amount, f"exit {done.returncode}", done.stderr[-300:], False, False, 0, False, "no", 9.9)
    told = json.loads(done.stdout)
    if told["outcome"] == "finished":
        return None
    path = Path(told["path"])
    with RunFile.open(path) as run:
        outcome, reason = run.outcome, run.reason
    with closing(sqlite3.connect(path / "run.db")) as connection:
        whole = connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    rows = sum(rows_by_stream(path).values())
    (folder / "filler.bin").unlink(missing_ok=True)
    again = subprocess.run(
        [*CELLRIG, "resume", str(path), "--json"], capture_output=True, encoding="utf-8", check=False
    )
    with RunFile.open(path) as run:
        resumed = run.outcome if again.returncode == 0 else again.stderr[-200:]
    true = (told["outcome"], told["reason"]) == (outcome, reason)
    off = deviation(results(path), calm)
    return Moment(kind, amount, outcome, reason, told["safe"], whole, rows, true, resumed, off)


@contextmanager
def small_disk(folder: Path) -> Iterator[bool]:
    """A tmpfs at `folder`; False when none can be mounted here."""
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", TMPFS, "cellrig-test", str(folder)], capture_output=True, check=False
    )
    try:
        yield mounted.returncode == 0
    finally:
        if mounted.returncode == 0:
            subprocess.run(["umount", str(folder)], check=True)


def fill_many(count: int, seed: int, folder: Path, kinds: Sequence[str] = ("limit", "fill", "most")) -> list[Moment]:
    """`count` full disks at seeded random moments; prints a line for each."""
    moment = random.Random(seed)
    calm = undisturbed(folder)
    run = next((folder / "calm").glob("*/run.db"))
    size, rows = run.stat().st_size, sum(rows_by_stream(run.parent).values())
    found: list[Moment] = []
    for number in range(3 * count):
        if len(found) == count:
            break
        kind = kinds[number % len(kinds)]
        amount = moment.randint(LEAST, size) if kind == "limit" else moment.randint(50, rows)
        place = folder / f"full-{number}"
        with small_disk(place) as mounted:
            if not mounted and kind != "limit":
                print("no tmpfs can be mounted here: this kind of full disk is left out, by name:", kind, flush=True)
                kinds = ["limit"]
                continue
            one = once(place, kind, amount, calm)
        shutil.rmtree(place, ignore_errors=True)
        if one is not None:
            found.append(one)
            print(one.line, flush=True)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        found = fill_many(options.count, options.seed, Path(folder))
    held = sum(one.holds for one in found)
    tally.say(
        {
            "full disks": len(found),
            "files damaged": sum(not one.whole for one in found),
            "read as something else than failed": sum(one.outcome != "failed" for one in found),
            "reasons not told": sum("disk" not in one.reason for one in found),
            "not safe": sum(not one.safe for one in found),
            "resumed to the end": sum(one.resumed == "finished" for one in found),
            "kept every promise": held,
        }
    )
    return 0 if found and held == len(found) == options.count else 1


if __name__ == "__main__":
    sys.exit(main())
