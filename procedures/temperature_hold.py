"""`temperature-hold`: go to a temperature and stay there (annealing: 12 h at 120 °C)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from daq.bench import Bench
from daq.contracts import Result, Rig, RunReader, Step
from daq.foresight import Course
from daq.sample import Sample
from daq.stream import Column, Stream
from drivers.roles import TemperatureController
from drivers.techniques import Spectrum
from procedures.base import BenchProcedure
from procedures.furnace_checks import check_temperatures
from procedures.parameters import quantity, table
from procedures.settling.spec import SettleSpec
from procedures.temperature_step import SampleWatch, TemperatureStep

HOLD_SAMPLING_S = 30.0
REMEMBER_S = 60.0

HOLD = Stream(
    "hold",
    (Column("held_s", "s"), Column("temperature_C", "degC"), Column("setpoint_C", "degC")),
    "how long the temperature has been held",
)


class TemperatureHold(BenchProcedure):
    """Hold one temperature for a time, counted from when the sample is there."""

    procedure_name = "temperature-hold"
    streams = (HOLD,)
    main_stream = HOLD
    DATA_COLUMNS = list(HOLD.column_names)  # noqa: RUF012  pymeasure's own name and type

    temperature_C: float = quantity("Temperature", units="degC", minimum=-200, maximum=1800, default=120, required=True)
    duration_h: float = quantity("Duration", units="h", minimum=0.001, maximum=10_000, default=12, required=True)
    ramp_K_per_min: float = quantity("Ramp", units="K/min", minimum=0.01, maximum=100, default=3.0)
    settle: dict[str, Any] = table("When is the sample at temperature", default={"sensor": "control"})

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        self._watch = SampleWatch()

    def bind(self, bench: Bench, samples: Sequence[Sample]) -> None:
        super().bind(bench, samples)
        self._furnace = cast(TemperatureController, bench.by_role("temperature"))

    def check(self, place: str) -> list[str]:
        spec = SettleSpec.from_mapping(self.settle, f"{place}, settle")
        spec.check(self._watch.sensor_noise_K, self._furnace.monitor_interval_s)
        return check_temperatures(
            [self.temperature_C], self.ramp_K_per_min, self._furnace, self.samples, place, "temperature_C"
        )

    def course(self) -> Course:
        return Course(self._furnace.name, (self.temperature_C,), self.ramp_K_per_min)

    def steps(self) -> Sequence[Step]:
        return [
            Step("reach", f"to {self.temperature_C:g} °C", "repeat"),
            Step("hold", f"{self.duration_h:g} h at {self.temperature_C:g} °C", "continue"),
        ]

    def estimate(self) -> Mapping[str, float]:
        rise = abs(self.temperature_C - 20.0)
        ramp_s = rise / self.ramp_K_per_min * 60
        return {"reach": ramp_s + self._watch.expected_settle_s(rise), "hold": self.duration_h * 3600}

    def recover(self, run: RunReader) -> None:
        self._watch.recover(run)

    def run_step(self, step: Step, rig: Rig) -> None:
        if step.key == "reach":
            self._reach(rig)
        else:
            self._hold(rig)

    def _reach(self, rig: Rig) -> None:
        spec = SettleSpec.from_mapping(self.settle)
        stage = TemperatureStep(rig, self._furnace, None, self._watch, spec)
        stage.go(self.temperature_C, self.ramp_K_per_min, self.samples, Spectrum((1e3,)))

    def _hold(self, rig: Rig) -> None:
        """Count the time held durably, so that a break costs at most a minute of it."""
        self._furnace.set_target(self.temperature_C, self.ramp_K_per_min)
        rig.sampling(self._furnace.name, HOLD_SAMPLING_S)
        held_s = float(rig.recall("held_s", 0.0))
        total_s = self.duration_h * 3600
        while held_s < total_s:
            began_s = rig.t_s
            rig.wait(min(REMEMBER_S, total_s - held_s))
            held_s += rig.t_s - began_s
            rig.remember("held_s", held_s)
            _, reading = rig.latest(self._furnace.name)
            rig.record(
                "hold",
                held_s=held_s,
                temperature_C=reading.values["temperature_C"],
                setpoint_C=reading.values["setpoint_C"],
            )
            rig.progress(f"{held_s / 3600:.1f} of {self.duration_h:g} h")

    def analyse(self, run: RunReader) -> list[Result]:
        return []
