"""The last hour of an instrument on its card: what was read, what is missing, what a run had recorded before."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from bench_window import SLOW_MS, FakeBench, Open
from pytestqt.qtbot import QtBot

from daq.catalog import list_runs
from gui.model.bench_status import BenchStatus, InstrumentStatus, RunStatus
from gui.model.recent import HOUR_S, Recent

FURNACE = InstrumentStatus(
    "furnace",
    "temperature",
    "eurotherm",
    "Eurotherm 2416",
    True,
    {"temperature_C": 40.0, "working_setpoint_C": 45.0, "sample_temperature_C": 39.0, "output_percent": 3.0},
    age_s=0.0,
)
CELL = InstrumentStatus(
    "cell", "potentiostat", "autolab", "PGSTAT302N", True, {"voltage_V": 0.11, "current_A": 2e-5}, age_s=0.0
)


def test_an_hour_is_kept_thinned_and_what_is_missing_is_a_gap() -> None:
    recent = Recent(["temperature_C"])
    for second in range(3 * 3600):
        recent.add(float(second), {"temperature_C": 0.01 * second} if second != 9000 else None)
    t, columns = recent.columns()
    assert t[-1] == 3 * 3600 - 1, "the newest is there"
    assert t[0] >= t[-1] - HOUR_S
    assert len(t) < 1000
    assert np.isnan(columns["temperature_C"]).sum() == 1
    kept = np.isfinite(columns["temperature_C"])
    assert columns["temperature_C"][kept] == pytest.approx(0.01 * t[kept])


def test_a_card_draws_its_last_hour_and_never_an_old_reading(qtbot: QtBot, open_window: Open, tmp_path: Path) -> None:
    bench = FakeBench()
    window = open_window(tmp_path, bench, (1280, 720))
    for degree in range(40, 60):
        warm = replace(FURNACE, values={**FURNACE.values, "temperature_C": float(degree)})
        bench.status.emit(BenchStatus("idle", "b", None, (warm, CELL), speed=1e6))
        qtbot.wait(5)
    card = window.instruments.cards["furnace"]
    (degrees,) = card.charts.values()
    assert degrees.range() == (39, 59)
    assert "temperature 59.0 °C" in degrees.told_at(0.0)
    assert len(window.instruments.cards["cell"].charts) == 2, "volts and amperes each have their own"
    bench.status.emit(BenchStatus("idle", "b", None, (replace(FURNACE, age_s=1e4), CELL), speed=1e6))
    assert "temperature –" in degrees.told_at(0.0)
    right = degrees.mapTo(window.instruments, degrees.rect().topRight()).x()
    assert right < window.instruments.width()


def test_a_window_that_comes_late_has_the_hour_from_the_run(qtbot: QtBot, open_window: Open, runs: Path) -> None:
    bench = FakeBench()
    window = open_window(runs, bench)
    hold = next(one for one in runs.iterdir() if "temperature-hold" in one.name)
    run = RunStatus("x", hold, "temperature-hold", "K001", 1, 2, "at 40 °C", "", 0.3, 3600.0)
    bench.status.emit(BenchStatus("running", "b", run, (FURNACE, CELL)))
    card = window.instruments.cards["furnace"]
    qtbot.waitUntil(lambda: len(card.recent) > 50, timeout=SLOW_MS)
    t, columns = card.recent.columns()
    assert (np.diff(t) >= 0).all()
    assert columns["temperature_C"].min() < 25 < 39 < columns["temperature_C"].max()
    assert len(window.instruments.cards["cell"].recent) > 50, "the potentiostat is read all the while"


def test_the_run_in_progress_stands_once_in_the_table_of_a_folder_named_from_here(
    qtbot: QtBot, open_window: Open, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`cellrig-gui --runs runs`, while the bench tells the whole path."""
    monkeypatch.chdir(runs.parent)
    bench = FakeBench()
    window = open_window(Path(runs.name), bench)
    hold = next(one.path for one in list_runs(runs) if one.procedure == "temperature-hold")
    bench.tell("running", RunStatus("x", hold, "temperature-hold", "K001", 1, 2, "at 40 °C", "", 0.3, 3600.0))
    qtbot.waitUntil(lambda: len(window.runs.model.rows) >= 2, timeout=SLOW_MS)
    assert [row.state for row in window.runs.model.rows] == ["running", "finished"]
