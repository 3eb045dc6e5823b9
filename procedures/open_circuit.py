"""`open-circuit`: the potential of a cell at rest, and its drift."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np

from daq.bench import Bench
from daq.contracts import Result, Rig, RunReader, Step
from daq.errors import BadInput
from daq.sample import Sample
from drivers.roles import Potentiostat
from drivers.techniques import OpenCircuit
from procedures.at_temperature import AtTemperature
from procedures.dc_streams import POLARISATION
from procedures.dc_taking import check_cell, require_able, require_technique, take, told_break
from procedures.parameters import quantity


class OpenCircuitRest(AtTemperature):
    """The open-circuit potential over a time."""

    procedure_name = "open-circuit"
    streams = (POLARISATION,)
    main_stream = POLARISATION
    DATA_COLUMNS = list(POLARISATION.column_names)  # noqa: RUF012  pymeasure's own name and type

    duration_h: float = quantity("Duration", units="h", minimum=1e-4, maximum=10_000, default=1.0)
    interval_s: float = quantity("Interval", units="s", minimum=0.01, maximum=3600, default=1.0)

    def bind(self, bench: Bench, samples: Sequence[Sample]) -> None:
        super().bind(bench, samples)
        self._potentiostat = cast(Potentiostat, bench.by_role("potentiostat"))

    def check(self, place: str) -> list[str]:
        warnings = super().check(place)
        require_technique(self._potentiostat, "open-circuit", self.sample, place)
        if self.duration_h * 3600 < 8 * self.interval_s:
            raise BadInput(f"{self.interval_s:g} s leave fewer than 8 points", place=f"{place}, interval_s",
                           allowed=f"up to {self.duration_h * 450:g} s")  # fmt: skip
        require_able(self.technique(), self._potentiostat, place, "interval_s")
        return warnings

    def technique(self) -> OpenCircuit:
        return OpenCircuit(self.duration_h * 3600, self.interval_s)

    def before_heating(self, rig: Rig) -> None:
        check_cell(rig, self._potentiostat, self.sample)

    def measuring_steps(self) -> Sequence[Step]:
        return [Step("rest", f"{self.duration_h:g} h at open circuit", "end")]

    def measuring_seconds(self) -> Mapping[str, float]:
        return {"rest": self.duration_h * 3600}

    def do_at_temperature(self, step: Step, rig: Rig) -> None:
        take(rig, self._potentiostat, self.technique(), self.sample, "polarisation", self.watch, {"stage": 0})

    def analyse(self, run: RunReader) -> list[Result]:
        from procedures.analysis.voltammetry_results import analyse_open_circuit, open_circuit_results

        rows = run.table("polarisation")
        found = open_circuit_results(analyse_open_circuit(rows["time_s"], rows["voltage_V"]))
        return told_break(found, not np.any(rows["ended"] != ""), "the record was broken off: of what there is")
