"""A script that chooses where to measure next: sweep coarsely, then once more where the conductivity bends most.

    cellrig serve --bench examples/benches/glovebox-simulated.toml      # in another terminal
    python examples/scripted_sweep.py examples/benches/glovebox-simulated.toml

It submits to the bench's service and waits: it may be stopped and started again without touching what runs.
"""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

from daq.service.client import BenchClient


def plan(temperatures_C: list[float]) -> dict[str, Any]:
    return {
        "sample": {"name": "K001", "pellet": {"thickness_mm": 0.9, "diameter_mm": 10}},
        "run": [{"procedure": "eis-sweep", "temperatures_C": temperatures_C}],
    }


def conductivities(run: dict[str, Any]) -> dict[float, float]:
    """S/cm by temperature in degC, of what the analysis could tell."""
    return {
        round(one["at"]["temperature_C"], 1): one["value"]
        for one in run["results"]
        if one["name"] == "conductivity" and one["value"] is not None
    }


def between(found: dict[float, float]) -> list[float]:
    """The middle of the two neighbours whose conductivities differ by the largest factor."""
    low, high = max(pairwise(sorted(found)), key=lambda pair: found[pair[1]] / found[pair[0]])
    return [round((low + high) / 2)]


def main() -> None:
    bench_file = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    with BenchClient.of_bench(bench_file) as bench:
        found = conductivities(bench.run(plan([30, 60])))
        chosen = between(found)
        print(f"the largest step lies around {chosen[0]} °C; measuring there")
        found |= conductivities(bench.run(plan(chosen)))
    for temperature_C, sigma in sorted(found.items()):
        print(f"{temperature_C:6.1f} °C   {sigma:.3e} S/cm")


if __name__ == "__main__":
    main()
