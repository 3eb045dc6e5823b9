"""The settling state machine of one step: fed with readings and monitor values, asked when the sample is there.

Pure: no clock, no thread, no instrument. Rules and numbers: docs/explanation/settling.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from daq.errors import BadInput
from procedures.settling import words
from procedures.settling.evidence import Evidence, Mode
from procedures.settling.gates import Goal
from procedures.settling.observer import LagEstimate, SampleObserver
from procedures.settling.progress import ProgressTimer
from procedures.settling.readings import LINK_LOST_S, TIME_LIMIT_S, Reading, plausible_C
from procedures.settling.release import Action, Bracketing, Gate, Release, SettleState
from procedures.settling.schedule import MonitorSchedule
from procedures.settling.spec import SettleSpec

SETPOINT_ROUNDING_K = 0.11  # controllers with one decimal
SETPOINT_GRACE_S = 60.0
_WAITING = {SettleState.RAMP, SettleState.APPROACH, SettleState.SOAK, SettleState.CONFIRM}
_ACTIONS: dict[str, Action] = {
    "measure_flagged": "measure",
    "skip": "skip",
    "hold_for_operator": "hold_for_operator",
    "abort_safe": "abort_safe",
}


class Settling:
    """Feed it every reading of a step; `state` and `release` say how far it is.

    target_C, start_C     the step: set-point and furnace temperature before
    sensor_noise_K        one sigma of the control sensor; a rule below it is refused with `BadInput`
    lag                   the fixture's lag from the store, as a start
    observer              one for the whole sweep, so that later steps know what earlier ones taught
    samples               the samples to wait for; left out: those of which monitor spectra come
    spectrum_s            how long the spectra after the release will take together; if the last one judged took
                          longer, that is believed
    monitors              whether monitor spectra can be taken; without: no gate E, and no R(t) as thermometer
    """

    def __init__(
        self,
        spec: SettleSpec,
        *,
        target_C: float,
        start_C: float,
        sensor_noise_K: float = 0.02,
        lag: LagEstimate | None = None,
        activation_energy_eV: float = 0.5,
        observer: SampleObserver | None = None,
        samples: Sequence[str] = (),
        spectrum_s: float = 60.0,
        interval_s: float = 1.0,
        monitors: bool = True,
    ) -> None:
        for name, value in (("target_C", target_C), ("start_C", start_C)):
            if not plausible_C(value):
                raise BadInput(f"{value!r} is not a temperature", place=name)
        spec.check(sensor_noise_K, interval_s)
        self.spec = spec.for_step(start_C, target_C)
        self.target_C, self.start_C = target_C, start_C
        self.observer = SampleObserver(activation_energy_eV) if observer is None else observer
        if lag is not None:
            self.observer.offer(lag)
        self.observer.begin_step("cooling" if target_C < start_C else "heating")
        self.state = SettleState.RAMP
        self.release: Release | None = None
        self.fault = ""
        self.gates: dict[str, Gate] = {}
        self.soak_s = 0.0
        self._monitors = monitors
        self._evidence = Evidence(
            self.spec,
            self.observer,
            samples,
            spectrum_s=spectrum_s,
            sensor_noise_K=sensor_noise_K,
            monitors=monitors,
        )
        self._readings = self._evidence.readings
        self._timer = ProgressTimer(self.spec, sensor_noise_K)
        self._schedule = MonitorSchedule(self.spec)
        self._goal = Goal(target_C)
        self._soak_began_s = math.inf
        self._gates_held_s: float | None = None  # clock of how long only gate E has been missing
        self._took_setpoint = False
        self._first_s: float | None = None
        self._reference_C: float | None = None

    # ------------------------------------------------------------ what comes in
    def feed(
        self,
        t_s: float,
        *,
        temperature_C: float,
        working_setpoint_C: float,
        setpoint_C: float,
        sample_temperature_C: float | None = None,
        output_percent: float | None = None,
        faults: Sequence[str] = (),
    ) -> SettleState:
        """One reading. Times that don't go forward are ignored; a reading that is no number counts as lost."""
        latest = self._readings.latest
        if not abs(t_s) < TIME_LIMIT_S or (latest is not None and t_s <= latest.t_s):
            return self.state
        if not all(map(plausible_C, (temperature_C, working_setpoint_C, setpoint_C))):
            return self.lost(t_s)
        self._first_s = t_s if self._first_s is None else self._first_s
        self.observer.feed(t_s, temperature_C)
        reading = Reading(t_s, temperature_C, working_setpoint_C, setpoint_C, sample_temperature_C, output_percent)
        advance_s = self._readings.push(reading)
        self._watch_faults(faults)
        if self.state in _WAITING:
            self._wait(advance_s)
        elif self.state is SettleState.READY:
            self._watch_release()
        return self.state

    def lost(self, t_s: float) -> SettleState:
        """A reading did not come. Clocks stand still; after 60 s it is a fault until readings come back."""
        if not abs(t_s) < TIME_LIMIT_S:
            return self.state
        if self._readings.lose(t_s) > LINK_LOST_S and self.state in _WAITING:
            self._enter_fault(f"no reading from the furnace for more than {LINK_LOST_S:g} s")
        return self.state

    def feed_monitor(self, t_s: float, resistance_ohm: float, relative_uncertainty: float, sample: str = "") -> None:
        """A monitor spectrum's resistance (or a full one's) at the middle of its time."""
        if self._readings.latest is None or not abs(t_s) < TIME_LIMIT_S:
            return
        self._evidence.add_monitor(t_s, resistance_ohm, relative_uncertainty, sample, self._soak_began_s)
        self._schedule.taken(t_s)

    def begin_spectrum(self, t_s: float) -> None:
        """The spectrum starts now: drift that revokes the release is counted from here."""
        self._reference_C = self.sample_temperature_at(t_s)[0]

    def settle_again(self) -> None:
        """After REVOKED or TIMED_OUT: wait again (the policy decided to repeat)."""
        self.release = None
        self._timer.restart()
        self._to_approach()

    # ------------------------------------------------------------ what can be asked
    @property
    def mode(self) -> Mode:
        """Whose word counts: "sample" or "control" sensor, or "observed" from R(t)."""
        return self._evidence.mode

    def monitor_due(self, t_s: float) -> bool:
        """Whether a short monitor spectrum of every sample is wanted now."""
        if self._readings.latest is None or self.state not in _WAITING or not self._monitors:
            return False
        return self._schedule.due(
            t_s,
            self.state,
            observed=self.mode == "observed",
            learned=all(self._evidence.lag_s(name) is not None for name in self._evidence.names),
            changing=abs(self.target_C - self.start_C) > 1.0,
            lag_s=min(self.observer.track(name).lag_s for name in self._evidence.names),
        )

    def sample_temperature_at(self, t_s: float, sample: str = "") -> tuple[float, float]:
        """The sample's temperature at a moment of the last 6 h and one standard error, (degC, K)."""
        return self._evidence.temperature_at(t_s, sample)

    def estimate_remaining_s(self) -> float | None:
        """Seconds to the release by the lag formula; None while the lag isn't known. An estimate for an ETA."""
        if self.state not in _WAITING:
            return 0.0
        return None if self._readings.latest is None else self._evidence.remaining_s()

    def judge_spectrum(
        self,
        t_start_s: float,
        t_end_s: float,
        sample: str = "",
        resistances_ohm: tuple[float, float] | None = None,
    ) -> Bracketing:
        """Gate D: the sample's temperature at start and end, and a high-frequency value repeated at both."""
        drift_K = self.sample_temperature_at(t_end_s, sample)[0] - self.sample_temperature_at(t_start_s, sample)[0]
        self.observer.spectrum_s = max(0.0, t_end_s - t_start_s)
        percent = None
        if resistances_ohm is not None and min(resistances_ohm) > 0:
            percent = 100 * math.log(resistances_ohm[1] / resistances_ohm[0])
        return words.bracketing(drift_K, percent, self.spec)

    # ------------------------------------------------------------ states
    def _wait(self, advance_s: float) -> None:
        if self.state is SettleState.RAMP and self._ramp_done():
            self.state = SettleState.APPROACH
            self._timer.ramp_ended()
        self._timer.advance(advance_s, self._evidence.distance_K(self.target_C), in_ramp=self.state is SettleState.RAMP)
        if self.state is SettleState.APPROACH:
            self._approach()
        if self.state in (SettleState.SOAK, SettleState.CONFIRM):
            self._soak(advance_s)
        if self.state in _WAITING and self._timer.expired:
            self.gates = self._all_gates()
            self._finish(words.timed_out(self._timer, self.gates), settled=False, timed_out=True)

    def _ramp_done(self) -> bool:
        return self._took_setpoint and self._evidence.ramp_done(self._goal)

    def _approach(self) -> None:
        if abs(self._readings.furnace_C - self.target_C) <= self.spec.band_K:
            self._goal = Goal(self.target_C)
        elif self._evidence.cannot_reach(self.target_C, self._timer.idle_s):
            mean_C = self._readings.furnace_short.mean(60.0)
            self._goal = Goal(self._readings.furnace_C if mean_C is None else mean_C, reachable=False)
        else:
            return
        self.state = SettleState.SOAK
        self.soak_s = 0.0
        self._soak_began_s = self._evidence.latest.t_s

    def _soak(self, advance_s: float) -> None:
        off_K = abs(self._readings.furnace_C - self._goal.temperature_C)
        if off_K > 2 * self.spec.band_K or not self._ramp_done():
            self._to_approach()
            return
        inside = off_K <= self.spec.band_K
        self.soak_s = max(0.0, self.soak_s + (advance_s if inside else -advance_s))
        self.gates = self._all_gates()
        temperature_ok = all(gate.holds for name, gate in self.gates.items() if not name.startswith("agreement"))
        all_ok = temperature_ok and all(gate.holds for gate in self.gates.values())
        if not temperature_ok:
            self.state = SettleState.SOAK
            if self._lag_unlearned():
                self._finish(words.fallback(self), settled=self._within_tolerance())
            return
        if all_ok:
            self._finish(words.settled(self.mode, self._goal, self.target_C, self.gates), settled=True)
            return
        self._gates_held_s = (self._gates_held_s or 0.0) + advance_s
        self.state = SettleState.CONFIRM
        if self._gates_held_s >= 60 * self.spec.agree_max_min:
            self._finish(words.still_moving(self.spec, self.gates), settled=False)

    def _all_gates(self) -> dict[str, Gate]:
        return self._evidence.gates(self._goal, self.soak_s, self._soak_began_s)

    def _lag_unlearned(self) -> bool:
        """The furnace has been quiet for the fall-back soak and R has not told the lag."""
        if self.mode != "observed" or self.soak_s < 60 * self.spec.fallback_soak_min:
            return False
        known = all(self._evidence.lag_s(name) is not None for name in self._evidence.names)
        may_be_open = ("sample_uncertainty", "agreement") if known else ("sample_", "drift_", "agreement")
        shut = [name for name, gate in self.gates.items() if not gate.holds]
        return bool(shut) and all(name.startswith(may_be_open) for name in shut)

    def _within_tolerance(self) -> bool:
        """What isn't known of the temperature costs less than the tolerance, and R stands still."""
        still = all(gate.holds for name, gate in self.gates.items() if name.startswith("agreement"))
        return still and self._evidence.uncertainty_percent() <= self.spec.tolerance_percent

    def _finish(self, reason: str, *, settled: bool, timed_out: bool = False) -> None:
        t_s = self._evidence.latest.t_s
        worst = self._evidence.least_known()
        sample_C, uncertainty_K = self.sample_temperature_at(t_s, worst)
        self.release = Release(
            t_s=t_s,
            reason=reason,
            settled=settled,
            gates=dict(self.gates),
            estimated_sample_C=sample_C if math.isfinite(sample_C) else None,
            estimated_sample_uncertainty_K=uncertainty_K if math.isfinite(uncertainty_K) else None,
            lag_s=self._evidence.lag_s(worst) if self.mode == "observed" else None,
            drift_K_per_min=self._evidence.drift_K_per_min(worst),
            soak_s=self.soak_s,
            action=_ACTIONS[self.spec.on_timeout] if timed_out else "measure",
        )
        self._reference_C = sample_C
        self.state = SettleState.TIMED_OUT if timed_out else SettleState.READY

    def _watch_release(self) -> None:
        now_C = self.sample_temperature_at(self._evidence.latest.t_s)[0]
        if self._reference_C is not None and abs(now_C - self._reference_C) > self.spec.drift_limit_K:
            self.state = SettleState.REVOKED

    def _watch_faults(self, faults: Sequence[str]) -> None:
        latest = self._evidence.latest
        problem = "; ".join(faults)
        if abs(latest.setpoint_C - self.target_C) <= SETPOINT_ROUNDING_K:
            self._took_setpoint = True
        elif self._took_setpoint:
            problem = problem or words.changed_by_hand(self.target_C, latest.setpoint_C)
        elif self._first_s is not None and latest.t_s - self._first_s > SETPOINT_GRACE_S:
            problem = problem or words.not_taken(self.target_C, latest.setpoint_C)
        if problem and self.state is not SettleState.FAULT:
            self._enter_fault(problem)
        elif not problem and self.state is SettleState.FAULT:
            self.fault = ""
            self._readings.restart()
            self._to_approach()

    def _enter_fault(self, problem: str) -> None:
        self.fault = problem
        self.release = None
        self.state = SettleState.FAULT

    def _to_approach(self) -> None:
        self.state = SettleState.RAMP if not self._ramp_done() else SettleState.APPROACH
        self.soak_s = 0.0
        self._soak_began_s = math.inf
        self._gates_held_s = None
