"""`dc-polarisation`: the current that is left under a constant potential.

With electrodes that block ions it is what electrons carry; with lithium electrodes, the lithium ions' share.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import numpy as np

from daq.bench import Bench
from daq.contracts import Result, Rig, RunReader, Step
from daq.errors import BadInput, StepFailed
from daq.sample import Sample, samples_of
from drivers.roles import Potentiostat
from drivers.techniques import ConstantPotential, DcPoint
from procedures.amounts import Amount, Amounts, amounts
from procedures.at_temperature import AtTemperature
from procedures.cycling_spectra import STREAMS, CyclingSpectra
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
from procedures.parameters import choice, quantity
from procedures.polarisation_spectra import interfacial_ohm, total_conductivity_S_cm
from procedures.sample_geometry import require_geometry

UNITS = ("mV", "V")
FEWEST_ROWS = 30  # of a hold, for its steady current
OVERLOADED_MOST_S = 5.0  # in a row: charging a double layer is over by then


class DcPolarisation(AtTemperature):
    """One potential after the other, each held until the current is steady; spectra where the bench can.

    Before the first potential for the total conductivity; with lithium electrodes after each one as well, at rest.
    """

    procedure_name = "dc-polarisation"
    streams = (POLARISATION, *STREAMS)
    main_stream = POLARISATION
    DATA_COLUMNS = list(POLARISATION.column_names)  # noqa: RUF012  pymeasure's own name and type

    potentials: list[str] = amounts("Potentials", units=UNITS, default=["0.1 V", "0.2 V", "0.3 V"])
    hold_h: float = quantity("Time at each", units="h", minimum=0.001, maximum=1000, default=2.0)
    interval_s: float = quantity("Interval", units="s", minimum=0.01, maximum=3600, default=1.0)
    electrodes: str = choice("Electrodes", choices=("blocking", "lithium"))

    def bind(self, bench: Bench, samples: Sequence[Sample]) -> None:
        super().bind(bench, samples)
        self._potentiostat = cast(Potentiostat, bench.by_role("potentiostat"))
        setpoint_C = float("nan") if self.temperature_C == "none" else float(self.temperature_C)
        can = "spectrum" in self._potentiostat.abilities().techniques
        self._spectra = CyclingSpectra(self._potentiostat, self.sample, 1, setpoint_C) if can else None

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
        if self.electrodes == "lithium" and self._spectra is None:
            raise BadInput(
                f"{self._potentiostat.name} takes no spectra: the lithium ions' share needs the interfaces' resistance",
                place=f"{place}, electrodes", allowed="blocking, or a potentiostat with a frequency-response analyser",
            )  # fmt: skip
        return warnings

    def measuring_steps(self) -> Sequence[Step]:
        return [
            Step(f"{number:03d} {value:g} V", f"{value:g} V", "repeat", {"stage": number, "voltage_V": value})
            for number, value in enumerate(self.potentials_V(), 1)
        ]

    def measuring_seconds(self) -> Mapping[str, float]:
        one_s = 0.0 if self._spectra is None else self._spectra.seconds(0)
        spectra_s = {
            step.key: one_s * ((step.details["stage"] == 1) + (self.electrodes == "lithium"))
            for step in self.measuring_steps()
        }
        return {key: self.hold_h * 3600 + seconds for key, seconds in spectra_s.items()}

    def before_heating(self, rig: Rig) -> None:
        check_cell(rig, self._potentiostat, self.sample)

    def do_at_temperature(self, step: Step, rig: Rig) -> None:
        stage = step.details["stage"]
        own: dict[str, Any] = {"stage": stage}
        self._spectrum(rig, stage - 1)
        held = ConstantPotential(step.details["voltage_V"], self.hold_h * 3600, self.interval_s)
        on_point = _ends_overload(self._potentiostat.name, step.details["voltage_V"])
        take(rig, self._potentiostat, held, self.sample, "polarisation", self.watch, own, on_point, False)
        self._spectrum(rig, stage)

    def _spectrum(self, rig: Rig, held: int) -> None:
        """After `held` potentials: before the first one, and with lithium electrodes after each."""
        if self._spectra is not None and (held == 0 or self.electrodes == "lithium"):
            self._spectra.after_cycle(rig, held)

    def analyse(self, run: RunReader) -> list[Result]:
        from procedures.analysis.dc_polarisation import (
            dc_polarisation_results,
            first_current,
            lithium_polarisation_results,
            steady_current,
        )

        rows = run.table("polarisation")
        mine = last_attempts(rows)
        (sample,) = samples_of(run.sample)
        held = [mine & (rows["stage"] == stage) for stage in np.unique(rows["stage"][mine])]
        steps = [
            steady_current(
                rows["time_s"][one], rows["current_A"][one], rows["voltage_V"][one], overload=rows["overload"][one]
            )
            for one in held
        ]
        if self.electrodes == "lithium":
            first = [first_current(rows["time_s"][one], rows["current_A"][one], rows["overload"][one]) for one in held]
            found = lithium_polarisation_results(steps, first, interfacial_ohm(run))
        else:
            geometry = require_geometry(sample, "sample")
            found = dc_polarisation_results(steps, geometry, total_conductivity_S_cm(run, geometry))
        return told_break(found, bool(np.any(rows["attempt"] > 1)), "taken anew after a break of the run")


def _ends_overload(instrument: str, voltage_V: float) -> Callable[[DcPoint], None]:
    """Looks at each point of a hold; raises StepFailed once the current has been overloaded for some seconds."""
    since_s: float | None = None

    def look(point: DcPoint) -> None:
        nonlocal since_s
        if not point.overload:
            since_s = None
            return
        since_s = point.time_s if since_s is None else since_s
        if point.time_s - since_s >= OVERLOADED_MOST_S:
            raise StepFailed(
                f"the current is more than {instrument} can measure ({abs(point.current_A):.3g} A read, overloaded for "
                f"{point.time_s - since_s:.0f} s): the cell is shorted, or {voltage_V:g} V too much; "
                "measure the cell, or give lower potentials"
            )

    return look


def _volt(one: Amount) -> float:
    return one.value * (1e-3 if one.unit == "mV" else 1.0)
