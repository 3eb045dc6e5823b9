"""The same bench on a clock that runs by itself, with threads that do not wait for each other."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from truth_bench import TruthBench, build, truth_bench

from daq.clock import ScaledClock
from daq.contracts import Snapshot
from drivers.techniques import Spectrum, SpectrumPoint, log_frequencies


def test_readings_go_on_while_channels_measure(tmp_path: Path) -> None:
    """Two channels measure and two threads read at once: nobody blocks, nothing is torn."""
    truth = build(tmp_path, clock=ScaledClock(speed=200))
    truth.bench.connect()
    truth.furnace.set_target(60, 10)
    points: dict[int, list[SpectrumPoint]] = {}
    readings: list[Snapshot] = []
    done = threading.Event()

    def measure(channel: int) -> None:
        points[channel] = truth.spectrum(Spectrum(log_frequencies(1e6, 10, 5)), channel)

    def read() -> None:
        while not done.wait(0.002):
            readings.extend([truth.furnace.read(), truth.potentiostat.read()])

    readers = [threading.Thread(target=read) for _ in range(2)]
    measurers = [threading.Thread(target=measure, args=(channel,)) for channel in (1, 2)]
    for thread in readers + measurers:
        thread.start()
    for thread in measurers:
        thread.join()
    done.set()
    for thread in readers:
        thread.join()
    truth.bench.close()
    assert [len(points[channel]) for channel in (1, 2)] == [26, 26]
    assert len(readings) > 20
    temperatures = [s.values["temperature_C"] for s in readings if "temperature_C" in s.values]
    assert all(isinstance(value, float) and 19 < value < 61 for value in temperatures)


def test_measured_points_last_as_long_on_this_clock(tmp_path: Path) -> None:
    truth = build(tmp_path, clock=ScaledClock(speed=20))
    truth.bench.connect()
    began_s = truth.clock.monotonic()
    (point,) = truth.spectrum(Spectrum((1e3,), minimum_time_s=4))
    assert 4.2 <= point.duration_s <= truth.clock.monotonic() - began_s
    truth.bench.close()


def test_between_two_openings_the_world_goes_on_with_the_calendar(tmp_path: Path) -> None:
    """The second process has a clock that starts at zero; what has passed is told by the calendar."""

    def opened(epoch_unix: float) -> TruthBench:
        return build(tmp_path, clock=ScaledClock(1.0, epoch_unix))

    now = ScaledClock(1.0).unix()
    first = opened(now - 7200)
    first.bench.connect()
    first.furnace.set_target(80)
    first.bench.close()
    later = build(tmp_path, clock=ScaledClock(3600, now - 1.0))  # an hour a second: one hour has passed at least
    later.bench.connect()
    assert later.furnace.read_temperature().temperature_C == pytest.approx(80, abs=1)
    later.bench.close()


def test_a_closed_bench_can_be_opened_again(tmp_path: Path) -> None:
    with truth_bench(tmp_path) as truth:
        truth.settle(50)
        before = truth.furnace.read()
        truth.bench.close()
        truth.bench.connect()
        assert truth.furnace.read() == before
