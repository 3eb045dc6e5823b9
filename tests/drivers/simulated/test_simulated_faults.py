"""Faults on demand, from the bench file and from Python."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from truth_bench import truth_bench

from daq.errors import BadInput, InstrumentLost, NotSafe
from drivers.techniques import OpenCircuit, Spectrum, SpectrumPoint


def with_fault(**fault: Any) -> dict[str, Any]:
    return {"faults": [fault]}


def test_a_lost_reading_is_lost_once_and_only_then(tmp_path: Path) -> None:
    with truth_bench(tmp_path, with_fault(instrument="furnace", kind="reading_lost", after_s=100)) as truth:
        truth.clock.sleep(99)
        truth.furnace.read()
        truth.clock.sleep(1)
        truth.potentiostat.read()
        with pytest.raises(InstrumentLost, match="furnace"):
            truth.furnace.read()
        truth.furnace.read()


def test_a_fault_lasts_as_long_as_it_says(tmp_path: Path) -> None:
    fault = with_fault(instrument="potentiostat", kind="reading_lost", after_s=10, for_s=20)
    lost = []
    with truth_bench(tmp_path, fault) as truth:
        for second in range(40):
            try:
                truth.potentiostat.read()
            except InstrumentLost:
                lost.append(second)
            truth.clock.sleep(1)
    assert lost == list(range(10, 30))


def test_a_fault_strikes_as_often_as_it_says(tmp_path: Path) -> None:
    with truth_bench(tmp_path) as truth:
        truth.world.faults.add("furnace", "reading_lost", after_s=5, count=3)
        truth.furnace.read()
        truth.clock.sleep(5)
        for _ in range(3):
            with pytest.raises(InstrumentLost):
                truth.furnace.read()
        truth.furnace.read()


def test_an_open_thermocouple_reads_nonsense_and_says_why(tmp_path: Path) -> None:
    with truth_bench(tmp_path, furnace={"limits": {"max_temperature_C": 150}}) as truth:
        truth.world.faults.add("furnace", "thermocouple_open", for_s=60)
        snapshot = truth.furnace.read()
        (limit,) = truth.furnace.limits()
        value = snapshot.values["temperature_C"]
        assert isinstance(value, float)
        assert limit.maximum is not None
        assert value > limit.maximum
        assert "thermocouple" in snapshot.faults[0]
        truth.clock.sleep(60)
        assert truth.furnace.read().faults == ()


def test_an_overload_is_flagged_on_the_points_it_strikes(tmp_path: Path) -> None:
    with truth_bench(tmp_path) as truth:
        truth.world.faults.add("potentiostat", "overload", count=2)
        points = [p for p in truth.potentiostat.measure(Spectrum((1e4,) * 4)) if isinstance(p, SpectrumPoint)]
        assert [point.overload for point in points] == [True, True, False, False]
        assert abs(points[0].z_real_ohm) > 5 * abs(points[3].z_real_ohm)


def test_a_hang_takes_bench_time_in_the_call(tmp_path: Path) -> None:
    with truth_bench(tmp_path, with_fault(instrument="furnace", kind="hang", after_s=50, for_s=120)) as truth:
        truth.clock.sleep(50)
        truth.furnace.read()
        assert truth.clock.monotonic() == 170
        truth.furnace.read()
        assert truth.clock.monotonic() == 170


def test_a_hang_in_a_spectrum_shows_in_the_point_s_duration(tmp_path: Path) -> None:
    with truth_bench(tmp_path) as truth:
        truth.world.faults.add("potentiostat", "hang", for_s=30)
        points = [p for p in truth.potentiostat.measure(Spectrum((1e4,) * 2)) if isinstance(p, SpectrumPoint)]
        assert points[0].duration_s == pytest.approx(points[1].duration_s + 30)


@pytest.mark.parametrize("technique", [Spectrum((1e4,) * 3), OpenCircuit(duration_s=10)])
def test_a_measurement_lost_underway_leaves_the_cell_off(tmp_path: Path, technique: Any) -> None:
    with truth_bench(tmp_path) as truth:
        points = truth.potentiostat.measure(technique)
        next(points)
        truth.world.faults.add("potentiostat", "measurement_lost")
        with pytest.raises(InstrumentLost, match="potentiostat"):
            next(points)
        assert list(truth.potentiostat.measure(technique))  # the channel is free again


def test_make_safe_gets_through_a_lost_reading(tmp_path: Path) -> None:
    with truth_bench(tmp_path) as truth:
        truth.furnace.set_target(80)
        truth.clock.sleep(60)
        truth.world.faults.add("furnace", "reading_lost", count=2)
        assert truth.furnace.make_safe("failed").verified


def test_make_safe_that_cannot_be_verified_says_so_and_has_switched_off(tmp_path: Path) -> None:
    with truth_bench(tmp_path) as truth:
        truth.furnace.set_target(80)
        truth.clock.sleep(60)
        truth.world.faults.add("furnace", "reading_lost", for_s=3600)
        began_s = truth.clock.monotonic()
        with pytest.raises(NotSafe, match="switch the furnace off"):
            truth.furnace.make_safe("failed")
        assert truth.clock.monotonic() - began_s <= truth.furnace.safe_within_s
        truth.clock.sleep(3600)
        assert truth.furnace.read_temperature().output_percent == 0


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ({"kind": "explosion"}, "kind"),
        ({"kind": "reading_lost", "after_s": -1}, "after_s"),
        ({"kind": "hang"}, "a hang needs for_s"),
    ],
)
def test_a_fault_that_cannot_be_is_refused(tmp_path: Path, fault: dict[str, Any], says: str) -> None:
    with truth_bench(tmp_path) as truth, pytest.raises(BadInput, match=says):
        truth.world.faults.add("furnace", **fault)
