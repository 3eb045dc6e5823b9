"""The state machine against a furnace with a sample behind it: settling.md's cases, faults, and nonsense."""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any

import pytest

from daq.errors import BadInput
from procedures.settling import SampleObserver, SettleSpec, SettleState, Settling

CONTROL = SettleSpec(sensor="control", agree_percent=None, min_soak_min=10, slope_K_per_min=1.0)
SAMPLE = SettleSpec(sensor="sample", agree_percent=None)


def steady(settling: Settling, t_s: float, value_C: float = 40.0, **changes) -> SettleState:
    reading = {"temperature_C": value_C, "working_setpoint_C": 40.0, "setpoint_C": 40.0, **changes}
    return settling.feed(t_s, **reading)


def in_soak(spec: SettleSpec = CONTROL, seconds: int = 300) -> Settling:
    settling = Settling(spec, target_C=40, start_C=25)
    for t in range(seconds):
        steady(settling, t)
    assert settling.state is SettleState.SOAK
    return settling


def ramped(model: ModuleType, lag_min: float, start_C: float, seed: int = 1):
    return model.Furnace(
        60 * lag_min,
        seed,
        ambient_C=20.0 if start_C > 20 else start_C,
        furnace_lag_s=240.0,
        sensor_noise_K=0.02,
        ramp_K_per_min=3.0,
        integral_s=240.0,
    )


# ---------------------------------------------------------------- the table of dwells and sensors
@pytest.mark.parametrize(
    ("name", "spec", "lag_min", "minutes", "error_K"),
    [
        ("0.5 K for 10 min", CONTROL, 3, 16, (0.0, 0.6)),
        ("0.5 K for 10 min", CONTROL, 20, 16, (5.0, 10.5)),
        ("band then 45 min", SettleSpec(sensor="control", agree_percent=None, min_soak_min=45), 10, 53, (0.02, 0.3)),
        ("band then 60 min", SettleSpec(sensor="control", agree_percent=None, min_soak_min=60), 20, 68, (0.3, 1.0)),
        ("sample slope", SAMPLE, 3, 28, (0.0, 0.06)),
        ("sample slope", SAMPLE, 10, 54, (0.0, 0.25)),
        ("sample slope", SAMPLE, 20, 85, (0.0, 0.45)),
    ],
)
def test_decision_times_and_errors_of_the_study(
    model: ModuleType,
    player: Any,
    name: str,
    spec: SettleSpec,
    lag_min: float,
    minutes: float,
    error_K: tuple[float, float],
) -> None:
    furnace = ramped(model, lag_min, 25)
    furnace.step(25)
    player(Settling(CONTROL, target_C=25, start_C=20), furnace, 25.0).run(5 * 3600)
    settling = Settling(spec, target_C=40, start_C=25, interval_s=5)
    step = player(settling, furnace, 40.0, sample_sensor=True, interval_s=5)
    taken = step.until_released()
    assert taken == pytest.approx(minutes, rel=0.15), name
    assert error_K[0] <= abs(furnace.sample_C - 40) <= error_K[1]
    assert settling.release is not None
    assert settling.release.settled


# ---------------------------------------------------------------- band, outliers, clocks
def test_overshoot_through_the_band_is_not_settled() -> None:
    settling = Settling(CONTROL, target_C=40, start_C=25)
    for t in range(1200):
        value = 40 + 3 * math.sin(2 * math.pi * t / 600)  # crosses the band twice in 10 min
        assert steady(settling, t, value) is not SettleState.READY
    assert settling.soak_s < 60


def test_one_outlier_does_not_restart_the_soak() -> None:
    settling = in_soak(seconds=300)
    before = settling.soak_s
    assert steady(settling, 300, 45.0) is SettleState.SOAK
    for t in range(301, 320):
        steady(settling, t)
    assert settling.soak_s == pytest.approx(before + 20)


def test_leaving_the_band_a_little_counts_back_and_far_restarts() -> None:
    little, far = in_soak(), in_soak()
    before = little.soak_s
    for t in range(300, 360):
        steady(little, t, 40.75)
        steady(far, t, 41.5)
    assert little.state is SettleState.SOAK
    assert little.soak_s == pytest.approx(before - 60, abs=6)
    assert far.state is SettleState.APPROACH
    for t in range(360, 370):
        steady(far, t)
    assert far.state is SettleState.SOAK
    assert far.soak_s < 15


def test_lost_link_stops_the_clocks_and_restarts_the_windows() -> None:
    spec = SettleSpec(sensor="control", agree_percent=None, min_soak_min=10, window_min=5)
    settling = in_soak(spec, seconds=590)
    soaked = settling.soak_s
    for t in range(590, 650):
        assert settling.lost(t) is SettleState.SOAK
    assert settling.lost(651) is SettleState.FAULT
    assert "no reading" in settling.fault
    settling.lost(710)
    assert steady(settling, 711) is not SettleState.FAULT
    assert settling.soak_s < soaked
    for t in range(712, 711 + 300):
        assert steady(settling, t) is not SettleState.READY  # the 5 min window starts again
    for t in range(1011, 1400):
        steady(settling, t)
    assert settling.state is SettleState.READY


def test_short_loss_keeps_the_soak_but_does_not_count_as_soak() -> None:
    settling = in_soak()
    soaked = settling.soak_s
    for t in range(300, 340):
        settling.lost(t)
    steady(settling, 340)
    assert settling.state is SettleState.SOAK
    assert settling.soak_s == pytest.approx(soaked, abs=1)


def test_a_gap_without_being_told_is_a_gap_all_the_same() -> None:
    settling = in_soak()
    soaked = settling.soak_s
    steady(settling, 5000)
    assert settling.soak_s <= soaked


# ---------------------------------------------------------------- time-outs
@pytest.mark.parametrize(
    ("policy", "action"),
    [
        ("measure_flagged", "measure"),
        ("skip", "skip"),
        ("hold_for_operator", "hold_for_operator"),
        ("abort_safe", "abort_safe"),
    ],
)
def test_time_out_runs_the_policy_and_flags(model: ModuleType, player: Any, policy, action: str) -> None:
    spec = SettleSpec(sensor="sample", agree_percent=None, timeout_min=30, ceiling_min=40, on_timeout=policy)
    settling = Settling(spec, target_C=40, start_C=25, sensor_noise_K=0.02)
    step = player(settling, ramped(model, 60, 25), 40.0, sample_sensor=True)
    step.until_released(3)
    release = settling.release
    assert settling.state is SettleState.TIMED_OUT
    assert release is not None
    assert (release.settled, release.action) == (False, action)
    assert "not settled" in release.reason
    assert "slope" in release.reason


def test_progress_holds_the_time_out_off_but_not_the_ceiling() -> None:
    def creep(ceiling_min: float) -> float:
        spec = SettleSpec(sensor="control", agree_percent=None, timeout_min=10, ceiling_min=ceiling_min)
        settling = Settling(spec, target_C=40, start_C=25)
        t = 0
        while settling.release is None and t < 20_000:
            steady(settling, t, 25 + t / 60 * 0.1)  # 0.1 K/min, never in band before 145 min
            t += 1
        assert settling.state is SettleState.TIMED_OUT
        return t / 60

    assert creep(ceiling_min=60) == pytest.approx(60, abs=1)
    assert creep(ceiling_min=100) == pytest.approx(100, abs=1)


def test_stuck_furnace_times_out_without_progress() -> None:
    settling = Settling(SettleSpec(timeout_min=20), target_C=40, start_C=25)
    t = 0
    while settling.release is None:
        steady(settling, t, 33.0, output_percent=50.0)
        t += 1
        assert t < 5000
    assert t / 60 == pytest.approx(20, abs=1)
    assert settling.state is SettleState.TIMED_OUT
    settling.settle_again()
    assert settling.release is None
    assert steady(settling, t, 40.0) is not SettleState.TIMED_OUT


@pytest.mark.parametrize("output_known", [True, False])
def test_set_point_below_ambient_is_released_where_it_is_stable(
    model: ModuleType, player: Any, output_known: bool
) -> None:
    furnace = ramped(model, 5, 22.4)
    furnace.ambient_C = 22.4
    for _ in range(2400):
        furnace.step(40.0)
    cell = model.Cell()
    settling = Settling(SettleSpec(), target_C=20, start_C=40)
    step = player(settling, furnace, 20.0, lambda f: cell.log_resistance(f.sample_C))
    if not output_known:
        step.second = lambda real=step.second: real(output_percent=None)  # type: ignore[method-assign]
    step.until_released(6)
    assert settling.release is not None
    assert settling.release.settled
    assert "set-point 20 °C not reachable" in settling.release.reason
    assert "stable at 22." in settling.release.reason
    assert settling.release.estimated_sample_C == pytest.approx(furnace.sample_C, abs=0.15)


# ---------------------------------------------------------------- faults
def test_faults_stop_settling_and_clear_again() -> None:
    settling = in_soak()
    assert steady(settling, 300, faults=("sensor break",)) is SettleState.FAULT
    assert settling.fault == "sensor break"
    assert steady(settling, 301) is SettleState.SOAK
    assert settling.soak_s <= 1  # from the start
    assert settling.fault == ""


def test_a_set_point_changed_by_hand_is_a_fault() -> None:
    settling = in_soak()
    assert steady(settling, 300, setpoint_C=45.0) is SettleState.FAULT
    assert "changed from 40 to 45" in settling.fault


def test_a_controller_that_rounds_is_no_fault() -> None:
    settling = Settling(CONTROL, target_C=40.04, start_C=25)
    for t in range(100):
        assert steady(settling, t) is not SettleState.FAULT


def test_a_set_point_that_was_never_taken_is_a_fault_after_a_while() -> None:
    settling = Settling(CONTROL, target_C=60, start_C=25)
    for t in range(60):
        assert steady(settling, t) is SettleState.RAMP
    for t in range(60, 65):
        steady(settling, t)
    assert settling.state is SettleState.FAULT
    assert "did not take the set-point 60" in settling.fault


def test_band_during_the_ramp_does_not_count() -> None:
    settling = Settling(CONTROL, target_C=40, start_C=39.8)
    for t in range(700):
        assert steady(settling, t, working_setpoint_C=39.8) is SettleState.RAMP
    assert settling.soak_s == 0


def test_nonsense_readings_are_lost_readings() -> None:
    settling = in_soak()
    for t, value in enumerate((math.nan, math.inf, -math.inf), start=300):
        assert steady(settling, t, value) is SettleState.SOAK
    steady(settling, math.nan)
    steady(settling, 10.0, 99.0)  # from the past: ignored
    settling.feed_monitor(300, math.nan, 0.003)
    settling.feed_monitor(300, -5.0, math.inf)
    assert steady(settling, 303) is SettleState.SOAK


@pytest.mark.parametrize("target", [math.nan, math.inf, -300.0])
def test_a_target_that_is_no_temperature_is_refused(target: float) -> None:
    with pytest.raises(BadInput, match="target_C"):
        Settling(SettleSpec(), target_C=target, start_C=25)


# ---------------------------------------------------------------- after the release
def test_drift_during_the_spectrum_revokes_and_brackets() -> None:
    settling = in_soak()
    t = 300
    while steady(settling, t) is not SettleState.READY:
        t += 1
    settling.begin_spectrum(t)
    start = t
    while t < start + 300:
        t += 1
        steady(settling, t, 40 + 0.5 * (t - start) / 300)
    assert settling.state is SettleState.REVOKED
    verdict = settling.judge_spectrum(start, t)
    assert not verdict.within
    assert verdict.drift_K == pytest.approx(0.5, abs=0.06)
    assert "limit 0.2 K" in verdict.text
    settling.settle_again()
    for later in range(t + 1, t + 1000):
        steady(settling, later, 40.2)
    assert settling.state is SettleState.READY


def test_a_quiet_spectrum_is_within_unless_the_repeated_point_moved() -> None:
    settling = in_soak()
    for t in range(300, 1000):
        steady(settling, t)
    assert settling.judge_spectrum(900, 990).within
    assert settling.judge_spectrum(900, 990, resistances_ohm=(1000.0, 1003.0)).within
    moved = settling.judge_spectrum(900, 990, resistances_ohm=(1000.0, 1050.0))
    assert not moved.within
    assert moved.resistance_change_percent == pytest.approx(4.9, abs=0.1)


def test_release_tells_its_gates_in_plain_values() -> None:
    settling = in_soak()
    for t in range(300, 700):
        steady(settling, t)
    assert settling.release is not None
    plain = settling.release.as_dict()
    assert plain["gates"]["soak"]["value"] >= plain["gates"]["soak"]["limit"] == 10
    assert plain["gates"]["control"]["unit"] == "K"
    assert "control sensor" in plain["reason"]


# ---------------------------------------------------------------- sensor at the sample
def test_auto_prefers_the_sample_sensor(model: ModuleType, player: Any) -> None:
    settling = Settling(SettleSpec(agree_percent=None), target_C=40, start_C=25)
    step = player(settling, ramped(model, 10, 25), 40.0, sample_sensor=True)
    step.until_released()
    assert settling.mode == "sample"
    assert settling.release is not None
    assert settling.release.estimated_sample_C == pytest.approx(step.furnace.sample_C, abs=0.05)


def test_a_sample_sensor_far_off_keeps_the_gate_shut() -> None:
    settling = Settling(SettleSpec(agree_percent=None), target_C=40, start_C=25)
    for t in range(3600):
        steady(settling, t, sample_temperature_C=33.0)
    assert settling.release is None
    assert not settling.gates["sample_offset"].holds
    assert settling.gates["slope"].holds


def test_sample_sensor_asked_for_but_absent_times_out_in_words() -> None:
    settling = Settling(SettleSpec(sensor="sample", timeout_min=30), target_C=40, start_C=25)
    t = 0
    while settling.release is None:
        steady(settling, t)
        settling.feed_monitor(t, 1000.0, 0.003)  # a resistance at a temperature nobody knows
        t += 1
        assert t < 4000
    assert not settling.release.settled
    assert settling.release.estimated_sample_C is None
    assert "slope unknown" in settling.release.reason


def test_gate_e_alone_is_fooled_by_ageing_and_the_default_keeps_b(model: ModuleType, player: Any) -> None:
    """A sample that ages by 1 %/h passes agreement of spectra: E alone can't tell it. B is what is kept besides."""
    cell = model.Cell()
    for spec in (SettleSpec(sensor="sample", slope_K_per_min=5, min_soak_min=0), SettleSpec(sensor="sample")):
        settling = Settling(spec, target_C=40, start_C=25)
        step = player(
            settling,
            ramped(model, 5, 25),
            40.0,
            lambda f: cell.log_resistance(f.sample_C) + 0.01 * f.t_s / 3600,
            sample_sensor=True,
        )
        step.until_released()
        release = settling.release
        assert release is not None
        assert release.settled
        assert release.gates["agreement"].holds
        slope = release.gates["slope"].value
        assert slope is not None
        assert abs(slope) <= spec.slope_K_per_min


def test_observer_is_shared_by_the_steps_of_a_sweep() -> None:
    observer = SampleObserver()
    first = Settling(SettleSpec(), target_C=40, start_C=25, observer=observer)
    second = Settling(SettleSpec(), target_C=60, start_C=40, observer=observer)
    assert first.observer is second.observer is observer
