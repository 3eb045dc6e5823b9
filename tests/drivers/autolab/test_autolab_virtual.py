"""The driver's sequence, ranging and checks in virtual time: against the cell's truth, and with both answers."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from autolab_virtual import virtual_autolab
from hypothesis import given, settings
from hypothesis import strategies as st

from daq.errors import BadInput, InstrumentError
from drivers.autolab.models import MODELS
from drivers.autolab.ranging import FILL, choose, expected_modulus_ohm
from drivers.simulated.simulation import read_simulation
from drivers.techniques import (
    ConstantCurrent,
    ConstantPotential,
    CutOffs,
    CyclicVoltammetry,
    GalvanostaticSpectrum,
    LinearSweep,
    Spectrum,
    log_frequencies,
)

TRUTH = read_simulation({}, "test").channels[0].cell_in_time(1, 1)
SWEEP = log_frequencies(1e6, 1.0, 10)
RESISTOR = {
    "bulk_resistance_ohm": 1e4,
    "activation_energy_eV": 0.0,
    "grain_boundary_resistance_ohm": 1e-3,
    "blocking_cpe_S_sn": 10.0,
    "blocking_exponent": 0.99,
    "geometric_capacitance_F": 0.0,
    "stray_capacitance_F": 0.0,
}


def deviation(point: Any) -> float:
    return abs(complex(point.z_real_ohm, point.z_imag_ohm) / TRUTH.impedance_ohm(point.frequency_Hz, 20.0) - 1)


@pytest.mark.parametrize("imaginary", ["inverted", "true"])
@pytest.mark.parametrize("fra_amplitude", ["rms", "peak"])
@pytest.mark.parametrize("model", ["PGSTAT302N", "M204", "PGSTAT101", "uAutolabIII"])
def test_a_spectrum_is_the_cells_on_every_model_and_with_every_answer(
    model: str, fra_amplitude: str, imaginary: str, tmp_path: Path
) -> None:
    answers = {"fra_amplitude": fra_amplitude, "imaginary": imaginary}
    with virtual_autolab(tmp_path, model=model, truths=answers, first_hour=answers) as (driver, _):
        points = list(driver.measure(Spectrum(SWEEP)))
    assert max(deviation(point) for point in points) < 0.03
    assert not any(point.overload for point in points)


def test_an_uncorrected_follower_is_divided_out(tmp_path: Path) -> None:
    truths = {"follower_residue": 1.0}
    worst = {}
    for follower in ("instrument", "driver"):
        with virtual_autolab(tmp_path / follower, truths=truths, first_hour={"follower": follower}) as (driver, _):
            worst[follower] = max(deviation(point) for point in driver.measure(Spectrum(SWEEP)))
    assert worst["driver"] < 0.03
    assert worst["instrument"] > 0.08


@pytest.mark.parametrize("unit", ["A", "V"])
def test_a_current_is_what_was_asked_for_in_either_unit(unit: str, tmp_path: Path) -> None:
    answer: dict[str, Any] = {"galvanostatic_setpoint": unit}
    with virtual_autolab(tmp_path, {"parameters": RESISTOR}, truths=answer, first_hour=answer) as (driver, _):
        points: Any = list(driver.measure(ConstantCurrent(2e-5, 5.0)))
        spectrum: Any = list(driver.measure(GalvanostaticSpectrum((1e3, 10.0), 1e-6, 1e-6)))
    assert points[-1].voltage_V == pytest.approx(0.2, rel=0.01)
    assert points[-1].charge_C == pytest.approx(1e-4, rel=0.02)
    assert spectrum[1].z_real_ohm == pytest.approx(1e4, rel=0.01)
    assert spectrum[1].bias_V == pytest.approx(0.01, abs=5e-4)


def test_a_voltammogram_of_a_resistor_is_a_line_through_all_ranges(tmp_path: Path) -> None:
    with virtual_autolab(tmp_path, {"parameters": RESISTOR}) as (driver, clock):
        began_s = clock.monotonic()
        points: Any = list(driver.measure(CyclicVoltammetry(1.0, -1.0, 0.05, start_V=0.0, step_V=0.01)))
        took_s = clock.monotonic() - began_s
    assert len(points) == 401
    assert took_s == pytest.approx(80.2, abs=2)
    assert points[-1].ended == "end of sweep"
    assert len({point.current_range_A for point in points}) > 1
    for point in points:
        offset_A = 1.3e-4 * point.current_range_A + 5e-9  # of the range, as found on a rig
        assert point.current_A == pytest.approx(point.voltage_V / 1e4, abs=offset_A + 3e-8)


def test_an_overload_is_flagged_where_the_range_is_fixed(tmp_path: Path) -> None:
    with virtual_autolab(tmp_path, {"parameters": RESISTOR}) as (driver, _):
        held: Any = list(driver.measure(ConstantPotential(0.1, 1.0, 0.5, current_range_A=1e-6)))
        (point,) = driver.measure(Spectrum((100.0,), current_range_A=1e-7))
        free: Any = list(driver.measure(ConstantPotential(0.1, 3.0, 0.5)))
    assert all(one.overload for one in held)
    assert held[-1].current_A == pytest.approx(9.5e-6, rel=0.02), "plausible, 5 % low: only the flag tells"
    assert point.overload
    assert not free[-1].overload
    assert free[-1].current_A == pytest.approx(1e-5, rel=0.02)


def test_open_leads_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with virtual_autolab(tmp_path, faults={"open_lead": True}) as (driver, _):
        list(driver.measure(Spectrum((1e3, 1e2))))
        list(driver.measure(LinearSweep(0.5, 0.05, start_V=0.1, step_V=0.01, current_range_A=1e-6)))
        list(driver.measure(LinearSweep(0.5, 0.05, start_V=0.1, step_V=0.01)))  # it begins in a range with more offset
    assert sum("is a lead off" in record.message for record in caplog.records) == 3
    assert all(record.levelno >= logging.WARNING for record in caplog.records if "lead" in record.message)


def test_an_oscillating_loop_is_slowed_down(tmp_path: Path) -> None:
    with virtual_autolab(tmp_path, faults={"oscillates_in": ["UltraHigh_Speed"]}) as (driver, _):
        points: Any = list(driver.measure(Spectrum((1e5, 5e4))))
    assert len(points) == 2


def test_ranges_that_the_instrument_refuses_are_not_used(tmp_path: Path) -> None:
    refused = ["CR13_1uA", "CR14_100nA"]
    with virtual_autolab(tmp_path, faults={"refused_ranges": refused}) as (driver, _):
        assert min(driver.abilities().current_ranges_A) == 1e-5
        assert min(point.current_range_A for point in driver.measure(Spectrum((10.0, 5.0)))) == 1e-5  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("cut_offs", "ended"),
    [
        (CutOffs(voltage_max_V=0.5), "voltage_max_V"),
        (CutOffs(charge_C=1e-6), "charge_C"),
        (CutOffs(current_max_A=1e-7), "current_max_A"),
    ],
)
def test_cut_offs_end_a_current(cut_offs: CutOffs, ended: str, tmp_path: Path) -> None:
    with virtual_autolab(tmp_path) as (driver, _):
        points: Any = list(driver.measure(ConstantCurrent(1e-6, 100.0, cut_offs=cut_offs)))
    assert points[-1].ended == ended
    if ended == "charge_C":
        assert points[-1].charge_C == pytest.approx(1e-6, rel=0.05)


def test_what_is_not_known_is_not_tried(tmp_path: Path) -> None:
    nothing: dict[str, Any] = {"galvanostatic_setpoint": None, "range_change": None}
    with virtual_autolab(tmp_path, first_hour=nothing) as (driver, _):
        for technique, told in (
            (ConstantCurrent(1e-6, 10.0), "galvanostatic_setpoint"),
            (GalvanostaticSpectrum((1e3,), 1e-6), "galvanostatic_setpoint"),
            (ConstantPotential(0.1, 10.0), "range_change"),
        ):
            with pytest.raises(BadInput, match=told):
                driver.measure(technique)
        assert len(list(driver.measure(ConstantPotential(0.1, 2.0, current_range_A=1e-6)))) == 2
        assert max(deviation(point) for point in driver.measure(Spectrum((1e5, 1e3, 10.0)))) < 0.03


def test_stairs_too_fast_for_software_are_refused_with_what_would_do(tmp_path: Path) -> None:
    with virtual_autolab(tmp_path) as (driver, _):
        with pytest.raises(BadInput, match=r"step_V of 0\.01 V"):
            driver.measure(CyclicVoltammetry(1.0, -1.0, 0.1, step_V=0.001))
        with pytest.raises(BadInput, match="interval"):
            driver.measure(ConstantPotential(0.1, 10.0, 0.05))


def test_modules_are_channels_that_measure_independently(tmp_path: Path) -> None:
    simulation = {"channels": {"2": {"cell": "blocking", "parameters": RESISTOR}}}
    with virtual_autolab(tmp_path, simulation, channels=2) as (driver, _):
        one: Any = list(driver.measure(Spectrum((1e3,)), 1))
        two: Any = list(driver.measure(Spectrum((1e3,)), 2))
        with pytest.raises(BadInput, match="channel 3"):
            driver.measure(Spectrum((1e3,)), 3)
        assert driver.make_safe("finished").text.count("cell off") == 2
    assert two[0].z_real_ohm == pytest.approx(1e4, rel=0.02)
    assert one[0].z_real_ohm > 2e4


def test_a_thrown_error_of_the_sdk_leaves_the_cell_off(tmp_path: Path) -> None:
    with virtual_autolab(tmp_path, faults={"throws_after": 8}) as (driver, _):
        with pytest.raises(InstrumentError, match="Could not send command"):
            list(driver.measure(Spectrum(SWEEP)))
        assert driver.make_safe("failed").verified


@settings(max_examples=200, deadline=None)
@given(
    model=st.sampled_from(sorted(MODELS)),
    frequency_Hz=st.floats(1e-3, 1e6),
    peak_A=st.floats(1e-12, 0.1),
    margin=st.floats(1, 100),
)
def test_a_chosen_range_takes_the_peak_and_is_fast_or_says_that_it_is_not(
    model: str, frequency_Hz: float, peak_A: float, margin: float
) -> None:
    ranges = MODELS[model].ranges
    choice = choose(ranges, frequency_Hz, peak_A, margin)
    assert choice.range.full_scale_A * FILL >= peak_A or choice.range == ranges[0]
    assert choice.is_bandwidth_limited == (choice.range.bandwidth_Hz < margin * frequency_Hz)
    if choice.is_bandwidth_limited:
        taking = [one for one in ranges if one.full_scale_A * FILL >= peak_A] or [ranges[0]]
        assert choice.range.bandwidth_Hz == max(one.bandwidth_Hz for one in taking)


def test_the_next_modulus_follows_the_slope() -> None:
    assert expected_modulus_ohm(1.0, []) is None
    assert expected_modulus_ohm(10.0, [(1000.0, 1.0), (100.0, 10.0)]) == pytest.approx(100.0)


PLAN = """
bench = "bench.toml"
[sample]
name = "K001"
pellet = { thickness_mm = 0.9, diameter_mm = 10 }
electrode = { diameter_mm = 10 }
[[run]]
procedure = "eis-sweep"
temperatures_C = [25, 60]
"""
BENCH = """
[bench]
name = "bench"
[instruments.furnace]
driver = "simulated-furnace"
[instruments.potentiostat]
driver = "DRIVER"
"""


def test_a_sweep_through_the_command_line_gives_what_the_simulated_potentiostat_gives(tmp_path: Path) -> None:
    found: dict[str, dict[tuple[str, float | None], float]] = {}
    for driver in ("simulated-autolab", "simulated-potentiostat"):
        folder = tmp_path / driver
        folder.mkdir()
        (folder / "bench.toml").write_text(BENCH.replace("DRIVER", driver), encoding="utf-8")
        (folder / "plan.toml").write_text(PLAN, encoding="utf-8")
        ran = subprocess.run(
            [sys.executable, "-m", "cellrig", "run", "plan.toml"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        (run,) = [path for path in (folder / "runs").iterdir() if (path / "run.db").exists()]
        shown = subprocess.run(
            [sys.executable, "-m", "cellrig", "show", str(run), "--json"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
        )
        found[driver] = {
            (one["name"], one["at"].get("temperature_C")): one["value"]
            for one in json.loads(shown.stdout)["results"]
            if one["value"] is not None and one["name"] in ("total_resistance", "conductivity", "activation_energy")
        }
    ours, theirs = found["simulated-autolab"], found["simulated-potentiostat"]
    assert ours
    for key in ours.keys() & theirs.keys():
        assert ours[key] == pytest.approx(theirs[key], rel=0.02), key
    assert len(ours) == len(theirs)
