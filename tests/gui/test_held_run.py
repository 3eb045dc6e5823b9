"""The analysis in the window works on the rows that the window holds: it finds what the run's file would say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from daq.errors import RunFileError
from daq.plan import build_procedure, load_plan
from daq.runfile.reader import RunFile
from daq.runner import Watcher, run_plan
from gui.model.analyser import analysis_of
from gui.model.feed import Followed
from gui.model.held_run import HeldRun
from gui.model.run_view import RunView

GOLD, SYMMETRIC, LFP = "gold", "symmetric", "lfp"
RUNS = {
    "open-circuit": (GOLD, 'procedure = "open-circuit"\nduration_h = 0.1'),
    "voltammogram": (
        GOLD,
        'procedure = "cyclic-voltammetry"\ntemperature_C = 60\nlower_V = -0.5\nupper_V = 3.5\nscan_rate_mV_s = 20',
    ),
    "sweep to an onset": (GOLD, 'procedure = "linear-sweep"\ntemperature_C = 60\nend_V = 5.0\nscan_rate_mV_s = 10'),
    "ladder": (
        SYMMETRIC,
        'procedure = "critical-current"\ntemperature_C = 60\n'
        'currents = ["0.1 mA/cm2", "0.4 mA/cm2", "0.9 mA/cm2", "1.2 mA/cm2"]\nhalf_min = 6',
    ),
    "symmetric": (
        SYMMETRIC,
        'procedure = "symmetric-cycling"\ntemperature_C = 60\ncurrents = ["0.1 mA/cm2"]\nhalf_h = 0.2\nstage_h = 2',
    ),
    "cycled": (
        LFP,
        'procedure = "galvanostatic-cycling"\ntemperature_C = 60\nlower_V = 2.9\nupper_V = 3.8\ncycles = 2',
    ),
}


def recorded(cell: str, run: str, folder: Path) -> Path:
    instrument = "potentiostat" if cell == GOLD else "cycler"
    if 'procedure = "critical-current"' in run:
        instrument = "potentiostat"
    (folder / "bench.toml").write_text(
        '[bench]\nname = "b"\n[instruments.furnace]\ndriver = "simulated-furnace"\n'
        f'[instruments.{instrument}]\ndriver = "simulated-{instrument}"\n'
        f'[simulation]\ncell = "{cell}"\npreset = "K001"\n',
        encoding="utf-8",
    )
    active = "active = { mass_mg = 1.4, diameter_mm = 10, capacity_mAh_g = 121.1 }" if cell == LFP else ""
    (folder / "plan.toml").write_text(
        'bench = "bench.toml"\n[sample]\nname = "K001"\npellet = { thickness_mm = 0.9, diameter_mm = 10 }\n'
        f"electrode = {{ diameter_mm = 9 }}\n{active}\n[[run]]\n{run}\n",
        encoding="utf-8",
    )
    (ended,) = run_plan(load_plan(folder / "plan.toml"), folder / "runs", Watcher())
    assert ended.end.outcome == "finished"
    return ended.path


def followed(path: Path) -> RunView:
    feed = Followed.open(path)
    growth = feed.news()
    feed.run.close()
    assert growth is not None
    view = RunView(path, growth.head)
    view.take(growth)
    return view


@pytest.mark.parametrize("name", RUNS)
def test_what_is_held_analyses_as_what_is_written(name: str, tmp_path: Path) -> None:
    view = followed(recorded(*RUNS[name], tmp_path))
    held = HeldRun.of(view)
    found = analysis_of(held)
    assert not found.problem
    with RunFile.open(view.path) as run:
        procedure = build_procedure(run.procedure, run.parameters, "the run")
        assert list(found.results) == list(procedure.analyse(run)) == run.results()
        for stream in run.streams():
            for columns in (None, stream.columns[:2]):
                written, ours = run.table(stream.name, 3, columns), held.table(stream.name, 3, columns)
                assert list(ours) == list(written)
                assert all(_equal(ours[one], written[one]) for one in written)


def _equal(one: np.ndarray, other: np.ndarray) -> bool:
    return np.array_equal(one, other, equal_nan=one.dtype.kind == "f" and other.dtype.kind == "f")


def test_a_sweep_and_its_fits_too(runs: Path) -> None:
    for path in (one.parent for one in runs.glob("*/run.db")):
        view = followed(path)
        found = analysis_of(HeldRun.of(view))
        assert not found.problem
        with RunFile.open(path) as run:
            assert list(found.results) == run.results()
            assert (found.sweep is not None) == (run.procedure == "eis-sweep")


def test_what_is_held_stays_as_it_was_and_cannot_be_written_to(runs: Path) -> None:
    path = next(one.parent for one in runs.glob("*eis-sweep*/run.db"))
    view = followed(path)
    held = HeldRun.of(view)
    count, table = view.table("temperature").size, held.table("temperature")
    rows: dict[str, Any] = {name: values[:5] for name, values in table.items()}
    view.tables["temperature"].extend(rows)
    assert view.table("temperature").size == count + 5
    assert len(held.table("temperature")["temperature_C"]) == count
    with pytest.raises(ValueError, match="read-only"):
        table["temperature_C"][:] = 0.0
    with pytest.raises(RunFileError, match="no stream 'weather'"):
        held.table("weather")
    with pytest.raises(RunFileError, match="no column 'humidity'"):
        held.table("temperature", columns=("humidity",))
    assert held.recall("nothing of the kind", "so") == "so"
