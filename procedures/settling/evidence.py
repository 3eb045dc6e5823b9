"""What speaks for the samples being at temperature: readings, observer, agreement of spectra, put together as gates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from procedures.settling.agreement import Agreement, judge_agreement
from procedures.settling.gates import Goal, control_gates, observer_gates, sensitivity_per_K, sensor_gates, soak_gate
from procedures.settling.observer import SampleObserver
from procedures.settling.readings import Reading, Readings
from procedures.settling.release import Gate
from procedures.settling.schedule import remaining_s
from procedures.settling.spec import SettleSpec
from procedures.settling.windows import SlopeWindow

Mode = Literal["sample", "control", "observed"]


class Evidence:
    """One step's evidence. `samples`: those to wait for; empty: those of which monitor spectra come."""

    def __init__(
        self,
        spec: SettleSpec,
        observer: SampleObserver,
        samples: Sequence[str],
        *,
        spectrum_s: float,
        sensor_noise_K: float,
        monitors: bool,
    ) -> None:
        self.spec, self.observer = spec, observer
        self.readings = Readings(spec)
        self.watches_agreement = monitors and spec.agree_percent is not None
        self._samples = tuple(samples)
        self._spectrum_s, self._noise_K, self._monitors = spectrum_s, sensor_noise_K, monitors
        self._agreements: dict[str, Agreement] = {}

    @property
    def mode(self) -> Mode:
        if self.spec.sensor != "auto":
            return self.spec.sensor
        if self.readings.sample_C is not None:
            return "sample"
        return "observed" if self._monitors else "control"

    @property
    def names(self) -> Sequence[str]:
        return self._samples or self.observer.samples or ("",)

    @property
    def latest(self) -> Reading:
        assert self.readings.latest is not None, "asked before the first reading"
        return self.readings.latest

    def add_monitor(
        self, t_s: float, resistance_ohm: float, relative_uncertainty: float, sample: str, since_s: float
    ) -> None:
        """A monitor value; agreement counts from `since_s`, when the furnace came into band."""
        known_C = None if self.mode == "observed" else self.temperature_at(t_s)[0]
        self.observer.feed_monitor(t_s, resistance_ohm, relative_uncertainty, sample, known_C)
        if self.watches_agreement and sample in self.observer.samples:
            track = self.observer.track(sample)
            points = [point for point in track.points if point.t_s >= since_s]
            self._agreements[sample] = judge_agreement(track, points, self.spec)

    # ------------------------------------------------------------ temperatures
    def temperature_at(self, t_s: float, sample: str = "") -> tuple[float, float]:
        """(degC, K): by the sensor at the sample, by R(t), or by the control sensor, as the mode is.

        (nan, inf) while that sensor has not spoken.
        """
        if self.mode == "observed":
            return self.observer.temperature_at(t_s, sample)
        trace = self.readings.sample_trace if self.mode == "sample" else self.readings.furnace_trace
        value, count = trace.at(t_s)
        return value, self._noise_K / math.sqrt(count) if count else math.inf

    def least_known(self) -> str:
        """The sample whose temperature is the least certain now."""
        t_s = self.latest.t_s
        return max(self.names, key=lambda name: self.temperature_at(t_s, name)[1])

    def uncertainty_percent(self) -> float:
        """What the uncertainty of the sample's temperature costs in conductivity, the worst sample's."""
        each = []
        for name in self.names:
            sample_C, uncertainty_K = self.temperature_at(self.latest.t_s, name)
            each.append(100 * uncertainty_K * sensitivity_per_K(self.observer.activation_energy_eV(name), sample_C))
        return max(map(abs, each))

    def lag_s(self, name: str) -> float | None:
        lag = self.observer.lag(name)
        return None if lag is None else lag.lag_s

    def drift_K_per_min(self, name: str) -> float | None:
        if self.mode == "observed":
            return 60 * self.observer.rate_K_per_s(self.latest.t_s, name)
        return self._sensor_window().slope_K_per_min

    def distance_K(self, target_C: float) -> float:
        """How far there is to go, furnace and sample: what the progress timer watches."""
        distance = abs(self.readings.furnace_C - target_C)
        if self.mode == "sample":
            slope = self.readings.sample_window.slope_K_per_min
            distance += 0.0 if slope is None else abs(slope) * self.spec.window_min
        elif self.mode == "observed":
            t_s, furnace_C = self.latest.t_s, self.readings.furnace_C
            distance += max(abs(self.observer.temperature_at(t_s, name)[0] - furnace_C) for name in self.names)
        return distance

    def remaining_s(self) -> float | None:
        """The slowest sample's time to go; None while any of them is unknown."""
        each = [remaining_s(self.readings, self.spec, self.lag_s(n), self.observer, n) for n in self.names]
        known = [value for value in each if value is not None]
        return max(known) if len(known) == len(each) else None

    # ------------------------------------------------------------ gates
    def ramp_done(self, goal: Goal) -> bool:
        return control_gates(self.readings, self.spec, goal)["setpoint_ramp"].holds

    def gates(self, goal: Goal, soak_s: float, since_s: float) -> dict[str, Gate]:
        """All gates by name; agreement of spectra taken before `since_s` doesn't count."""
        observed = self.mode == "observed"
        gates = control_gates(self.readings, self.spec, goal)
        lags = [lag for lag in map(self.lag_s, self.names) if lag is not None]
        gates |= soak_gate(self.spec, soak_s, max(lags, default=None), observed=observed)
        if not observed:
            gates |= sensor_gates(self.readings, self.spec, at_sample=self.mode == "sample")
        for name in self.names:
            if observed:
                spectrum_s = max(self._spectrum_s, self.observer.spectrum_s)
                gates |= observer_gates(self.readings, self.spec, self.observer, name, spectrum_s)
            if self.watches_agreement:
                gates[f"agreement of {name}" if name else "agreement"] = self._agreement_gate(name, since_s)
        return gates

    def _agreement_gate(self, name: str, since_s: float) -> Gate:
        verdict = self._agreements.get(name)
        if verdict is None or verdict.newest_s < since_s:
            return Gate(None, self.spec.agree_percent or 0.0, "%")
        fresh = verdict.is_fresh(self.latest.t_s)
        return Gate(verdict.change_percent if fresh else None, verdict.limit_percent, "%")

    def cannot_reach(self, target_C: float, idle_s: float) -> bool:
        """Stable away from the set-point with the heater at its end stop (or for twice the window, if unknown)."""
        slope = self.readings.furnace_window.slope_K_per_min
        if slope is None or abs(slope) > self.spec.slope_K_per_min:
            return False
        output = self.latest.output_percent
        if output is None:
            return idle_s > 120 * self.spec.window_min
        return output <= 1.0 if self.readings.furnace_C > target_C else output >= 99.0

    def _sensor_window(self) -> SlopeWindow:
        return self.readings.sample_window if self.mode == "sample" else self.readings.furnace_window
