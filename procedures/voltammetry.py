"""`cyclic-voltammetry` and `linear-sweep`: one sweep a step. Nothing is polarised before the cell was looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np

from daq.bench import Bench
from daq.contracts import Result, Rig, RunReader, Step
from daq.errors import BadInput, StepFailed
from daq.sample import Sample, samples_of
from drivers.roles import Potentiostat
from drivers.techniques import CutOffs, CyclicVoltammetry, LinearSweep, OpenCircuit
from procedures.amounts import require_area
from procedures.at_temperature import AtTemperature
from procedures.dc_streams import POLARISATION, VOLTAMMETRY
from procedures.dc_taking import (
    check_cell,
    last_attempts,
    require_able,
    require_current,
    require_technique,
    require_voltage,
    take,
    told_break,
)
from procedures.parameters import count, quantity, quantity_or

SWEPT = ("time_s", "voltage_V", "current_A", "overload")
REST = Step("rest", "open-circuit potential", "repeat")


class CyclicVoltammetryRun(AtTemperature):
    """Current under a potential that goes to and fro between two vertices."""

    procedure_name = "cyclic-voltammetry"
    streams = (VOLTAMMETRY,)
    main_stream = VOLTAMMETRY
    DATA_COLUMNS = list(VOLTAMMETRY.column_names)  # noqa: RUF012  pymeasure's own name and type

    lower_V: float = quantity("Lower vertex", units="V", minimum=-20, maximum=20, default=-0.5)
    upper_V: float = quantity("Upper vertex", units="V", minimum=-20, maximum=20, default=3.5)
    scan_rate_mV_s: float = quantity("Scan rate", units="mV/s", minimum=1e-4, maximum=1e5, default=1.0)
    cycles: int = count("Cycles", minimum=1, maximum=10_000, default=3)
    start_V: float | str = quantity_or("Start", word="ocp", units="V", minimum=-20, maximum=20)
    step_mV: float = quantity("Height of a stair", units="mV", minimum=0.01, maximum=100, default=1.0)
    current_max_mA: float = quantity("Current cut-off", units="mA", minimum=1e-6, maximum=1e5, default=10.0)

    def bind(self, bench: Bench, samples: Sequence[Sample]) -> None:
        super().bind(bench, samples)
        self._potentiostat = cast(Potentiostat, bench.by_role("potentiostat"))

    def technique(self) -> CyclicVoltammetry:
        start = None if self.start_V == "ocp" else float(self.start_V)
        cut_offs = CutOffs(current_max_A=1e-3 * self.current_max_mA)
        return CyclicVoltammetry(
            self.lower_V, self.upper_V, 1e-3 * self.scan_rate_mV_s, self.cycles, start, start,
            1e-3 * self.step_mV, cut_offs,
        )  # fmt: skip

    def check(self, place: str) -> list[str]:
        warnings = super().check(place)
        require_technique(self._potentiostat, "cyclic-voltammetry", self.sample, place)
        for key in ("lower_V", "upper_V"):
            require_voltage(getattr(self, key), self._potentiostat, self.sample, place, key)
        require_current(1e-3 * self.current_max_mA, self._potentiostat, place, "current_max_mA")
        require_area(self.sample, place, "a current density")
        if self.lower_V >= self.upper_V:
            raise BadInput(f"{self.lower_V:g} V is not below the upper vertex", place=f"{place}, lower_V",
                           allowed=f"below {self.upper_V:g} V")  # fmt: skip
        if self.start_V != "ocp" and not self.lower_V <= float(self.start_V) <= self.upper_V:
            raise BadInput(f"{self.start_V:g} V is outside of the vertices", place=f"{place}, start_V",
                           allowed=f'{self.lower_V:g} to {self.upper_V:g} V, or "ocp"')  # fmt: skip
        require_able(self.technique(), self._potentiostat, place, "step_mV")
        return warnings

    def measuring_steps(self) -> Sequence[Step]:
        span = f"{self.lower_V:g} to {self.upper_V:g} V"
        return [Step("sweep", f"{self.cycles} cycles, {span} at {self.scan_rate_mV_s:g} mV/s", "repeat")]

    def measuring_seconds(self) -> Mapping[str, float]:
        return {"sweep": self.cycles * 2e3 * (self.upper_V - self.lower_V) / self.scan_rate_mV_s}

    def before_heating(self, rig: Rig) -> None:
        rest_V = check_cell(rig, self._potentiostat, self.sample)
        if self.start_V == "ocp" and not self.lower_V <= rest_V <= self.upper_V:
            text = f"the cell rests at {rest_V:.3g} V, outside of {self.lower_V:g} to {self.upper_V:g} V"
            rig.log(f"{text}: the sweep comes in from there; stop and give start_V if that is not meant", "warning")

    def do_at_temperature(self, step: Step, rig: Rig) -> None:
        last = take(rig, self._potentiostat, self.technique(), self.sample, "voltammetry", self.watch)
        if last.ended in ("current_max_A", "voltage_max_V", "voltage_min_V"):
            rig.log(f"the sweep ended at its cut-off {last.ended}", "warning")

    def analyse(self, run: RunReader) -> list[Result]:
        from procedures.analysis.voltammetry_results import voltammogram_results
        from procedures.analysis.voltammogram import analyse_voltammogram

        rows = run.table("voltammetry", columns=SWEPT)
        mine = last_attempts(rows)
        (sample,) = samples_of(run.sample)
        found = analyse_voltammogram(
            rows["time_s"][mine], rows["voltage_V"][mine], rows["current_A"][mine],
            require_area(sample, "sample", "a current density"), overload=rows["overload"][mine],
        )  # fmt: skip
        repeated = bool(np.any(rows["attempt"] > 1))
        return told_break(voltammogram_results(found), repeated, "taken anew after a break of the run")


class LinearSweepRun(AtTemperature):
    """Current under a rising potential, from open circuit."""

    procedure_name = "linear-sweep"
    streams = (VOLTAMMETRY, POLARISATION)
    main_stream = VOLTAMMETRY
    DATA_COLUMNS = list(VOLTAMMETRY.column_names)  # noqa: RUF012  pymeasure's own name and type

    end_V: float = quantity("End", units="V", minimum=-20, maximum=20, default=5.0)
    scan_rate_mV_s: float = quantity("Scan rate", units="mV/s", minimum=1e-4, maximum=1e5, default=1.0)
    rest_s: float = quantity("Open circuit before", units="s", minimum=10, maximum=1e6, default=120)
    step_mV: float = quantity("Height of a stair", units="mV", minimum=0.01, maximum=100, default=1.0)
    current_max_mA: float = quantity("Current cut-off", units="mA", minimum=1e-6, maximum=1e5, default=10.0)

    def bind(self, bench: Bench, samples: Sequence[Sample]) -> None:
        super().bind(bench, samples)
        self._potentiostat = cast(Potentiostat, bench.by_role("potentiostat"))

    def check(self, place: str) -> list[str]:
        warnings = super().check(place)
        for kind in ("linear-sweep", "open-circuit"):
            require_technique(self._potentiostat, kind, self.sample, place)
        require_voltage(self.end_V, self._potentiostat, self.sample, place, "end_V")
        require_able(self.technique(), self._potentiostat, place, "step_mV")
        require_current(1e-3 * self.current_max_mA, self._potentiostat, place, "current_max_mA")
        require_area(self.sample, place, "a current density")
        return warnings

    def measuring_steps(self) -> Sequence[Step]:
        return [REST, Step("sweep", f"to {self.end_V:g} V at {self.scan_rate_mV_s:g} mV/s", "end")]

    def measuring_seconds(self) -> Mapping[str, float]:
        return {REST.key: self.rest_s, "sweep": 1e3 * max(abs(self.end_V), 1.0) / self.scan_rate_mV_s}

    def technique(self) -> LinearSweep:
        cut_offs = CutOffs(current_max_A=1e-3 * self.current_max_mA)
        return LinearSweep(self.end_V, 1e-3 * self.scan_rate_mV_s, None, 1e-3 * self.step_mV, cut_offs)

    def before_heating(self, rig: Rig) -> None:
        self._check_below_end(check_cell(rig, self._potentiostat, self.sample))

    def _check_below_end(self, rest_V: float) -> None:
        if rest_V >= self.end_V:
            text = f"the cell rests at {rest_V:.3g} V, not below the end {self.end_V:g} V"
            raise StepFailed(f"{text}: nothing was swept; choose a higher end_V")

    def do_at_temperature(self, step: Step, rig: Rig) -> None:
        if step.key == REST.key:
            interval = min(1.0, self.rest_s / 20)
            rest = OpenCircuit(self.rest_s, interval)
            last = take(rig, self._potentiostat, rest, self.sample, "polarisation", self.watch, {"stage": 0})
            self._check_below_end(last.voltage_V)  # at temperature it may be another
            return
        last = take(rig, self._potentiostat, self.technique(), self.sample, "voltammetry", self.watch)
        if last.ended == "current_max_A":
            rig.log(f"the sweep ended at {last.voltage_V:.3g} V at its current cut-off", "warning")

    def analyse(self, run: RunReader) -> list[Result]:
        from procedures.analysis.voltammetry_results import analyse_linear_sweep, linear_sweep_results

        rows = run.table("voltammetry", columns=(*SWEPT, "ended"))
        rest = run.table("polarisation", columns=("voltage_V",))
        (sample,) = samples_of(run.sample)
        before = rest["voltage_V"][last_attempts(rest)]
        area = require_area(sample, "sample", "a current density")
        found = analyse_linear_sweep(
            rows["voltage_V"], rows["current_A"], area, before if len(before) else None, overload=rows["overload"]
        )
        broken = not np.any(rows["ended"] != "")
        text = f"spans a break: the sweep ended at {rows['voltage_V'][-1]:.3g} V" if len(rows["voltage_V"]) else ""
        return told_break(linear_sweep_results(found), broken, text)
