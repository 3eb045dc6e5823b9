"""An experiment at one temperature: the furnace is set and settled first, and watched as long as it lasts.

`AtTemperature` declares the parameters of the prologue once; what is measured is the subclass's own.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, cast

from daq.bench import Bench
from daq.contracts import Rig, RunReader, Snapshot, Step
from daq.errors import BadInput, StepFailed
from daq.foresight import Course
from daq.sample import Sample
from drivers.roles import TemperatureController
from drivers.techniques import Spectrum
from procedures.base import BenchProcedure
from procedures.far_furnace import FAR_FOR_S, distance_K, near_limit_K, told_far_off
from procedures.furnace_checks import check_temperatures
from procedures.parameters import quantity, quantity_or, table
from procedures.settling.spec import SettleSpec
from procedures.temperature_step import SampleWatch, TemperatureStep

WATCH_SAMPLING_S = 30.0
SETTLE = Step("temperature", "to temperature", "repeat")


class TemperaturePrologue:
    """Goes to a temperature and settles there; then tells when the furnace strays from it."""

    def __init__(
        self, furnace: TemperatureController, temperature_C: float, ramp: float, spec: SettleSpec, tolerance_K: float
    ) -> None:
        self._furnace = furnace
        self._temperature_C = temperature_C
        self._ramp_K_per_min = ramp
        self._spec = spec
        self._tolerance_K = tolerance_K
        self._watch = SampleWatch()
        self._settled = False
        self._strayed = False
        self._far_since_s: float | None = None

    def recover(self, run: RunReader) -> None:
        """Whether the sample is still at temperature must be seen anew."""
        self._watch.recover(run)
        self._settled = False

    def seconds(self) -> float:
        rise = abs(self._temperature_C - 20.0)
        return rise / self._ramp_K_per_min * 60 + self._watch.expected_settle_s(rise)

    def ensure(self, rig: Rig, samples: Sequence[Sample]) -> None:
        """At temperature, settled; at once when it was before. After a break the furnace is settled again."""
        if not self._settled:
            stage = TemperatureStep(rig, self._furnace, None, self._watch, self._spec, self._tolerance_K)
            stage.go(self._temperature_C, self._ramp_K_per_min, samples, Spectrum((1e3,)))
            rig.sampling(self._furnace.name, WATCH_SAMPLING_S)
            self._settled, self._far_since_s = True, None
            self._tell_sample_away(rig)

    def _tell_sample_away(self, rig: Rig) -> None:
        """Settled by the furnace's own sensor, the sample may still be on its way, and what is measured drifts."""
        _, reading = rig.latest(self._furnace.name)
        sample_C = reading.values.get("sample_temperature_C")
        if not isinstance(sample_C, float | int) or abs(sample_C - self._temperature_C) <= self._tolerance_K:
            return
        rig.log(
            f"the sensor at the sample shows {sample_C:.1f} °C as the measurement begins, set to "
            f'{self._temperature_C:g} °C: settle = {{ sensor = "sample" }} waits for it',
            "warning",
            "temperature",
        )

    def watch(self, rig: Rig) -> None:
        """Told once each time the furnace leaves the tolerance, and when it is back.

        Raises StepFailed when it has been far off, beyond `near_limit_K`, for half an hour.
        """
        _, reading = rig.latest(self._furnace.name)
        away_K = distance_K(reading, self._temperature_C)
        if away_K is None:
            return
        self._end_when_lost(rig, reading)
        away = abs(away_K) > self._tolerance_K
        if away != self._strayed:
            self._strayed = away
            where = f"{self._temperature_C + away_K:.1f} °C, set to {self._temperature_C:g} °C"
            text = f"the furnace strays by more than {self._tolerance_K:g} K: {where}" if away else f"back at {where}"
            rig.log(text, "warning" if away else "info", "temperature")

    def _end_when_lost(self, rig: Rig, reading: Snapshot) -> None:
        """Only when settled before: a furnace that can't cool below a warm room was well from the start."""
        far = told_far_off(self._furnace.name, reading, self._temperature_C, near_limit_K(self._tolerance_K))
        if not far:
            self._far_since_s = None
            return
        if self._far_since_s is None:
            self._far_since_s = rig.t_s
        if rig.t_s - self._far_since_s >= FAR_FOR_S:
            raise StepFailed(f"for {(rig.t_s - self._far_since_s) / 60:.0f} min {far}")


class AtTemperature(BenchProcedure):
    """One sample, or several together, at one temperature.

    A subclass gives `measuring_steps`, `measuring_seconds`, `do_at_temperature`.
    """

    temperature_C: float | str = quantity_or(
        "Temperature", word="none", units="degC", minimum=-200, maximum=1800,
        description="none: as it is, without a furnace",
    )  # fmt: skip
    ramp_K_per_min: float = quantity("Ramp", units="K/min", minimum=0.01, maximum=100, default=3.0)
    tolerance_K: float = quantity("Temperature watched within", units="K", minimum=0.1, maximum=50, default=2.0)
    settle: dict[str, Any] = table("When is the sample at temperature", default={"sensor": "control"})

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        self.prologue: TemperaturePrologue | None = None

    def bind(self, bench: Bench, samples: Sequence[Sample]) -> None:
        super().bind(bench, samples)
        self.prologue = None
        if self.temperature_C != "none":
            furnace = cast(TemperatureController, bench.by_role("temperature"))
            spec = SettleSpec.from_mapping(self.settle, "settle")
            self.prologue = TemperaturePrologue(
                furnace, float(self.temperature_C), self.ramp_K_per_min, spec, self.tolerance_K
            )

    @property
    def sample(self) -> Sample:
        return self.samples[0]

    def takes_several(self) -> str:
        """Why it does not take several samples; empty where it does."""
        return f"{self.procedure_name} works on one sample"

    def place_of(self, sample: Sample, place: str) -> str:
        """Where an error about this sample is: of several it is named."""
        return place if len(self.samples) == 1 else f"{place}, sample {sample.label}"

    @abstractmethod
    def measuring_steps(self) -> Sequence[Step]:
        """What is done at temperature, in order."""

    @abstractmethod
    def measuring_seconds(self) -> Mapping[str, float]:
        """Bench seconds per measuring step."""

    @abstractmethod
    def do_at_temperature(self, step: Step, rig: Rig) -> None:
        """Do one measuring step, at temperature."""

    def before_heating(self, rig: Rig) -> None:
        """What is looked at before the furnace is touched."""

    def steps(self) -> Sequence[Step]:
        return [SETTLE, *self.measuring_steps()]

    def estimate(self) -> Mapping[str, float]:
        return {SETTLE.key: 10.0 + (self.prologue.seconds() if self.prologue else 0.0), **self.measuring_seconds()}

    def check(self, place: str) -> list[str]:
        refusal = self.takes_several()
        if len(self.samples) != 1 and refusal:
            raise BadInput(
                f"{refusal}, found {len(self.samples)} samples",
                place=f"{place}, sample",
                allowed="one [sample]; a plan for each of the others",
            )
        if self.temperature_C == "none":
            return []
        furnace = cast(TemperatureController, self.bench.by_role("temperature"))
        spec = SettleSpec.from_mapping(self.settle, f"{place}, settle")
        spec.check(SampleWatch.sensor_noise_K, furnace.monitor_interval_s)
        targets_C = [float(self.temperature_C)]
        return check_temperatures(targets_C, self.ramp_K_per_min, furnace, self.samples, place, "temperature_C")

    def course(self) -> Course | None:
        if self.temperature_C == "none":
            return None
        return Course(self.bench.by_role("temperature").name, (float(self.temperature_C),), self.ramp_K_per_min)

    def recover(self, run: RunReader) -> None:
        if self.prologue is not None:
            self.prologue.recover(run)

    def run_step(self, step: Step, rig: Rig) -> None:
        if step.key == SETTLE.key:
            self.before_heating(rig)
        if self.prologue is not None:
            self.prologue.ensure(rig, self.samples)
        if step.key != SETTLE.key:
            self.do_at_temperature(step, rig)

    def watch(self, rig: Rig) -> None:
        rig.check()
        if self.prologue is not None:
            self.prologue.watch(rig)
