"""Bench time: order, jumps, stalls, and the scaled wall."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daq.clock import Clock, ScaledClock, wall_monotonic
from daq.virtual_clock import ClockStalled, VirtualClock


def test_a_day_passes_at_once() -> None:
    clock = VirtualClock()
    began = wall_monotonic()
    with clock.attached():
        clock.sleep(86_400)
    assert clock.monotonic() == 86_400
    assert wall_monotonic() - began < 1


def run_ticks(periods_s: list[float], until_s: float) -> list[tuple[float, int]]:
    clock = VirtualClock()
    seen: list[tuple[float, int]] = []

    def ticker(index: int) -> None:
        while clock.monotonic() < until_s:
            seen.append((clock.monotonic(), index))
            clock.sleep(periods_s[index])

    with clock.attached():
        threads = [clock.spawn(lambda i=i: ticker(i), f"t{i}") for i in range(len(periods_s))]
        for thread in threads:
            thread.join()
    return seen


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(0.5, 20), min_size=1, max_size=4))
def test_threads_interleave_by_time_and_always_alike(periods_s: list[float]) -> None:
    first = run_ticks(periods_s, 60)
    assert [t for t, _ in first] == sorted(t for t, _ in first)
    for index, period in enumerate(periods_s):
        own = [t for t, i in first if i == index]
        assert own == pytest.approx([k * period for k in range(len(own))])
        assert own[-1] + period >= 60
    assert run_ticks(periods_s, 60) == first


def test_an_event_wakes_a_waiter_before_its_time_out() -> None:
    clock = VirtualClock()
    flag = clock.event()
    with clock.attached():

        def later() -> None:
            clock.sleep(5)
            flag.set()

        clock.spawn(later, "later")
        assert clock.wait(flag, timeout=60)
        assert clock.monotonic() == 5
        flag.clear()
        assert not clock.wait(flag, timeout=10)
        assert clock.monotonic() == 15


def test_a_stall_is_an_error_with_stacks_not_a_hang() -> None:
    clock = VirtualClock()
    with clock.attached(), pytest.raises(ClockStalled, match=r"MainThread"):
        clock.wait(clock.event())


def test_a_waiter_whose_helper_died_is_told() -> None:
    clock = VirtualClock()
    flag = clock.event()
    with clock.attached():
        clock.spawn(lambda: clock.sleep(3), "gives up")
        with pytest.raises(ClockStalled):
            clock.wait(flag)


def test_an_outside_thread_must_attach_first() -> None:
    with pytest.raises(RuntimeError, match="attached"):
        VirtualClock().sleep(1)


def test_a_thread_that_fails_does_not_stop_the_others(caplog: pytest.LogCaptureFixture) -> None:
    clock = VirtualClock()

    def fails() -> None:
        raise ValueError("boom")

    with clock.attached():
        clock.spawn(fails, "fails").join()
        clock.sleep(1)
    assert "boom" in caplog.text


def test_scaled_time_runs_faster_and_agrees_between_processes() -> None:
    epoch = ScaledClock().unix() - 10
    one: Clock = ScaledClock(100, epoch)
    other = ScaledClock(100, epoch)
    assert one.monotonic() == pytest.approx(1000, abs=50)
    assert one.unix() == pytest.approx(other.unix(), abs=5)
    before = one.monotonic()
    one.sleep(5)
    assert 5 <= one.monotonic() - before < 60
    flag = one.event()
    assert not one.wait(flag, timeout=1)
    one.spawn(flag.set, "setter").join()
    assert one.wait(flag)
    with pytest.raises(ValueError, match="positive"):
        ScaledClock(0)
