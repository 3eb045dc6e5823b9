"""All parts of the chaos, several at a time: one table, and where it is asked for, into docs/explanation/promises.md.

    python tests/chaos/chaos.py --scale 0.1 --seed 1 [--only kill] [--write] [--anew]

`--scale` is of the counts. A part is done in portions, each a process with a seed of its own; what a portion found is
kept in runs/chaos/<scale>-<seed>.json at once: broken off, nothing that is there is done again, but for what did not
hold. What was started is ended when it is broken off (Ctrl-C, SIGTERM), and by the next call when it was killed.
Exit status 1 when one part did not hold or ran out of its time.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import leftovers
import tally
from filelock import FileLock, Timeout

from daq.clock import wall_monotonic

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PAGE = ROOT / "docs" / "explanation" / "promises.md"
BEGIN, END = "<!-- chaos: begin -->", "<!-- chaos: end -->"
LONGEST_S = 3600.0  # of one portion
WORKERS = 2 * (os.cpu_count() or 1)  # half of what they do is waiting: for a furnace, a guard, a disk
SEEDS_APART = 1000  # the seed of portion n is SEEDS_APART * seed + n


@dataclass(frozen=True)
class Part:
    """A script beside this one. `count` of `option` at scale 1, in `portions` of `fewest` or more; `promises` by their
    numbers. A portion that begins with an undisturbed run to compare with is not worth it for one kill.
    """

    name: str
    script: str
    option: str
    count: int
    promises: str
    portions: int = 1
    more: tuple[str, ...] = ()
    fewest: int = 1


PROCEDURES = (
    "eis-sweep", "open-circuit", "cyclic-voltammetry", "linear-sweep", "critical-current", "symmetric-cycling",
    "galvanostatic-cycling", "rate-capability", "dc-polarisation", "temperature-hold",
)  # fmt: skip
STANDS = ("eurotherm-methodscript", "linkam-neware", "keithley2450")
PARTS = (
    Part("power loss", "power_loss.py", "--rows", 2000, "1, 2"),
    *(
        Part(f"kill -9, {one}", "kill_run.py", "--count", 30, "1, 2", 2, ("--kind", one), 5)
        for one in PROCEDURES
    ),
    Part("kill -9 of the host, wire bench", "kill_host.py", "--count", 30, "1, 2, 3, 4", 6),
    Part("kill -9 of the host, cells cycling", "kill_cycling.py", "--count", 30, "3, 4", 3, fewest=5),
    Part("kill -9 of the whole tree", "kill_tree.py", "--count", 50, "1, 2, 3", 10),
    *(
        Part(f"kill -9 of the {one}", "kill_bystanders.py", "--count", 100, "8", 4, ("--victim", one))
        for one in ("guard", "service", "client", "window")
    ),
    Part("full disk", "disk_full.py", "--count", 50, "3, 7", 5),
    *(Part(f"a day on bad wires, {one}", "soak.py", "--hours", 24, "5, 6", 1, ("--stand", one)) for one in STANDS),
    Part("clock set, and asleep", "clock_jumps.py", "--count", 300, "3"),
    Part("abuse of the service", "abuse.py", "--count", 10_000, "10"),
)  # fmt: skip


@dataclass(frozen=True)
class Portion:
    part: Part
    number: int
    count: int
    seed: int

    @property
    def name(self) -> str:
        return f"{self.part.name} {self.number}"


@dataclass(frozen=True)
class Done:
    """What a portion said in its last line; `counts` is empty when it said nothing that counts."""

    name: str
    asked: int
    seed: int
    holds: bool
    took_s: float
    said: str
    counts: tally.Counts


def portions_of(parts: Sequence[Part], scale: float, seed: int) -> list[Portion]:
    """The counts shared out, at least one a part."""
    found: list[Portion] = []
    for part in parts:
        count = max(1, round(part.count * scale))
        several = max(1, min(part.portions, count // part.fewest))
        shares = [count // several + (number < count % several) for number in range(several)]
        found += [Portion(part, n, share, SEEDS_APART * seed + n) for n, share in enumerate(shares)]
    return found


def run_portion(portion: Portion, work: Path) -> Done:
    """The portion in a process of its own, its files in `work`; a traceback of it counts as broken."""
    part = portion.part
    words = [sys.executable, str(HERE / part.script), *part.more, part.option, str(portion.count)]
    words += ["--seed", str(portion.seed)]
    paths = os.pathsep.join([str(ROOT / "tests" / "support"), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    began_s = wall_monotonic()
    try:
        env = {**leftovers.marked(work), "PYTHONPATH": paths}
        done = subprocess.run(words, check=False, env=env, capture_output=True, encoding="utf-8", timeout=LONGEST_S)
        lines, holds = [*done.stdout.strip().splitlines(), *done.stderr.strip().splitlines()[-1:]], done.returncode == 0
    except subprocess.TimeoutExpired:
        lines, holds = [f"did not end within {LONGEST_S:.0f} s"], False
    counts = next((found for found in map(tally.heard, reversed(lines)) if found), {})
    said = tally.text(counts) if counts else (lines or ["said nothing"])[-1]
    took_s = wall_monotonic() - began_s
    asked = f"{part.option[2:]} {portion.count}, seed {portion.seed}"
    print(f"== {portion.name}: {asked}, {took_s:.0f} s: {said}", flush=True)
    if not holds:
        print("\n".join(f"   {line}" for line in lines[-20:]), flush=True)
    return Done(portion.name, portion.count, portion.seed, holds, took_s, said, counts)


def run_all(scale: float, seed: int, kept: Path, parts: Sequence[Part] = PARTS) -> list[str]:
    """Every portion that is not in `kept` yet; what was found is kept at once, what is broken is run again next time.

    Returns a row of the table for each part.
    """
    before = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else []
    found = {one["name"]: Done(**one) for one in before if one["holds"]}
    kept.parent.mkdir(parents=True, exist_ok=True)
    work_folder = kept.with_suffix(".work").absolute()
    mutex, broken_off = threading.Lock(), threading.Event()
    portions = portions_of(parts, scale, seed)

    def work(portion: Portion) -> None:
        if broken_off.is_set():
            return
        done = run_portion(portion, work_folder)
        with mutex:
            if not broken_off.is_set():
                found[portion.name] = done
                kept.write_text(json.dumps([asdict(one) for one in found.values()], indent=1), encoding="utf-8")

    leftovers.clear(work_folder)
    mixed = sorted(portions, key=lambda one: one.number)  # what computes beside what waits
    with ThreadPoolExecutor(WORKERS) as workers:
        try:
            for one in [workers.submit(work, one) for one in mixed if one.name not in found]:
                one.result()
        except BaseException:
            broken_off.set()
            print("broken off; what was started is ended", flush=True)
            raise
        finally:
            leftovers.clear(work_folder)
    return [row(part, [found[one.name] for one in portions if one.part == part]) for part in parts]


HEAD = "| part | promises | seeds | what came of it | took | |\n|---|---|---|---|---|---|"


def row(part: Part, done: Sequence[Done]) -> str:
    """One line of the table: the portions' counts together, the worst of what was measured."""
    verdict = "holds" if all(one.holds for one in done) else "**broken**"
    spoken = [one.said for one in done if not one.counts]
    said = "; ".join([tally.text(tally.merged(one.counts for one in done if one.counts)), *spoken]).strip("; ")
    seeds = f"{done[0].seed}" if len(done) == 1 else f"{done[0].seed} to {done[-1].seed}"
    return f"| {part.name} | {part.promises} | {seeds} | {said} | {sum(one.took_s for one in done):.0f} s | {verdict} |"


def table(rows: Sequence[str]) -> str:
    return "\n".join([HEAD, *rows])


def write_page(page: Path, text: str) -> None:
    """The table between its two marks. Raises ValueError when the page lacks them."""
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark:
        raise ValueError(f"{page} lacks the marks {BEGIN} and {END}")
    page.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="parts whose name has this in it")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--anew", action="store_true", help="forget what an earlier call found")
    options = parser.parse_args(arguments)
    kept = ROOT / "runs" / "chaos" / f"{options.scale:g}-{options.seed}.json"
    kept.parent.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        with FileLock(kept.with_suffix(".lock"), timeout=0):
            if options.anew:
                kept.unlink(missing_ok=True)
            rows = run_all(options.scale, options.seed, kept, [one for one in PARTS if options.only in one.name])
    except Timeout:
        print(f"this chaos is under way in another process: {kept} is locked", file=sys.stderr)
        return 2
    print(table(rows))
    if options.write and not options.only:
        write_page(PAGE, table(rows))
    return 1 if any("**broken**" in one for one in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
