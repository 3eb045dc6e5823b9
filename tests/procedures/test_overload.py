"""What a potentiostat was too small for is told, and no number is made of clipped currents."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from daq.control import Control
from daq.errors import AnalysisRefused
from daq.plan import load_plan
from daq.runfile.reader import RunFile
from daq.runner import Watcher, run_plan
from procedures.analysis.voltammetry_results import analyse_linear_sweep
from procedures.analysis.voltammogram import clipped_rows

BENCH = """[bench]
name = "small"
[instruments.one]
driver = "simulated-potentiostat"
[simulation]
cell = "{cell}"
seed = 3
[simulation.parameters]
reference_temperature_C = 20
"""
FAULT = """[[simulation.faults]]
instrument = "one"
kind = "overload"
after_s = {after_s}
for_s = {for_s}
"""
PLAN = """bench = "bench.toml"
[sample]
name = "cell"
pellet = {{ thickness_mm = 0.9, diameter_mm = 10 }}
electrode = {{ diameter_mm = 9 }}
[[run]]
{run}
"""
VOLTAMMOGRAM = 'procedure = "cyclic-voltammetry"\nscan_rate_mV_s = 50\ncycles = 2\n'
SWEEP = 'procedure = "linear-sweep"\nscan_rate_mV_s = 10\n'
LADDER = 'procedure = "critical-current"\ncurrents = ["0.1 mA/cm2", "0.2 mA/cm2", "0.3 mA/cm2"]\nhalf_min = 5\n'
CYCLES = 'procedure = "symmetric-cycling"\ncurrents = ["0.1 mA/cm2"]\nhalf_h = 0.2\nstage_h = 0.8\n'


def run_on(
    folder: Path, cell: str, run: str, overloaded: tuple[float, float] | None, watcher: Watcher | None = None
) -> RunFile:
    """`overloaded`: after how many seconds the potentiostat is, and for how many."""
    folder.mkdir(exist_ok=True)
    fault = "" if overloaded is None else FAULT.format(after_s=overloaded[0], for_s=overloaded[1])
    (folder / "bench.toml").write_text(BENCH.format(cell=cell) + fault, encoding="utf-8")
    (folder / "plan.toml").write_text(PLAN.format(run=run), encoding="utf-8")
    (ended,) = run_plan(load_plan(folder / "plan.toml"), folder / "runs", watcher or Watcher())
    return RunFile.open(ended.path)


def told(run: RunFile) -> list[str]:
    return [one.text for one in run.events() if "points were overloaded" in one.text and one.level == "warning"]


def test_a_cycle_with_overloaded_points_is_no_result_and_the_other_one_is(tmp_path: Path) -> None:
    with run_on(tmp_path, "gold", VOLTAMMOGRAM, (54, 5)) as run:
        clipped = int(np.sum(run.table("voltammetry")["overload"]))
        results = run.results()
        (text,) = told(run)
    assert clipped > 10
    assert f"cell, cyclic-voltammetry: {clipped} of" in text
    assert "numbers that rest on them are wrong; use a larger current range" in text
    first = [one for one in results if one.at["cycle"] == 1]
    assert all(one.value is None and f"overloaded in {clipped} of" in (one.reason or "") for one in first)
    assert all(one.value is not None for one in results if one.at["cycle"] == 2)


def test_a_sweep_counts_up_to_its_first_overloaded_point(tmp_path: Path) -> None:
    whole = {one.name: one for one in run_on(tmp_path / "whole", "gold", SWEEP, None).results()}
    onset_V = whole["oxidation_onset"].value or 0.0
    with run_on(tmp_path / "late", "gold", SWEEP, (380, 1000)) as late:
        rows = late.table("voltammetry")
        from_V = rows["voltage_V"][rows["overload"] != 0][0]
        found = {one.name: one for one in late.results()}
        assert len(told(late)) == 1
    assert onset_V + 0.05 < from_V < 4.9
    assert found["oxidation_onset"].value == pytest.approx(onset_V, abs=1e-3)
    for name in ("oxidation_onset", "oxidation_onset_tangent"):
        assert f"overloaded from {from_V:.4g} V on" in found[name].method


def test_a_sweep_that_is_overloaded_before_any_onset_says_how_far_it_counts() -> None:
    potential = np.arange(2.0, 5.0, 1e-3)
    found = analyse_linear_sweep(potential, 1e-9 * potential, 0.6, overload=(potential > 3.0) & (potential < 3.1))
    assert "no onset between 2 and 3 V" in (found.oxidation.threshold.reason or "")
    assert "overloaded from 3.001 V on" in (found.oxidation.threshold.reason or "")
    assert "only the sweep up to there counts" in (found.oxidation.tangent.reason or "")
    with pytest.raises(AnalysisRefused, match="overloaded from 2 V on"):
        analyse_linear_sweep(potential, 1e-6 * potential, 0.6, overload=potential < 2.5)


def steps_of(run: RunFile) -> list[tuple[float, float | None]]:
    found = [one for one in run.results() if one.name == "polarisation"]
    return [(round(one.at["current_density_mA_cm2"], 3), one.value) for one in found]


def test_a_ladder_has_the_steps_that_were_asked_for_whatever_was_clipped(tmp_path: Path) -> None:
    with run_on(tmp_path / "whole", "symmetric", LADDER, None) as whole:
        wanted = steps_of(whole)
        assert told(whole) == []
    with run_on(tmp_path / "clipped", "symmetric", LADDER, (1000, 40)) as run:
        clipped = int(np.sum(run.table("polarisation")["overload"]))
        assert f"cell, constant-current: {clipped} of 300 points" in told(run)[0]
        assert len(told(run)) == 1
        assert steps_of(run) == [(density, pytest.approx(value, rel=2e-3)) for density, value in wanted]
        assert all(f"without {clipped} overloaded points" in one.method for one in run.results() if one.method)
    with run_on(tmp_path / "all", "symmetric", LADDER, (0, 1e5)) as run:
        assert run.outcome == "finished"
        assert len(told(run)) == 6
        assert all(one.value is None for one in run.results())


@pytest.mark.parametrize("is_stopped", [False, True])
def test_a_cycling_potentiostat_tells_of_each_half_cycle_once_also_where_it_is_stopped(
    is_stopped: bool, tmp_path: Path
) -> None:
    controls: list[Control] = []

    def look(progress: Any) -> None:
        if is_stopped and progress.text.startswith("cycle 2, step 1"):
            controls[-1].stop()

    watcher = Watcher(on_start=lambda path, control: controls.append(control), on_progress=look)
    with run_on(tmp_path, "symmetric", CYCLES, (1000, 1000), watcher) as run:
        assert run.outcome == ("stopped" if is_stopped else "finished")
        texts = told(run)
    where = ["cell, cycle 1, step 2, constant-current: ", "cell, cycle 2, step 1, constant-current: "]
    assert [text[: len(one)] for text, one in zip(texts, where, strict=True)] == where


def test_a_point_or_two_at_a_change_of_range_are_no_overload() -> None:
    flags = [0, 1, 0, 1, 1, 0, 1, 1, 1, 1, 0, 1, 1, 1]
    assert clipped_rows(flags).tolist() == [False] * 6 + [True] * 4 + [False] + [True] * 3
    assert not clipped_rows([]).size
