"""Voltage and current over time: which unit the current has."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pytestqt.qtbot import QtBot

from gui.model.growing import GrowingTable
from gui.model.run_view import Head, RunView
from gui.plots.over_time import OverTimePane
from gui.plots.pane import ShownRun


def test_one_missing_density_leaves_a_gap_and_does_not_change_the_unit(qtbot: QtBot) -> None:
    view = RunView(Path("run"), Head("run", "critical-current", "K001", {}, {}, {}, "", 0.0))
    table = view.tables["polarisation"] = GrowingTable()
    pane = OverTimePane()
    qtbot.addWidget(pane)
    pane.show()

    def grow(density: list[float]) -> dict[str, np.ndarray]:
        time_s = table.size + np.arange(len(density)) * 1.0
        rows = {"id": time_s, "sample": np.full(len(density), "K001", object), "t_s": time_s, "voltage_V": time_s}
        table.extend({**rows, "current_A": 1e-3 * time_s, "current_density_mA_cm2": np.array(density)})
        pane.set_runs([ShownRun(view, "#0072b2")])
        (cell,) = pane.exported()
        return dict(cell.columns)

    assert grow([np.nan, np.nan])["current_mA"].tolist() == [0.0, 1.0], "as long as there is no density"
    density = grow([0.5, np.nan, 0.7])["current_density_mA_cm2"]
    assert np.array_equal(density, [np.nan, np.nan, 0.5, np.nan, 0.7], equal_nan=True)
    assert grow([np.nan])["current_density_mA_cm2"][4] == 0.7
    assert pane.plot.getAxis("right").labelText.startswith("j")
