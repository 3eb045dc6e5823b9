"""Reports of direct current: what the figures draw, what stands on the page."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from broken_ladder import BREAK_S, write_broken_ladder
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from report_page import read_page
from sweep_records import write_record

from daq.contracts import Result
from daq.runfile.writer import RunWriter
from procedures.report import figures_of, write_report


def figure_named(run: Path, name: str) -> Figure:
    (found,) = [one.figure for one in figures_of(run) if one.name == name]
    return found


def test_no_line_is_drawn_over_a_time_in_which_nothing_was_recorded(tmp_path: Path) -> None:
    run = write_broken_ladder(tmp_path)
    for axes in figure_named(run, "over_time").axes:
        x, y = (np.asarray(one, float) for one in axes.lines[0].get_data())
        drawn = np.isfinite(x[1:]) & np.isfinite(x[:-1]) & np.isfinite(y[1:]) & np.isfinite(y[:-1])
        seconds = BREAK_S / np.nanmax(np.diff(x[np.isfinite(x)]))  # of the axis' unit
        assert 0 < np.max(np.diff(x)[drawn]) * seconds < 60
        assert np.count_nonzero(np.isnan(y)) == 1
    assert "Gap: nothing was recorded." in read_page(write_report(run)).text


@pytest.mark.parametrize("amps", [8e-10, 3e-7, 2e-4])
def test_labels_of_small_currents_and_potentials_stay_inside_the_figure(tmp_path: Path, amps: float) -> None:
    figure = figure_named(write_broken_ladder(tmp_path, amps), "over_time")
    FigureCanvasAgg(figure).draw()
    for axes in figure.axes:
        for label in (axes.yaxis.label, axes.xaxis.label):
            box = label.get_window_extent()
            assert box.x0 >= 0
            assert box.y0 >= 0
        assert axes.yaxis.get_offset_text().get_text() == ""
        assert 1 <= np.nanmax(np.abs(np.asarray(axes.lines[0].get_ydata(), float))) < 1000


def test_the_temperature_of_a_run_that_failed_at_once_can_be_read(tmp_path: Path) -> None:
    def look(writer: RunWriter) -> None:
        level = {"temperature_C": 19.99, "setpoint_C": 20.0, "working_setpoint_C": 20.0, "output_percent": 0.0}
        writer.record("temperature", "30 heating", 1, 0.0, level | {"sample_temperature_C": 19.991})

    run = write_record(tmp_path, procedure="temperature-hold", outcome="failed", say=look)
    figure = figure_named(run, "temperature")
    axes = figure.axes[0]
    FigureCanvasAgg(figure).draw()
    assert axes.yaxis.get_offset_text().get_text() == ""
    assert np.ptp(axes.get_ylim()) >= 1
    assert [line.get_marker() for line in axes.lines if len(np.asarray(line.get_xdata())) == 1] == ["o"] * 3


def test_it_is_said_from_when_the_hours_of_a_short_circuit_count(tmp_path: Path) -> None:
    short = Result("short_circuit", 1.5, "h", 0.01, (1.48, 1.52), {"kind": "hard"}, "by eye")
    page = read_page(write_report(write_broken_ladder(tmp_path, results=[short])))
    assert page.row("short circuit")[1] == "kind hard, since the start of the run"
