"""Interlocks as a user declares them: what trips, when, what is done about it, what clears it, what is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from bench_doubles import Counting, two_gauges

from daq.contracts import AfterBreak
from daq.control import RunControl
from daq.engine import Engine, RunEnd
from daq.errors import BadInput, InstrumentLost
from daq.interlock import InterlockTable, read_interlocks, sources_of
from daq.quantity import Gauge as QuantityGauge
from daq.quantity import read_quantity
from daq.run_interlocks import interlocks_of_run
from daq.runfile.reader import RunFile
from daq.runfile.writer import RunWriter
from daq.sample import Sample
from daq.tables import parse
from daq.virtual_clock import VirtualClock


class Watched:
    """One run on two gauges under the interlocks given as a plan would."""

    def __init__(self, folder: Path, rows: int, samples: tuple[Sample, ...] = (), **table: Any) -> None:
        self.clock = VirtualClock()
        self.bench, self.one, self.two = two_gauges(self.clock, folder)
        self.control = RunControl(self.clock)
        self.experiment = Counting(rows)
        tables = [parse(InterlockTable, {"name": "mine", "quantity": "one.temperature_C", **table}, "plan")]
        self.interlocks = interlocks_of_run(self.bench, samples, tables, self.experiment.streams)
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

    def run(self, course: Mapping[float, float] | None = None, stop_at_s: float | None = None) -> RunEnd:
        """`course`: what the first gauge reads from each of these times on."""

        def follow(t_s: float) -> None:
            for begins_s, value in (course or {}).items():
                if t_s >= begins_s:
                    self.one.temperature_C = value
            if stop_at_s is not None and t_s >= stop_at_s:
                self.control.stop()

        self.one.trouble = follow
        return Engine(self.bench, self.experiment, self.writer, self.control, interlocks=self.interlocks).run()

    @property
    def record(self) -> RunFile:
        return RunFile.open(self.writer.path)

    def events(self, source: str = "interlock") -> list[str]:
        with self.record as run:
            return [event.text for event in run.events() if event.source == source]

    def attempts(self) -> list[tuple[str, int, str]]:
        with self.record as run:
            return [(one.key, one.attempt, one.state) for one in run.attempts()]


Make = Callable[..., Watched]


@pytest.fixture
def watched(tmp_path: Path) -> Make:
    return lambda rows=50, **table: Watched(tmp_path, rows, **table)


# ------------------------------------------------------------ what is done
def test_a_warning_is_told_with_its_value_and_changes_nothing(watched: Make) -> None:
    run = watched(maximum=30, action="warn")
    assert run.run({20: 31.25, 40: 25.0}).outcome == "finished"
    told = run.events()
    assert told[0] == "mine: one.temperature_C = 31.25 is above its limit of 30; nothing is done about it"
    assert told[1].startswith("cleared after")
    with run.record as record:
        (trip,) = record.interlocks
        assert (trip["value"], trip["tripped_t_s"], trip["action"]) == (31.25, 20.0, "warn")
        assert trip["cleared_t_s"] == pytest.approx(40 + 30, abs=1)


def test_a_pause_leaves_the_step_waits_and_takes_it_up_again(watched: Make) -> None:
    run = watched(maximum=30, action="pause")
    assert run.run({20: 31.0, 400: 25.0}).outcome == "finished"
    assert run.attempts()[:2] == [("a", 1, "broken"), ("a", 2, "finished")]
    with run.record as record:
        t_s = record.table("counts")["t_s"]
        gap = max(b - a for a, b in pairwise(t_s))
        assert gap == pytest.approx(410, abs=12), "from 20 s until the value has been well for 30 s"
        assert [result.value for result in record.results()] == [len(t_s)]


def test_a_pause_that_does_not_clear_ends_safely_at_its_deadline(watched: Make) -> None:
    run = watched(maximum=30, action="pause", wait_max_h=1)
    end = run.run({20: 31.0})
    assert end.outcome == "failed"
    assert "did not clear in time" in end.reason
    assert run.one.safe_calls == ["failed"]
    with run.record as record:
        assert record.ended_t_s == pytest.approx(20 + 3600, abs=15)
        assert record.interlocks[0]["cleared_t_s"] is None


@pytest.mark.parametrize(("after_break", "outcome"), [("repeat", "failed"), ("continue", "finished")])
def test_a_step_that_begins_anew_and_trips_it_again_is_not_repeated_without_end(
    watched: Make, after_break: AfterBreak, outcome: str
) -> None:
    run = watched(maximum=30, action="pause", clear_after_s=10)
    run.experiment.after_break = after_break
    beyond = {100.0 * n + 20: 31.0 for n in range(8)}
    well = {100.0 * n + 60: 25.0 for n in range(8)}
    end = run.run(dict(sorted({**beyond, **well}.items())))
    assert end.outcome == outcome, "what goes on with what is left gets to its end"
    if outcome == "failed":
        assert "it has paused this step 5 times before" in end.reason
        assert 'set another limit, or action = "stop"' in end.reason
        assert run.one.safe_calls == ["failed"]
        assert run.attempts() == [("a", number, "broken") for number in range(1, 7)]


def test_stop_ends_a_pause(watched: Make) -> None:
    run = watched(maximum=30, action="pause")
    assert run.run({20: 31.0}, stop_at_s=200).outcome == "stopped"
    assert run.one.safe_calls == ["stopped"]


def test_skip_leaves_this_step_for_good(watched: Make) -> None:
    run = watched(maximum=30, action="skip")
    assert run.run({20: 31.0, 20.5: 25.0}).outcome == "finished"
    assert run.attempts() == [("a", 1, "skipped"), ("b", 1, "finished"), ("c", 1, "finished")]
    assert any("skipped: mine: one.temperature_C = 31" in text for text in run.events("engine"))


def test_skip_looks_afresh_at_each_step(watched: Make) -> None:
    run = watched(maximum=30, action="skip")
    assert run.run({20: 31.0}).outcome == "finished"
    assert run.attempts() == [("a", 1, "skipped"), ("b", 1, "skipped"), ("c", 1, "skipped")]


@pytest.mark.parametrize(("action", "analysed"), [("stop", True), ("make_safe", False)])
def test_stop_and_make_safe_end_the_run_with_the_value(watched: Make, action: str, analysed: bool) -> None:
    run = watched(maximum=30, action=action)
    end = run.run({20: 31.0})
    assert end.outcome == "failed"
    assert "mine: one.temperature_C = 31 is above its limit of 30" in end.reason
    assert run.one.safe_calls == ["failed"]
    assert end.cut_short is not analysed
    with run.record as record:
        assert bool(record.results()) is analysed


# ------------------------------------------------------------ when
def test_a_short_excursion_does_not_trip_one_with_a_delay(watched: Make) -> None:
    run = watched(maximum=30, action="stop", delay_s=20)
    assert run.run({10: 31.0, 25: 25.0}).outcome == "finished"
    assert run.events() == []


def test_a_delay_that_has_run_out_trips(watched: Make) -> None:
    run = watched(maximum=30, action="stop", delay_s=20)
    assert run.run({10: 31.0}).outcome == "failed"
    with run.record as record:
        assert record.interlocks[0]["tripped_t_s"] == pytest.approx(30, abs=1)


def test_hysteresis_keeps_a_noisy_value_from_tripping_over_and_over(watched: Make) -> None:
    noisy = {10.0 + n: 30.5 if n % 2 == 0 else 29.5 for n in range(60)}
    chattering = watched(maximum=30, action="warn", clear_after_s=0)
    chattering.run(noisy)
    with chattering.record as record:
        assert len(record.interlocks) > 20


def test_with_hysteresis_it_trips_once(watched: Make) -> None:
    noisy = {10.0 + n: 30.5 if n % 2 == 0 else 29.5 for n in range(60)}
    run = watched(maximum=30, action="warn", clear_after_s=0, hysteresis=2)
    run.run({**noisy, 100.0: 27.0})
    with run.record as record:
        (trip,) = record.interlocks
        assert trip["cleared_t_s"] == pytest.approx(100, abs=1)


def test_a_limit_that_is_passed_at_the_start_is_told_before_the_first_step(watched: Make) -> None:
    run = watched(maximum=20, action="pause")
    end = run.run()
    assert end.outcome == "failed"
    assert "not started, a limit is passed already: mine: one.temperature_C = 25 is above its limit of 20" in end.reason
    assert run.attempts() == []


# ------------------------------------------------------------ on what
def test_the_difference_of_two_instruments_is_watched(watched: Make) -> None:
    run = watched(quantity="one.temperature_C - two.temperature_C", maximum=5, action="stop")
    end = run.run({20: 31.0})
    assert "one.temperature_C - two.temperature_C = 6 is above its limit of 5" in end.reason


def test_a_rate_is_told_from_a_straight_rise(watched: Make) -> None:
    run = watched(quantity="one.temperature_C per min", maximum=11, action="stop", window_s=20)
    calm = {float(t): 25 + t / 6 for t in range(1, 60)}  # 10 K/min
    steep = {float(t): 35 + (t - 60) / 5 for t in range(60, 150)}  # 12 K/min
    end = run.run({**calm, **steep})
    assert end.outcome == "failed"
    with run.record as record:
        (trip,) = record.interlocks
        assert 60 < trip["tripped_t_s"] <= 82, "as soon as the window holds mostly the steep part"
        assert 11 < trip["value"] <= 12.5


def test_what_a_procedure_records_is_watched(watched: Make) -> None:
    run = watched(rows=10, quantity="counts.number", maximum=6, action="skip")
    assert run.run().outcome == "finished"
    with run.record as record:
        assert max(record.table("counts")["number"]) == 7


def test_silence_may_pause_the_run_until_the_instrument_is_back(watched: Make) -> None:
    run = watched(quantity="one.silence_s", maximum=15, action="pause", clear_after_s=0)

    def lost(t_s: float) -> None:
        if 20 <= t_s < 60:
            raise InstrumentLost("one", "no answer")

    run.one.trouble = lost
    end = Engine(run.bench, run.experiment, run.writer, run.control, interlocks=run.interlocks).run()
    assert end.outcome == "finished"
    assert run.attempts()[:2] == [("a", 1, "broken"), ("a", 2, "finished")]


def test_what_a_sample_bears_is_watched_like_any_limit(tmp_path: Path) -> None:
    sample = Sample(name="pellet", max_temperature_C=60)
    run = Watched(tmp_path, 50, (sample,), maximum=1000, action="warn")
    assert not [one for one in run.interlocks if "bears" in one.name], "a gauge is no furnace"
    run.one.role = "temperature"
    furnaces = interlocks_of_run(run.bench, (sample,))
    run.interlocks = furnaces
    end = run.run({10: 61.5, 30: 63.0})
    assert end.outcome == "failed"
    assert "the temperature of pellet in °C = 63 is above its limit of 62" in end.reason


# ------------------------------------------------------------ what is refused
SOURCES = {"furnace": {"temperature_C": "degC", "output_percent": "%"}, "cell": {"voltage_V": "V", "current_A": "A"}}


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ({"quantity": "furnance.temperature_C", "maximum": 1}, ["furnance", "did you mean 'furnace'"]),
        ({"quantity": "furnace.temperatur_C", "maximum": 1}, ["did you mean 'temperature_C'"]),
        ({"quantity": "furnace.temperature_K", "maximum": 1}, ["furnace gives it in degC, not in K"]),
        ({"quantity": "furnace.temperature_C", "maximum": "391 K"}, ["not in 'K'", "degC"]),
        ({"quantity": "cell.current_A", "maximum": "2 mA"}, ["not in 'mA'", "allowed: A"]),
        ({"quantity": "cell.voltage_V - furnace.temperature_C", "maximum": 1}, ["a difference of V and degC"]),
        ({"quantity": "furnace.temperature_C per day", "maximum": 1}, ["per s, min or h"]),
        ({"quantity": "hot", "maximum": 1}, ["names no quantity"]),
        ({"quantity": "furnace.temperature_C"}, ["has no limit", "maximum, minimum or both"]),
        ({"quantity": "furnace.temperature_C", "maximum": 20, "minimum": 30}, ["no value is within"]),
        ({"quantity": "furnace.temperature_C", "maximum": float("nan")}, ["no limit"]),
        ({"quantity": "furnace.temperature_C", "maximum": 1, "wait_max_h": 1}, ["does not wait"]),
        ({"quantity": "furnace.temperature_C", "maximum": 1, "action": "explode"}, ["action", "'warn', 'pause'"]),
        ({"quantity": "furnace.temperature_C", "maximum": 1, "delay": 3}, ["did you mean 'delay_s'"]),
    ],
)
def test_an_interlock_that_cannot_be_is_refused_in_one_line(table: dict[str, Any], told: list[str]) -> None:
    with pytest.raises(BadInput) as caught:
        read_interlocks([parse(InterlockTable, {"action": "stop", **table}, "interlock 1")], SOURCES, "bench.toml")
    assert "\n" not in str(caught.value)
    for part in told:
        assert part in str(caught.value)


def test_two_of_one_name_are_refused() -> None:
    one = parse(InterlockTable, {"quantity": "cell.voltage_V", "maximum": 1, "action": "warn", "name": "x"}, "p")
    with pytest.raises(BadInput, match="two interlocks are called 'x'"):
        read_interlocks([one, one], SOURCES, "plan")


def test_a_rate_needs_half_its_window_before_it_says_anything() -> None:
    gauge = QuantityGauge(read_quantity("furnace.temperature_C per min", SOURCES, "p"), window_s=60)
    values = [gauge.feed("furnace", {"temperature_C": 20 + t / 60}, float(t)) for t in range(100)]
    assert values[:30] == [None] * 30
    assert values[30] == pytest.approx(1.0)
    assert values[-1] == pytest.approx(1.0)


def test_the_instruments_of_a_bench_offer_their_numbers_and_their_silence(tmp_path: Path) -> None:
    bench, _, _ = two_gauges(VirtualClock(), tmp_path)
    sources = sources_of(bench.instruments)
    assert sources["one"] == {"temperature_C": "degC", "silence_s": "s"}
    assert sources["disk"] == {"free_GB": "GB"}
