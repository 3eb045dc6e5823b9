"""A furnace that is far from what was asked for: nothing is measured there, and the failure says what to look at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from cycler_double import DcCycler, Kept
from dc_doubles import bench_of, conduct

from daq.engine import Progress
from daq.plan import build_procedure
from daq.runfile.reader import RunFile
from daq.sample import Sample
from daq.tables import parse
from drivers.simulated.furnace_driver import SimulatedFurnace

CELL = {"name": "cell", "active": {"mass_mg": 1.4, "capacity_mAh_g": 121.1, "diameter_mm": 10}}
FULL_AH = 1.4e-3 * 0.1211


def lfp(held_Ah: float, current_A: float) -> float:
    """A plateau of 3.42 V between steep ends; 30 mV of polarisation either way."""
    x = held_Ah / FULL_AH
    return 3.42 + 0.03 * np.sign(current_A) + 0.4 * np.exp(-(1 - x) / 0.004) - 0.6 * np.exp(-x / 0.004)


def procedure_of(**parameters: Any) -> Any:
    return build_procedure("galvanostatic-cycling", {"ramp_K_per_min": 10, **parameters}, "plan")


def run_with(folder: Path, procedure: Any, fails: Any) -> tuple[RunFile, str]:
    """A furnace whose heater is off as soon as `fails` says so of the run's progress, whatever its set-point."""
    bench, clock = bench_of(folder, furnace="simulated-furnace")
    bench.instruments["cycler"] = DcCycler(clock, Kept(lfp, 3.4))
    furnace = bench.instruments["furnace"]
    assert isinstance(furnace, SimulatedFurnace)

    def look(progress: Progress) -> None:
        if fails(progress):
            furnace.world.heater_off()

    end, path = conduct(procedure, bench, [parse(Sample, CELL, "plan")], folder, on_progress=look)
    return RunFile.open(path), end.reason


def test_a_furnace_that_does_not_heat_is_not_cycled_in(tmp_path: Path) -> None:
    procedure = procedure_of(cycles=2, temperature_C=120)
    record, reason = run_with(tmp_path, procedure, lambda progress: True)
    with record as run:
        assert run.outcome == "failed"
        assert not len(run.table("cycling")["t_s"])
        told = reason
        assert "below the 120 °C that were asked for; beyond 10 K nothing is measured" in told
        assert "at an output of 0 %" in told
        assert "look at furnace, whether it is in automatic" in told


def test_near_is_within_five_tolerances_and_is_flagged(tmp_path: Path) -> None:
    procedure = procedure_of(cycles=1, temperature_C=60, tolerance_K=12)
    record, _ = run_with(tmp_path, procedure, lambda progress: True)
    with record as run:
        assert run.outcome == "finished"
        assert any(one.level == "warning" and "not settled" in one.text for one in run.events())


def test_a_furnace_lost_for_half_an_hour_of_cycling_ends_it(tmp_path: Path) -> None:
    procedure = procedure_of(cycles=20, temperature_C=120)
    begun: list[float] = []

    def after_the_first_records(progress: Progress) -> bool:
        begun.extend([1.0] if "cycle 3" in progress.text else [])
        return bool(begun)

    record, reason = run_with(tmp_path, procedure, after_the_first_records)
    with record as run:
        assert begun
        assert run.outcome == "failed"
        assert "below the 120 °C" in reason
        assert any("the furnace strays by more than 2 K" in one.text for one in run.events())
        assert 2 < max(run.table("cycling")["cycle"]) < 19
