"""The same procedures under pymeasure's own Worker and in its ManagedWindow."""

from __future__ import annotations

import logging
import os
from pathlib import Path

os.environ["QT_API"] = "pyqt5"
os.environ["PYQTGRAPH_QT_LIB"] = "PyQt5"
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import pandas as pd
import pytest
from pymeasure.display.windows import ManagedWindow
from pymeasure.experiment import Procedure, Results
from pymeasure.experiment.workers import Worker
from pytestqt.qtbot import QtBot

from procedures.eis_sweep import EisSweep
from procedures.temperature_hold import TemperatureHold


def finished_rows(procedure: Procedure, tmp_path: Path) -> pd.DataFrame:
    results = Results(procedure, str(tmp_path / "plain.csv"))
    worker = Worker(results)
    worker.start()
    worker.join(timeout=40)
    assert procedure.status == Procedure.FINISHED
    return pd.read_csv(tmp_path / "plain.csv", comment="#")


def test_a_sweep_runs_under_a_plain_worker(tmp_path: Path) -> None:
    sweep = EisSweep(temperatures_C=[40.0, 60.0])
    rows = finished_rows(sweep, tmp_path)
    assert list(rows["spectrum"].unique()) == [1, 2]
    assert len(rows) == 122
    assert not rows["z_real_ohm"].isna().to_numpy().any()
    assert rows.loc[rows["spectrum"] == 1, "frequency_Hz"].max() == 1e6


def test_a_hold_runs_under_a_plain_worker(tmp_path: Path) -> None:
    hold = TemperatureHold(temperature_C=60.0, duration_h=0.5)
    rows = finished_rows(hold, tmp_path)
    assert rows["held_s"].iloc[-1] == pytest.approx(1800)
    assert rows["temperature_C"].iloc[-1] == pytest.approx(60, abs=0.5)


class Window(ManagedWindow):
    def __init__(self, folder: Path) -> None:
        super().__init__(
            procedure_class=EisSweep,
            inputs=["temperatures_C", "ramp_K_per_min", "frequency_min_Hz", "amplitude_V", "cooling", "bias_V"],
            displays=["temperatures_C"],
            x_axis="z_real_ohm",
            y_axis="z_imag_ohm",
        )
        self.directory = str(folder)


def test_a_sweep_runs_from_pymeasures_managed_window(qtbot: QtBot, tmp_path: Path) -> None:
    window = Window(tmp_path)
    qtbot.addWidget(window)
    window.inputs.temperatures_C.setText("40, 50")
    procedure = window.make_procedure()
    assert procedure.temperatures_C == [40.0, 50.0]
    with qtbot.waitSignal(window.manager.finished, timeout=45_000):
        window.queue(procedure=procedure)
    (file,) = tmp_path.glob("*.csv")
    assert len(pd.read_csv(file, comment="#")) == 122
    window.close()
    window.estimator.update_thread.stop()  # pymeasure leaves a thread and a handler that know the window's widgets
    window.estimator.update_thread.join()
    logging.getLogger().removeHandler(window.log_widget.handler)
