"""The watch of an instrument: its thread and the one that looks whether it hangs meet at any moment."""

from __future__ import annotations

import threading
from collections.abc import Mapping

import pytest
from bench_doubles import Gauge

from daq.clock import ScaledClock
from daq.contracts import Level, Value
from daq.control import RunControl
from daq.interlock_watch import InterlockWatch
from daq.monitor import HELD_S, Monitor


def test_an_answer_that_comes_while_its_silence_is_told_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Telling takes a moment (it goes to the disk); the reading that was missed comes back in that moment."""
    held_s = 0.1
    monkeypatch.setattr("daq.monitor.HELD_S", held_s)
    clock = ScaledClock(1000.0)
    gauge = Gauge("one", clock)
    asked, answer = threading.Event(), threading.Event()
    told: list[str] = []

    def hang(t_s: float) -> None:
        asked.set()
        answer.wait(10)

    def tell(source: str, level: Level, text: str) -> None:
        told.append(text)
        if "has not come back" in text:
            answer.set()
            sampling.join(10)

    def record(stream: str, values: Mapping[str, Value]) -> float:
        return clock.monotonic()

    control = RunControl(clock)
    monitor = Monitor({"one": gauge}, clock, control, record, tell, InterlockWatch([], clock, control, tell))
    gauge.trouble = hang
    sampling = threading.Thread(target=monitor.watches["one"].sample)
    sampling.start()
    assert asked.wait(10)
    clock.sleep(2 * held_s * clock.speed)
    monitor.look()
    assert not sampling.is_alive()
    assert [text.split(" after")[0] for text in told] == [
        f"a reading has not come back for {held_s:.0f} s: its driver hangs, or waits",
        "answers again",
    ]
    assert monitor.latest("one")[1].values == {"temperature_C": 25.0}


def test_on_a_quickened_bench_a_driver_may_take_its_time_on_the_wall() -> None:
    """Ten seconds of bench time are a sixth of a second at 60 times: a driver that needs as long does not hang."""
    clock = ScaledClock(60.0)
    gauge = Gauge("one", clock)
    asked, answer = threading.Event(), threading.Event()
    told: list[str] = []

    def slow(t_s: float) -> None:
        asked.set()
        answer.wait(10)

    def tell(source: str, level: Level, text: str) -> None:
        told.append(text)

    def record(stream: str, values: Mapping[str, Value]) -> float:
        return clock.monotonic()

    control = RunControl(clock)
    monitor = Monitor({"one": gauge}, clock, control, record, tell, InterlockWatch([], clock, control, tell))
    gauge.trouble = slow
    sampling = threading.Thread(target=monitor.watches["one"].sample)
    sampling.start()
    assert asked.wait(10)
    clock.sleep(2 * HELD_S)
    monitor.look()
    answer.set()
    sampling.join(10)
    assert told == []
