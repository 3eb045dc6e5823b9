"""What is lost is waited for, what hangs is left behind, and the end of a run is held up by neither."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from bench_doubles import Counting, two_gauges

from daq.clock import Clock, SystemClock, wall_monotonic
from daq.contracts import Rig, Step
from daq.control import RunControl
from daq.engine import Engine, RunEnd
from daq.errors import InstrumentLost
from daq.idle_bench import IdleBench
from daq.in_time import Hangs
from daq.runfile.reader import RunFile
from daq.runfile.writer import RunWriter
from daq.virtual_clock import VirtualClock

Act = Callable[[Step, int, Rig], None]


class Trial:
    """One run of three counting steps on two gauges. `act` does the harm."""

    def __init__(self, folder: Path, clock: Clock, rows: int, **bench: float) -> None:
        self.clock = clock
        self.bench, self.one, self.two = two_gauges(clock, folder, **bench)
        self.control = RunControl(clock)
        self.experiment = Counting(rows)
        self.writer = RunWriter.create(
            folder / "runs",
            procedure="counting",
            sample={"name": "pellet"},
            parameters={},
            bench=self.bench.config.as_dict(),
            streams=[*self.experiment.streams, self.one.snapshot_stream, self.two.snapshot_stream],
            steps=self.experiment.steps(),
            plan={},
            versions={},
            started_unix=0.0,
            bench_unix=0.0,
        )

    def run(self, act: Act = lambda step, row, rig: None) -> RunEnd:
        self.experiment.act = act
        return Engine(self.bench, self.experiment, self.writer, self.control).run()

    def unplug(self, begins_s: float, ends_s: float) -> None:
        """The first gauge gives no reading for that time."""

        def trouble(t_s: float) -> None:
            if begins_s <= t_s < ends_s:
                raise InstrumentLost("one", "no answer")

        self.one.trouble = trouble

    def attempts(self) -> list[tuple[str, int, str]]:
        with RunFile.open(self.writer.path) as run:
            return [(one.key, one.attempt, one.state) for one in run.attempts()]

    def events(self) -> str:
        with RunFile.open(self.writer.path) as run:
            return "\n".join(f"{event.level} {event.source}: {event.text}" for event in run.events())


Make = Callable[..., Trial]


@pytest.fixture
def trial(tmp_path: Path) -> Iterator[Make]:
    made: list[Trial] = []

    def make(rows: int = 20, **bench: Any) -> Trial:
        made.append(Trial(tmp_path, VirtualClock(), rows, **bench))
        return made[-1]

    yield make
    for one in made:
        one.writer.abandon()


def at(step_key: str, row: int, harm: Callable[[Rig], None]) -> Act:
    def act(step: Step, now: int, rig: Rig) -> None:
        if (step.key, now) == (step_key, row):
            harm(rig)

    return act


# ------------------------------------------------------------ lost
def test_a_step_that_lost_its_instrument_is_taken_up_again_when_it_answers(trial: Make) -> None:
    run = trial()
    run.unplug(25, 60)

    def asks(rig: Rig) -> None:
        run.one.trouble(run.clock.monotonic())  # as a driver's own call would fail

    end = run.run(at("b", 10, asks))
    assert end.outcome == "finished"
    assert run.experiment.recovered == 1
    assert run.attempts() == [("a", 1, "finished"), ("b", 1, "broken"), ("b", 2, "finished"), ("c", 1, "finished")]
    assert "warning one: step b: one: no answer; the run waits for it to answer" in run.events()
    with RunFile.open(run.writer.path) as record:
        again = record.attempts()[2].started_t_s
    assert again == pytest.approx(60, abs=3)


def test_one_that_stays_away_ends_the_run_at_its_deadline(trial: Make) -> None:
    run = trial(lost_after_s=120)
    run.unplug(25, 1e9)
    end = run.run(at("b", 10, lambda rig: run.one.trouble(run.clock.monotonic())))
    assert end.outcome == "failed"
    assert end.reason.startswith("one: no reading for 12")
    assert run.one.safe_calls == ["failed"]
    assert run.attempts()[-1] == ("b", 1, "failed")


def test_one_that_is_lost_over_and_over_ends_the_run(trial: Make) -> None:
    run = trial()

    def lost(rig: Rig) -> None:
        raise InstrumentLost("one", "the measurement broke")

    end = run.run(at("b", 10, lost))
    assert end.outcome == "failed"
    assert end.reason == "one: the measurement broke"
    assert run.attempts()[1:] == [("b", 1, "broken"), ("b", 2, "broken"), ("b", 3, "failed")]


def test_stop_does_not_wait_for_a_lost_instrument(trial: Make) -> None:
    run = trial(lost_after_s=3600)
    run.unplug(25, 1e9)

    def asks(rig: Rig) -> None:
        run.clock.spawn(lambda: (run.clock.sleep(100), run.control.stop())[1], "person")
        run.one.trouble(run.clock.monotonic())

    assert run.run(at("b", 10, asks)).outcome == "stopped"
    with RunFile.open(run.writer.path) as record:
        assert record.ended_t_s == pytest.approx(130, abs=3)


# ------------------------------------------------------------ hung
def test_a_driver_that_blocks_for_ever_does_not_hold_up_stop(tmp_path: Path) -> None:
    """Real time and a real hang. What the step would record when it comes back at last, is refused."""
    run = Trial(tmp_path, SystemClock(), 3, leave_within_s=0.3)
    blocked, told = threading.Event(), threading.Event()

    def hang(rig: Rig) -> None:
        told.set()
        blocked.wait(50)

    def person() -> None:
        told.wait(20)
        run.control.stop()

    threading.Thread(target=person, daemon=True).start()
    began_s = wall_monotonic()
    end = run.run(at("b", 1, hang))
    assert wall_monotonic() - began_s < 20
    assert end.outcome == "stopped"
    assert end.hung
    assert run.two.safe_calls == ["stopped"]
    assert "step b: does not come back and is left where it is" in run.events()
    blocked.set()
    with RunFile.open(run.writer.path) as record:
        assert record.outcome == "stopped"
        assert len(record.table("counts")["number"]) == 4


def test_make_safe_now_does_not_wait_for_the_step_and_is_done_again_when_it_comes_back(trial: Make) -> None:
    run = trial()
    safe_s: list[float] = []
    run.one.safe_trouble = lambda: safe_s.append(run.clock.monotonic())

    def slow(rig: Rig) -> None:
        run.control.make_safe_now()
        run.clock.sleep(5)

    end = run.run(at("a", 10, slow))
    assert end.outcome == "stopped"
    assert safe_s == [pytest.approx(12, abs=0.1), pytest.approx(15, abs=0.1)]
    assert not end.hung


def test_a_step_of_which_nothing_is_heard_counts_as_hung(trial: Make) -> None:
    run = trial(hung_after_s=600)
    end = run.run(at("b", 10, lambda rig: run.clock.sleep(1e6)))
    assert end.outcome == "failed"
    assert "step b: nothing was heard of it for 0.167 h; a driver hangs" in end.reason
    assert run.two.safe_calls == ["failed"]
    with RunFile.open(run.writer.path) as record:
        assert record.ended_t_s == pytest.approx(630, abs=20)


def test_a_long_wait_on_purpose_is_no_hang(trial: Make) -> None:
    run = trial(hung_after_s=600)
    assert run.run(at("b", 10, lambda rig: rig.wait(5000))).outcome == "finished"


def test_a_reading_that_never_comes_back_ends_the_run_like_any_silence(trial: Make) -> None:
    run = trial(rows=200)

    def hang(t_s: float) -> None:
        if t_s >= 50:
            run.clock.sleep(1e6)

    run.one.trouble = hang
    end = run.run()
    assert end.outcome == "failed"
    assert end.reason.startswith("one: no reading for")
    assert "a reading has not come back for 10 s" in run.events()
    assert run.two.safe_calls == ["failed"]
    with RunFile.open(run.writer.path) as record:
        assert record.ended_t_s is not None
        assert record.ended_t_s < 50 + 60 + 35


def test_connecting_has_a_deadline_and_closing_does_not_wait_for_ever(trial: Make) -> None:
    run = trial()
    run.one.connect = lambda: run.clock.sleep(1e6)
    run.two.disconnect = lambda: run.clock.sleep(1e6)
    with run.clock.attached():
        with pytest.raises(Hangs, match="one: connecting did not come back within 180 s"):
            run.bench.connect()
        began_s = run.clock.monotonic()
        run.bench.close()
        assert run.clock.monotonic() - began_s == pytest.approx(15)
    run.writer.abandon()


def test_an_idle_bench_lets_go_of_an_instrument_that_hangs(tmp_path: Path) -> None:
    """The host asks it once a second, and must be able to begin a run."""
    clock = VirtualClock()
    clock.speed = 1.0  # as the host's own clock would have it
    bench, one, _ = two_gauges(clock, tmp_path)
    idle = IdleBench(lambda: bench)
    with clock.attached():
        for name in ("one", "two"):
            idle.connect(name, True)
        one.trouble = lambda t_s: clock.sleep(1e6)
        idle.sample()
        assert set(idle.states()) == {"two"}
        began_s = clock.monotonic()
        idle.sample()
        assert clock.monotonic() == began_s
