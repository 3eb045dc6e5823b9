"""The promises of the engine: safety at every end, limits, a journal of steps, and resume that skips what is done."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from bench_doubles import Counting, Gauge, two_gauges

from daq.contracts import Rig, Step
from daq.control import RunControl
from daq.engine import Engine, Progress, RunEnd
from daq.errors import CellrigError, InstrumentError, InstrumentLost, NotSafe, StepFailed
from daq.runfile.reader import RunFile
from daq.runfile.writer import RunWriter
from daq.virtual_clock import VirtualClock


class Session:
    """One run of `experiment` on two gauges, in virtual time."""

    def __init__(self, folder: Path, experiment: Counting) -> None:
        self.clock = VirtualClock()
        self.bench, self.one, self.two = two_gauges(self.clock, folder)
        self.control = RunControl(self.clock)
        self.experiment = experiment
        self.seen: list[Progress] = []
        self.writer = RunWriter.create(
            folder / "runs",
            procedure="counting",
            sample={"name": "pellet"},
            parameters={},
            bench=self.bench.config.as_dict(),
            streams=[*experiment.streams, self.one.snapshot_stream, self.two.snapshot_stream],
            steps=experiment.steps(),
            plan={},
            versions={},
            started_unix=0.0,
            bench_unix=0.0,
        )

    def run(self) -> RunEnd:
        engine = Engine(self.bench, self.experiment, self.writer, self.control, on_progress=self.seen.append)
        return engine.run()

    @property
    def events(self) -> str:
        with RunFile.open(self.writer.path) as run:
            return "\n".join(f"{event.level} {event.source}: {event.text}" for event in run.events())


Make = Callable[..., Session]


@pytest.fixture
def session(tmp_path: Path) -> Make:
    return lambda **options: Session(tmp_path, Counting(**options))


def safe(one: Gauge, two: Gauge) -> list[list[str]]:
    return [list(one.safe_calls), list(two.safe_calls)]


def test_a_run_finishes_with_rows_results_and_safety(session: Make) -> None:
    run = session()
    end = run.run()
    assert end.outcome == "finished"
    assert safe(run.one, run.two) == [["finished"], ["finished"]]
    with RunFile.open(run.writer.path) as record:
        assert record.outcome == "finished"
        assert [step.state for step in record.steps()] == ["finished"] * 3
        counts = record.table("counts")
        assert list(counts["number"]) == [0, 1, 2, 3, 4] * 3
        assert list(counts["step"]) == ["a"] * 5 + ["b"] * 5 + ["c"] * 5
        assert list(counts["t_s"]) == pytest.approx(range(15))
        assert len(record.table("readings")["t_s"]) == pytest.approx(15, abs=2)
        assert [result.value for result in record.results()] == [15.0]
    assert [news.step for news in run.seen if not news.text] == [1, 2, 3]
    assert run.seen[0].remaining_s == pytest.approx(15)
    assert run.seen[0].following == "step b"


def harm(error: Exception) -> Callable[[Step, int, Rig], None]:
    def act(step: Step, row: int, rig: Rig) -> None:
        if step.key == "b" and row == 2:
            raise error

    return act


@pytest.mark.parametrize(
    "error", [StepFailed("no contact"), InstrumentError("one", "broken"), ValueError("a bug"), CellrigError("told")]
)
def test_whatever_a_step_raises_the_bench_is_made_safe(session: Make, error: Exception) -> None:
    run = session(act=harm(error))
    end = run.run()
    assert end.outcome == "failed"
    assert str(error) in end.reason
    assert safe(run.one, run.two) == [["failed"], ["failed"]]
    with RunFile.open(run.writer.path) as record:
        assert [step.state for step in record.steps()] == ["finished", "failed", "waiting"]
        assert len(record.table("counts")["number"]) == 7


def test_stop_leaves_the_step_in_order_and_keeps_the_results(session: Make) -> None:
    def act(step: Step, row: int, rig: Rig) -> None:
        if step.key == "b" and row == 2:
            run.control.stop()

    run = session(act=act)
    end = run.run()
    assert (end.outcome, end.reason) == ("stopped", "stopped by the user")
    assert safe(run.one, run.two) == [["stopped"], ["stopped"]]
    with RunFile.open(run.writer.path) as record:
        assert record.steps()[1].state == "broken"
        assert [result.value for result in record.results()] == [8.0]


def test_make_safe_now_does_nothing_else_afterwards(session: Make) -> None:
    def act(step: Step, row: int, rig: Rig) -> None:
        run.control.make_safe_now()

    run = session(act=act)
    assert run.run().outcome == "stopped"
    assert safe(run.one, run.two) == [["stopped"], ["stopped"]]
    with RunFile.open(run.writer.path) as record:
        assert not record.results()


def test_a_broken_limit_ends_the_run_with_its_reason(session: Make) -> None:
    def act(step: Step, row: int, rig: Rig) -> None:
        if step.key == "b":
            run.two.temperature_C = 151.5

    run = session(act=act)
    end = run.run()
    assert end.outcome == "failed"
    assert "two: temperature_C = 151.5 is above its limit of 150" in end.reason
    assert safe(run.one, run.two) == [["failed"], ["failed"]]


def test_one_missed_reading_is_told_and_does_not_end_the_run(session: Make) -> None:
    run = session(rows=20)

    def trouble(t_s: float) -> None:
        if 10 <= t_s < 25:
            raise InstrumentLost("one", "no answer")

    run.one.trouble = trouble
    assert run.run().outcome == "finished"
    assert "a reading is missing" in run.events
    assert "answers again after" in run.events


def test_an_instrument_that_stays_silent_ends_the_run(session: Make) -> None:
    run = session(rows=100)

    def trouble(t_s: float) -> None:
        if t_s >= 10:
            raise InstrumentLost("one", "no answer")

    run.one.trouble = trouble
    end = run.run()
    assert end.outcome == "failed"
    assert "no reading for 61 s" in end.reason


def test_a_driver_with_a_bug_in_read_ends_the_run_safely(session: Make) -> None:
    run = session(rows=50)

    def trouble(t_s: float) -> None:
        if t_s >= 10:
            raise ZeroDivisionError

    run.two.trouble = trouble
    assert run.run().outcome == "failed"
    assert safe(run.one, run.two) == [["failed"], ["failed"]]


@pytest.mark.parametrize("kind", ["raises", "hangs", "bug"])
def test_one_that_cannot_be_made_safe_does_not_keep_the_other_hot(session: Make, kind: str) -> None:
    run = session()

    def safe_trouble() -> None:
        if kind == "raises":
            raise NotSafe("one", "output still on")
        if kind == "bug":
            raise RuntimeError("boom")
        run.clock.sleep(1e6)

    run.one.safe_trouble = safe_trouble
    end = run.run()
    assert run.two.safe_calls == ["finished"]
    verdicts = {outcome.instrument: outcome for outcome in end.safety}
    assert not verdicts["one"].verified
    assert "NOT SAFE, look at it now" in verdicts["one"].text
    assert verdicts["two"].verified
    assert "error one: made safe: NOT SAFE" in run.events


def test_a_failing_analysis_does_not_lose_the_run(session: Make) -> None:
    run = session()
    run.experiment.fail_analysis = ValueError("singular matrix")
    assert run.run().outcome == "finished"
    assert "the analysis failed" in run.events


def test_pause_holds_between_steps_until_told_to_go_on(session: Make) -> None:
    def person() -> None:
        run.clock.sleep(500)
        run.control.go_on()

    def act(step: Step, row: int, rig: Rig) -> None:
        if step.key == "a" and row == 1:
            run.control.pause()
            run.clock.spawn(person, "person")

    run = session(act=act)
    assert run.run().outcome == "finished"
    with RunFile.open(run.writer.path) as record:
        t_s = record.table("counts")["t_s"]
        assert t_s[4] < 10
        assert t_s[5] == pytest.approx(501, abs=1)


def test_resume_skips_what_is_done_and_repeats_the_broken_step(session: Make) -> None:
    run = session(act=harm(StepFailed("no contact")))
    run.run()
    run.experiment.act = lambda step, row, rig: None
    run.writer = RunWriter.reopen(run.writer.path)
    run.control = RunControl(run.clock)
    engine = Engine(run.bench, run.experiment, run.writer, run.control, t_offset_s=run.writer.last_t_s + 3600)
    assert engine.run().outcome == "finished"
    with RunFile.open(run.writer.path) as record:
        attempts = [(one.key, one.attempt, one.state) for one in record.attempts()]
        assert ("b", 1, "failed") in attempts
        assert ("b", 2, "finished") in attempts
        assert [step.state for step in record.steps()] == ["finished"] * 3
        counts = record.table("counts")
        assert len(counts["number"]) == 17
        assert counts["t_s"][7] > 3600
        assert [result.value for result in record.results()] == [17.0]
