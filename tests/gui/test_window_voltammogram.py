"""Voltammograms in the window: many cycles, and what lies on the plot beside them."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from PyQt5.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from daq.contracts import Result
from gui.graph import pg
from gui.model.growing import GrowingTable
from gui.model.run_view import Head, RunView
from gui.plots.pane import ShownRun
from gui.plots.voltammogram import VoltammogramPane

POINTS = 600


def scanned(cycles: int) -> RunView:
    """So many cycles of a resistor that ages."""
    view = RunView(Path("run"), Head("run", "cyclic-voltammetry", "K001", {}, {}, {}, "", 0.0))
    view.tables["voltammetry"] = GrowingTable()
    volt = np.interp(np.arange(POINTS), [0, POINTS / 2, POINTS], [0.0, 1.0, 0.0])
    for cycle in range(1, cycles + 1):
        add(view, cycle, volt)
    return view


def add(view: RunView, cycle: float, volt: np.ndarray) -> None:
    same = np.ones(len(volt))
    view.tables["voltammetry"].extend(
        {
            "id": np.arange(len(volt)),
            "sample": np.full(len(volt), "K001", dtype=object),
            "cycle": same * cycle,
            "attempt": np.ones(len(volt), dtype=np.int64),
            "t_s": volt,
            "voltage_V": volt,
            "current_A": 1e-6 * volt,
            "current_density_mA_cm2": same * np.nan if np.isnan(cycle) else 1e-3 * (1 + cycle / 100) * volt,
        }
    )


def pane_with(qtbot: QtBot, view: RunView) -> VoltammogramPane:
    pane = VoltammogramPane()
    qtbot.addWidget(pane)
    pane.resize(900, 600)
    pane.show()
    pane.set_runs([ShownRun(view, "#0072b2")])
    return pane


def test_one_more_row_costs_the_same_however_many_cycles_are_finished(qtbot: QtBot) -> None:
    view = scanned(300)
    pane = pane_with(qtbot, view)
    spent = []
    for row in range(8):
        add(view, 301, np.array([0.01 * row]))
        began = time.perf_counter()
        pane.refresh()
        spent.append(time.perf_counter() - began)
    curves = pane.exported()
    assert len(curves) == 301
    assert len(dict(curves[-1].columns)["voltage_V"]) == 8
    assert min(spent[1:]) < 0.05  # 10 ms; it was 200 ms


def test_a_file_that_does_not_say_which_cycle_is_one_sweep(qtbot: QtBot) -> None:
    view = scanned(0)
    add(view, np.nan, np.linspace(0, 1, 80))
    pane = pane_with(qtbot, view)
    (curve,) = pane.exported()
    assert len(dict(curve.columns)["current_mA"]) == 80
    assert [label.text for _, label in pane.plot.legend.items] == ["sweep"]
    add(view, np.nan, np.linspace(1, 0, 20))
    pane.refresh()
    (curve,) = pane.exported()
    assert len(dict(curve.columns)["current_mA"]) == 100


def test_the_legend_does_not_cover_the_onset(qtbot: QtBot) -> None:
    view = scanned(10)
    onset = Result("oxidation_onset", 0.97, "V", uncertainty=0.001)
    view.results = [onset]
    pane = pane_with(qtbot, view)
    for potential in (0.97, 0.7, 0.5, 0.2, 0.03):
        view.results = [replace(onset, value=potential)]
        pane.refresh()
        (line,) = [one for one in pane.plot.items if isinstance(one, pg.InfiniteLine) and one.angle == 90]
        QApplication.processEvents()
        words = line.label.textItem
        legend = pane.plot.legend
        assert not words.mapRectToScene(words.boundingRect()).intersects(
            legend.mapRectToScene(legend.boundingRect())
        ), potential


def test_what_is_unticked_leaves_the_plot_and_what_changes_its_unit_is_drawn_anew(qtbot: QtBot) -> None:
    view = scanned(3)
    pane = pane_with(qtbot, view)
    assert len(pane.plot.listDataItems()) == 3
    pane.unit.setCurrentIndex(1)
    assert "current_mA" in dict(pane.exported()[0].columns)
    assert pane.plot.listDataItems()[0].getData()[1].max() == np.float64(1e-3)
    pane.set_runs([])
    assert pane.plot.listDataItems() == []
    pane.set_runs([ShownRun(view, "#0072b2")])
    assert len(pane.exported()) == len(pane.plot.listDataItems()) == 3
