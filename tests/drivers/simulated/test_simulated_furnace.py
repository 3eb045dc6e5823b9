"""The furnace as a user meets it: ramps, overshoot, ambient, the sample that lags behind."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from truth_bench import TruthBench, build, truth_bench

from daq.contracts import Instrument, Limit
from daq.errors import BadInput, InstrumentError
from drivers.roles import FurnaceReading, TemperatureController

QUIET = {"sensor_noise_K": 0, "sample_sensor_noise_K": 0}


def record(truth: TruthBench, seconds: int, every_s: int = 1) -> list[FurnaceReading]:
    readings = []
    for _ in range(0, seconds, every_s):
        truth.clock.sleep(every_s)
        readings.append(truth.furnace.read_temperature())
    return readings


def quiet(**parameters: Any) -> dict[str, Any]:
    return {"parameters": {**QUIET, **parameters}}


def test_it_answers_the_role(tmp_path: Path) -> None:
    with truth_bench(tmp_path) as truth:
        assert isinstance(truth.furnace, Instrument)
        assert isinstance(truth.furnace, TemperatureController)
        snapshot = truth.furnace.read()
        assert tuple(snapshot.values) == truth.furnace.snapshot_stream.column_names
        assert snapshot.faults == ()
        assert truth.furnace.identity().model == "simulated furnace"
        assert truth.furnace.capabilities()["has_sample_sensor"] is True


def test_it_starts_cold_with_the_heater_off(tmp_path: Path) -> None:
    with truth_bench(tmp_path, quiet()) as truth:
        truth.clock.sleep(3600)
        reading = truth.furnace.read_temperature()
        assert reading.temperature_C == pytest.approx(20.0)
        assert reading.sample_temperature_C == pytest.approx(20.0)
        assert reading.output_percent == 0


@pytest.mark.parametrize(("start_C", "step_K"), [(30, 10), (60, 10), (110, 10)])
def test_a_step_overshoots_a_little_and_settles_within_a_tenth(tmp_path: Path, start_C: float, step_K: float) -> None:
    with truth_bench(tmp_path, quiet()) as truth:
        truth.settle(start_C)
        truth.furnace.set_target(start_C + step_K, 3)
        values = [reading.temperature_C for reading in record(truth, 3600)]
        assert 0.2 < max(values) - (start_C + step_K) < 0.6
        in_band = next(i for i in range(len(values)) if all(abs(v - start_C - step_K) < 0.5 for v in values[i:]))
        assert 200 < in_band < 700  # the ramp alone takes 200 s
        assert all(abs(value - start_C - step_K) < 0.1 for value in values[-1200:])


def test_the_working_setpoint_ramps_at_the_rate_asked_for(tmp_path: Path) -> None:
    with truth_bench(tmp_path, quiet()) as truth:
        truth.furnace.set_target(50, 3)
        readings = record(truth, 900)
        slopes = [b.working_setpoint_C - a.working_setpoint_C for a, b in pairwise(readings[:590])]
        assert slopes == pytest.approx([0.05] * len(slopes))
        assert readings[-1].working_setpoint_C == readings[-1].setpoint_C == 50


def test_without_a_ramp_the_working_setpoint_jumps(tmp_path: Path) -> None:
    with truth_bench(tmp_path, quiet()) as truth:
        truth.furnace.set_target(50)
        assert record(truth, 2)[-1].working_setpoint_C == 50


def test_hold_stops_the_ramp_where_it_is(tmp_path: Path) -> None:
    with truth_bench(tmp_path, quiet()) as truth:
        truth.furnace.set_target(80, 2)
        truth.clock.sleep(600)
        truth.furnace.hold()
        held_C = truth.furnace.read_temperature().working_setpoint_C
        assert held_C == pytest.approx(40, abs=0.1)
        truth.clock.sleep(7200)
        assert truth.furnace.read_temperature().temperature_C == pytest.approx(held_C, abs=0.1)


def test_steady_power_is_what_the_losses_take(tmp_path: Path) -> None:
    with truth_bench(tmp_path, quiet(loss_conductance_W_per_K=2.0, max_power_W=400)) as truth:
        truth.settle(100, hours=5)
        assert truth.furnace.read_temperature().output_percent == pytest.approx(100 * 2.0 * 80 / 400, rel=1e-3)


def test_it_cools_as_newton_says_and_ambient_is_never_reached(tmp_path: Path) -> None:
    parameters = {"block_heat_capacity_J_per_K": 2000, "loss_conductance_W_per_K": 2.0, **QUIET}
    with truth_bench(tmp_path, {"parameters": parameters}) as truth:
        truth.settle(100)
        truth.furnace.set_target(0)  # below ambient: accepted, out of reach
        truth.clock.sleep(600)
        first_C = truth.furnace.read_temperature().temperature_C
        truth.clock.sleep(1000)
        second_C = truth.furnace.read_temperature().temperature_C
        time_constant_s = 1000 / math.log((first_C - 20) / (second_C - 20))
        assert time_constant_s == pytest.approx((2000 + 100) / 2.0, rel=0.02)  # heater and block together
        truth.clock.sleep(3600)
        assert 20 < truth.furnace.read_temperature().temperature_C < 22
        truth.clock.sleep(86400)
        assert truth.furnace.read_temperature().temperature_C >= 20


def test_ambient_can_be_set(tmp_path: Path) -> None:
    with truth_bench(tmp_path, quiet(ambient_C=24)) as truth:
        truth.settle(22, hours=10)
        assert truth.furnace.read_temperature().temperature_C == pytest.approx(24, abs=0.01)


@pytest.mark.parametrize("lag_s", [120, 300, 900])
def test_the_lag_of_the_sample_is_the_lag_that_was_set(tmp_path: Path, lag_s: float) -> None:
    """After the block is steady the gap decays with the sample's own time constant."""
    with truth_bench(tmp_path, quiet(sample_lag_s=lag_s)) as truth:
        truth.settle(40)
        truth.furnace.set_target(60, 10)
        truth.clock.sleep(300)
        block_C, sample_C = [], []
        for _ in range(1200):
            truth.clock.sleep(1)
            reading = truth.furnace.read_temperature()
            assert reading.sample_temperature_C is not None
            block_C.append(reading.temperature_C)
            sample_C.append(reading.sample_temperature_C)
        slope = np.gradient(sample_C)
        gap = np.asarray(block_C) - np.asarray(sample_C)
        found_s = float(np.sum(gap * slope) / np.sum(slope * slope))  # dTs/dt = gap / lag, least squares
        assert found_s == pytest.approx(lag_s, rel=0.06)


def test_lead_loss_keeps_the_sample_below_the_block(tmp_path: Path) -> None:
    with truth_bench(tmp_path, quiet(lead_loss_fraction=0.005)) as truth:
        truth.settle(120, hours=5)
        reading = truth.furnace.read_temperature()
        assert reading.sample_temperature_C is not None
        assert reading.temperature_C - reading.sample_temperature_C == pytest.approx(0.5, abs=0.01)


def test_noise_of_the_sensors_is_the_noise_that_was_set(tmp_path: Path) -> None:
    parameters = {"sensor_noise_K": 0.02, "sample_sensor_noise_K": 0.05}
    with truth_bench(tmp_path, {"parameters": parameters}) as truth:
        readings = record(truth, 3000)  # heater off: nothing else moves
        control = np.array([reading.temperature_C for reading in readings])
        sample = np.array([reading.sample_temperature_C for reading in readings], dtype=float)
        assert control.std() == pytest.approx(0.02, rel=0.1)
        assert sample.std() == pytest.approx(0.05, rel=0.1)
        assert abs(np.corrcoef(control, sample)[0, 1]) < 0.1


def test_a_furnace_without_sample_sensor_says_nothing_about_the_sample(tmp_path: Path) -> None:
    with truth_bench(tmp_path, furnace={"sample_sensor": False}) as truth:
        assert truth.furnace.abilities().has_sample_sensor is False
        assert truth.furnace.read().values["sample_temperature_C"] is None


def test_make_safe_switches_the_heater_off_and_reads_it_back(tmp_path: Path) -> None:
    with truth_bench(tmp_path) as truth:
        truth.furnace.set_target(100, 5)
        truth.clock.sleep(600)
        assert truth.furnace.read_temperature().output_percent > 10
        for _ in range(2):  # idempotent
            report = truth.furnace.make_safe("stopped")
            assert report.verified
            assert "0 %" in report.text
        hot_C = truth.furnace.read_temperature().temperature_C
        truth.clock.sleep(3600)
        reading = truth.furnace.read_temperature()
        assert reading.output_percent == 0
        assert reading.temperature_C < hot_C - 10


def test_targets_and_ramps_beyond_the_furnace_are_refused(tmp_path: Path) -> None:
    with truth_bench(tmp_path, furnace={"limits": {"max_temperature_C": 150}}) as truth:
        for target in (151.0, -300.0, math.nan, math.inf):
            with pytest.raises(BadInput, match="0 to 150 °C"):
                truth.furnace.set_target(target)
        for ramp in (0.0, -3.0, 1e3, math.nan):
            with pytest.raises(BadInput, match="K/min"):
                truth.furnace.set_target(50, ramp)
        assert truth.furnace.read_temperature().output_percent == 0
        assert list(truth.furnace.limits()) == [Limit("temperature_C", maximum=150)]


def test_before_connect_it_says_so_and_touches_no_disk(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    truth = build(folder)
    assert truth.furnace.abilities().temperature_max_C == 200
    with pytest.raises(InstrumentError, match="not connected"):
        truth.furnace.read()
    assert not folder.exists()


def test_a_day_of_readings_is_a_day_of_steps(tmp_path: Path) -> None:
    """14 temperatures in one day, read once a second: the controller keeps each of them."""
    with truth_bench(tmp_path) as truth:
        for target in np.linspace(25, 120, 14).tolist():
            truth.furnace.set_target(target, 3)
            reading = record(truth, 6171)[-1]
            assert reading.temperature_C == pytest.approx(target, abs=0.15)
        assert truth.world.now_s() == pytest.approx(14 * 6171)
