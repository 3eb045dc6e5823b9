"""The simulated cycler runs its schedules by itself, and its records carry the published numbers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import process_time
from typing import Any, cast

import numpy as np
import pytest

from daq.bench import BenchConfig, BenchFileModel, build_bench
from daq.errors import BadInput, InstrumentError
from daq.tables import parse
from daq.virtual_clock import VirtualClock
from drivers.roles import BatteryCycler
from drivers.schedule import (
    Current,
    CurrentThenVoltage,
    CyclerRecord,
    End,
    Loop,
    Protection,
    Record,
    Rest,
    Schedule,
    ScheduleStep,
    Voltage,
)
from drivers.simulated.cycler_driver import SimulatedCycler

AREA_cm2 = 0.6362
GUARD = Protection(-5, 5, 0.1)
I_80 = 80 * 1.4e-6  # 80 mA/g of 1.4 mg


def simulation(cell: str, **parameters: Any) -> dict[str, Any]:
    return {"cell": cell, "parameters": {"ambient_C": 60.0, "reference_temperature_C": 60.0, **parameters}}


@contextmanager
def cycler(folder: Path, table: dict[str, Any], start_s: float = 0.0) -> Iterator[tuple[SimulatedCycler, VirtualClock]]:
    clock = VirtualClock(start_s=start_s)
    model = {"bench": {"name": "b"}, "instruments": {"lands": {"driver": "simulated-cycler"}}, "simulation": table}
    bench = build_bench(BenchConfig(parse(BenchFileModel, model, "bench.toml"), Path("bench.toml")), clock, folder)
    with clock.attached():
        bench.connect()
        yield cast(SimulatedCycler, bench.by_role("cycler")), clock
        bench.close()


def schedule(*steps: ScheduleStep, guard: Protection = GUARD) -> Schedule:
    return Schedule("s", steps, guard)


def everything(instrument: SimulatedCycler, ref: str) -> list[CyclerRecord]:
    found: list[CyclerRecord] = []
    while more := instrument.records(ref, found[-1].number if found else 0):
        found += more
    return found


def between(low_V: float, high_V: float, times: int, record: Record | None = None) -> Schedule:
    record = record or Record()
    return schedule(
        Current(I_80, (End("voltage_V", "above", high_V),), record),
        Current(-I_80, (End("voltage_V", "below", low_V),), record),
        Loop(1, times),
    )


def test_lfp_cells_keep_what_the_paper_says(tmp_path: Path) -> None:
    with cycler(tmp_path, simulation("lfp")) as (lands, clock):
        assert isinstance(lands, BatteryCycler)
        ref = lands.submit(1, between(2.9, 3.8, 150), "lfp cell")
        clock.sleep(470 * 3600)
        began = process_time()
        assert lands.status(1).state == "finished"
        records = everything(lands, ref)
        took_s = process_time() - began
    assert took_s < 10  # of the processor; 2 s on a machine of its own
    assert len(records) > 150_000
    charged, discharged = np.zeros(151), np.zeros(151)
    time_s = np.array([record.time_s for record in records])
    current = np.array([record.current_A for record in records])
    cycle = np.array([record.cycle for record in records])
    passed_mAh_g = current * np.diff(time_s, prepend=0.0) / 3600 / 1.4e-6
    np.add.at(charged, cycle, np.maximum(passed_mAh_g, 0))
    np.add.at(discharged, cycle, np.maximum(-passed_mAh_g, 0))
    assert discharged[1] == pytest.approx(121.1, abs=0.15)
    assert discharged[150] == pytest.approx(116.4, abs=0.15)
    assert discharged[150] / discharged[1] == pytest.approx(0.961, abs=0.001)
    assert np.mean(discharged[10:] / charged[10:]) == pytest.approx(0.998, abs=3e-4)
    assert discharged[1] / charged[1] == pytest.approx(0.93, abs=0.005)
    counter = max(record.discharge_capacity_Ah for record in records if record.cycle == 150)
    assert counter / 1.4e-6 == pytest.approx(discharged[150], rel=1e-6)


def test_the_plateau_and_its_gap(tmp_path: Path) -> None:
    with cycler(tmp_path, simulation("lfp")) as (lands, clock):
        ref = lands.submit(1, between(2.9, 3.8, 1), "lfp cell")
        clock.sleep(5 * 3600)
        records = everything(lands, ref)
    charge = np.median([r.voltage_V for r in records if r.current_A > 0])
    discharge = np.median([r.voltage_V for r in records if r.current_A < 0])
    assert charge - discharge == pytest.approx(0.060, abs=0.002)
    assert (charge + discharge) / 2 == pytest.approx(3.42, abs=0.002)


def test_500_hours_of_a_symmetric_cell(tmp_path: Path) -> None:
    current_A = 0.1e-3 * AREA_cm2
    half = (End("time_s", "above", 1800),)
    with cycler(tmp_path, simulation("symmetric")) as (lands, clock):
        ref = lands.submit(1, schedule(Current(current_A, half), Current(-current_A, half), Loop(1, 500)), "Li")
        clock.sleep(500 * 3600 + 60)
        began = process_time()
        assert lands.status(1).state == "finished"
        took_s = process_time() - began
        records = everything(lands, ref)
    assert took_s < 5  # 1 s on a machine of its own
    assert len(records) == 180_000
    assert records[-1].time_s == pytest.approx(500 * 3600)
    assert abs(records[0].voltage_V) == pytest.approx(0.0247, abs=1e-4)
    first, last = (np.mean([abs(r.voltage_V) for r in half]) for half in (records[:180], records[-180:]))
    assert last / first == pytest.approx(1.0005, abs=5e-4)


def test_looked_at_often_or_never_it_is_the_same(tmp_path: Path) -> None:
    def run(folder: Path, looks: int) -> list[CyclerRecord]:
        with cycler(folder, simulation("lfp", initial_state_of_charge=0.9)) as (lands, clock):
            ref = lands.submit(1, between(2.9, 3.8, 2), "cell")
            for _ in range(looks):
                clock.sleep(20_000 / looks)
                lands.read()
            return everything(lands, ref)

    often, once = run(tmp_path / "often", 77), run(tmp_path / "once", 1)
    assert len(often) == len(once) > 100
    for one, other in zip(often, once, strict=True):
        assert one.time_s == pytest.approx(other.time_s, abs=0.01)
        assert one.voltage_V == pytest.approx(other.voltage_V, abs=2e-3)


def test_a_killed_host_finds_what_happened_meanwhile(tmp_path: Path) -> None:
    table = simulation("symmetric")
    half = (End("time_s", "above", 600),)
    steps = schedule(Current(5e-5, half), Current(-5e-5, half), Loop(1, 100))
    clock = VirtualClock()
    model = {"bench": {"name": "b"}, "instruments": {"lands": {"driver": "simulated-cycler"}}, "simulation": table}
    bench = build_bench(BenchConfig(parse(BenchFileModel, model, "bench.toml"), Path("bench.toml")), clock, tmp_path)
    with clock.attached():  # and is never closed
        bench.connect()
        lands = cast(SimulatedCycler, bench.by_role("cycler"))
        ref = lands.submit(2, steps, "Li")
        clock.sleep(3000)
        before = everything(lands, ref)
        clock.sleep(100)
    with cycler(tmp_path, table, start_s=3100 + 7200) as (again, later):
        status = again.attach(ref)
        after = again.records(ref, after=before[-1].number)
        assert status.state == "running"
        assert list(again.records(ref, after=0, limit=len(before))) == before
        assert after[0].number == before[-1].number + 1
        assert after[-1].time_s == pytest.approx(10_300, abs=15)
        assert later.monotonic() == pytest.approx(10_300)
        with pytest.raises(BadInput, match="runs"):
            again.submit(2, steps, "Li")
        again.make_safe("engine_lost")
        assert again.status(2).state == "running"
        again.make_safe("stopped")
        assert again.status(2).state == "stopped"
        assert again.submit(2, steps, "Li") != ref
        with pytest.raises(InstrumentError, match="no test"):
            again.stop(ref)
        assert list(again.records(ref, limit=3)) == before[:3]


def test_a_charge_ends_with_its_voltage_held(tmp_path: Path) -> None:
    steps = schedule(
        CurrentThenVoltage(I_80, 3.7, (End("current_A", "below", I_80 / 20),)),
        Rest(600),
        Voltage(3.3, I_80, (End("time_s", "above", 600),)),
    )
    quiet = simulation("lfp", initial_state_of_charge=0.9, cycler_current_noise_fraction=0.0)
    with cycler(tmp_path, quiet) as (lands, clock):
        ref = lands.submit(1, steps, "cell")
        clock.sleep(20 * 3600)
        assert lands.status(1).state == "finished"
        records = everything(lands, ref)
    charge = [record for record in records if record.step == 1]
    assert max(record.voltage_V for record in charge) == pytest.approx(3.7, abs=1e-3)
    assert charge[-1].current_A <= I_80 / 20
    assert charge[0].current_A == pytest.approx(I_80)
    assert min(record.current_A for record in records if record.step == 3) >= -I_80 * 1.0001
    assert {record.current_A for record in records if record.step == 2} == {0.0}


def test_protection_stops_the_channel_by_itself(tmp_path: Path) -> None:
    steps = schedule(Current(I_80, (End("time_s", "above", 1e6),)), guard=Protection(2.5, 3.9, 0.01, delay_s=0.5))
    with cycler(tmp_path, simulation("lfp")) as (lands, clock):
        ref = lands.submit(1, steps, "cell")
        clock.sleep(10 * 3600)
        status = lands.status(1)
        records = everything(lands, ref)
    assert status.state == "protected"
    assert "outside 2.5 to 3.9 V" in status.text
    assert status.current_A == 0
    assert records[-1].voltage_V == pytest.approx(3.9, abs=0.01)


@pytest.mark.parametrize("looks", [1, 400])
def test_protection_waits_for_its_delay_and_forgets_what_was_shorter(tmp_path: Path, looks: int) -> None:
    """A current whose ohmic drop passes the limit: for 20 s it is let by, the one of 100 s is cut at 30 s."""
    guard = Protection(-5, 3.55, 0.01, delay_s=30.0)
    low, high = I_80, 12 * I_80  # 0.03 and 0.36 V above equilibrium
    steps = (Current(low, (End("time_s", "above", 100),)), Current(high, (End("time_s", "above", 20),)),
             Current(low, (End("time_s", "above", 100),)), Current(high, (End("time_s", "above", 100),)))  # fmt: skip
    with cycler(tmp_path, simulation("lfp", initial_state_of_charge=0.3)) as (lands, clock):
        ref = lands.submit(1, schedule(*steps, guard=guard), "cell")
        for _ in range(looks):
            clock.sleep(400 / looks)
            lands.read()
        status, records = lands.status(1), everything(lands, ref)
    assert status.state == "protected"
    assert status.step == 4
    first_beyond_s = next(r.time_s for r in records if r.step == 4 and r.voltage_V > 3.55)
    assert records[-1].time_s == pytest.approx(first_beyond_s + 30, abs=0.01)
    assert records[-1].charge_capacity_Ah == pytest.approx(
        (2 * 100 * low + (20 + records[-1].time_s - 220) * high) / 3600, rel=1e-6
    )  # what flowed during the delay is counted


def test_protection_by_capacity_cuts_where_it_is_whoever_looks(tmp_path: Path) -> None:
    guard = Protection(-5, 5, 0.01, capacity_max_Ah=20e-6, delay_s=5.0)
    steps = schedule(Current(I_80, (End("time_s", "above", 1e5),)), guard=guard)
    with cycler(tmp_path, simulation("lfp")) as (lands, clock):
        lands.submit(1, steps, "cell")
        clock.sleep(10 * 3600)
        status, records = lands.status(1), everything(lands, "lands-1-1")
    assert status.state == "protected"
    assert records[-1].charge_capacity_Ah == pytest.approx(20e-6 + 5 * I_80 / 3600, rel=1e-4)


def test_records_carry_the_noise_that_was_set_and_the_same_when_read_again(tmp_path: Path) -> None:
    table = simulation("lfp", cycler_voltage_noise_V=5e-4, cycler_current_noise_fraction=2e-3)
    half = (End("time_s", "above", 20_000),)
    steps = schedule(Rest(20_000), Current(I_80 / 40, half), Rest(20_000))
    with cycler(tmp_path / "often", table) as (lands, clock):
        ref = lands.submit(1, steps, "cell")
        for _ in range(60):
            clock.sleep(1000)
            lands.records(ref, 0, 1)
        often = everything(lands, ref)
        assert everything(lands, ref) == often
    with cycler(tmp_path / "once", table) as (lands, clock):
        ref = lands.submit(1, steps, "cell")
        clock.sleep(60_000)
        once = everything(lands, ref)
    rest = np.array([r.voltage_V for r in often if r.step == 1])
    flowing = np.array([r.current_A for r in often if r.step == 2])
    assert np.std(rest) == pytest.approx(5e-4, rel=0.1)
    assert np.std(flowing) == pytest.approx(2e-3 * I_80 / 40, rel=0.1)
    assert {r.current_A for r in often if r.step == 3} == {0.0}
    assert [r.current_A for r in once] == pytest.approx([r.current_A for r in often], rel=1e-12)


def test_a_record_is_made_where_the_voltage_has_moved(tmp_path: Path) -> None:
    with cycler(tmp_path, simulation("lfp")) as (lands, clock):
        ref = lands.submit(1, between(2.9, 3.8, 1, Record(every_s=3600, every_V=0.02)), "cell")
        clock.sleep(5 * 3600)
        records = everything(lands, ref)
    assert 20 < len(records) < 150
    plateau = [r for r in records if r.step == 1 and 3.4 < r.voltage_V < 3.5]
    assert max(np.diff([r.time_s for r in plateau])) > 1000


@pytest.mark.parametrize(
    ("steps", "sentence"),
    [
        ((), "no steps"),
        ((Current(1e-4, ()),), "has no end"),
        ((Current(1.0, (End("time_s", "above", 5),)),), "step 1: a current of 1 A"),
        ((Rest(-1),), "a rest"),
        ((Rest(10), Loop(2, 3)), "step 2 goes back to 2"),
        ((Rest(10), Loop(1, 0)), "0 times"),
        ((Voltage(9, 0.01, (End("time_s", "above", 5),)),), "a voltage of 9 V"),
        ((Rest(10, Record(every_s=0)),), "records every 0 s"),
        ((Current(1e-4, (End("voltage_V", "above", float("nan")),)),), "ends at nan"),
    ],
)
def test_nonsense_is_refused_and_nothing_starts(tmp_path: Path, steps: tuple[ScheduleStep, ...], sentence: str) -> None:
    with cycler(tmp_path, simulation("lfp")) as (lands, _):
        with pytest.raises(BadInput, match=sentence):
            lands.submit(1, schedule(*steps), "cell")
        assert lands.status(1).state == "idle"
        with pytest.raises(BadInput, match="no channel 9"):
            lands.status(9)
