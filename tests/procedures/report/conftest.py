"""A run of the simulated bench to report on."""

from __future__ import annotations

from pathlib import Path

import pytest
from sweep_records import PELLET

from daq.bench import BenchConfig, BenchFileModel
from daq.plan import make_plan
from daq.runner import Watcher, run_plan
from daq.tables import parse


@pytest.fixture(scope="session")
def simulated_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep on the simulated bench, K001 as it is in the paper."""
    table = {
        "bench": {"name": "truth"},
        "instruments": {
            "furnace": {"driver": "simulated-furnace"},
            "potentiostat": {"driver": "simulated-potentiostat"},
        },
        "simulation": {"cell": "blocking", "preset": "K001", "seed": 4},
    }
    bench = BenchConfig(parse(BenchFileModel, table, "truth"), None)
    runs = [{"procedure": "eis-sweep", "temperatures_C": [30, 60, 90], "cooling": True}]
    (ended,) = run_plan(make_plan({"sample": PELLET, "run": runs}, bench), tmp_path_factory.mktemp("runs"), Watcher())
    return ended.path
