"""Bringing the samples to a temperature: the furnace is set, the settle machine is fed and asked, until it releases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, get_args

import numpy as np

from daq.contracts import Rig, RunReader, Snapshot
from daq.errors import StepFailed
from daq.sample import Sample
from drivers.roles import Potentiostat, TemperatureController
from drivers.techniques import Spectrum
from procedures.far_furnace import near_limit_K, told_far_off
from procedures.settling.lag_store import LagStore
from procedures.settling.machine import Settling
from procedures.settling.observer import Direction, SampleObserver
from procedures.settling.release import Bracketing, Release
from procedures.settling.spec import SettleSpec
from procedures.spectrum_taking import Taken, spectrum_seconds, take_monitor

POLL_S = 5.0
BLIND_S = 20.0  # longest time of a spectrum without a reading of the furnace, which gives one a second
FAST_S = 1.0
PROGRESS_S = 30.0
DIRECTIONS: tuple[Direction, ...] = get_args(Direction)


class SampleWatch:
    """What is known of the samples' temperatures over a whole sweep: one observer, fed every furnace reading."""

    sensor_noise_K = 0.02

    def __init__(self) -> None:
        self.observer = SampleObserver()
        self.fed_until_s = -np.inf
        self.offered = False

    def feed(self, t_s: float, snapshot: Snapshot) -> None:
        self.fed_until_s = t_s
        temperature = snapshot.values.get("temperature_C")
        if isinstance(temperature, float) and np.isfinite(temperature):
            self.observer.feed(t_s, temperature)

    def recover(self, run: RunReader) -> None:
        """Feed the readings that the run has and this has not seen, so that the samples' lag is not lost."""
        table = run.table("temperature", columns=("temperature_C",))
        new = (table["t_s"] > self.fed_until_s) & np.isfinite(table["temperature_C"])
        for t_s, temperature in zip(table["t_s"][new], table["temperature_C"][new], strict=True):
            self.observer.feed(float(t_s), float(temperature))
            self.fed_until_s = float(t_s)

    def offer(self, store: LagStore, samples: Sequence[Sample]) -> None:
        """Start from what earlier runs on this bench learned of the fixtures."""
        self.offered = True
        for fixture in {sample.fixture for sample in samples if sample.fixture}:
            for direction in DIRECTIONS:
                lag = store.get(fixture, direction)
                if lag is not None:
                    self.observer.offer(lag)

    def keep(self, store: LagStore, samples: Sequence[Sample], today: str) -> None:
        """Keep what this run learned, for the next on the same fixture."""
        for sample in samples:
            lag = self.observer.lag(sample.label) if sample.fixture else None
            if lag is not None:
                store.put(replace(lag, fixture=sample.fixture, determined_on=today))

    def expected_settle_s(self, change_K: float, soak_s: float = 0.0) -> float:
        """Rough time from the end of the ramp to the release: the lag down to 1 K and confirmation, or the soak."""
        lag = self.observer.lag()
        lag_s = lag.lag_s if lag is not None else 300.0
        return max(600.0 + lag_s * float(np.log(max(abs(change_K), 2.0))), 300.0 + soak_s)


class TemperatureStep:
    """One temperature: `go`, then spectra, then `judge` and `facts` of each."""

    def __init__(
        self,
        rig: Rig,
        furnace: TemperatureController,
        potentiostat: Potentiostat | None,
        watch: SampleWatch,
        spec: SettleSpec,
        tolerance_K: float = 0.0,
    ) -> None:
        """`tolerance_K`: within what the temperature is watched afterwards, where it is."""
        self._rig = rig
        self._furnace = furnace
        self._potentiostat = potentiostat
        self._watch = watch
        self._spec = spec
        self._near_K = near_limit_K(tolerance_K)
        self._release: Release | None = None
        self._monitors = 0

    def go(self, target_C: float, ramp_K_per_min: float, samples: Sequence[Sample], technique: Spectrum) -> bool:
        """Set the furnace and wait until the samples are there. False when the rule says to skip this temperature.

        Raises StepFailed when the rule says to end safely, and when the furnace is released far from the target.
        """
        rig = self._rig
        rig.sampling(self._furnace.name, FAST_S)
        self._drain()
        self._began_s, reading = rig.latest(self._furnace.name)
        self._target_C = target_C
        self._machine = Settling(
            self._spec,
            target_C=target_C,
            start_C=_number(reading, "temperature_C"),
            sensor_noise_K=self._watch.sensor_noise_K,
            observer=self._watch.observer,
            samples=[sample.label for sample in samples] if self._potentiostat is not None else (),
            spectrum_s=0.0 if self._potentiostat is None else len(samples) * self._seconds(technique),
            monitors=self._potentiostat is not None,
        )
        self._furnace.set_target(target_C, ramp_K_per_min)
        rig.log(f"furnace to {target_C:g} °C at {ramp_K_per_min:g} K/min")
        self._wait(samples, technique)
        assert self._release is not None
        rig.log(self._release.reason, "info" if self._release.settled else "warning", "settling")
        return self._policy()

    def _wait(self, samples: Sequence[Sample], technique: Spectrum) -> None:
        rig = self._rig
        told_s = -np.inf
        while self._release is None:
            rig.wait(POLL_S)
            self._drain()
            if rig.t_s - told_s >= PROGRESS_S:
                told_s = rig.t_s
                _, reading = rig.latest(self._furnace.name)
                rig.progress(f"{_number(reading, 'temperature_C'):.1f} °C, {self._machine.state.name.lower()}")
            if self._potentiostat is not None and self._machine.monitor_due(rig.t_s):
                for sample in samples:
                    self._monitor(sample, technique)
            self._release = self._machine.release

    def _monitor(self, sample: Sample, technique: Spectrum) -> None:
        assert self._potentiostat is not None
        self._monitors += 1
        middle_s, resistance = take_monitor(self._rig, self._potentiostat, technique, sample, self._monitors)
        self._drain()
        noise = self._potentiostat.abilities().resistance_noise
        self._machine.feed_monitor(middle_s, resistance, noise, sample=sample.label)

    def _drain(self) -> None:
        """Hand every reading that the monitor has taken to the observer and the machine."""
        machine = getattr(self, "_machine", None)
        for t_s, snapshot in self._rig.readings(self._furnace.name, self._watch.fed_until_s):
            self._watch.fed_until_s = t_s
            if machine is None:
                self._watch.feed(t_s, snapshot)
            else:  # which feeds the same observer
                machine.feed(
                    t_s,
                    temperature_C=_number(snapshot, "temperature_C"),
                    working_setpoint_C=_number(snapshot, "working_setpoint_C"),
                    setpoint_C=_number(snapshot, "setpoint_C"),
                    sample_temperature_C=_maybe(snapshot, "sample_temperature_C"),
                    output_percent=_maybe(snapshot, "output_percent"),
                    faults=snapshot.faults,
                )

    def _seconds(self, technique: Spectrum) -> float:
        assert self._potentiostat is not None
        return spectrum_seconds(technique, self._potentiostat.abilities())

    def _policy(self) -> bool:
        release = self._release
        assert release is not None
        far = self._far_off(release)
        if release.action == "measure" and not far:
            return True
        if release.action == "skip" or (far and self._spec.on_timeout == "skip"):
            self._rig.log(f"{self._target_C:g} °C is left out, as the settle rule says", "warning")
            return False
        if release.action == "measure":
            raise StepFailed(far)
        raise StepFailed(f"not settled at {self._target_C:g} °C ({release.reason}); the settle rule says to end here")

    def _far_off(self, release: Release) -> str:
        """Why nothing may be measured here; empty where it may. What can't cool below its surroundings is well."""
        _, reading = self._rig.latest(self._furnace.name)
        if release.settled and _number(reading, "temperature_C") > self._target_C:
            return ""
        return told_far_off(self._furnace.name, reading, self._target_C, self._near_K)

    # ------------------------------------------------------------ around a spectrum
    def begin(self) -> None:
        """A spectrum starts now; while the furnace gives no readings, it waits (the monitor ends a long silence)."""
        while self._rig.t_s - self._rig.latest(self._furnace.name)[0] > BLIND_S:
            self._rig.progress(f"waiting for {self._furnace.name} to answer again")
            self._rig.wait(POLL_S)
        self._drain()
        self._machine.begin_spectrum(self._rig.t_s)

    def judge(self, taken: Taken, sample: Sample) -> Bracketing:
        """Gate D: whether the sample's temperature held during the spectrum, and whether anybody saw that it did."""
        self._drain()
        found = self._machine.judge_spectrum(
            taken.started_s, taken.ended_s, sample=sample.label, resistances_ohm=taken.valley_ohm
        )
        blind_s = self._longest_silence(taken)
        if blind_s <= BLIND_S:
            return found
        return replace(found, within=False, text=f"{self._furnace.name} gave no reading for {blind_s:.0f} s of it")

    def _longest_silence(self, taken: Taken) -> float:
        """Seconds of the spectrum without a reading of the furnace."""
        seen = [t_s for t_s, _ in self._rig.readings(self._furnace.name, taken.started_s) if t_s < taken.ended_s]
        return float(np.max(np.diff([taken.started_s, *seen, taken.ended_s])))

    def facts(self, taken: Taken, sample: Sample, bracketing: Bracketing) -> dict[str, Any]:
        """The columns of `spectra` that tell of temperature and settling."""
        release = self._release
        assert release is not None
        during = [
            _number(snapshot, "temperature_C")
            for t_s, snapshot in self._rig.readings(self._furnace.name, taken.started_s - 2.0)
            if t_s <= taken.ended_s + 2.0
        ]
        temperature_C, uncertainty_K = self._machine.sample_temperature_at(taken.middle_s, sample.label)
        return {
            "setpoint_C": self._target_C,
            "temperature_before_C": during[0] if during else None,
            "temperature_mean_C": float(np.mean(during)) if during else None,
            "temperature_after_C": during[-1] if during else None,
            "sample_temperature_C": temperature_C,
            "sample_temperature_uncertainty_K": uncertainty_K,
            "settled": release.settled and bracketing.within,
            "release": release.reason if bracketing.within else f"{release.reason}; {bracketing.text}",
            "settle_s": release.t_s - self._began_s,
            "drift_K": bracketing.drift_K,
            "lag_s": release.lag_s,
        }


def _number(snapshot: Snapshot, quantity: str) -> float:
    value = snapshot.values.get(quantity)
    return float(value) if isinstance(value, int | float) else float("nan")


def _maybe(snapshot: Snapshot, quantity: str) -> float | None:
    value = snapshot.values.get(quantity)
    return float(value) if isinstance(value, int | float) else None
