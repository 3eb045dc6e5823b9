"""What the scripts of the chaos count: their last line, and how those of several portions become one.

Whole numbers are summed, decimal ones are the worst of all (slowest, furthest off).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

Counts = Mapping[str, int | float]


def say(counts: Counts) -> None:
    """The last line of a script."""
    print(json.dumps(counts), flush=True)


def heard(line: str) -> Counts | None:
    """What `say` said; None for anything else."""
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def merged(several: Iterable[Counts]) -> Counts:
    whole: dict[str, int | float] = {}
    for counts in several:
        for key, value in counts.items():
            before = whole.get(key, 0)
            whole[key] = max(before, value) if isinstance(value, float) else before + value
    return whole


def text(counts: Counts) -> str:
    """`30 kills, 0 committed rows lost, the slowest off after (s): 0.4`."""
    said = [f"{key}: {value:.3g}" if isinstance(value, float) else f"{value} {key}" for key, value in counts.items()]
    return ", ".join(said)
