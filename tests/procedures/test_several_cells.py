"""Several cells in one run: each its own truth, its own schedule, its own end; none is lost with another."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from daq import plugins
from daq.bench import BenchConfig
from daq.control import RunControl
from daq.engine import Progress
from daq.errors import BadInput, InstrumentError
from daq.plan import check_plan, load_plan, make_plan
from daq.questions import open_questions
from daq.runfile.reader import RunFile
from daq.runner import Watcher, resume_run, run_plan
from drivers.schedule import ChannelStatus
from drivers.simulated.cycler_driver import SimulatedCycler
from procedures.cli.app import run_app
from procedures.operator_run import ENDED
from procedures.report import write_report

EXAMPLE = Path(__file__).parents[2] / "examples" / "eight_cells.toml"
Table = dict[str, Any]
# mass in mg, capacity in mAh/g, fade in %/cycle
TRUTHS = {1: (1.40, 121.1, 0.2), 2: (1.10, 110.0, 1.0), 3: (1.80, 121.1, 2.0), 4: (1.55, 98.0, 0.5)}


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CELLRIG_STATE", str(tmp_path / "state"))


def cell(channel: int, **more: Any) -> Table:
    mass, capacity, _ = TRUTHS[channel]
    active = {"mass_mg": mass, "diameter_mm": 10, "capacity_mAh_g": capacity}
    return {"id": f"cell-{channel}", "name": "LFP", "channel": channel, "active": active, **more}


def bench(driver: str = "simulated-cycler", first: int = 1, **more: Any) -> Table:
    channels = {
        str(first - 1 + number): {
            "parameters": {"active_mass_mg": mass, "capacity_mAh_g": capacity, "capacity_loss_percent_per_cycle": fade}
        }
        for number, (mass, capacity, fade) in TRUTHS.items()
    }
    return {
        "bench": {"name": "cells"},
        "instruments": {
            "furnace": {"driver": "simulated-furnace", "limits": {"max_temperature_C": 150}},
            "cycler": {"driver": driver, **more},
        },
        "simulation": {"cell": "lfp", "preset": "K001", "channels": channels},
        "source": None,
    }


CYCLING = {"procedure": "galvanostatic-cycling", "temperature_C": 120, "charge_current": ["C/2"],
           "discharge_current": ["C/2"], "cycles": 6, "record_s": 60}  # fmt: skip


def run_of(
    folder: Path, channels: Sequence[int], bench_table: Table, watcher: Watcher | None = None, **run: Any
) -> RunFile:
    plan = make_plan(
        {"sample": [cell(one) for one in channels], "run": [{**CYCLING, **run}]}, BenchConfig.from_dict(bench_table)
    )
    (ended,) = run_plan(plan, folder / "runs", watcher or Watcher())
    return RunFile.open(ended.path)


def value(run: RunFile, name: str, label: str, cycle: int | None = None) -> float:
    (found,) = [
        one.value
        for one in run.results()
        if one.name == name and one.at.get("sample") == label and (cycle is None or one.at.get("cycle") == cycle)
    ]
    assert found is not None
    return found


def assert_whole(run: RunFile, channels: Sequence[int]) -> None:
    """Nothing lost, nothing doubled, of any cell."""
    rows = run.table("cycling")
    assert sorted(set(rows["channel"].tolist())) == sorted(channels)
    for channel in channels:
        mine = rows["channel"] == channel
        numbers = rows["record"][mine]
        assert np.array_equal(np.sort(numbers), np.arange(1, len(numbers) + 1))
        assert set(rows["sample"][mine].tolist()) == {f"cell-{channel}"}


def assert_truths(run: RunFile, channels: Sequence[int]) -> None:
    for channel in channels:
        _, capacity, fade = TRUTHS[channel]
        assert value(run, "discharge_capacity", f"cell-{channel}", 1) == pytest.approx(capacity, rel=0.02)
        assert value(run, "capacity_fade", f"cell-{channel}") == pytest.approx(fade, rel=0.1, abs=0.03)


def told(run: RunFile) -> str:
    return " | ".join(one.text for one in run.events())


def test_four_cells_are_found_each_with_its_own_truth(tmp_path: Path) -> None:
    seen: list[Progress] = []
    with run_of(tmp_path, [1, 2, 3, 4], bench(), Watcher(on_progress=seen.append)) as run:
        assert run.outcome == "finished", run.reason
        assert_whole(run, [1, 2, 3, 4])
        assert_truths(run, [1, 2, 3, 4])
        rows = run.table("cycling")
        for channel, (mass, capacity, _) in TRUTHS.items():  # C/2 of its own mass
            amps = np.median(np.abs(rows["current_A"][rows["channel"] == channel]))
            assert amps == pytest.approx(0.5 * mass * capacity * 1e-6, rel=1e-3)
        assert {one["state"] for one in run.recall("cells").values()} == {"finished"}
    assert any(one.text.startswith("4 cells: 4 run (cycle 1") for one in seen)


def test_cells_on_channels_of_a_neware_s_second_unit(tmp_path: Path) -> None:
    """Each channel of the tester has a cell of its own, beyond the eighth too."""
    first = 9
    table = bench("simulated-neware", first, peer={"channels": 16, "quirks": {"subdevid_is_1": True}})
    samples = [{**cell(one), "channel": first - 1 + one} for one in (1, 2)]
    plan = make_plan(
        {"sample": samples, "run": [{**CYCLING, "cycles": 4, "record_s": 120}]}, BenchConfig.from_dict(table)
    )
    (ended,) = run_plan(plan, tmp_path / "runs", Watcher())
    with RunFile.open(ended.path) as run:
        assert run.outcome == "finished", run.reason
        assert_truths(run, [1, 2])
        rows = run.table("cycling")
        began = [float(run.recall(f"cycler began, channel {first - 1 + one}")) for one in (1, 2)]
        assert began[1] - began[0] < 60  # started together
        (database,) = ended.path.rglob("database.json")
        tests = json.loads(database.read_text(encoding="utf-8"))["tests"]
        assert [run.unix_of(at_s) for at_s in began] == [pytest.approx(one["began_unix"], abs=0.5) for one in tests]
        for channel, at_s in zip((9, 10), began, strict=True):
            mine = rows["channel"] == channel
            assert rows["t_s"][mine][0] == pytest.approx(at_s + rows["time_s"][mine][0], abs=0.01)


class OneIsTaken(SimulatedCycler):
    """Channel 2 loses its test to another after half a day; the others know nothing of it."""

    def attach(self, ref: str) -> ChannelStatus:
        if ref.startswith("cycler-2-") and self.world.now_s() > 12 * 3600:
            raise InstrumentError(self.name, f"{ref} is lost to another test")
        return super().attach(ref)


class OneDoesNotStart(SimulatedCycler):
    def submit(self, channel: int, schedule: Any, sample_id: str) -> str:
        if channel == 2:
            raise InstrumentError(self.name, "refuses to start")
        return super().submit(channel, schedule, sample_id)


class NoneStarts(SimulatedCycler):
    def submit(self, channel: int, schedule: Any, sample_id: str) -> str:
        raise InstrumentError(self.name, f"refuses to start channel {channel}")


def with_driver(monkeypatch: pytest.MonkeyPatch, driver: type[SimulatedCycler]) -> None:
    load = plugins.load
    monkeypatch.setattr(
        plugins, "load", lambda group, name, place: driver if name == "simulated-cycler" else load(group, name, place)
    )


@pytest.mark.parametrize(("driver", "says"), [(OneIsTaken, "lost to another"), (OneDoesNotStart, "refuses to start")])
def test_a_cell_that_fails_is_told_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, driver: type[SimulatedCycler], says: str
) -> None:
    with_driver(monkeypatch, driver)
    with run_of(tmp_path, [1, 2, 3], bench()) as run:
        assert run.outcome == "finished", run.reason
        assert "cell-2, channel 2: failed" in told(run)
        assert "the other cells go on" in told(run)
        assert says in run.recall("cells")["2"]["text"]
        assert_truths(run, [1, 3])


def test_the_run_fails_where_the_plan_says_so_and_where_all_cells_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_driver(monkeypatch, OneDoesNotStart)
    with run_of(tmp_path / "one", [1, 2], bench(), cycles=2, cell_failure="the run fails") as run:
        assert run.outcome == "failed"
        assert "cell-2 failed" in run.reason
        assert run.recall("cells")["1"]["state"] == "finished"
    with_driver(monkeypatch, NoneStarts)
    with run_of(tmp_path / "all", [1, 2], bench(), cycles=2) as run:
        assert run.outcome == "failed"
        assert "refuses to start channel 1" in run.reason
        assert "refuses to start channel 2" in run.reason


def test_a_cell_that_its_protection_ends_does_not_end_the_others(tmp_path: Path) -> None:
    """Cell 2 holds a quarter of what it is taken for: an hour of charging drives it over its protection."""
    own = [
        {"kind": "current", "direction": "charge", "current": "C/2", "until": ["time 1 h"]},
        {"kind": "current", "direction": "discharge", "current": "C/2", "until": ["voltage 2.9 V"]},
    ]
    table = bench()
    table["simulation"]["channels"]["2"]["parameters"]["capacity_mAh_g"] = 30.0  # full after a quarter of an hour
    with run_of(tmp_path, [1, 2], table, own_schedule=own, upper_V=3.8) as run:
        assert run.outcome == "finished", run.reason
        states = {key: one["state"] for key, one in run.recall("cells").items()}
        assert states == {"1": "finished", "2": "protected"}
        assert value(run, "discharge_capacity", "cell-1", 1) > 50


def test_a_stop_stops_them_all_and_keeps_what_they_have(tmp_path: Path) -> None:
    controls: list[RunControl] = []

    def stop(progress: Progress) -> None:
        if "(cycle 2" in progress.text:
            controls[0].stop("stopped by the test")

    def started(path: Path, control: Any) -> None:
        controls.append(control)

    watcher = Watcher(on_start=started, on_progress=stop)
    with run_of(tmp_path, [1, 2, 3], bench("simulated-neware", peer={"channels": 8}), watcher) as run:
        assert run.outcome == "stopped"
        assert "3 schedules are stopped" in told(run)
        assert "0 channels stopped, read back" in told(run)  # none was left running for the end of the run
        assert_whole(run, [1, 2, 3])


@pytest.mark.parametrize("driver", ["simulated-cycler", "simulated-neware"])
def test_killed_for_two_hours_nothing_is_lost_or_doubled_of_any_cell(tmp_path: Path, driver: str) -> None:
    table = bench(driver)
    lines = [f"[{one}]\n" + "".join(f"{k} = {v!r}\n" for k, v in part.items()) for one, part in flat(table)]
    (tmp_path / "bench.toml").write_text("".join(lines), encoding="utf-8")
    plan = {"bench": "bench.toml"}
    samples = "".join(
        f"[[sample]]\nid = '{one['id']}'\nname = 'LFP'\nchannel = {one['channel']}\n"
        f"active = {{ mass_mg = {one['active']['mass_mg']}, diameter_mm = 10, "
        f"capacity_mAh_g = {one['active']['capacity_mAh_g']} }}\n"
        for one in map(cell, (1, 2, 3))
    )
    run_table = "[[run]]\n" + "".join(f"{key} = {one!r}\n" for key, one in CYCLING.items())
    (tmp_path / "plan.toml").write_text(f"bench = '{plan['bench']}'\n" + samples + run_table, encoding="utf-8")
    words = [
        sys.executable,
        "-P",
        "-m",
        "cellrig",
        "run",
        str(tmp_path / "plan.toml"),
        "--runs",
        str(tmp_path / "runs"),
    ]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL) as process:
        until(lambda: rows_of(tmp_path / "runs") > 1000)
        process.kill()
    (path,) = [one.parent for one in (tmp_path / "runs").glob("*/run.db")]
    with RunFile.open(path) as run:
        assert run.outcome == "interrupted"
        before = len(run.table("cycling")["record"])
    resume_run(path, Watcher(), down_for_s=7200)
    with RunFile.open(path) as run:
        assert run.outcome == "finished", run.reason
        assert before < len(run.table("cycling")["record"])
        assert_whole(run, [1, 2, 3])
        assert_truths(run, [1, 2, 3])
        assert told(run).count("attached to again") == 3


def flat(table: Table, under: str = "") -> list[tuple[str, Table]]:
    """The tables of a TOML file, each with its values."""
    found = []
    for key, one in table.items():
        if isinstance(one, dict):
            name = f"{under}.{key}" if under else key
            own = {k: v for k, v in one.items() if not isinstance(v, dict)}
            found += [(name, own), *flat({k: v for k, v in one.items() if isinstance(v, dict)}, name)]
    return found


def rows_of(runs: Path) -> int:
    found = list(runs.glob("*/run.db"))
    if not found:
        return 0
    try:
        with RunFile.open(found[0].parent) as run:
            return len(run.table("cycling", columns=("record",))["record"])
    except BadInput:  # it is being made
        return 0


def until(done: Callable[[], bool]) -> None:
    end_s = time.monotonic() + 30
    while not done():
        assert time.monotonic() < end_s
        time.sleep(0.02)


# ---------------------------------------------------------------- a cycler that people start
def test_cells_on_an_operator_run_tester_are_each_handed_over_and_taken(tmp_path: Path) -> None:
    table = bench("simulated-land", operator={"export_every_s": 3 * 3600})
    with run_of(tmp_path, [1, 2], table, cycles=2) as run:
        assert run.outcome == "finished", run.reason
        assert told(run).count("started by hand by the simulated operator on channel") == 2
        for channel in (1, 2):
            assert value(run, "discharge_capacity", f"cell-{channel}", 1) == pytest.approx(TRUTHS[channel][1], rel=0.02)
        path = run.path
        assert watched(path) == [1, 2]
    for words, status in (
        (["--ended", "protection"], 2),  # which of the two?
        (["--ended", "protection", "--channel", "3"], 2),
        (["--ended", "protection", "--channel", "2"], 0),
    ):
        with pytest.raises(SystemExit) as ended:
            run_app(["acknowledge", str(path), "--by", "M. Curie", *words])
        assert (ended.value.code or 0) == status, words
    assert watched(path) == [1]


def watched(run: Path) -> list[int]:
    """The channels of which a person may still say that they ended."""
    return [one.details["channel"] for one in open_questions(run) if one.key.startswith(ENDED)]


def test_the_sheets_of_a_plan_are_one_for_each_cell(tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        run_app(["sheet", str(EXAMPLE), "--to", str(tmp_path)])
    assert len(list(tmp_path.glob("sheet_*.html"))) == 8


def test_show_and_report_have_a_line_for_each_cell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with run_of(tmp_path, [1, 2, 3], bench(), cycles=2) as run:
        path = run.path
    with pytest.raises(SystemExit):
        run_app(["show", str(path)])
    shown = capsys.readouterr().out
    assert all(re.search(rf"cell-{n} +{n} +finished +2 ", shown) for n in (1, 2, 3))
    (page,) = [write_report(path)]
    text = page.read_text(encoding="utf-8")
    assert text.count("<svg") >= 3 or text.count("data:image") >= 3
    assert "Coulombic efficiency of 3 cells" in text


# ---------------------------------------------------------------- refused before anything is heated
def test_what_several_cells_cannot_be_is_refused_by_the_check() -> None:
    def check(samples: list[Table], table: Table, **run: Any) -> None:
        check_plan(make_plan({"sample": samples, "run": [{**CYCLING, **run}]}, BenchConfig.from_dict(table)))

    with pytest.raises(BadInput, match="own channel"):
        check([cell(1), {**cell(2), "channel": 1}], bench())
    with pytest.raises(BadInput, match="cell-2 is on channel 12"):
        check([cell(1), {**cell(2), "channel": 12}], bench())
    with pytest.raises(BadInput, match=r"sample cell-2.*mass_mg"):
        check([cell(1), cell(2, active={"capacity_mAh_g": 120})], bench())
    by_pc = bench()
    by_pc["instruments"] = {"furnace": by_pc["instruments"]["furnace"], "smu": {"driver": "simulated-potentiostat"}}
    with pytest.raises(BadInput, match="one cell at a time, found 2 samples"):
        check([cell(1), cell(2)], by_pc)


class OneIsBusy(SimulatedCycler):
    def status(self, channel: int) -> ChannelStatus:
        now = super().status(channel)
        return replace(now, state="running", ref="somebody's") if channel in (2, 3) else now


def test_a_channel_that_is_not_free_is_told_before_the_furnace_is_warm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_driver(monkeypatch, OneIsBusy)
    with run_of(tmp_path, [1, 2, 3], bench()) as run:
        assert run.outcome == "failed"
        assert "channel 2 of cycler runs somebody's" in run.reason
        assert "channel 3 of cycler runs somebody's" in run.reason
        assert max(run.table("temperature")["temperature_C"]) < 25
        assert not len(run.table("cycling")["record"])


def test_the_example_of_eight_cells_is_in_order() -> None:
    (checked,) = check_plan(load_plan(EXAMPLE))
    assert len(checked.procedure.samples) == 8
    assert sum("schedule of" in line for line in checked.told) == 7  # two cells weigh the same
