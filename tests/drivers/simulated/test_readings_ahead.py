"""Readings that are taken ahead in virtual time: the run is the same as with each of them taken by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from daq.bench import BenchConfig, BenchFileModel
from daq.plan import make_plan
from daq.runfile.reader import RunFile
from daq.runner import Watcher, run_plan
from daq.tables import parse
from daq.virtual_clock import VirtualClock
from drivers.simulated.furnace_driver import SimulatedFurnace

CYCLER = "simulated-cycler"
HOLD = {"procedure": "temperature-hold", "temperature_C": 60, "duration_h": 3}


@dataclass
class Held:
    """What a run left."""

    outcome: str
    readings: Mapping[str, np.ndarray]
    events: list[tuple[float, str]]
    interlocks: list[dict[str, Any]]
    records: Mapping[str, np.ndarray]


def held(folder: Path, run: Mapping[str, Any] = HOLD, **tables: Any) -> Held:
    bench = {
        "bench": {"name": "ahead"},
        "instruments": {"furnace": {"driver": "simulated-furnace", "limits": {"max_temperature_C": 150}}},
        "simulation": {"cell": "symmetric", "seed": 7} | tables.pop("simulation", {}),
    } | tables
    config = BenchConfig(parse(BenchFileModel, bench, "ahead"), None)
    sample = {
        "name": "K001",
        "pellet": {"thickness_mm": 0.9, "diameter_mm": 10},
        "electrode": {"diameter_mm": 9},
    }
    (ended,) = run_plan(make_plan({"sample": sample, "run": [dict(run)]}, config), folder, Watcher())
    with RunFile.open(ended.path) as record:
        told = [(one.t_s, one.text) for one in record.events() if one.source in ("interlock", "furnace")]
        has_cycles = "cycling" in {one.name for one in record.streams()}
        records = record.table("cycling") if has_cycles else {}
        return Held(record.outcome, record.table("temperature"), told, record.interlocks, records)


Both = Callable[..., tuple[Held, Held, list[int]]]


@pytest.fixture
def both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Both:
    """A run as it is, the same with every reading taken by itself, and how many were ahead of each look."""

    def make(**tables: Any) -> tuple[Held, Held, list[int]]:
        ahead: list[int] = []
        foresee = SimulatedFurnace.foresee

        def counted(furnace: SimulatedFurnace, times_s: Sequence[float]) -> tuple[int, Any]:
            found = foresee(furnace, times_s)
            ahead.append(found[0])
            return found

        with monkeypatch.context() as patch:
            patch.setattr(SimulatedFurnace, "foresee", counted)
            as_it_is = held(tmp_path / "ahead", **tables)
        with monkeypatch.context() as patch:
            patch.setattr(SimulatedFurnace, "foresee", lambda furnace, times_s: (0, {}))
            one_by_one = held(tmp_path / "one by one", **tables)
        return as_it_is, one_by_one, ahead

    return make


def assert_same(one: Held, other: Held) -> None:
    assert (one.outcome, one.interlocks) == (other.outcome, other.interlocks)
    assert one.events == other.events
    assert one.readings["t_s"] == pytest.approx(other.readings["t_s"], abs=1e-6)
    assert (one.readings["step"] == other.readings["step"]).all()
    for name in ("temperature_C", "setpoint_C", "working_setpoint_C", "output_percent", "sample_temperature_C"):
        assert one.readings[name] == pytest.approx(other.readings[name], abs=1e-9, nan_ok=True), name


def test_a_run_reads_the_same_ahead_as_one_by_one(both: Both) -> None:
    """Heated, settled and held: the furnace is commanded in between, and sampled every second and every half minute."""
    as_it_is, one_by_one, ahead = both()
    assert as_it_is.outcome == "finished"
    assert sum(ahead) > 0.5 * as_it_is.readings["t_s"].size  # most of them were taken so
    assert_same(as_it_is, one_by_one)


def test_weeks_between_two_looks_are_read_ahead_up_to_each(both: Both) -> None:
    """A cycler is looked at now and then; its records carry the temperature of that moment."""
    furnace = {"driver": "simulated-furnace", "limits": {"max_temperature_C": 150}}
    run = {"procedure": "symmetric-cycling", "temperature_C": 60, "currents": ["0.1 mA/cm2"], "half_h": 1}
    as_it_is, one_by_one, ahead = both(
        run=run | {"stage_h": 60, "record_s": 60}, instruments={"furnace": furnace, "lands": {"driver": CYCLER}}
    )
    assert max(ahead) > 10
    assert_same(as_it_is, one_by_one)
    assert as_it_is.records.keys() == one_by_one.records.keys()
    for name in as_it_is.records:
        assert (as_it_is.records[name] == one_by_one.records[name]).all(), name


def test_without_a_sensor_at_the_sample_there_is_none_ahead_either(both: Both) -> None:
    furnace = {"driver": "simulated-furnace", "limits": {"max_temperature_C": 150}, "sample_sensor": False}
    as_it_is, one_by_one, ahead = both(instruments={"furnace": furnace})
    assert max(ahead) > 0
    assert np.isnan(as_it_is.readings["sample_temperature_C"]).all()
    assert_same(as_it_is, one_by_one)


@pytest.mark.parametrize(
    "interlock",
    [
        {"quantity": "furnace.temperature_C", "maximum": 60.02, "action": "warn", "clear_after_s": 60},
        {"quantity": "furnace.output_percent", "minimum": 22.2, "action": "warn", "delay_s": 45},
        {"quantity": "furnace.temperature_C - furnace.sample_temperature_C", "maximum": 1.5, "action": "warn"},
        {"quantity": "furnace.temperature_C per min", "maximum": 0.02, "action": "warn", "window_s": 120},
        {"quantity": "furnace.temperature_C", "maximum": 60.18, "action": "stop"},
    ],
    ids=["noise", "delay", "difference", "rate", "stop"],
)
def test_an_interlock_trips_at_the_same_reading(both: Both, interlock: dict[str, Any]) -> None:
    """Limits within the noise of a held furnace: they trip and clear in the middle of what could be read ahead."""
    as_it_is, one_by_one, _ = both(interlock=[interlock])
    assert as_it_is.interlocks
    assert_same(as_it_is, one_by_one)


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "reading_lost", "after_s": 9000, "for_s": 45},
        {"kind": "thermocouple_open", "after_s": 9000, "for_s": 20},
        {"kind": "hang", "after_s": 9000, "for_s": 30},
    ],
    ids=lambda fault: fault["kind"],
)
def test_a_fault_strikes_when_it_should(both: Both, fault: dict[str, Any]) -> None:
    as_it_is, one_by_one, _ = both(simulation={"faults": [{"instrument": "furnace", **fault}]})
    assert any(t_s >= 9000 for t_s, _ in as_it_is.events) or fault["kind"] == "hang"
    assert_same(as_it_is, one_by_one)


# ---------------------------------------------------------------- the clock
def test_time_is_undisturbed_until_another_thread_wakes() -> None:
    clock = VirtualClock()
    flag = clock.event()
    seen: list[float] = []
    with clock.attached():
        assert clock.undisturbed_until() == float("inf")
        thread = clock.spawn(lambda: seen.append(clock.monotonic()) if clock.wait(flag, 50) else None, "other")
        clock.sleep(10)
        assert clock.undisturbed_until() == 50
        clock.skip_to(40)
        assert clock.monotonic() == 40
        for wrong_s in (39, 51):
            with pytest.raises(ValueError, match="lies behind, or past the next wake-up"):
                clock.skip_to(wrong_s)
        flag.set()  # by a signal, say: it wakes now
        assert clock.undisturbed_until() == 40
        thread.join()
    assert seen == [40]
