"""Capacities of many cells in one plot."""

from __future__ import annotations

from pathlib import Path

from PyQt5.QtCore import QPointF
from PyQt5.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from daq.contracts import Result
from gui.model.growing import GrowingTable
from gui.model.run_view import Head, RunView
from gui.plots.capacity import CapacityPane
from gui.plots.pane import ShownRun
from gui.theme import LIGHT


def test_the_key_to_eight_cells_names_each_once_and_lies_over_none_of_their_points(qtbot: QtBot) -> None:
    view = RunView(Path("run"), Head("run", "galvanostatic-cycling", "cells", {}, {}, {}, "", 0.0))
    view.tables["cycling"] = GrowingTable()
    view.tables["cycling"].size = 1
    values = {"charge_capacity": 5.0, "discharge_capacity": 4.0, "coulombic_efficiency": 99.0}
    view.results = [
        Result(name, value * (1 + cell / 1000), "mAh/g", at={"sample": f"cell {cell}", "cycle": cycle})
        for cell in range(8)
        for cycle in range(1, 21)
        for name, value in values.items()
    ]
    pane = CapacityPane()
    qtbot.addWidget(pane)
    pane.resize(900, 600)
    pane.set_theme(LIGHT)
    pane.show()
    pane.set_runs([ShownRun(view, "#0072b2")])
    QApplication.processEvents()
    pane.fit()
    legend = pane.plot.legend
    assert [label.text for _, label in legend.items] == [f"cell {number}" for number in range(8)]
    box = legend.mapRectToScene(legend.boundingRect())
    points = [
        pane.plot.getViewBox().mapViewToScene(QPointF(float(x), float(y)))
        for item in pane.plot.listDataItems()
        for x, y in zip(*item.getData(), strict=True)
    ]
    assert len(points) >= 320
    assert not any(box.contains(one) for one in points)
