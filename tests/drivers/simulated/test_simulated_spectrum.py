"""Spectra as the instrument gives them: time, noise, ranges, overload, drift, ends."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.optimize import least_squares
from truth_bench import TruthBench, truth_bench

from daq.contracts import Instrument, Limit
from daq.errors import BadInput, InstrumentError
from drivers.roles import Potentiostat
from drivers.simulated.cells.blocking import BlockingCell
from drivers.simulated.frequency_analyser import clipped_fundamental
from drivers.simulated.parameters import BlockingParameters
from drivers.techniques import ConstantCurrent, DcPoint, EndState, OpenCircuit, Spectrum, SpectrumPoint, log_frequencies

FULL = Spectrum(log_frequencies(1e6, 1, 10))
PERFECT = {"voltage_noise_V": 0, "current_noise_fraction": 0, "gain_error_fraction": 0, "phase_residual": 0}
STILL = {"sensor_noise_K": 0}


def impedance(points: list[SpectrumPoint]) -> np.ndarray:
    return np.array([complex(point.z_real_ohm, point.z_imag_ohm) for point in points])


def truth_of(truth: TruthBench, points: list[SpectrumPoint], channel: int = 1) -> np.ndarray:
    cell, view = truth.cell(channel), truth.world.sample(channel)
    return np.array([cell.impedance_ohm(p.frequency_Hz, view.temperature_C, view.high_phase) for p in points])


def test_it_answers_the_role(tmp_path: Path) -> None:
    with truth_bench(tmp_path) as truth:
        assert isinstance(truth.potentiostat, Instrument)
        assert isinstance(truth.potentiostat, Potentiostat)
        snapshot = truth.potentiostat.read()
        assert tuple(snapshot.values) == truth.potentiostat.snapshot_stream.column_names
        assert truth.potentiostat.abilities().channels == (1, 2, 3, 4)
        assert truth.potentiostat.capabilities()["techniques"][:2] == ("spectrum", "open-circuit")


def test_a_spectrum_takes_the_time_it_declares(tmp_path: Path) -> None:
    with truth_bench(tmp_path, {"parameters": {"point_overhead_s": 0.3}}) as truth:
        began_s = truth.clock.monotonic()
        points = truth.spectrum(FULL)
        overhead_s = truth.potentiostat.abilities().overhead_s_per_point
        expected = [max(0.25, 2 / frequency) + overhead_s for frequency in FULL.frequencies_Hz]
        assert overhead_s == 0.3
        assert [point.duration_s for point in points] == pytest.approx(expected)
        assert truth.clock.monotonic() - began_s == pytest.approx(sum(expected))
        for before, after in pairwise(points):
            assert after.started_s == pytest.approx(before.started_s + before.duration_s)


def test_a_perfect_instrument_shows_the_cell(tmp_path: Path) -> None:
    with truth_bench(tmp_path, {"parameters": {**PERFECT, "adc_bits": 24}}) as truth:
        points = truth.spectrum(FULL)
        assert np.abs(impedance(points) / truth_of(truth, points) - 1).max() < 1e-5


def test_noise_falls_with_the_root_of_the_time(tmp_path: Path) -> None:
    scatter = {}
    with truth_bench(tmp_path, {"parameters": {**PERFECT, "current_noise_fraction": 1e-3}}) as truth:
        for time_s in (1.0, 16.0):
            points = truth.spectrum(Spectrum((1e4,) * 400, minimum_time_s=time_s))
            ratio = impedance(points) / truth_of(truth, points)
            scatter[time_s] = float(np.std(ratio))
            range_A, current_A = points[0].current_range_A, 0.01 * math.sqrt(2) / abs(truth_of(truth, points)[0])
            assert scatter[time_s] == pytest.approx(1e-3 * range_A / current_A / math.sqrt(time_s), rel=0.15)
    assert scatter[1.0] / scatter[16.0] == pytest.approx(4, rel=0.2)


def test_default_noise_is_that_of_a_good_instrument(tmp_path: Path) -> None:
    with truth_bench(tmp_path) as truth:
        points = truth.spectrum(FULL)
        residual = np.abs(impedance(points) / truth_of(truth, points) - 1)
        assert 5e-5 < float(np.sqrt(np.mean(residual**2))) < 4e-3


def test_coarse_conversion_shows(tmp_path: Path) -> None:
    with truth_bench(tmp_path, {"parameters": {**PERFECT, "adc_bits": 6, "adc_rate_Hz": 100}}) as truth:
        points = truth.spectrum(FULL)
        assert np.abs(impedance(points) / truth_of(truth, points) - 1).max() > 0.01


@pytest.mark.parametrize("temperature_C", [25, 60, 120])
def test_total_resistance_comes_out_within_half_a_percent(tmp_path: Path, temperature_C: float) -> None:
    """Fit the circuit to what the instrument shows. Hot, the arc is beyond the window: only the sum is asked for."""
    with truth_bench(tmp_path, {"parameters": STILL}) as truth:
        truth.settle(temperature_C, hours=4)
        points = truth.spectrum(FULL)
        expected = truth.cell().total_resistance_ohm(truth.world.sample(1).temperature_C)
        assert fitted_total_ohm(points, expected) == pytest.approx(expected + 0.3, rel=5e-3)  # with the leads


def fitted_total_ohm(points: list[SpectrumPoint], start_ohm: float) -> float:
    """R_0 + R_arc of L - R_0 - arc - CPE, weighted by |Z|; started off the truth."""
    jw = 2j * math.pi * np.array([point.frequency_Hz for point in points])
    measured = impedance(points)
    start = [*np.log([start_ohm * 0.1, start_ohm * 0.7, start_ohm * 2e-10, 4e-6]).tolist(), 0.9, 0.8, 1.0]

    def residual(x: np.ndarray) -> np.ndarray:
        series, arc, tau, blocking = np.exp(x[:4])
        model = series + arc / (1 + (jw * tau) ** x[4]) + 1 / (blocking * jw ** x[5]) + jw * x[6] * 1e-6
        relative = (model - measured) / np.abs(measured)
        return np.concatenate([relative.real, relative.imag])

    x = least_squares(residual, start, x_scale="jac", max_nfev=2000).x
    return float(np.exp(x[0]) + np.exp(x[1]))


def test_ranges_follow_current_and_bandwidth(tmp_path: Path) -> None:
    with truth_bench(tmp_path) as truth:
        abilities = truth.potentiostat.abilities()
        bandwidth = dict(zip(abilities.current_ranges_A, abilities.range_bandwidth_Hz, strict=True))
        points = truth.spectrum(FULL)
        for point, z in zip(points, impedance(points), strict=True):
            assert not point.overload
            assert point.current_range_A >= 0.01 * math.sqrt(2) / abs(z)
            assert bandwidth[point.current_range_A] >= min(10 * point.frequency_Hz, max(bandwidth.values()))
        assert points[0].current_range_A > 100 * points[-1].current_range_A


def test_rising_frequencies_do_not_overload(tmp_path: Path) -> None:
    with truth_bench(tmp_path) as truth:
        points = truth.spectrum(Spectrum((1.0, 1e3, 1e6)))
        assert not any(point.overload for point in points)
        assert np.abs(impedance(points) / truth_of(truth, points) - 1).max() < 0.02


def test_a_range_too_small_is_flagged_and_clips(tmp_path: Path) -> None:
    with truth_bench(tmp_path, {"parameters": {**PERFECT, "adc_bits": 24}}) as truth:
        (point,) = truth.spectrum(Spectrum((1e4,), current_range_A=1e-7))
        true_ohm = abs(truth_of(truth, [point])[0])
        peak_A = 0.01 * math.sqrt(2) / true_ohm
        assert point.overload
        shown_ohm = abs(impedance([point])[0])
        square_wave_ohm = 0.01 * math.sqrt(2) / (4 / math.pi * 1e-7)  # a hard clipped sine is nearly a square
        assert true_ohm < shown_ohm == pytest.approx(square_wave_ohm, rel=0.05)
        assert clipped_fundamental(peak_A, 1e-7) == pytest.approx(0.01 * math.sqrt(2) / shown_ohm, rel=0.01)


def test_clipping_agrees_with_a_sampled_sine() -> None:
    phase = np.linspace(0, 2 * math.pi, 100_000, endpoint=False)
    for peak in (0.5, 1.0, 1.2, 3.0, 50.0):
        wave = np.clip(peak * np.cos(phase), -1, 1)
        assert clipped_fundamental(peak, 1.0) == pytest.approx(2 * np.mean(wave * np.cos(phase)), rel=1e-4)


def test_a_slow_range_forced_at_high_frequency_bends_the_phase(tmp_path: Path) -> None:
    big = {"bulk_resistance_ohm": 1e9, "stray_capacitance_F": 0, "geometric_capacitance_F": 0, "adc_bits": 24}
    with truth_bench(tmp_path, {"parameters": {**PERFECT, **big}}) as truth:
        (slow,) = truth.spectrum(Spectrum((1e4,), current_range_A=1e-9))
        assert not slow.overload
        assert slow.z_imag_ohm == pytest.approx(0, abs=1e-3 * slow.z_real_ohm)
    parameters = {**PERFECT, **big, "phase_residual": 1.0}
    with truth_bench(tmp_path / "lag", {"parameters": parameters}) as truth:
        abilities = truth.potentiostat.abilities()
        (slow,) = truth.spectrum(Spectrum((1e4,), current_range_A=1e-9))
        expected = 1e4 / abilities.range_bandwidth_Hz[-1]
        assert slow.z_imag_ohm / slow.z_real_ohm == pytest.approx(expected, rel=0.01)


def test_each_range_has_its_own_small_gain_error(tmp_path: Path) -> None:
    parameters = {**PERFECT, "gain_error_fraction": 0.01}
    with truth_bench(tmp_path, {"parameters": parameters}) as truth:
        ranges = truth.potentiostat.abilities().current_ranges_A[2:6]
        points = [truth.spectrum(Spectrum((1e3,), current_range_A=one))[0] for one in ranges]
        errors = np.abs(impedance(points) / truth_of(truth, points)) - 1
        assert len({round(float(error), 6) for error in errors}) == len(errors)
        assert np.abs(errors).max() < 0.0105


def test_a_spectrum_during_a_ramp_sees_each_moment(tmp_path: Path) -> None:
    parameters = {**PERFECT, "adc_bits": 24, "sample_lag_s": 0}
    with truth_bench(tmp_path, {"parameters": parameters}) as truth:
        truth.furnace.set_target(100, 3)
        truth.clock.sleep(900)
        hot_before = truth.world.sample(1).temperature_C
        points = truth.spectrum(Spectrum((1e4,) * 100, minimum_time_s=2))
        hot_after = truth.world.sample(1).temperature_C
        assert hot_after - hot_before == pytest.approx(0.05 * 220, rel=0.1)
        shown = [point.z_real_ohm for point in points]
        assert shown == sorted(shown, reverse=True)
        first = truth.cell().impedance_ohm(1e4, hot_before + 0.05)
        assert shown[0] == pytest.approx(first.real, rel=5e-3)


def test_closing_early_leaves_the_cell_in_its_end_state(tmp_path: Path) -> None:
    with truth_bench(tmp_path) as truth:
        ends: list[tuple[EndState, float]] = [("off", 0.0), ("hold", 0.5)]
        for end_state, level_V in ends:
            technique = Spectrum((1e3, 1e2, 10), bias_V=0.5, end_state=end_state)
            points: Any = truth.potentiostat.measure(technique)
            next(points)
            assert truth.potentiostat.read().values["voltage_V"] == pytest.approx(0.5, abs=1e-3)
            points.close()
            assert truth.potentiostat.read().values["voltage_V"] == pytest.approx(level_V, abs=1e-3)
        assert len(truth.spectrum(FULL)) == 61  # and the channel is free again


def test_nothing_happens_before_the_first_point_is_asked_for(tmp_path: Path) -> None:
    with truth_bench(tmp_path) as truth:
        truth.potentiostat.measure(Spectrum((1e3,), bias_V=1.0))
        assert truth.potentiostat.read().values["voltage_V"] == pytest.approx(0, abs=1e-3)


def test_one_channel_measures_one_thing_at_a_time(tmp_path: Path) -> None:
    with truth_bench(tmp_path) as truth:
        first = truth.potentiostat.measure(FULL)
        next(first)
        with pytest.raises(InstrumentError, match="channel 1 is measuring already"):
            next(truth.potentiostat.measure(FULL))
        next(truth.potentiostat.measure(FULL, channel=2))
        next(first)  # undisturbed


def test_make_safe_ends_a_running_measurement(tmp_path: Path) -> None:
    with truth_bench(tmp_path) as truth:
        technique = Spectrum((1e3, 1e2, 10), bias_V=0.5, end_state="hold")
        points = truth.potentiostat.measure(technique)
        next(points)
        for _ in range(2):
            assert truth.potentiostat.make_safe("stopped").verified
        with pytest.raises(InstrumentError, match="switched off while it measured"):
            next(points)
        assert truth.potentiostat.read().values["voltage_V"] == pytest.approx(0, abs=1e-3)


def test_channels_have_their_own_noise_and_samples(tmp_path: Path) -> None:
    simulation = {
        "channels": {"2": {"preset": "K010"}, "3": {"parameters": {"grain_boundary_resistance_ohm": 1e4}}},
        "parameters": {"grain_boundary_exponent": 0.95, "sample_lag_s": 60},
    }
    with truth_bench(tmp_path, simulation) as truth:
        one, two, three, four = (truth.spectrum(Spectrum((1e3,)), channel)[0] for channel in (1, 2, 3, 4))
        assert one.z_real_ohm == pytest.approx(four.z_real_ohm, rel=0.01)
        assert one.z_real_ohm != four.z_real_ohm
        assert two.z_real_ohm > 3 * one.z_real_ohm
        assert three.z_real_ohm < one.z_real_ohm / 2
        assert truth.cell(2).parameters.grain_boundary_exponent == 0.90  # its preset, not channel 1's
        assert truth.cell(3).parameters.grain_boundary_exponent == 0.95
        assert truth.world.simulation.channels[1].holder.sample_lag_s == 60  # the same holder


def test_a_sample_with_a_lag_of_its_own(tmp_path: Path) -> None:
    simulation = {"channels": {"2": {"parameters": {"sample_lag_s": 1200}}}}
    with truth_bench(tmp_path, simulation) as truth:
        truth.settle(60, hours=0.5)
        assert truth.world.sample(1).temperature_C > truth.world.sample(2).temperature_C + 5
        assert truth.world.sample(1) == truth.world.sample(4)


def test_open_circuit_is_sampled_and_near_zero(tmp_path: Path) -> None:
    with truth_bench(tmp_path) as truth:
        points = list(truth.potentiostat.measure(OpenCircuit(duration_s=60, interval_s=2)))
        assert all(isinstance(point, DcPoint) for point in points)
        dc = [point for point in points if isinstance(point, DcPoint)]
        assert [point.time_s for point in dc] == pytest.approx(list(range(0, 61, 2)))
        assert all(abs(point.voltage_V) < 2e-3 and point.current_A == 0 for point in dc)
        assert len({point.voltage_V for point in dc}) == len(dc)
        assert [point.ended for point in dc] == [""] * 30 + ["duration"]


def test_an_offset_of_the_open_circuit_is_the_default_bias(tmp_path: Path) -> None:
    with truth_bench(tmp_path, {"parameters": {"open_circuit_potential_V": 1.5}}) as truth:
        assert truth.spectrum(Spectrum((1e3,)))[0].bias_V == pytest.approx(1.5, abs=1e-3)
        assert truth.spectrum(Spectrum((1e3,), bias_V=0.2))[0].bias_V == 0.2


NONSENSE = [
    (Spectrum(()), "at least one frequency"),
    (Spectrum((1e7,)), "frequency of 1e\\+07 Hz"),
    (Spectrum((0.0,)), "frequency of 0 Hz"),
    (Spectrum((math.nan,)), "frequency of nan"),
    (Spectrum((1e3,), amplitude_V=0), "amplitude"),
    (Spectrum((1e3,), amplitude_V=-0.01), "amplitude"),
    (Spectrum((1e3,), amplitude_V=5), "amplitude"),
    (Spectrum((1e3,), bias_V=10), "bias"),
    (Spectrum((1e3,), bias_V=math.nan), "bias"),
    (Spectrum((1e3,), minimum_cycles=0), "cycles"),
    (Spectrum((1e3,), minimum_time_s=-1), "minimum time"),
    (Spectrum((1e3,), current_range_A=3e-4), "no current range of 0.0003 A"),
    (OpenCircuit(duration_s=-1), "duration"),
    (OpenCircuit(duration_s=10, interval_s=0), "interval"),
    (ConstantCurrent(1e3, 10), "a current of 1000 A"),
]


@pytest.mark.parametrize(("technique", "says"), NONSENSE)
def test_what_it_cannot_do_is_refused_before_anything_is_applied(tmp_path: Path, technique: Any, says: str) -> None:
    with truth_bench(tmp_path) as truth:
        with pytest.raises(BadInput, match=says):
            truth.potentiostat.measure(technique)
        assert truth.clock.monotonic() == 0


def test_a_channel_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with truth_bench(tmp_path, potentiostat={"channels": 2}) as truth:
        for channel in (0, 3, -1):
            with pytest.raises(BadInput, match="allowed: 1, 2"):
                truth.potentiostat.measure(FULL, channel)


def test_high_resistance_is_measured_too(tmp_path: Path) -> None:
    """836 kohm of Li2OHCl at 25 degC, down to 0.1 Hz."""
    with truth_bench(tmp_path, {"preset": "Li2OHCl"}) as truth:
        points = truth.spectrum(Spectrum(log_frequencies(1e6, 0.1, 5)))
        assert np.abs(impedance(points) / truth_of(truth, points) - 1).max() < 0.02


def test_the_parts_of_a_blocking_cell_can_be_built_alone() -> None:
    assert BlockingCell(BlockingParameters()).impedance_ohm(1.0, 25).imag < 0


def test_limits_hold_for_either_sign(tmp_path: Path) -> None:
    with truth_bench(tmp_path, potentiostat={"limits": {"max_current_A": 0.01}}) as truth:
        assert list(truth.potentiostat.limits()) == [Limit("current_A", minimum=-0.01, maximum=0.01)]
