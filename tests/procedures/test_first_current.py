"""A cell that shorts within a second of its first current shows no change in its record: it must not pass for sound."""

from __future__ import annotations

from pathlib import Path

import pytest

from daq.plan import load_plan
from daq.runfile.reader import RunFile
from daq.runner import Watcher, run_plan


def run_ladder(folder: Path, shorts_above_mA_cm2: float) -> RunFile:
    (folder / "bench.toml").write_text(
        '[bench]\nname = "s"\n[instruments.furnace]\ndriver = "simulated-furnace"\n'
        '[instruments.potentiostat]\ndriver = "simulated-potentiostat"\n'
        '[simulation]\ncell = "symmetric"\npreset = "K001"\n[simulation.parameters]\n'
        f"critical_current_density_mA_cm2 = {shorts_above_mA_cm2}\ntime_to_short_s = 1\n",
        encoding="utf-8",
    )
    (folder / "plan.toml").write_text(
        'bench = "bench.toml"\n[sample]\nname = "cell"\nelectrode = { diameter_mm = 9 }\n[[run]]\n'
        'procedure = "critical-current"\ntemperature_C = 80\nhalf_min = 3\ncurrents = ["0.05 mA/cm2", "0.1 mA/cm2"]\n',
        encoding="utf-8",
    )
    (ended,) = run_plan(load_plan(folder / "plan.toml"), folder / "runs", Watcher())
    assert ended.end.outcome == "finished", ended.end.reason
    return RunFile.open(ended.path)


def test_a_cell_that_shorts_at_once_is_told_as_shorted(tmp_path: Path) -> None:
    with run_ladder(tmp_path, 0.02) as run:
        found = {one.name: one for one in run.results()}
        assert set(found) == {"critical_current_density", "short_circuit"}
        for one in found.values():
            assert one.value is None
            assert "cell shorted at its first current: " in str(one.reason)
            assert "begin with a smaller current" in str(one.reason)
        assert set(run.table("polarisation", columns=("stage",))["stage"].tolist()) == {1}, "the ladder ends there"


def test_a_sound_cell_is_not(tmp_path: Path) -> None:
    with run_ladder(tmp_path, 0.7) as run:
        (critical,) = [one for one in run.results() if one.name == "critical_current_density"]
        assert critical.reason == "no short circuit up to 0.1 mA/cm2: the critical current density is above it"
        steps = [one.value for one in run.results() if one.name == "area_specific_resistance" and "step" in one.at]
        assert steps == [pytest.approx(247, rel=0.02)] * 2
