"""All parts of the chaos one after the other: one table, and where it is asked for, into docs/explanation/promises.md.

    python tests/chaos/chaos.py --scale 0.1 --seed 1 [--write] [--anew]

`--scale` is of the counts. What a part found is kept in runs/chaos/<scale>-<seed>.json: broken off, it goes on with the
next part. Exit status 1 when one part did not hold or ran out of its time.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from daq.clock import wall_monotonic

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PAGE = ROOT / "docs" / "explanation" / "promises.md"
BEGIN, END = "<!-- chaos: begin -->", "<!-- chaos: end -->"
LONGEST_S = 3600.0  # of one part


@dataclass(frozen=True)
class Part:
    """A script beside this one. `count` of `option` at scale 1; `promises` by their numbers in the design."""

    name: str
    script: str
    option: str
    count: int
    promises: str


PARTS = (
    Part("power loss", "power_loss.py", "--rows", 2000, "1, 2"),
    Part("kill -9 of a run", "kill_sweep.py", "--count", 50, "1, 2"),
    Part("full disk", "disk_full.py", "--count", 20, "3, 7"),
    Part("abuse of the service", "abuse.py", "--count", 10_000, "10"),
    Part("kill -9 of the whole tree", "kill_tree.py", "--count", 10, "1, 2"),
    Part("kill -9 of the host", "kill_host.py", "--count", 30, "2, 3, 4"),
)


@dataclass(frozen=True)
class Done:
    """What a part said in its last line."""

    name: str
    promises: str
    asked: int
    seed: int
    holds: bool
    took_s: float
    said: str

    @property
    def row(self) -> str:
        verdict = "holds" if self.holds else "**broken**"
        return f"| {self.name} | {self.promises} | {self.seed} | {self.said} | {self.took_s:.0f} s | {verdict} |"


HEAD = "| part | promises | seed | what came of it | took | |\n|---|---|---|---|---|---|"


def run_part(part: Part, scale: float, seed: int) -> Done:
    """The part in a process of its own; a traceback of it counts as broken."""
    count = max(1, round(part.count * scale))
    words = [sys.executable, str(HERE / part.script), part.option, str(count), "--seed", str(seed)]
    paths = os.pathsep.join([str(ROOT / "tests" / "support"), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    began_s = wall_monotonic()
    print(f"== {part.name}: {part.option[2:]} {count}, seed {seed}", flush=True)
    try:
        env = {**os.environ, "PYTHONPATH": paths}
        done = subprocess.run(words, check=False, env=env, stdout=subprocess.PIPE, encoding="utf-8", timeout=LONGEST_S)
        said, holds = (done.stdout.strip().splitlines() or ["said nothing"])[-1], done.returncode == 0
    except subprocess.TimeoutExpired:
        said, holds = f"did not end within {LONGEST_S:.0f} s", False
    print(f"   {said}", flush=True)
    return Done(part.name, part.promises, count, seed, holds, wall_monotonic() - began_s, said)


def run_all(scale: float, seed: int, kept: Path, parts: Sequence[Part] = PARTS) -> list[Done]:
    """Every part that is not in `kept` yet; what holds is kept at once, what is broken is run again the next time."""
    before = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else []
    found = {one["name"]: Done(**one) for one in before if one["holds"]}
    kept.parent.mkdir(parents=True, exist_ok=True)
    for part in parts:
        if part.name not in found:
            found[part.name] = run_part(part, scale, seed)
            kept.write_text(json.dumps([asdict(one) for one in found.values()], indent=1), encoding="utf-8")
    return [found[part.name] for part in parts]


def table(found: Sequence[Done]) -> str:
    return "\n".join([HEAD, *(one.row for one in found)])


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
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--anew", action="store_true", help="forget what an earlier call found")
    options = parser.parse_args(arguments)
    kept = ROOT / "runs" / "chaos" / f"{options.scale:g}-{options.seed}.json"
    if options.anew:
        kept.unlink(missing_ok=True)
    found = run_all(options.scale, options.seed, kept)
    print(table(found))
    if options.write:
        write_page(PAGE, table(found))
    return 0 if all(one.holds for one in found) else 1


if __name__ == "__main__":
    sys.exit(main())
