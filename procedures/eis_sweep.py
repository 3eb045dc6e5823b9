"""`eis-sweep`: impedance over temperature, to conductivity and activation energy.

Each step is one temperature: the furnace goes there, the samples settle, each sample's spectrum is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import numpy as np

from daq.bench import Bench
from daq.clock import date_of
from daq.contracts import Result, Rig, RunReader, Step
from daq.errors import BadInput, CellrigError
from daq.foresight import Course
from daq.plan_files import in_place
from daq.sample import Sample, samples_of
from drivers.roles import Potentiostat, TemperatureController
from drivers.techniques import Spectrum, log_frequencies
from procedures.analysis.arrhenius import CONVENTIONS, Convention
from procedures.analysis.compensation import KINDS
from procedures.base import BenchProcedure
from procedures.eis_compensation import COMPENSATION, keep_standards, read_standards
from procedures.eis_spectra import analyse_spectra, load_spectra
from procedures.eis_streams import IMPEDANCE, MONITOR, SPECTRA
from procedures.furnace_checks import check_temperatures
from procedures.parameters import choice, count, quantity, quantity_or, table, temperatures, yes_or_no
from procedures.sample_geometry import require_geometry
from procedures.settling.lag_store import LagStore
from procedures.settling.release import Bracketing
from procedures.settling.spec import SettleSpec
from procedures.spectrum_taking import Taken, spectrum_seconds, take_spectrum
from procedures.temperature_step import SampleWatch, TemperatureStep


class EisSweep(BenchProcedure):
    """Impedance spectra at a list of temperatures, on every sample in the furnace."""

    procedure_name = "eis-sweep"
    streams = (IMPEDANCE, SPECTRA, MONITOR, COMPENSATION)
    main_stream = IMPEDANCE
    DATA_COLUMNS = list(IMPEDANCE.column_names)  # noqa: RUF012  pymeasure's own name and type

    temperatures_C: list[float] = temperatures(
        "Temperatures",
        default=[25, 40, 60, 80, 100, 120],
        description="In the order in which they are visited",
    )
    cooling: bool = yes_or_no("The same temperatures again on cooling", default=False)
    return_temperature_C: float | str = quantity_or(
        "Return point", word="none", units="degC", minimum=-200, maximum=1800
    )
    ramp_K_per_min: float = quantity("Ramp", units="K/min", minimum=0.01, maximum=100, default=3.0)
    settle: dict[str, Any] = table("When is the sample at temperature", default={})
    frequency_max_Hz: float = quantity("Highest frequency", units="Hz", minimum=1e-4, maximum=1e8, default=1e6)
    frequency_min_Hz: float = quantity("Lowest frequency", units="Hz", minimum=1e-4, maximum=1e7, default=1.0)
    frequency_extended_Hz: float = quantity(
        "Lowest frequency above 500 kohm", units="Hz", minimum=1e-4, maximum=1e7, default=0.1
    )
    points_per_decade: int = count("Points per decade", minimum=3, maximum=100, default=10)
    amplitude_V: float = quantity("Amplitude (rms)", units="V", minimum=1e-4, maximum=1.0, default=0.010)
    bias_V: float | str = quantity_or("Bias", word="ocp", units="V", minimum=-10, maximum=10)
    current_range_A: float | str = quantity_or("Current range", word="auto", units="A", minimum=1e-12, maximum=100)
    compensation: dict[str, Any] = table(
        "Compensation", default={}, description="Files or runs of standards: open, short, load, load_ohm"
    )
    convention: Convention = choice("Arrhenius line", choices=CONVENTIONS)

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        self._watch = SampleWatch()

    @classmethod
    def anchored(
        cls, table: Mapping[str, Any], folder: Path, where: Callable[[Path], str] = in_place
    ) -> Mapping[str, Any]:
        """The files of the standards lie beside the plan."""
        named = table.get("compensation")
        if not isinstance(named, Mapping):
            return table
        paths = {key: one for key, one in named.items() if key in KINDS and one and isinstance(one, str)}
        found = {key: where(folder / Path(one).expanduser()) for key, one in paths.items()}
        return {**table, "compensation": {**named, **found}}

    # ------------------------------------------------------------ what it will do
    def bind(self, bench: Bench, samples: Sequence[Sample]) -> None:
        super().bind(bench, samples)
        self._furnace = cast(TemperatureController, bench.by_role("temperature"))
        self._potentiostat = cast(Potentiostat, bench.by_role("potentiostat"))

    def visits(self) -> list[tuple[float, str]]:
        """(set-point in degC, direction) in order."""
        targets = list(self.temperatures_C)
        if self.cooling:
            targets += targets[-2::-1]
        directions = ["heating"] + ["heating" if b > a else "cooling" for a, b in pairwise(targets)]
        if len(targets) > 1 and targets[1] < targets[0]:
            directions[0] = "cooling"
        visits = list(zip(targets, directions, strict=True))
        if self.return_temperature_C != "none":
            visits.append((float(self.return_temperature_C), "return"))
        return visits

    def technique(self) -> Spectrum:
        return Spectrum(
            frequencies_Hz=log_frequencies(self.frequency_max_Hz, self.frequency_min_Hz, self.points_per_decade),
            amplitude_V=self.amplitude_V,
            bias_V=None if self.bias_V == "ocp" else float(self.bias_V),
            current_range_A=None if self.current_range_A == "auto" else float(self.current_range_A),
        )

    def steps(self) -> Sequence[Step]:
        return [
            Step(
                key=f"{number:03d} {target:g} degC {direction}",
                title=f"{target:g} °C ({direction})",
                after_break="repeat",
                details={"temperature_C": target, "direction": direction},
            )
            for number, (target, direction) in enumerate(self.visits(), 1)
        ]

    def estimate(self) -> Mapping[str, float]:
        one = spectrum_seconds(self.technique(), self._potentiostat.abilities())
        sensor = self._furnace.abilities().has_sample_sensor
        soak = SettleSpec.from_mapping(self.settle).min_soak_s(observed=not sensor)
        before = 20.0
        seconds: dict[str, float] = {}
        for step in self.steps():
            target = step.details["temperature_C"]
            ramp = abs(target - before) / self.ramp_K_per_min * 60
            settle = self._watch.expected_settle_s(target - before, soak)
            seconds[step.key] = ramp + settle + one * len(self.samples)
            before = target
        return seconds

    def check(self, place: str) -> list[str]:
        abilities = self._potentiostat.abilities()
        if "spectrum" not in abilities.techniques:
            raise BadInput(f"{self._potentiostat.name} takes no spectra", place=f"{place}, procedure",
                           allowed="a potentiostat with a frequency-response analyser")  # fmt: skip
        if self.frequency_min_Hz >= self.frequency_max_Hz:
            raise BadInput(
                f"{self.frequency_min_Hz:g} Hz is not below the highest frequency",
                place=f"{place}, frequency_min_Hz",
                allowed=f"below {self.frequency_max_Hz:g} Hz",
            )
        span = f"{abilities.frequency_min_Hz:g} to {abilities.frequency_max_Hz:g} Hz on {self._potentiostat.name}"
        for key in ("frequency_max_Hz", "frequency_min_Hz"):
            if not abilities.frequency_min_Hz <= getattr(self, key) <= abilities.frequency_max_Hz:
                raise BadInput(f"{getattr(self, key):g} Hz", place=f"{place}, {key}", allowed=span)
        if self.amplitude_V > abilities.amplitude_max_V:
            raise BadInput(
                f"{self.amplitude_V:g} V is beyond {self._potentiostat.name}",
                place=f"{place}, amplitude_V",
                allowed=f"up to {abilities.amplitude_max_V:g} V",
            )
        for sample in self.samples:
            require_geometry(sample, place)
            if sample.channel not in abilities.channels:
                raise BadInput(
                    f"{sample.label} is on channel {sample.channel}",
                    place=f"{place}, sample.channel",
                    allowed=f"{', '.join(map(str, abilities.channels))} on {self._potentiostat.name}",
                )
        self._spec(place)
        self._check_standards(f"{place}, compensation")
        targets_C = [target for target, _ in self.visits()]
        return check_temperatures(targets_C, self.ramp_K_per_min, self._furnace, self.samples, place)

    def course(self) -> Course:
        return Course(self._furnace.name, tuple(target for target, _ in self.visits()), self.ramp_K_per_min)

    def _check_standards(self, place: str) -> None:
        """They are there, are what they are called, and reach over every frequency that may be measured."""
        standards = read_standards(self.compensation, Path(), place)
        if standards is not None:
            lowest = min(self.frequency_min_Hz, self.frequency_extended_Hz)
            ends = np.array([lowest, self.frequency_max_Hz])
            standards.applied(ends, np.array([1e3 + 0j, 1e3 + 0j]))

    def _spec(self, place: str = "plan") -> SettleSpec:
        spec = SettleSpec.from_mapping(self.settle, f"{place}, settle")
        spec.check(self._watch.sensor_noise_K, self._furnace.monitor_interval_s)
        return spec

    # ------------------------------------------------------------ doing it
    def recover(self, run: RunReader) -> None:
        """Before a resumed run goes on: what the samples' sensor saw so far."""
        self._watch.recover(run)

    def run_step(self, step: Step, rig: Rig) -> None:
        target, direction = step.details["temperature_C"], step.details["direction"]
        lags = LagStore(self.bench.state_folder / "lags.json")
        if not self._watch.offered:
            self._watch.offer(lags, self.samples)
        standards = None if rig.recall("compensation kept") else read_standards(self.compensation, Path(), "plan")
        if standards is not None:
            keep_standards(rig, standards)
        stage = TemperatureStep(rig, self._furnace, self._potentiostat, self._watch, self._spec())
        if not stage.go(target, self.ramp_K_per_min, self.samples, self.technique()):
            return
        for sample in self.samples:
            self._take(rig, stage, sample, target, direction)
        self._watch.keep(lags, self.samples, date_of(rig.clock.unix()))

    def _take(self, rig: Rig, stage: TemperatureStep, sample: Sample, target: float, direction: str) -> None:
        """One sample's spectrum; once more if its temperature drifted meanwhile. The last one counts."""
        number, taken, bracketing = self._take_once(rig, stage, sample, target)
        if not bracketing.within:
            rig.log(f"{sample.label} at {target:g} °C: {bracketing.text}; the spectrum is taken again", "warning")
            number, taken, bracketing = self._take_once(rig, stage, sample, target)
        rig.record(
            "spectra",
            spectrum=number,
            sample=sample.label,
            channel=sample.channel,
            direction=direction,
            started_s=taken.started_s,
            ended_s=taken.ended_s,
            points=len(taken.points),
            repeated_point_change_percent=100 * taken.repeated_change,
            **stage.facts(taken, sample, bracketing),
        )

    def _take_once(
        self, rig: Rig, stage: TemperatureStep, sample: Sample, target: float
    ) -> tuple[int, Taken, Bracketing]:
        rig.progress(f"spectrum of {sample.label} at {target:g} °C")
        number = int(rig.recall("spectra", 0)) + 1
        rig.remember("spectra", number)
        stage.begin()
        taken = take_spectrum(
            rig, self._potentiostat, self.technique(), sample, number, target, self.frequency_extended_Hz
        )
        return number, taken, stage.judge(taken, sample)

    # ------------------------------------------------------------ what came out
    def analyse(self, run: RunReader) -> list[Result]:
        samples = samples_of(run.sample)
        geometries = {sample.label: require_geometry(sample, "sample") for sample in samples}
        spectra = load_spectra(run)
        if not spectra:
            raise CellrigError("no spectrum was finished")
        return analyse_spectra(run, spectra, geometries, self.convention).results
