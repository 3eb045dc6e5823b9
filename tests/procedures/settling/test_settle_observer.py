"""Without a sensor at the sample: R(t) as a thermometer, its honesty about what it doesn't know, and gate E."""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from procedures.settling import LagEstimate, SampleObserver, SettleSpec, SettleState, Settling
from procedures.settling.lag_bank import LAGS_S, TOTAL_LAG_S, LagBank, to_hypotheses


def heat(model: ModuleType, player: Any, lag_min: float, cell: Any = None, **options: Any) -> Any:
    """One step 25 -> 40 degC of a fresh sample, until released."""
    cell = cell or model.Cell()
    keys = ("spec", "observer", "lag", "samples", "spectrum_s")
    spec = options.get("spec", SettleSpec())
    for_machine = {k: v for k, v in options.items() if k in keys and k != "spec"}
    for_player = {k: v for k, v in options.items() if k not in keys and k not in ("log_resistance", "seed")}
    settling = Settling(spec, target_C=40, start_C=25, **for_machine)
    furnace = model.Furnace(60 * lag_min, options.get("seed", 1))
    resistance = options.get("log_resistance", lambda f: cell.log_resistance(f.sample_C))
    step = player(settling, furnace, 40.0, resistance, noise=cell.noise, **for_player)
    step.minutes = step.until_released()
    return step


# ---------------------------------------------------------------- the filter
def test_bank_is_the_exact_first_order_lag() -> None:
    bank = LagBank()
    rate = 3 / 60
    for t in range(0, 1201, 5):  # the answer to a ramp: r (t - tau (1 - exp(-t/tau)))
        bank.feed(t, 25 + rate * t)
    assert bank.row == pytest.approx(25 + rate * (1200 - LAGS_S * -np.expm1(-1200 / LAGS_S)), abs=1e-9)
    past = bank.row_at(602.5)
    assert past == pytest.approx(25 + rate * (602.5 - LAGS_S * -np.expm1(-602.5 / LAGS_S)), abs=2e-2)


def test_two_lags_in_series_come_from_the_same_bank() -> None:
    bank, holder, sample = LagBank(), 25.0, 25.0
    for t in range(0, 1801):
        reading = 25 + min(t, 600) * 0.05
        bank.feed(t, reading)
        holder += (reading - holder) * -math.expm1(-1 / 400)
        sample += (holder - sample) * -math.expm1(-1 / 200)
    of_half = np.arange(TOTAL_LAG_S.size) >= 2 * TOTAL_LAG_S.size // 3
    nearest = np.argmin(np.where(of_half, abs(np.log(TOTAL_LAG_S / 600)), 9.0))
    assert to_hypotheses(bank.row)[nearest] == pytest.approx(sample, abs=0.1)


def test_bank_does_not_depend_on_how_often_it_is_fed() -> None:
    often, seldom = LagBank(), LagBank()
    for t in range(0, 3601):
        value = 25 + min(t, 600) * 0.05
        often.feed(t, value)
        if t % 30 == 0:
            seldom.feed(t, value)
    assert often.row == pytest.approx(seldom.row, abs=1e-9)


def test_bank_ignores_outliers_and_nonsense_but_follows_a_real_jump() -> None:
    bank = LagBank()
    for t in range(100):
        bank.feed(t, 80.0 if t == 50 else (math.nan if t == 60 else 25.0))
    bank.feed(40, 99.0)
    assert bank.row == pytest.approx(np.full(64, 25.0))
    for t in range(100, 200):
        bank.feed(t, 80.0)
    assert bank.row[0] == pytest.approx(80.0, abs=0.1)


def test_memory_is_bounded_and_old_moments_are_admitted_unknown() -> None:
    observer = SampleObserver()
    for t in range(0, 100_000, 3):
        observer.feed(t, 25.0)
    assert observer.temperature_at(99_000)[0] == pytest.approx(25.0)
    value, uncertainty = observer.temperature_at(10)
    assert math.isnan(value)
    assert uncertainty == math.inf


# ---------------------------------------------------------------- learning
@pytest.mark.parametrize("lag_min", [2, 5, 10, 20])
@pytest.mark.parametrize("energy_eV", [0.3, 0.56])
def test_first_step_learns_the_lag_and_tells_the_temperature(
    model: ModuleType, player: Any, lag_min: float, energy_eV: float
) -> None:
    cell = model.Cell(activation_energy_eV=energy_eV)
    step = heat(model, player, lag_min, cell)
    settling, release = step.settling, step.settling.release
    assert release.settled
    assert release.lag_s == pytest.approx(60 * lag_min, rel=0.15)
    assert abs(release.estimated_sample_C - step.furnace.sample_C) < 4 * release.estimated_sample_uncertainty_K
    per_K = energy_eV / (8.617e-5 * 313.15**2)
    assert 100 * per_K * abs(release.estimated_sample_C - step.furnace.sample_C) < 1.2
    assert abs(release.estimated_sample_C - settling.gates["control"].value - 40) < 1.5
    assert settling.observer.activation_energy_eV() == pytest.approx(energy_eV, rel=0.08)
    assert step.minutes < 10 + 4.5 * lag_min


@pytest.mark.parametrize("holder_lag_s", [60.0, 300.0])
def test_a_holder_between_furnace_and_sample_is_seen(
    model: ModuleType, player: Any, monkeypatch: pytest.MonkeyPatch, holder_lag_s: float
) -> None:
    """Two lags in series; one alone in the model would be 0.3-0.7 K and 2-3 % off at every step."""

    class WithHolder(model.Furnace):
        holder_C = 25.0

        def step(self, setpoint_C: float) -> None:
            inner_C = self.sample_C
            self.sample_C = self.holder_C
            super().step(setpoint_C)
            self.holder_C = self.sample_C
            self.sample_C = inner_C + (self.holder_C - inner_C) * -math.expm1(-1 / holder_lag_s)

    monkeypatch.setattr(model, "Furnace", WithHolder)
    _, points = model.observed_sweep(5, 1)
    assert all(point.settled for point in points)
    assert max(abs(point.reported_C - point.sample_C) for point in points) < 0.25
    assert model.worst_error_percent(points) < 1.7
    assert points[-1].lag_s == pytest.approx(300 + holder_lag_s, rel=0.1)  # the whole of both


def test_nothing_to_learn_at_ambient_holds_nothing_up(model: ModuleType, player: Any) -> None:
    cell = model.Cell()
    settling = Settling(SettleSpec(), target_C=25, start_C=25)
    step = player(settling, model.Furnace(1200), 25.0, lambda f: cell.log_resistance(f.sample_C))
    assert step.until_released() < 7  # a few monitor spectra, to see that nothing is left from before
    assert settling.release is not None
    assert settling.release.settled
    assert settling.release.lag_s is None


def test_a_known_lag_helps_where_resistance_is_noisy(model: ModuleType, player: Any) -> None:
    noisy = model.Cell(noise=0.3)
    fresh = heat(model, player, 10, noisy)
    known = heat(model, player, 10, noisy, lag=LagEstimate(600.0, 0.05))
    assert "could not be learned" in fresh.settling.release.reason
    assert known.settling.release.settled
    assert known.minutes < fresh.minutes - 15
    assert abs(known.settling.release.estimated_sample_C - known.furnace.sample_C) < 0.15


def test_a_wrong_lag_is_corrected(model: ModuleType, player: Any) -> None:
    wrong = heat(model, player, 10, lag=LagEstimate(200.0, 0.5))
    assert abs(wrong.settling.release.estimated_sample_C - wrong.furnace.sample_C) < 0.3
    assert wrong.settling.release.lag_s == pytest.approx(600, rel=0.2)


def test_a_wrong_lag_that_was_sure_of_itself_is_left_in_the_end(model: ModuleType, player: Any) -> None:
    wrong = heat(model, player, 10, lag=LagEstimate(200.0, 0.05))
    release = wrong.settling.release
    assert abs(release.estimated_sample_C - wrong.furnace.sample_C) < 0.3 or not release.settled


def test_resistance_that_ignores_temperature_falls_back_in_words(model: ModuleType, player: Any) -> None:
    """An electronic short hardly changes with temperature: no thermometer, but no thermometer is needed either."""
    step = heat(model, player, 10, model.Cell(activation_energy_eV=0.0))
    release = step.settling.release
    assert "could not be learned" in release.reason
    assert 60 < step.minutes < 90
    assert release.settled  # what is not known of the temperature costs nothing in sigma


def test_noisy_resistance_falls_back_and_is_flagged_where_it_matters(model: ModuleType, player: Any) -> None:
    step = heat(model, player, 20, model.Cell(noise=0.2))
    release = step.settling.release
    assert "could not be learned" in release.reason
    assert "scatter" in release.reason
    assert not release.settled
    assert 60 < step.minutes < 130


def test_no_monitor_spectra_at_all_falls_back_flagged(model: ModuleType, player: Any) -> None:
    settling = Settling(SettleSpec(), target_C=40, start_C=25)
    step = player(settling, model.Furnace(600), 40.0)
    step.until_released()
    assert settling.release is not None
    assert "0 monitor spectra" in settling.release.reason
    assert not settling.release.settled


def test_without_a_potentiostat_the_control_sensor_decides(model: ModuleType, player: Any) -> None:
    settling = Settling(SettleSpec(), target_C=40, start_C=25, monitors=False)
    step = player(settling, model.Furnace(600), 40.0)
    assert step.until_released() < 60
    assert settling.mode == "control"
    assert settling.release is not None
    assert settling.release.settled
    assert not settling.monitor_due(step.furnace.t_s)
    assert "agreement" not in settling.release.gates


def test_long_spectra_wait_for_less_drift_also_when_only_the_last_one_tells(model: ModuleType, player: Any) -> None:
    short = heat(model, player, 5, spectrum_s=35.0)
    long = heat(model, player, 5, spectrum_s=300.0)
    observer = SampleObserver()
    before = Settling(SettleSpec(), target_C=25, start_C=25, observer=observer)
    before.judge_spectrum(0.0, 300.0)
    learned = heat(model, player, 5, spectrum_s=35.0, observer=observer)
    assert long.minutes > short.minutes + 2
    assert learned.minutes == pytest.approx(long.minutes, abs=0.5)
    rate = long.settling.release.drift_K_per_min
    assert abs(rate) * 5 <= 0.2


@pytest.mark.parametrize(("lag_min", "noise"), [(3, 0.003), (10, 0.03)])
def test_uncertainty_is_honest(model: ModuleType, player: Any, lag_min: float, noise: float) -> None:
    deviations = []
    for seed in range(5):
        step = heat(model, player, lag_min, model.Cell(noise=noise), seed=seed)
        release = step.settling.release
        deviations.append((release.estimated_sample_C - step.furnace.sample_C) / release.estimated_sample_uncertainty_K)
    assert np.sqrt(np.mean(np.square(deviations))) < 2


def test_heating_and_cooling_lags_are_kept_apart(model: ModuleType, player: Any) -> None:
    observer, cell = SampleObserver(), model.Cell()
    furnace = model.Furnace(300, 3)
    for target, lag_s in ((60.0, 300), (40.0, 900)):
        settling = Settling(SettleSpec(), target_C=target, start_C=furnace.reading_C, observer=observer)
        furnace._shares[2] = -math.expm1(-1 / lag_s)
        step = player(settling, furnace, target, lambda f: cell.log_resistance(f.sample_C))
        step.until_released()
        assert abs(settling.release.estimated_sample_C - furnace.sample_C) < 0.3  # type: ignore[union-attr]
        assert observer.lag().lag_s == pytest.approx(lag_s, rel=0.2)  # type: ignore[union-attr]
        assert observer.lag().direction == ("heating" if target == 60 else "cooling")  # type: ignore[union-attr]


def test_two_samples_in_one_furnace_must_both_be_there(model: ModuleType, player: Any) -> None:
    cell = model.Cell()
    furnace = model.Furnace(180, 5)
    slow = {"C": 25.0}
    original = furnace.step

    def step_both(setpoint_C: float) -> None:
        original(setpoint_C)
        slow["C"] += (furnace.furnace_C - slow["C"]) / 900

    furnace.step = step_both
    settling = Settling(SettleSpec(), target_C=40, start_C=25, samples=("a", "b"))
    step = player(settling, furnace, 40.0, None)
    while settling.release is None and furnace.t_s < 4 * 3600:
        if settling.monitor_due(furnace.t_s):
            for name, value_of in (("a", lambda: furnace.sample_C), ("b", lambda: slow["C"])):
                at_s = furnace.t_s + 6
                for second in range(20):
                    step.second()
                    if second == 5:
                        log_resistance = cell.measure(value_of(), furnace.random)
                        settling.feed_monitor(at_s, math.exp(log_resistance), 0.003, name)
        else:
            step.second()
    release = settling.release
    assert release is not None
    assert release.settled
    assert {"sample_gap of a", "sample_gap of b", "agreement of b"} <= set(release.gates)
    assert settling.observer.lag("a").lag_s == pytest.approx(180, rel=0.2)  # type: ignore[union-attr]
    assert settling.observer.lag("b").lag_s == pytest.approx(900, rel=0.15)  # type: ignore[union-attr]
    for name, truth in (("a", furnace.sample_C), ("b", slow["C"])):
        assert settling.sample_temperature_at(release.t_s, name)[0] == pytest.approx(truth, abs=0.2)


def test_remaining_time_is_about_right_once_the_lag_is_known(model: ModuleType, player: Any) -> None:
    cell = model.Cell()
    furnace = model.Furnace(600, 2, ramp_K_per_min=3.0)
    settling = Settling(SettleSpec(), target_C=60, start_C=25, lag=LagEstimate(600.0, 0.05))
    assert settling.estimate_remaining_s() is None
    step = player(settling, furnace, 60.0, lambda f: cell.log_resistance(f.sample_C))
    step.run(240)
    told = settling.estimate_remaining_s()
    assert told is not None
    rest = 60 * step.until_released()
    assert told == pytest.approx(rest, rel=0.35)
    assert settling.estimate_remaining_s() == 0


# ---------------------------------------------------------------- gate E
class Transition:
    """R falls by `decades` with kinetics `time_s` once the sample is above `above_C`."""

    def __init__(self, cell: Any, above_C: float, time_s: float, decades: float = 1.0) -> None:
        self.cell, self.above_C, self.time_s, self.decades = cell, above_C, time_s, decades
        self.share, self._t_s = 0.0, 0.0

    def __call__(self, furnace: Any) -> float:
        if furnace.sample_C > self.above_C:
            self.share += (1 - self.share) * -math.expm1(-(furnace.t_s - self._t_s) / self.time_s)
        self._t_s = furnace.t_s
        return self.cell.log_resistance(furnace.sample_C) - math.log(10) * self.decades * self.share


def through_transition(
    model: ModuleType, player: Any, lag_min: float, kinetics_s: float, targets: tuple[float, ...], spec: SettleSpec
) -> tuple[Settling, float, Transition, Any]:
    """Heat through 42 degC in steps; the last step's machine, its minutes, the transition and the furnace."""
    observer, furnace = SampleObserver(), model.Furnace(60 * lag_min, 4)
    transition = Transition(model.Cell(), 42.0, kinetics_s)
    played = []
    for target in targets:
        settling = Settling(spec, target_C=target, start_C=furnace.reading_C, observer=observer)
        played.append((settling, player(settling, furnace, target, transition).until_released()))
    return *played[-1], transition, furnace


@pytest.mark.parametrize(("minutes", "lag_min"), [(5, 5), (10, 2), (20, 5)])
def test_phase_transition_holds_gate_e_until_it_is_over(
    model: ModuleType, player: Any, minutes: float, lag_min: float
) -> None:
    spec = SettleSpec(agree_max_min=180, ceiling_min=600)
    settling, _, transition, furnace = through_transition(model, player, lag_min, 60 * minutes, (35.0, 50.0), spec)
    release = settling.release
    assert release is not None
    assert release.settled
    assert 100 * math.log(10) * (1 - transition.share) < 1.5  # what is still to come, % of R
    # the transition was not taken for a lag
    assert release.estimated_sample_C == pytest.approx(furnace.sample_C, abs=0.3)


def test_a_slow_transition_is_released_at_the_cap_with_a_flag(model: ModuleType, player: Any) -> None:
    settling, minutes, _, _ = through_transition(model, player, 2, 3600, (35.0, 50.0), SettleSpec())
    release = settling.release
    assert release is not None
    assert not release.settled
    assert "still changes by itself" in release.reason
    assert 90 < minutes < 130
    assert settling.state is SettleState.READY
    assert not release.gates["agreement"].holds


def test_the_step_after_a_transition_is_ordinary_again(model: ModuleType, player: Any) -> None:
    settling, minutes, _, furnace = through_transition(model, player, 5, 300, (35.0, 50.0, 65.0), SettleSpec())
    assert settling.release is not None
    assert settling.release.settled
    assert minutes < 30
    assert settling.release.estimated_sample_C == pytest.approx(furnace.sample_C, abs=0.2)


# ---------------------------------------------------------------- whole sweeps
@pytest.mark.parametrize("lag_min", [2, 10, 20])
def test_sweep_is_fast_and_right(model: ModuleType, lag_min: int) -> None:
    limits_h = {2: 2.5, 10: 5.2, 20: 9.3}  # a 60 min dwell takes 12.06 h
    errors = []
    for seed in (0, 1) if lag_min < 20 else (0,):
        hours, points = model.observed_sweep(lag_min, seed)
        assert hours < limits_h[lag_min]
        assert all(point.settled for point in points)
        errors.append(model.worst_error_percent(points))
    assert sum(errors) / len(errors) < 1.2


# ---------------------------------------------------------------- a run that begins warm
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("warmer_K", "falling_K"), [(3.0, 0.3), (8.0, 0.0), (-4.0, 0.0), (20.0, 1.0)])
def test_a_sample_that_is_still_warm_from_before_is_waited_for(
    model: ModuleType, player: Any, warmer_K: float, falling_K: float, seed: int
) -> None:
    """The furnace is at 25 degC, or nearly; the sample inside is not. Nobody watched how it got there."""
    cell, furnace = model.Cell(), model.Furnace(300, seed)
    furnace.furnace_C = furnace.sensor_C = furnace.reading_C = 25.0 + falling_K
    furnace.sample_C = 25.0 + warmer_K
    settling = Settling(SettleSpec(), target_C=25, start_C=furnace.reading_C)
    step = player(settling, furnace, 25.0, lambda f: cell.log_resistance(f.sample_C))
    minutes = step.until_released()
    release = settling.release
    assert release is not None
    assert release.estimated_sample_C is not None
    assert release.settled
    assert abs(release.estimated_sample_C - furnace.sample_C) < 0.25
    assert minutes < 60
