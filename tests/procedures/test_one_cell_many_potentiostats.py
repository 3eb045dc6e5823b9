"""The same cell tells the same, whichever potentiostat looks at it: the drivers' own code on their twins."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from daq.plan import load_plan
from daq.runfile.reader import RunFile
from daq.runner import Watcher, run_plan

BENCH = """
[bench]
name = "one cell"
[instruments.furnace]
driver = "simulated-furnace"
limits = { max_temperature_C = 150 }
[instruments.potentiostat]
driver = "DRIVER"
[simulation]
cell = "gold"
"""
PLAN = """
bench = "bench.toml"
[sample]
name = "sample"
pellet = { thickness_mm = 0.9, diameter_mm = 10 }
[[run]]
procedure = "cyclic-voltammetry"
temperature_C = 80
lower_V = -0.2
upper_V = 0.5
cycles = 1
"""
DRIVERS = ("simulated-methodscript", "simulated-autolab")


@cache
def found(driver: str) -> dict[str, float]:
    """The first value of each result."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "bench.toml").write_text(BENCH.replace("DRIVER", driver), encoding="utf-8")
        (folder / "plan.toml").write_text(PLAN, encoding="utf-8")
        (ended,) = run_plan(load_plan(folder / "plan.toml"), folder / "runs", Watcher())
        assert ended.end.outcome == "finished", ended.end
        values: dict[str, float] = {}
        with RunFile.open(ended.path) as run:
            for result in run.results():
                if result.value is not None:
                    values.setdefault(result.name, result.value)
    return values


@pytest.mark.parametrize("driver", DRIVERS)
def test_onset_and_charge_of_a_voltammogram(driver: str) -> None:
    """An Autolab's potential is 0.1 mV off, and its current offset by what its range has."""
    ours, plain = found(driver), found("simulated-potentiostat")
    assert ours["plating_onset"] == pytest.approx(plain["plating_onset"], abs=1e-3)
    assert ours["plating_charge"] == pytest.approx(plain["plating_charge"], rel=3e-3)
    assert ours["stripping_charge"] == pytest.approx(plain["stripping_charge"], rel=3e-3)
