"""`dc-polarisation`: the current that is left under a constant potential, to the electronic conductivity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np

from daq.bench import Bench
from daq.contracts import Result, Rig, RunReader, Step
from daq.errors import BadInput
from daq.sample import Sample, samples_of
from drivers.roles import Potentiostat
from drivers.techniques import ConstantPotential
from procedures.amounts import Amount, Amounts, amounts
from procedures.at_temperature import AtTemperature
from procedures.dc_streams import POLARISATION
from procedures.dc_taking import (
    check_cell,
    last_attempts,
    require_able,
    require_technique,
    require_voltage,
    take,
    told_break,
)
from procedures.parameters import quantity
from procedures.sample_geometry import require_geometry

UNITS = ("mV", "V")
FEWEST_ROWS = 30  # of a hold, for its steady current


class DcPolarisation(AtTemperature):
    """One potential after the other, each held until the current is steady."""

    procedure_name = "dc-polarisation"
    streams = (POLARISATION,)
    main_stream = POLARISATION
    DATA_COLUMNS = list(POLARISATION.column_names)  # noqa: RUF012  pymeasure's own name and type

    potentials: list[str] = amounts("Potentials", units=UNITS, default=["0.1 V", "0.2 V", "0.3 V"])
    hold_h: float = quantity("Time at each", units="h", minimum=0.001, maximum=1000, default=2.0)
    interval_s: float = quantity("Interval", units="s", minimum=0.01, maximum=3600, default=1.0)

    def bind(self, bench: Bench, samples: Sequence[Sample]) -> None:
        super().bind(bench, samples)
        self._potentiostat = cast(Potentiostat, bench.by_role("potentiostat"))

    def potentials_V(self) -> list[float]:
        return [_volt(one) for one in Amounts.of(self.potentials, UNITS)]

    def check(self, place: str) -> list[str]:
        warnings = super().check(place)
        require_technique(self._potentiostat, "constant-potential", self.sample, place)
        for value in self.potentials_V():
            require_voltage(value, self._potentiostat, self.sample, place, "potentials")
            held = ConstantPotential(value, self.hold_h * 3600, self.interval_s)
            require_able(held, self._potentiostat, place, "interval_s")
        longest_s = self.hold_h * 3600 / FEWEST_ROWS
        if self.interval_s > longest_s:
            raise BadInput(f"{self.interval_s:g} s leave fewer than {FEWEST_ROWS} points of a hold",
                           place=f"{place}, interval_s", allowed=f"up to {longest_s:g} s")  # fmt: skip
        require_geometry(self.sample, place)
        return warnings

    def measuring_steps(self) -> Sequence[Step]:
        return [
            Step(f"{number:03d} {value:g} V", f"{value:g} V", "repeat", {"stage": number, "voltage_V": value})
            for number, value in enumerate(self.potentials_V(), 1)
        ]

    def measuring_seconds(self) -> Mapping[str, float]:
        return {step.key: self.hold_h * 3600 for step in self.measuring_steps()}

    def before_heating(self, rig: Rig) -> None:
        check_cell(rig, self._potentiostat, self.sample)

    def do_at_temperature(self, step: Step, rig: Rig) -> None:
        own: dict[str, Any] = {"stage": step.details["stage"]}
        held = ConstantPotential(step.details["voltage_V"], self.hold_h * 3600, self.interval_s)
        take(rig, self._potentiostat, held, self.sample, "polarisation", self.watch, own)

    def analyse(self, run: RunReader) -> list[Result]:
        from procedures.analysis.dc_polarisation import dc_polarisation_results, steady_current

        rows = run.table("polarisation")
        mine = last_attempts(rows)
        (sample,) = samples_of(run.sample)
        held = [mine & (rows["stage"] == stage) for stage in np.unique(rows["stage"][mine])]
        steps = [steady_current(rows["time_s"][one], rows["current_A"][one], rows["voltage_V"][one]) for one in held]
        found = dc_polarisation_results(steps, require_geometry(sample, "sample"))
        return told_break(found, bool(np.any(rows["attempt"] > 1)), "taken anew after a break of the run")


def _volt(one: Amount) -> float:
    return one.value * (1e-3 if one.unit == "mV" else 1.0)
