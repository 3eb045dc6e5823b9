"""A run on a cycler that a person starts: it waits for the word, takes the exports, gives the truth, and says who."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from dc_doubles import bench_of, conduct

from daq.bench import BenchConfig, DriverContext, SharedParts, load_bench
from daq.clock import Clock
from daq.control import RunControl
from daq.errors import BadInput
from daq.guarding import policy_text
from daq.plan import build_procedure, check_plan, load_plan, make_plan
from daq.questions import Question, answer, answer_to, ask, open_questions
from daq.runfile.reader import RunFile
from daq.runner import Watcher, run_plan
from daq.sample import Sample
from daq.tables import parse
from daq.virtual_clock import VirtualClock
from drivers.exported import read_export
from drivers.land import Land
from drivers.land.records import coarseness
from drivers.schedule import CyclerRecord, Schedule
from drivers.simulated.land_exports import write_export
from drivers.step_sheet import sheet_id
from procedures.cli.app import run_app

LFP = Path(__file__).parents[2] / "examples" / "paper" / "lfp.toml"
REAL = Path(__file__).parents[1] / "data" / "cycling" / "land"
CELL = {"name": "cell", "electrode": {"diameter_mm": 9}, "active": {"mass_mg": 1.4, "capacity_mAh_g": 121.1}}


def values(run: RunFile, name: str) -> list[float]:
    return [one.value for one in run.results() if one.name == name and one.value is not None]


def told(run: RunFile, source: str = "") -> str:
    return " | ".join(one.text for one in run.events() if source in one.source)


# ---------------------------------------------------------------- the simulated operator
def cycled(folder: Path, driver: str, operator: dict[str, Any] | None = None) -> RunFile:
    plan = load_plan(LFP)
    table = plan.model.model_dump(exclude_none=True)
    table["run"][0] |= {"cycles": 3}
    bench = plan.bench.as_dict()
    bench["instruments"]["cycler"] = {"driver": driver, **({"operator": operator} if operator else {})}
    config = BenchConfig.from_dict({**bench, "source": None})
    (ended,) = run_plan(make_plan({"sample": table["sample"], "run": table["run"]}, config), folder, Watcher())
    assert ended.end.outcome == "finished", ended.end.reason
    return RunFile.open(ended.path)


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[float]]:
    with cycled(tmp_path_factory.mktemp("truth"), "simulated-cycler") as run:
        return {name: values(run, name) for name in ("charge_capacity", "discharge_capacity", "coulombic_efficiency")}


@pytest.mark.parametrize("dialect", ["text", "csv", "excel", "new-excel"])
def test_capacities_are_the_simulated_cycler_s_in_every_dialect(
    dialect: str, tmp_path: Path, truth: dict[str, list[float]]
) -> None:
    digits = 8 if dialect == "csv" else 5  # amperes there, and the csv may have as many as it likes
    operator = {"dialect": dialect, "export_every_s": 3 * 3600, "digits": digits}
    with cycled(tmp_path, "simulated-land", operator) as run:
        for name, expected in truth.items():
            assert len(expected) == 3
            assert values(run, name) == [pytest.approx(one, rel=1e-3) for one in expected]
        assert told(run, "cycler").count("rows taken") >= 3  # the export grew in stages
        assert "export in mA" not in told(run, "cycler")
        assert "started by hand by the simulated operator" in told(run, "operator")
        numbers = run.table("cycling")["record"]
        assert list(numbers) == list(range(1, len(numbers) + 1))
        who: Any = run.recall("started by hand")
        assert who["channel"] == 1
        assert not [one.key for one in open_questions(run.path) if one.key.startswith("cycler-started")]


def test_a_coarse_export_is_warned_of_in_the_run(tmp_path: Path) -> None:
    operator = {"dialect": "csv", "export_every_s": 3 * 3600, "digits": 4}  # 0.112 mA becomes 0.0001 A
    with cycled(tmp_path, "simulated-land", operator) as run:
        assert "export in mA or uA" in told(run, "cycler")


def test_the_real_export_has_its_dialect_its_unit_and_its_warning() -> None:
    (path,) = [one for one in REAL.glob("*.csv") if ".bdf." not in one.name]
    table = read_export(path)
    assert (table.dialect, table.units["current_A"]) == ("Landt csv", "current_A")
    assert table.current_digit_A == pytest.approx(1e-4)
    assert "export in mA or uA" in coarseness(table)
    assert table.first_unix is not None


# ---------------------------------------------------------------- a person
class Person:
    """Answers, and exports by hand from records that stand for the tester's."""

    def __init__(self, folder: Path, clock: Clock, control: RunControl) -> None:
        self.folder, self.clock, self.control = folder, clock, control
        self.exports = folder / "exports"
        self.exports.mkdir(exist_ok=True)

    def run_folder(self) -> Path:
        (run,) = [one for one in self.folder.iterdir() if (one / "run.db").exists()]
        return run

    def asked(self, key: str) -> Question:
        (found,) = [one for one in open_questions(self.run_folder()) if one.key.startswith(key)]
        return found

    def answer(self, **changes: Any) -> None:
        question = self.asked("cycler-started")
        now = self.clock.unix()
        answer(self.run_folder(), question.key, {"channel": 2, "started_unix": now, "by": "M. Curie", **changes})
        self.code = str(question.details["sheet"])
        self.began = now

    def export(self, rows: list[CyclerRecord], name: str = "cell.txt") -> None:
        write_export(self.exports / name, "text", rows, self.code, self.began, 6)


def measured(cycles: int) -> list[CyclerRecord]:
    """A plateau of two hours each way at 0.112 mA, a row a minute; ends at the cut-offs."""
    rows: list[CyclerRecord] = []
    time_s = 0.0
    for cycle in range(1, cycles + 1):
        for step, sign in ((1, 1), (2, -1)):
            for minute in range(121):
                steep = {119: 3.6, 120: 3.8} if sign > 0 else {119: 3.2, 120: 2.9}
                at = steep.get(minute, 3.42 + 0.03 * sign)
                passed = minute / 60 * 1.12e-4
                charge, discharge = (passed, 0.0) if sign > 0 else (0.0, passed)
                rows.append(CyclerRecord(len(rows) + 1, time_s, step, cycle, at, sign * 1.12e-4, charge, discharge))
                time_s += 60.0
    return rows


def run_with(
    folder: Path, person: Any, name: str = "galvanostatic-cycling", resumed: Path | None = None, **parameters: Any
) -> RunFile:
    bench, clock = bench_of(folder, parameters.pop("start_s", 0.0), furnace="simulated-furnace")
    table = {"exports": str(folder / "exports")}
    (folder / "exports").mkdir(exist_ok=True)
    place = "bench.toml, instruments.cycler"
    context = DriverContext("cycler", table, {}, clock, folder / "state", {}, place, SharedParts())
    bench.instruments["cycler"] = Land(context)
    more = {"cycles": 2} if name == "galvanostatic-cycling" else {}
    procedure = build_procedure(name, {**more, **parameters}, "plan")
    control = RunControl(clock)
    done: list[bool] = []

    def live() -> None:
        try:
            person(Person(folder, clock, control), clock)
            done.append(True)
        finally:
            if not done:  # its traceback is in the log; nobody else would ever end the run
                control.stop("the person of the test failed")

    with clock.attached():
        clock.spawn(live, "person")
        _, path = conduct(procedure, bench, [parse(Sample, CELL, "plan")], folder, resumed, control)
    assert done
    return RunFile.open(path)


def test_a_run_waits_takes_the_export_as_it_grows_and_says_who_started_it(tmp_path: Path) -> None:
    rows = measured(2)

    def person(me: Person, clock: VirtualClock) -> None:
        clock.sleep(2 * 3600)
        me.answer()
        for count in (100, 300, len(rows)):
            clock.sleep(3 * 3600)
            me.export(rows[:count])
            (me.exports / "somebody's.txt").write_text("another cell\n" * count, encoding="utf-8")

    with run_with(tmp_path, person) as run:
        assert run.outcome == "finished"
        assert values(run, "discharge_capacity") == [pytest.approx(2 * 112 / 1.4, rel=0.01)] * 2
        assert "started by hand by M. Curie on channel 2" in told(run, "operator")
        assert "the plan says channel 1, it was started on channel 2" in told(run, "operator")
        assert told(run, "cycler").count("rows taken") == 3
        assert "somebody's.txt is set aside" in told(run, "cycler")
        assert run.recall("started by hand")["by"] == "M. Curie"
        first = run.table("cycling")["t_s"][0]
        assert 2 * 3600 - 60 < first < 2 * 3600 + 60


def test_an_answer_that_cannot_be_is_asked_again(tmp_path: Path) -> None:
    def person(me: Person, clock: VirtualClock) -> None:
        clock.sleep(600)
        me.answer(channel=99)
        clock.sleep(600)
        me.answer(by=" ")
        clock.sleep(600)
        me.answer()
        clock.sleep(12 * 3600)
        me.export(measured(2))

    with run_with(tmp_path, person) as run:
        assert run.outcome == "finished"
        assert told(run, "operator").count("answer again") == 2
        assert [one.key for one in open_questions(run.path)] == ["cycler-ended"]


def test_a_broken_half_written_answer_is_no_answer(tmp_path: Path) -> None:
    ask(tmp_path, Question("q", "well?", {}))
    with pytest.raises(BadInput, match="has not asked"):
        answer(tmp_path, "another", {})
    (tmp_path / "questions" / "q.answer.json").write_text('{"chan', encoding="utf-8")
    with pytest.raises(BadInput, match="answer again"):
        answer_to(tmp_path, "q")


# ---------------------------------------------------------------- it can't be stopped from here
def test_a_run_that_is_stopped_tells_the_operator_to_stop_the_channel(tmp_path: Path) -> None:
    def person(me: Person, clock: VirtualClock) -> None:
        clock.sleep(600)
        me.answer()
        clock.sleep(5 * 3600)
        me.export(measured(2)[:300])
        clock.sleep(3600)
        me.control.stop("stopped by the test")

    with run_with(tmp_path, person) as run:
        assert run.outcome == "stopped"
        assert "stop channel 2 of cycler BY HAND now" in told(run, "operator")
        assert "perhaps not safe" in told(run, "cycler")
        assert len(run.table("cycling")["record"]) == 300
        assert values(run, "charge_capacity")


def test_a_channel_that_ended_early_ends_its_run_with_what_there_is(tmp_path: Path) -> None:
    def person(me: Person, clock: VirtualClock) -> None:
        clock.sleep(600)
        me.answer()
        clock.sleep(5 * 3600)
        me.export(measured(2)[:200])
        clock.sleep(3600)
        me.export(measured(2)[:300])  # and says so in the same minute
        with pytest.raises(SystemExit):
            run_app(["acknowledge", str(me.run_folder()), "--ended", "protection, 4.0 V", "--by", "P. Curie"])

    with run_with(tmp_path, person) as run:
        assert run.outcome == "failed"
        assert "did not come to its end" in run.reason
        assert "protection, 4.0 V" in run.reason
        assert "P. Curie says that it ended: protection, 4.0 V" in told(run)
        assert len(run.table("cycling")["record"]) == 300
        assert values(run, "charge_capacity")
        assert "BY HAND" not in told(run)


def test_a_run_stopped_while_it_waits_has_started_nothing(tmp_path: Path) -> None:
    def person(me: Person, clock: VirtualClock) -> None:
        clock.sleep(600)
        me.control.stop("stopped by the test")

    with run_with(tmp_path, person) as run:
        assert run.outcome == "stopped"
        assert "BY HAND" not in told(run)
        assert run.recall("started by hand") is None


def test_after_a_break_the_run_finds_its_test_again(tmp_path: Path) -> None:
    rows = measured(2)

    def before(me: Person, clock: VirtualClock) -> None:
        clock.sleep(600)
        me.answer()
        clock.sleep(5 * 3600)
        me.export(rows[:300])
        clock.sleep(3600)
        me.control.stop("stopped by the test")

    def after(me: Person, clock: VirtualClock) -> None:
        me.code, me.began = sheet_of_run(me.run_folder())
        clock.sleep(3600)
        me.export(rows)

    with run_with(tmp_path, before) as run:
        path = run.path
    with run_with(tmp_path, after, resumed=path, start_s=10 * 3600.0) as run:
        assert run.outcome == "finished"
        assert list(run.table("cycling")["record"]) == list(range(1, len(rows) + 1))
        assert told(run, "operator").count("started by hand by") == 1
        assert "watched again" in told(run)


def sheet_of_run(run: Path) -> tuple[str, float]:
    with RunFile.open(run) as record:
        who = record.recall("started by hand")
    return str(who["ref"]).partition("-")[0], float(who["started_unix"])


def test_a_ladder_on_it_tells_the_operator_of_the_short(tmp_path: Path) -> None:
    def person(me: Person, clock: VirtualClock) -> None:
        clock.sleep(600)
        me.answer()
        clock.sleep(12 * 3600)
        me.export(shorted())
        clock.sleep(3600)
        assert "BY HAND" in told_now(me)
        me.control.stop("stopped by the test")

    def told_now(me: Person) -> str:
        with RunFile.open(me.run_folder()) as run:
            return told(run, "operator")

    currents = {"start": 0.1, "stop": 1.0, "step": 0.1, "unit": "mA/cm2"}
    more = {"on": "cycler", "currents": currents, "half_min": 30, "interval_s": 5}
    with run_with(tmp_path, person, "critical-current", **more) as run:
        assert "short circuit: stop channel 2 of cycler BY HAND now" in told(run, "operator")


def shorted() -> list[CyclerRecord]:
    """0.1 mA/cm2 a rung on 9 mm, half an hour each way, 247 ohm cm2; from 0.5 mA/cm2 on a hard short."""
    area = 3.14159265 * 0.45**2
    rows: list[CyclerRecord] = []
    for half in range(14):
        density = 1e-4 * (half // 2 + 1)
        sign = -1 if half % 2 else 1
        for second in range(0, 1801, 5):
            volt = sign * 247 * density * (0.02 if density > 4.5e-4 else 1)
            rows.append(
                CyclerRecord(
                    len(rows) + 1, 1800.0 * half + second + 0.01 * half, half + 1, 1, volt, sign * density * area, 0, 0
                )
            )
    return rows


# ---------------------------------------------------------------- the words of it
def test_the_policy_does_not_promise_to_stop_it(tmp_path: Path) -> None:
    (tmp_path / "bench.toml").write_text(
        "[bench]\nname = 'b'\n[instruments.tester]\ndriver = 'land'\nexports = 'e'\n", encoding="utf-8"
    )
    assert "tester can't be stopped from here" in policy_text(load_bench(tmp_path / "bench.toml"))


def test_check_says_that_it_is_neither_started_nor_stopped(tmp_path: Path) -> None:
    (tmp_path / "bench.toml").write_text(
        f"[bench]\nname = 'b'\n[instruments.cycler]\ndriver = 'land'\nexports = '{(tmp_path / 'e').as_posix()}'\n",
        encoding="utf-8",
    )
    plan = "bench = 'bench.toml'\n[sample]\nname = 'cell'\nactive = { mass_mg = 1.4 }\n"
    (tmp_path / "plan.toml").write_text(plan + "[[run]]\nprocedure = 'galvanostatic-cycling'\n", encoding="utf-8")
    (checked,) = check_plan(load_plan(tmp_path / "plan.toml"))
    said = " ".join((*checked.warnings, *checked.told))
    assert "cellrig neither starts nor stops it" in said
    procedure: Any = checked.procedure
    schedule: Schedule = procedure.schedule()
    assert sheet_id(schedule, "cell") in said


WORDS = [
    (["--channel", "2", "--by", " "], 2, "who started"),
    (["--channel", "99", "--by", "me"], 2, "cycler has no channel 99 (allowed: 1, 2)"),
    (["--channel", "2", "--by", "me", "--started", "yesterday"], 2, "is no time"),
    (["--channel", "2", "--by", "me", "--started", "2026-03-01 10:00"], 2, "before the run began"),
    (["--channel", "2", "--by", "me", "--started", "2999-01-01 10:00"], 2, "lies ahead"),
    (["--channel", "2", "--by", "me", "--started", "2026-03-02 15:00"], 0, "started by hand by me"),
    (["--channel", "2", "--by", "me"], 2, "does not wait"),
]


def test_the_command_acknowledges_once_and_refuses_what_cannot_be(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def person(me: Person, clock: VirtualClock) -> None:
        clock.sleep(600)
        me.control.stop("enough")

    with run_with(tmp_path, person) as run:
        path = run.path
    (open_one,) = open_questions(path)
    began = datetime(2026, 3, 2, 14, 30).timestamp()
    answer(path, open_one.key, {})
    details = {"sheet": "0AB1C2D3", "not_before_unix": began, "cycler": "cycler", "channels": [1, 2]}
    ask(path, Question("cycler-started-2", "start it", details))
    for words, status, says in WORDS:
        with pytest.raises(SystemExit) as ended:
            run_app(["acknowledge", str(path), *words])
        assert (ended.value.code or 0) == status, words
        shown = capsys.readouterr()
        assert says in " ".join((shown.out + shown.err).split())
    told_it = answer_to(path, "cycler-started-2")
    assert told_it == {"channel": 2, "started_unix": datetime(2026, 3, 2, 15, 0).timestamp(), "by": "me"}
