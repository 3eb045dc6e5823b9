"""What the window shows without a window: numbers as they are typed, long curves, forms, marks on a plot."""

from __future__ import annotations

import math
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytestqt.qtbot import QtBot

from daq.bench import load_bench
from daq.plan import check_plan, load_plan
from daq.runfile.reader import EventRecord
from gui.graph import pg
from gui.model.drafts import check_draft, plan_text, texts_of_plan
from gui.model.growing import GrowingColumn, GrowingTable
from gui.model.procedure_form import fields_of, procedure_names
from gui.model.pyramid import Pyramid, thin
from gui.model.quantity_text import number_of, text_of
from gui.model.run_view import Head, RunView
from gui.model.series import SeriesBy
from gui.plots.interlock_marks import InterlockMarks
from gui.plots.long_curve import LongCurve


# ---------------------------------------------------------------- numbers
@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("1 MHz", "Hz", 1e6),
        ("50k", "Hz", 5e4),
        ("0,5", "V", 0.5),
        ("500 uA", "A", 5e-4),
        ("10 mV", "V", 0.01),
        ("30 min", "h", 0.5),
        ("1 h", "s", 3600.0),
        ("25 °C", "degC", 25.0),
        ("−40", "degC", -40.0),
        ("0.2 mA/cm²", "mA/cm2", 0.2),
        ("200 µA/cm2", "mA/cm2", 0.2),
        ("3 K/min", "K/min", 3.0),
    ],
)
def test_a_number_as_people_type_it(text: str, unit: str, value: float) -> None:
    assert number_of(text, unit) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(("text", "unit"), [("3 Mohm", "Hz"), ("five", "V"), ("", "V"), ("2 V", "degC"), ("1 m", "h")])
def test_what_is_no_such_quantity_is_a_sentence(text: str, unit: str) -> None:
    with pytest.raises(ValueError, match=r"unit must be|is not a number|is empty"):
        number_of(text, unit)


@given(st.floats(min_value=1e-4, max_value=1e8, allow_nan=False), st.sampled_from(["Hz", "V", "s", "K/min", "mm"]))
def test_what_a_field_shows_reads_back_as_it_was(value: float, unit: str) -> None:
    assert number_of(text_of(value, unit), unit) == pytest.approx(value, rel=2e-6)


# ---------------------------------------------------------------- long curves
@given(st.integers(1, 4000), st.integers(0, 2**32 - 1), st.integers(1, 7))
def test_a_long_curve_drawn_thin_looks_the_same(count: int, seed: int, blocks: int) -> None:
    """In pieces or whole, of any part: the extremes are there, in order, and few points stand for many."""
    rng = np.random.default_rng(seed)
    x, y = np.arange(count) * 0.5, np.cumsum(rng.normal(size=count))
    curve = Pyramid()
    for end in np.linspace(1, count, blocks).astype(int):
        curve.take(x[:end], y[:end])
    curve.take(x, y)
    low, high = sorted(rng.uniform(-10, count * 0.5 + 10, 2))
    shown_x, shown_y = curve.between(low, high, 50)
    inside = (x >= low) & (x <= high)
    assert (np.diff(shown_x) >= 0).all()
    assert len(shown_x) <= 8 * 50 + 100
    if inside.any():
        assert y[inside].min() >= shown_y.min() - 1e-12
        assert shown_y.min() == y[(x >= shown_x[0]) & (x <= shown_x[-1])].min()
        assert shown_y.max() == y[(x >= shown_x[0]) & (x <= shown_x[-1])].max()


def test_a_missing_value_does_not_hide_its_neighbours() -> None:
    curve = Pyramid()
    y = np.sin(np.arange(5000) / 50)
    y[::7] = np.nan
    curve.take(np.arange(5000.0), y)
    _, shown = curve.between(0, 5000, 100)
    assert np.nanmax(shown) == np.nanmax(y)
    assert np.nanmin(shown) == np.nanmin(y)


def test_a_closed_loop_keeps_its_ends_and_peaks() -> None:
    angle = np.linspace(0, 2 * math.pi, 50_001)
    x, y = thin(np.cos(angle), np.sin(angle), 1000)
    assert len(x) <= 1100
    assert (x[0], y[0]) == (1.0, 0.0)
    assert y.max() == pytest.approx(1, abs=1e-9)
    assert y.min() == pytest.approx(-1, abs=1e-9)


def test_a_column_of_whole_numbers_may_miss_one_later() -> None:
    table = GrowingTable()
    table.extend({"id": np.array([1, 2]), "cycle": np.array([1, 2])})
    table.extend({"id": np.array([3]), "cycle": np.array([np.nan])})
    assert table.size == 3
    assert list(table["cycle"][:2]) == [1, 2]
    assert np.isnan(table["cycle"][2])
    assert len(table["nothing of the kind"]) == 0


ONE_OR_MORE = st.lists(st.sampled_from([1.0, 2.0, math.nan]), max_size=4)


@given(st.lists(st.tuples(st.booleans(), ONE_OR_MORE), max_size=8))
def test_a_column_grows_to_what_was_put_in(batches: list[tuple[bool, list[float]]]) -> None:
    """Of one value or of several, in batches of any size; whole numbers come as such where none is missing."""
    column = GrowingColumn(np.dtype(np.float64))
    everything: list[float] = []
    for is_whole, batch in batches:
        as_whole = is_whole and not np.isnan(batch).any()
        column.extend(np.array(batch, np.int64 if as_whole else np.float64))
        everything += batch
    assert column.size == len(everything)
    assert np.array_equal(column.values, everything, equal_nan=True)


def test_a_column_of_one_value_is_not_kept_row_by_row() -> None:
    rows, blocks = 50_000, 40
    names = np.full(rows, "", dtype=object)
    names[:] = "K001"
    tracemalloc.start()
    try:
        table = GrowingTable()
        for block in range(blocks):
            ids = np.arange(rows) + rows * block
            table.extend({"id": ids, "sample": names, "temperature_C": np.full(rows, np.nan), "time_s": ids * 1.0})
        kept_B = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert table.size == len(table["sample"]) == rows * blocks
    assert set(table["sample"][-5:]) == {"K001"}
    assert np.isnan(table["temperature_C"]).all()
    assert table["time_s"][-1] == rows * blocks - 1
    assert kept_B < 1e6  # of two million rows; the one column that changes lies in pages of its own


def test_rows_are_taken_apart_by_sample_whenever_the_second_one_comes() -> None:
    view = RunView(Path("run"), Head("run", "critical-current", "", {}, {}, {}, "", 0.0))
    table = view.tables["polarisation"] = GrowingTable()
    series = SeriesBy(view, "polarisation", ("voltage_V",), ("sample",))

    def grow(samples: str, volts: list[float]) -> list[tuple[object, ...]]:
        names = np.array(list(samples), dtype=object)
        table.extend({"id": np.arange(len(volts)), "sample": names, "voltage_V": np.array(volts)})
        return series.refresh()

    assert grow("aa", [1.0, 2.0]) == [("a",)]
    table.extend({"id": np.arange(1), "sample": np.array(["a"], dtype=object), "voltage_V": np.array([3.0])})
    assert series.part(("a",))["voltage_V"].tolist() == [1.0, 2.0]  # as far as it was looked at
    assert grow("ab", [4.0, 5.0]) == [("a",), ("b",)]
    assert grow("b", [6.0]) == [("b",)]
    assert series.refresh() == []
    assert {key: series.part(key)["voltage_V"].tolist() for key in series.keys} == {
        ("a",): [1.0, 2.0, 3.0, 4.0],
        ("b",): [5.0, 6.0],
    }


def test_rows_without_a_cycle_belong_together_whenever_they_come() -> None:
    view = RunView(Path("run"), Head("run", "linear-sweep", "", {}, {}, {}, "", 0.0))
    table = view.tables["voltammetry"] = GrowingTable()
    series = SeriesBy(view, "voltammetry", ("voltage_V",), ("sample", "cycle"))

    def grow(cycles: list[float], volts: list[float]) -> None:
        names = np.array(["K001"] * len(volts), dtype=object)
        rows = {"id": np.arange(len(volts)), "sample": names, "cycle": np.array(cycles), "voltage_V": np.array(volts)}
        table.extend(rows)
        series.refresh()

    grow([math.nan, math.nan], [0.1, 0.2])
    assert [series.part(key)["voltage_V"].tolist() for key in series.keys] == [[0.1, 0.2]]
    grow([math.nan, 1.0, math.nan], [0.3, 0.4, 0.5])
    assert [series.part(key)["voltage_V"].tolist() for key in series.keys] == [[0.1, 0.2, 0.3, 0.5], [0.4]]


def test_a_thousand_cycles_are_taken_apart_at_once() -> None:
    view = RunView(Path("run"), Head("run", "cyclic-voltammetry", "", {}, {}, {}, "", 0.0))
    table = view.tables["voltammetry"] = GrowingTable()
    cycle = np.repeat(np.arange(1, 1001), 1000)
    names = np.full(len(cycle), "K001", dtype=object)
    table.extend({"id": cycle, "sample": names, "cycle": cycle, "voltage_V": np.arange(len(cycle)) * 1.0})
    series = SeriesBy(view, "voltammetry", ("voltage_V",), ("sample", "cycle"))
    began = time.perf_counter()
    series.refresh()
    assert time.perf_counter() - began < 2  # 0.2 s; it was 20 s
    assert series.keys == [("K001", number) for number in range(1, 1001)]
    assert series.part(("K001", 500))["voltage_V"].tolist() == list(range(499_000, 500_000))


def test_a_long_curve_is_not_drawn_over_a_break(qtbot: QtBot) -> None:
    widget = pg.PlotWidget()
    qtbot.addWidget(widget)
    curve = LongCurve(widget.getPlotItem())
    x = np.concatenate([np.arange(50.0), np.arange(500.0, 550.0)])
    y = np.sin(x)
    y[20] = np.nan
    widget.getPlotItem().setRange(xRange=(0, 600), padding=0)
    curve.take(x, y, of="a run", cuts=[499.5])
    curve.show_taken()
    joined = curve.item.opts["connect"]
    assert np.flatnonzero(~np.asarray(joined)).tolist() == [19, 20, 49]
    curve.take(x, y, of="a run")
    curve.show_taken()
    assert curve.item.opts["connect"] == "finite"


# ---------------------------------------------------------------- forms
@pytest.mark.parametrize("procedure", procedure_names())
def test_every_procedure_s_form_starts_with_what_it_takes(procedure: str) -> None:
    fields = fields_of(procedure)
    assert fields
    for field in fields:
        value = field.read(field.default)
        assert field.read(field.show(value)) == value


def test_a_form_makes_the_plan_that_its_file_says(tmp_path: Path) -> None:
    fields = fields_of("eis-sweep")
    texts = {one.key: one.default for one in fields} | {
        "name": 'pellet "7"',
        "pellet.thickness_mm": "0.9 mm",
        "pellet.diameter_mm": "10",
        "temperatures_C": "25:85:20",
        "frequency_max_Hz": "500k",
    }
    checked = check_draft("eis-sweep", fields, texts, load_bench(None))
    assert checked.good, checked.problems
    assert checked.seconds > 3600
    file = tmp_path / "plan.toml"
    file.write_text(plan_text(checked.table, None), encoding="utf-8")
    (run,) = check_plan(load_plan(file))
    parameters = run.procedure.parameter_table()
    assert parameters["temperatures_C"] == [25, 45, 65, 85]
    assert parameters["frequency_max_Hz"] == 5e5
    again = texts_of_plan(load_plan(file).model.model_dump(exclude_none=True), fields)
    assert {key: again[key] for key in ("name", "temperatures_C", "frequency_max_Hz")} == {
        "name": 'pellet "7"',
        "temperatures_C": "25, 45, 65, 85",
        "frequency_max_Hz": "500 kHz",
    }


@pytest.mark.parametrize(
    ("key", "text", "says"),
    [
        ("frequency_max_Hz", "3 Mohm", "unit must be Hz"),
        ("temperatures_C", "25:205:20", "150"),
        ("pellet.thickness_mm", "-1", "greater"),
        ("name", "", "missing"),
        ("pellet.thickness_mm", "", "thickness"),
        ("settle", "{ sensor = ", "read"),
        ("points_per_decade", "2.5", "whole number"),
    ],
)
def test_what_is_wrong_is_told_at_its_field(key: str, text: str, says: str) -> None:
    fields = fields_of("eis-sweep")
    texts = {one.key: one.default for one in fields}
    texts |= {"name": "K001", "pellet.thickness_mm": "0.9", "pellet.diameter_mm": "10", key: text}
    checked = check_draft("eis-sweep", fields, texts, load_bench(None))
    assert not checked.good
    assert says in checked.problems[key], checked.problems


def test_what_tripped_is_marked_with_its_name_and_what_cleared_is_not(qtbot: QtBot) -> None:
    plot = pg.PlotItem()
    marks = InterlockMarks(plot)
    said = [
        (5.0, "warning", "interlock", "thermal shock: furnace.temperature_C = 16 is above its limit of 15; it pauses"),
        (9.0, "info", "interlock", "cleared after 4 s: thermal shock: 16"),
        (9.5, "warning", "furnace", "a reading is missing"),
    ]
    for _ in range(2):  # it is asked at every refresh
        marks.take([EventRecord(number, *one) for number, one in enumerate(said, 1)])
        lines = [one for one in plot.items if isinstance(one, pg.InfiniteLine)]
        assert [(one.value(), one.label.format) for one in lines] == [(5.0, "thermal shock")]
    marks.take(())
    assert not [one for one in plot.items if isinstance(one, pg.InfiniteLine)]
