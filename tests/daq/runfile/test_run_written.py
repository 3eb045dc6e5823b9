"""Writing and reading a run through the public door: values, steps, results, the end, and what is refused."""

from __future__ import annotations

import math
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daq.clock import wall_monotonic, wall_sleep
from daq.contracts import Result, Step
from daq.errors import BadInput, RunFileError, StorageError
from daq.runfile.plain import copy_run
from daq.runfile.reader import RunFile
from daq.runfile.writer import RunWriter
from daq.stream import Column, Stream

POINTS = Stream("points", (Column("voltage_V", "V"), Column("current_A", "A")))
CELL = Stream("cell", (Column("order", "V"), Column("cycle", kind="int"), Column("range", kind="text")))
STEPS = (Step("25", "25 °C", details={"temperature_C": 25}), Step("30", "30 °C", "continue"))


def new_run(runs: Path, **changes: Any) -> RunWriter:
    wanted: dict[str, Any] = {
        "procedure": "eis-sweep",
        "sample": {"name": "Li₂OHCl / K", "pellet": {"thickness_mm": 0.9}},
        "parameters": {"temperatures_C": [25, 30]},
        "bench": {"bench": {"name": "µ bench"}},
        "streams": (POINTS, CELL),
        "steps": STEPS,
        "plan": {"source": Path("plan.toml")},
        "versions": {"cellrig": "9.9"},
        "started_unix": 1_800_000_000.0,
        "bench_unix": 1_800_000_000.5,
    }
    return RunWriter.create(runs, **{**wanted, **changes})


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[RunWriter]:
    writer = new_run(tmp_path / "runs")
    yield writer
    writer.abandon()


def test_what_went_in_comes_out(writer: RunWriter) -> None:
    attempt = writer.begin_step("25", 0.0)
    writer.anchor(0.0, 1_800_000_000.5, "start")
    writer.record("points", "25", attempt, 0.1, {"current_A": -math.pi, "voltage_V": 1e-300})
    writer.record("points", "", 0, 0.2, {"voltage_V": math.inf, "current_A": math.nan})
    writer.record_many("points", "25", attempt, [0.3, 0.4], {"voltage_V": [1, None], "current_A": np.array([True, 0])})
    writer.record("cell", "25", attempt, 0.5, {"order": 0.1 + 0.2, "cycle": 7, "range": "100 µA"})
    writer.event(0.6, "warning", "furnace", "heizt \ud800 noch")
    writer.remember("fit", {"R_ohm": np.float64(529), "list": (1, 2), "nested": {"a": np.arange(2)}})
    writer.end_step("25", attempt, "finished", 0.7)
    writer.replace_results([Result("first", 1.0, "ohm")])
    results = [
        Result("conductivity", 1.2e-4, "S/cm", 3e-6, (1.1e-4, 1.3e-4), {"temperature_C": 25}, "fit", None),
        Result("bulk_resistance", None, "ohm", reason="the arc is out of the window"),
    ]
    writer.replace_results(results)
    writer.close("stopped", "by hand", 0.8)
    with RunFile.open(writer.path / "run.db") as run:
        assert (run.id, run.path, run.procedure) == (writer.path.name, writer.path, "eis-sweep")
        assert (run.outcome, run.reason, run.ended_t_s) == ("stopped", "by hand", 0.8)
        assert run.sample["name"] == "Li₂OHCl / K"
        assert run.bench == {"bench": {"name": "µ bench"}}
        assert run.plan == {"source": "plan.toml"}
        assert run.parameters == {"temperatures_C": [25, 30]}
        assert run.started_unix == 1_800_000_000.0
        assert run.started.startswith("2027-01-15T")
        points = run.table("points")
        np.testing.assert_array_equal(points["id"], [1, 2, 3, 4])
        assert list(points["step"]) == ["25", "", "25", "25"]
        np.testing.assert_array_equal(points["attempt"], [1, 0, 1, 1])
        np.testing.assert_array_equal(points["t_s"], [0.1, 0.2, 0.3, 0.4])
        np.testing.assert_array_equal(points["voltage_V"], [1e-300, math.inf, 1.0, math.nan])
        np.testing.assert_array_equal(points["current_A"], [-math.pi, math.nan, 1.0, 0.0])
        cell = run.table("cell")
        assert (cell["order"][0], cell["cycle"][0], cell["range"][0]) == (0.1 + 0.2, 7, "100 µA")
        assert cell["cycle"].dtype == np.int64
        assert [(one.level, one.source, one.text) for one in run.events()] == [("warning", "furnace", "heizt ? noch")]
        assert run.recall("fit") == {"R_ohm": 529.0, "list": [1, 2], "nested": {"a": [0, 1]}}
        assert run.recall("nothing", "default") == "default"
        assert run.results() == results
        steps = [(one.key, one.title, one.state, one.attempt) for one in run.steps()]
        assert steps == [("25", "25 °C", "finished", 1), ("30", "30 °C", "waiting", 0)]
        assert run.unix_of(10.0) == 1_800_000_010.5
        assert [(one.name, one.units, one.rows) for one in run.streams()] == [
            ("cell", ("V", "", ""), 1),
            ("points", ("V", "A"), 4),
        ]


def test_a_cursor_reads_only_what_is_new(writer: RunWriter) -> None:
    numbers = np.arange(10.0)
    writer.record_many("points", "25", 1, numbers, {"voltage_V": numbers, "current_A": -numbers})
    writer.event(0.0, "info", "a", "first")
    writer.event(0.0, "info", "a", "second")
    writer.flush()
    with RunFile.open(writer.path) as run:
        new = run.table("points", after=7)
        np.testing.assert_array_equal(new["id"], [8, 9, 10])
        np.testing.assert_array_equal(new["voltage_V"], [7.0, 8.0, 9.0])
        empty = run.table("points", after=10)
        assert {name: array.size for name, array in empty.items()} == dict.fromkeys(new, 0)
        assert [one.text for one in run.events(after=1)] == ["second"]


# ------------------------------------------------------------ the door
NUMBERS = [1, True, np.float32(1), np.float64(1), np.int8(1), np.uint64(1), np.bool_(True), np.array(1), np.array(1.0)]


@pytest.mark.parametrize("number", NUMBERS, ids=lambda one: f"{type(one).__name__}-{getattr(one, 'dtype', '')}")
def test_any_number_is_a_number(writer: RunWriter, number: Any) -> None:
    writer.record("points", "25", 1, 0.5, {"voltage_V": number, "current_A": None})
    writer.record_many("points", "25", 1, [1.0], {"voltage_V": [number], "current_A": np.array([number])})
    whole: Any = None if isinstance(np.asarray(number)[()], np.floating) else number
    writer.record("cell", "25", 1, 0.5, {"order": number, "cycle": whole, "range": None})
    writer.flush()
    with RunFile.open(writer.path) as run:
        np.testing.assert_array_equal(run.table("points")["voltage_V"], [1.0, 1.0])
        np.testing.assert_array_equal(run.table("points")["current_A"], [math.nan, 1.0])
        np.testing.assert_array_equal(run.table("cell")["cycle"], [math.nan if whole is None else 1])
        assert list(run.table("cell")["range"]) == [""]


GOOD = {"order": 1.0, "cycle": 1, "range": "x"}
WRONG = [
    ("cell", {**GOOD, "order": "1.0"}, TypeError, r"cell\.order takes a float or None, found '1\.0'"),
    ("cell", {**GOOD, "order": 1j}, TypeError, r"cell\.order takes a float"),
    ("cell", {**GOOD, "order": [1.0]}, TypeError, r"cell\.order takes a float"),
    ("cell", {**GOOD, "cycle": 1.0}, TypeError, r"cell\.cycle takes a int"),
    ("cell", {**GOOD, "cycle": 2**60}, TypeError, "too large to be kept exactly"),
    ("cell", {**GOOD, "range": 1}, TypeError, r"cell\.range takes a text"),
    ("cell", {**GOOD, "range": "\ud800"}, TypeError, r"cell\.range takes a text"),
    ("points", {"voltage_V": "1", "current_A": 1.0}, TypeError, r"points\.voltage_V takes a float"),
    ("points", {"voltage_V": 10**400, "current_A": 1.0}, TypeError, r"points\.voltage_V takes a float"),
    ("points", {"voltage_V": 1.0}, KeyError, "points: lacks current_A"),
    ("points", {"voltage_V": 1.0, "current": 1.0}, KeyError, "lacks current_A; has no column current"),
    ("points", {"voltage_V": 1.0, "current_A": 1.0, "T": 1.0}, KeyError, "has no column T"),
    ("spectra", {}, KeyError, "no stream 'spectra'"),
]


@pytest.mark.parametrize(("stream", "values", "kind", "says"), WRONG)
def test_what_does_not_fit_is_refused_with_stream_and_column(
    writer: RunWriter, stream: str, values: dict[str, Any], kind: type[Exception], says: str
) -> None:
    with pytest.raises(kind, match=says):
        writer.record(stream, "25", 1, 0.0, values)
    with pytest.raises(kind, match=says):
        writer.record_many(stream, "25", 1, [0.0], {name: [value] for name, value in values.items()})
    writer.flush()
    with RunFile.open(writer.path) as run:
        assert sum(one.rows for one in run.streams()) == 0


def test_steps_times_and_lengths_are_checked(writer: RunWriter) -> None:
    row = {"voltage_V": 1.0, "current_A": 1.0}
    with pytest.raises(KeyError, match="no step '26'"):
        writer.record("points", "26", 1, 0.0, row)
    with pytest.raises(KeyError, match="no step '26'"):
        writer.begin_step("26", 0.0)
    with pytest.raises(TypeError, match="t_s is nan"):
        writer.record("points", "25", 1, math.nan, row)
    with pytest.raises(TypeError, match="finite times"):
        writer.record_many("points", "25", 1, [0.0, math.inf], {"voltage_V": [1, 2], "current_A": [1, 2]})
    with pytest.raises(TypeError, match=r"points\.current_A has 1 values for 2 times"):
        writer.record_many("points", "25", 1, [0.0, 1.0], {"voltage_V": [1, 2], "current_A": [1]})
    with pytest.raises(TypeError, match="remembered as 'x' cannot be kept"):
        writer.remember("x", object())


@given(st.lists(st.tuples(st.floats(), st.one_of(st.none(), st.floats(width=32))), max_size=20))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_float_survives(writer: RunWriter, rows: list[tuple[float, float | None]]) -> None:
    with RunFile.open(writer.path) as run:
        before = run.streams()[1].rows
        for voltage_V, current_A in rows:
            writer.record("points", "25", 1, 1.0, {"voltage_V": voltage_V, "current_A": current_A})
        writer.flush()
        found = run.table("points", after=before)
    wanted = np.array(rows, dtype=float).reshape(-1, 2)
    np.testing.assert_array_equal(found["voltage_V"], wanted[:, 0])
    np.testing.assert_array_equal(found["current_A"], wanted[:, 1])


# ------------------------------------------------------------ commits, threads
def test_a_straggler_is_committed_by_the_timer(writer: RunWriter) -> None:
    for number in range(100):  # faster than a group: the last ones wait for company
        writer.record("points", "25", 1, float(number), {"voltage_V": 1.0, "current_A": 1.0})
    ended = wall_monotonic()
    with RunFile.open(writer.path) as run:
        while run.streams()[1].rows < 100:
            assert wall_monotonic() - ended < 5.0, "nobody commits what a pause leaves behind"
            wall_sleep(0.001)


def test_threads_record_at_the_same_time(writer: RunWriter) -> None:
    def work(number: int) -> None:
        for k in range(500):
            writer.record("points", "25", 1, float(k), {"voltage_V": float(number), "current_A": float(k)})
            if k % 100 == 0:
                writer.remember(f"thread {number}", k)
                writer.event(float(k), "info", str(number), str(k))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    writer.close("finished", "", 1.0)
    with RunFile.open(writer.path) as run:
        rows = run.table("points")
        assert rows["id"].size == 2000
        for number in range(4):
            mine = rows["current_A"][rows["voltage_V"] == number]
            np.testing.assert_array_equal(mine, np.arange(500.0))
        assert len(run.events()) == 20


# ------------------------------------------------------------ steps, going on
def test_steps_are_journalled_over_a_break(writer: RunWriter) -> None:
    assert writer.step_states() == {"25": "waiting", "30": "waiting"}
    writer.end_step("25", writer.begin_step("25", 1.0), "finished", 2.0)
    writer.begin_step("30", 3.0)
    writer.record("points", "30", 1, 42.0, {"voltage_V": 1.0, "current_A": 1.0})
    writer.remember("charge", 1.5)
    writer.abandon()
    with RunFile.open(writer.path) as run:
        assert run.outcome == "interrupted"
    again = RunWriter.reopen(writer.path)
    assert again.last_t_s == 42.0
    assert again.recall("charge") == 1.5
    assert again.step_states() == {"25": "finished", "30": "broken"}
    assert again.attempt_of("30") == 1
    assert again.begin_step("30", 50.0) == 2
    again.record("points", "30", 2, 51.0, {"voltage_V": 2.0, "current_A": 2.0})
    again.mark_step("30", "skipped", 52.0)
    again.close("finished", "", 60.0)
    with RunFile.open(writer.path) as run:
        assert [(one.key, one.attempt, one.state) for one in run.attempts()] == [
            ("25", 1, "finished"),
            ("30", 1, "broken"),
            ("30", 2, "skipped"),
        ]
        assert run.steps()[1].attempt == 2
        np.testing.assert_array_equal(run.table("points")["attempt"], [1, 2])


def test_one_run_has_one_writer(writer: RunWriter) -> None:
    with pytest.raises(RunFileError, match=r"is being run by pid \d+ on "):
        RunWriter.reopen(writer.path)
    writer.close("failed", "x", 1.0)
    RunWriter.reopen(writer.path).close("finished", "", 1.0)


def test_the_lock_and_the_reserve_are_there_while_it_runs_only(writer: RunWriter) -> None:
    assert (writer.path / "reserve.bin").stat().st_size == 8 * 2**20
    assert (writer.path / "run.lock").exists()
    writer.close("finished", "", 1.0)
    assert sorted(path.name for path in writer.path.iterdir()) == ["run.db", "run.log"]
    with pytest.raises(StorageError, match="closed"):
        writer.record("points", "25", 1, 0.0, {"voltage_V": 1.0, "current_A": 1.0})
    with pytest.raises(StorageError, match="closed already"):
        writer.close("failed", "", 1.0)
    with RunFile.open(writer.path) as run:
        assert run.outcome == "finished"


def test_a_reader_that_stays_does_not_keep_the_run_from_ending(writer: RunWriter) -> None:
    with RunFile.open(writer.path) as run:
        writer.record("points", "25", 1, 0.0, {"voltage_V": 1.0, "current_A": 1.0})
        writer.close("finished", "", 1.0)
        assert run.outcome == "finished"
        assert run.table("points")["id"].size == 1
    assert sorted(path.name for path in writer.path.iterdir()) == ["run.db", "run.log"], "the last to leave tidies up"


def test_what_is_told_before_the_run_begins_has_its_date(writer: RunWriter) -> None:
    writer.event(0.0, "info", "plan", "told first")
    (line,) = [one for one in (writer.path / "run.log").read_text(encoding="utf-8").splitlines() if "told first" in one]
    assert line.startswith("2027-01-15")


# ------------------------------------------------------------ folders
def test_folders_are_named_safely_and_never_reused(tmp_path: Path) -> None:
    names = []
    for sample in ("Li₂OHCl / K", "Li₂OHCl / K", "../../x", "", "Probe 7ä: \0 <neu>", "x" * 300):
        writer = new_run(tmp_path, sample={"name": sample})
        names.append(writer.id)
        writer.abandon()
    assert names[0].split("_", 1)[1] == "eis-sweep_Li2OHCl-K"
    assert names[1] == names[0] + "_2"
    assert len(set(names)) == len(names)
    assert all(set(name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") for name in names)
    assert max(map(len, names)) < 100


def test_runs_that_cannot_begin_leave_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="name is taken"):
        new_run(tmp_path, streams=(POINTS, Stream("Points", ())))
    with pytest.raises(ValueError, match="name is taken"):
        new_run(tmp_path, streams=(Stream("event", ()),))
    with pytest.raises(ValueError, match="upper and lower case"):
        new_run(tmp_path, streams=(Stream("a", (Column("x"), Column("X"))),))
    with pytest.raises(ValueError, match="must be different"):
        new_run(tmp_path, steps=(STEPS[0], STEPS[0]))
    with pytest.raises(TypeError, match="cannot be kept as JSON"):
        new_run(tmp_path, parameters={"x": object()})
    assert list(tmp_path.iterdir()) == []
    file = tmp_path / "file"
    file.write_text("", encoding="utf-8")
    with pytest.raises(BadInput, match=r"file: no run can be stored here"):
        new_run(file)


# ------------------------------------------------------------ what is no run
def test_what_is_no_run_is_said_in_one_sentence(tmp_path: Path, writer: RunWriter) -> None:
    writer.close("finished", "", 0.0)
    database = writer.path / "run.db"
    good = database.read_bytes()
    with pytest.raises(RunFileError, match="there is no run here"):
        RunFile.open(tmp_path)
    for content, says in [
        (b"", "cut off"),
        (good[:50], "cut off"),
        (b"a diary", "not a run of cellrig"),
        (good[:60] + (99).to_bytes(4, "big") + good[64:], r"written by cellrig 9\.9 \(schema 99"),
        (good[:68] + bytes(4) + good[72:], "not a run of cellrig"),
        (good[:200] + b"\xff" * (len(good) - 200), "damaged"),
        (good[: len(good) // 4096 // 2 * 4096], "damaged"),
    ]:
        database.write_bytes(content)
        with pytest.raises(RunFileError, match=says):
            RunFile.open(writer.path).table("points")
        with pytest.raises(RunFileError, match=says):
            RunWriter.reopen(writer.path)
    database.write_bytes(good)
    with (
        RunFile.open(writer.path) as run,
        pytest.raises(RunFileError, match=r"no stream 'x' \(allowed: cell, points\)"),
    ):
        run.table("x")


def test_a_copy_of_a_live_run_is_a_run(tmp_path: Path, writer: RunWriter) -> None:
    writer.record("points", "25", 1, 0.0, {"voltage_V": 1.0, "current_A": 1.0})
    writer.flush()
    copy = copy_run(writer.path, tmp_path / "copies" / "one")
    assert [path.name for path in copy.iterdir()] == ["run.db"]
    with RunFile.open(copy) as run:
        assert run.outcome == "interrupted"
        assert run.table("points")["id"].size == 1
    with pytest.raises(BadInput, match="exists already"):
        copy_run(writer.path, copy)
    with sqlite3.connect(copy / "run.db") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
