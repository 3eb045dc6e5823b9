"""A cell on the simulated cycler lives through its temperature, whether or not anybody looks."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import numpy as np
import pytest

from daq.bench import BenchConfig, BenchFileModel, build_bench
from daq.plan import make_plan
from daq.runfile.reader import RunFile
from daq.runner import Watcher, run_plan
from daq.tables import parse
from daq.virtual_clock import VirtualClock
from drivers.schedule import Current, CyclerRecord, End, Protection, Record, Schedule
from drivers.simulated.cycler_driver import SimulatedCycler
from drivers.simulated.furnace_driver import SimulatedFurnace

AMPS = 6e-5


def config(lag_s: float) -> BenchConfig:
    table = {
        "bench": {"name": "b"},
        "instruments": {
            "furnace": {"driver": "simulated-furnace", "limits": {"max_temperature_C": 150}},
            "cycler": {"driver": "simulated-cycler"},
        },
        "simulation": {"cell": "symmetric", "preset": "K001", "seed": 7, "parameters": {"sample_lag_s": lag_s}},
    }
    return BenchConfig(parse(BenchFileModel, table, "bench.toml"), None)


def heated(folder: Path, looks: int) -> list[CyclerRecord]:
    """A constant current while the furnace goes to 80 °C, then is told to go on to 90 °C, looked at so often."""
    clock = VirtualClock()
    bench = build_bench(config(900.0), clock, folder)
    with clock.attached():
        bench.connect()
        cycler = cast(SimulatedCycler, bench.by_role("cycler"))
        furnace = cast(SimulatedFurnace, bench.by_role("temperature"))
        ends = (End("time_s", "above", 30_000.0),)
        ref = cycler.submit(1, Schedule("s", (Current(AMPS, ends, Record(60.0)),), Protection(-5, 5, 0.1)), "cell")
        for target in (80.0, 90.0):
            furnace.set_target(target, 3.0)
            for _ in range(looks):
                clock.sleep(15_000 / looks)
                cycler.read()
        found = list(cycler.records(ref))
        bench.close()
    return found


def test_looked_at_often_or_twice_its_voltage_follows_the_same_way(tmp_path: Path) -> None:
    often, rarely = heated(tmp_path / "often", 250), heated(tmp_path / "rarely", 1)
    assert len(often) == len(rarely) == 500
    volts, expected = (np.array([one.voltage_V for one in records]) for records in (rarely, often))
    assert volts == pytest.approx(expected, rel=0.02)
    assert expected[0] / expected[-1] > 5  # it became much more conducting
    temperatures = np.array([one.temperature_C for one in rarely], dtype=float)
    assert np.abs(np.diff(temperatures)).max() < 3.5  # a minute's way, and no step from look to look
    assert temperatures[-1] == pytest.approx(90, abs=1)


def test_a_cell_that_still_warms_is_no_short_and_is_told(tmp_path: Path) -> None:
    """Settled by the furnace's own sensor, the sample behind it follows within half an hour."""
    sample = {
        "name": "cell",
        "pellet": {"thickness_mm": 0.9, "diameter_mm": 9},
        "electrode": {"diameter_mm": 9},
    }
    run = {"procedure": "symmetric-cycling", "temperature_C": 80, "stage_h": 8, "currents": ["0.1 mA/cm2"]}
    (ended,) = run_plan(make_plan({"sample": sample, "run": [run]}, config(900.0)), tmp_path, Watcher())
    with RunFile.open(ended.path) as record:
        assert ended.end.outcome == "finished"
        assert [one.value for one in record.results() if one.name == "short_circuit"] == [None]
        told = [one.text for one in record.events() if one.source == "temperature" and one.level == "warning"]
    assert len(told) == 1
    assert 'as the measurement begins, set to 80 °C: settle = { sensor = "sample" } waits for it' in told[0]
