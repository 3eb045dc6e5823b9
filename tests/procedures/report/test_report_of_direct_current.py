"""Reports of direct current: what the figures draw, what stands on the page."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from broken_ladder import BREAK_S, write_broken_ladder
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from report_page import read_page
from sweep_records import FREQUENCY_HZ, Taken, blocking_cell, write_record

from daq.contracts import Result, Step
from daq.runfile.reader import RunFile
from daq.runfile.writer import RunWriter
from procedures.dc_streams import CYCLING
from procedures.report import figures_of, write_report
from procedures.report.cell_spectra import cell_spectra_plots
from procedures.report.facts import facts_of
from procedures.report.temperature import visits_of

RATES = ("0.1 C", "0.5 C")


def write_rates(folder: Path) -> Path:
    """Two cycles at each of two currents, which give 4 and 3 mAh."""
    writer = RunWriter.create(
        folder, procedure="rate-capability", sample={"name": "a", "channel": 1}, bench={}, streams=[CYCLING],
        parameters={"rates": list(RATES), "cycles_each": 2}, steps=[Step("schedule", "schedule")], plan={},
        versions={"cellrig": "0.1.0"}, started_unix=1_790_000_000.0, bench_unix=1_790_000_000.0,
    )  # fmt: skip
    writer.anchor(0.0, 1_790_000_000.0, "start")
    writer.begin_step("schedule", 0.0)
    amps = np.repeat([1e-3, -1e-3, 1e-3, -1e-3, 5e-3, -5e-3, 5e-3, -5e-3], [1440] * 4 + [216] * 4)
    count, cycle = len(amps), np.repeat([1, 2, 3, 4], [2880, 2880, 432, 432])
    columns = {
        "sample": ["a"] * count, "channel": [1] * count, "record": np.arange(count) + 1,
        "schedule_step": np.where(amps > 0, 1, 2) + np.where(abs(amps) > 2e-3, 3, 0), "cycle": cycle,
        "time_s": 10.0 * np.arange(1, count + 1), "voltage_V": 3.4 + 20 * amps, "current_A": amps,
        "current_density_mA_cm2": 1e3 * amps, "charge_capacity_Ah": np.zeros(count),
        "discharge_capacity_Ah": np.zeros(count), "temperature_C": np.full(count, 25.0),
    }  # fmt: skip
    writer.record_many("cycling", "schedule", 1, columns["time_s"].tolist(), columns)
    mean = zip(RATES, (4.0, 3.0), strict=True)
    writer.replace_results(
        [Result("discharge_capacity", v, "mAh", at={"rate": rate, "order": n}) for n, (rate, v) in enumerate(mean, 1)]
    )
    path = writer.path
    writer.close("finished", "", 10.0 * count)
    return path


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


def test_a_rate_capability_has_its_capacities_as_cards_and_as_a_figure(tmp_path: Path) -> None:
    run = write_rates(tmp_path)
    (axes,) = figure_named(run, "capacity").axes
    for line in axes.lines[:2]:
        assert np.asarray(line.get_xdata(), float).tolist() == [1, 2, 3, 4]
        assert np.asarray(line.get_ydata(), float) == pytest.approx([4, 4, 3, 3], rel=0.01)
    assert [one.get_text() for one in axes.texts] == list(RATES)
    page = read_page(write_report(run))
    assert "Capacity at each rate" in page.headings
    before_figures = page.text.split("Potential and current")[0]
    assert before_figures.count("discharge capacity") == 2


def test_spectra_before_and_after_a_hold_do_not_shade_the_hold() -> None:
    """Two in a row are one visit; one two hours later stands alone."""
    table = {
        "spectrum": np.array([1, 2, 3]), "step": np.array(["hold"] * 3, object), "attempt": np.array([1, 1, 1]),
        "started_s": np.array([0.0, 70.0, 7300.0]), "ended_s": np.array([60.0, 130.0, 7360.0]),
        "settled": np.array([1, 1, 1]), "setpoint_C": np.array([80.0, 80.0, 80.0]),
    }  # fmt: skip
    assert visits_of(table) == [(0.0, 130.0, True, 80.0), (7300.0, 7360.0, True, 80.0)]


def test_spectra_between_cycles_have_a_nyquist_plot_of_every_point_that_did_not_overload(tmp_path: Path) -> None:
    taken = [Taken(40, blocking_cell(40)), Taken(40, 1.3 * blocking_cell(40))]
    taken[1].overload = (FREQUENCY_HZ < 3).astype(int)
    with RunFile.open(write_record(tmp_path, taken, procedure="symmetric-cycling")) as run:
        (plot,) = cell_spectra_plots(run, facts_of(run))
    (axes,) = plot.figure.axes
    scale = 1e3 if "kΩ" in axes.get_xlabel() else 1e6
    for line, one in zip(axes.lines, taken, strict=True):
        z = one.z_ohm[one.overload == 0] / scale
        assert np.asarray(line.get_xdata(), float) == pytest.approx(z.real)
        assert np.asarray(line.get_ydata(), float) == pytest.approx(-z.imag)
    assert axes.get_aspect() == 1.0
