"""The table of results."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from daq.contracts import Result
from gui.model.run_view import Head, RunView
from gui.panels.results import ResultsPane
from gui.plots.pane import ShownRun


@pytest.mark.parametrize(
    ("procedure", "told"),
    [("critical-current", "since the start of the run"), ("symmetric-cycling", "since the start of its schedule")],
)
def test_a_short_circuit_says_what_its_hours_count_from(qtbot: QtBot, procedure: str, told: str) -> None:
    view = RunView(Path("run"), Head("run", procedure, "cell", {}, {}, {}, "", 0.0))
    view.results = [Result("short_circuit", 14.9, "h", 0.1, at={"kind": "soft"}), Result("hours_cycled", 20.0, "h")]
    pane = ResultsPane()
    qtbot.addWidget(pane)
    pane.set_runs([ShownRun(view, "#0072b2")])
    places = [item.text() for row in range(2) if (item := pane.table.item(row, 2)) is not None]
    assert told in places[0]
    assert "since" not in places[1]
