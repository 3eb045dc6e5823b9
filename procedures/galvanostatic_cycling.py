"""`galvanostatic-cycling`: formation, then charge and discharge between two voltages; or a schedule of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from daq.contracts import Result, RunReader
from daq.errors import BadInput
from daq.sample import Sample
from drivers.schedule import Current, End, Loop, Protection, Record, Rest, ScheduleStep, Voltage
from procedures.amounts import CURRENT_UNITS, amounts, read_amount, resolve
from procedures.cells_of_run import CellRows, cells_of, results_of_cells
from procedures.dc_streams import CYCLING
from procedures.on_cycler import OnCycler
from procedures.parameters import count, quantity, quantity_or
from procedures.schedule_checks import targets_V
from procedures.schedule_parameter import step_list
from procedures.schedule_text import read_steps
from procedures.schedule_time import full_Ah_of, seconds_of

LEAST_SHARE = 0.01  # of the plan's capacity; what is less is no cycling
ONLY_RESTS_A = 1e-3  # the protection of a schedule without any current; a tester takes no zero


class GalvanostaticCycling(OnCycler):
    """Charge first. `own_schedule` replaces formation and cycles by steps of the plan's own."""

    procedure_name = "galvanostatic-cycling"
    streams = (CYCLING,)
    main_stream = CYCLING
    DATA_COLUMNS = list(CYCLING.column_names)  # noqa: RUF012  pymeasure's own name and type

    charge_current: list[str] = amounts("Charge current", default=["80 mA/g"])
    discharge_current: list[str] = amounts("Discharge current", default=["80 mA/g"])
    lower_V: float = quantity("Lower cut-off", units="V", minimum=-20, maximum=20, default=2.9)
    upper_V: float = quantity("Upper cut-off", units="V", minimum=-20, maximum=20, default=3.8)
    hold_h: float | str = quantity_or("Held at the top", word="none", units="h", minimum=0.001, maximum=1000)
    rest_h: float | str = quantity_or("Rest after each cycle", word="none", units="h", minimum=0.001, maximum=1000)
    formation_cycles: int = count("Formation cycles", minimum=0, maximum=1000, default=0)
    formation_current: list[str] = amounts("Formation current", default=["20 mA/g"])
    cycles: int = count("Cycles", minimum=1, maximum=100_000, default=150)
    record_s: float = quantity("Record every", units="s", minimum=0.001, maximum=3600, default=10.0)
    half_max_h: float = quantity("Longest half cycle", units="h", minimum=0.01, maximum=10_000, default=100)
    own_schedule: list[dict[str, Any]] = step_list("Schedule of its own", default=[])

    def _amps(self, texts: list[str], sample: Sample, place: str) -> float:
        return resolve(read_amount(texts[0], CURRENT_UNITS), sample, place)

    def check(self, place: str) -> list[str]:
        if self.lower_V >= self.upper_V:
            raise BadInput(f"{self.lower_V:g} V is not below the upper cut-off", place=f"{place}, lower_V",
                           allowed=f"below {self.upper_V:g} V")  # fmt: skip
        for key in ("charge_current", "discharge_current", "formation_current"):
            if len(getattr(self, key)) != 1:
                raise BadInput("several currents", place=f"{place}, {key}", allowed='one, as in "80 mA/g"')
        self._check_own_window(place)
        return super().check(place)

    def _check_own_window(self, place: str) -> None:
        """A step beyond the protection would never get there; who writes steps may not know where that comes from."""
        low, high = self.sound_V()
        for sample in self.samples if self.own_schedule else ():
            for number, step in enumerate(self.schedule_steps(sample, self.place_of(sample, place)), 1):
                beyond = [] if isinstance(step, Rest | Loop) else [v for v in targets_V(step) if not low <= v <= high]
                if beyond:
                    raise BadInput(
                        f"{beyond[0]:g} V is beyond the protection, which this plan's lower_V and upper_V set "
                        f"({self.lower_V:g} and {self.upper_V:g} V, with 0.2 V on either side)",
                        place=f"{place}, own_schedule[{number}]",
                        allowed=f"{low:g} to {high:g} V; or give lower_V and upper_V of your own",
                    )

    def schedule_steps(self, sample: Sample, place: str) -> tuple[ScheduleStep, ...]:
        if self.own_schedule:
            return read_steps(self.own_schedule, sample, place)
        steps: list[ScheduleStep] = []
        if self.formation_cycles:
            amps = self._amps(self.formation_current, sample, f"{place}, formation_current")
            steps += self._cycle(amps, amps, 1, self.formation_cycles)
        charge = self._amps(self.charge_current, sample, f"{place}, charge_current")
        discharge = self._amps(self.discharge_current, sample, f"{place}, discharge_current")
        return tuple(steps + self._cycle(charge, discharge, len(steps) + 1, self.cycles))

    def _cycle(self, charge_A: float, discharge_A: float, first: int, times: int) -> list[ScheduleStep]:
        record, longest = Record(self.record_s), End("time_s", "above", self.half_max_h * 3600)
        up = Current(charge_A, (End("voltage_V", "above", self.upper_V), longest), record)
        down = Current(-discharge_A, (End("voltage_V", "below", self.lower_V), longest), record)
        rest: list[ScheduleStep] = [] if self.rest_h == "none" else [Rest(float(self.rest_h) * 3600, record)]
        return [up, *self._hold(charge_A, record), down, *rest, Loop(first, times)]

    def _hold(self, charge_A: float, record: Record) -> list[Voltage]:
        """A step of its own: its time counts from where the cut-off was reached."""
        if self.hold_h == "none":
            return []
        ends = End("current_A", "below", 0.05 * charge_A), End("time_s", "above", float(self.hold_h) * 3600)
        return [Voltage(self.upper_V, charge_A, ends, record)]

    def protection(self, sample: Sample, place: str) -> Protection:
        currents = [
            abs(amps)
            for step in self.schedule_steps(sample, place)
            for amps in [getattr(step, "current_A", getattr(step, "current_limit_A", None))]
            if amps is not None
        ]
        most_A = 1.2 * max(currents, default=0.0) or ONLY_RESTS_A
        return Protection(self.lower_V - 0.2, self.upper_V + 0.2, most_A)

    def schedule_seconds(self, sample: Sample) -> float:
        return seconds_of(self.schedule_steps(sample, "plan"), full_Ah_of(sample))

    def sound_V(self) -> tuple[float, float]:
        return self.lower_V - 0.2, self.upper_V + 0.2  # the protection's: beyond it the tester stops at once

    def analyse(self, run: RunReader) -> list[Result]:
        from procedures.analysis.capacity import integrate_cycling
        from procedures.analysis.cycling_results import cycling_results
        from procedures.half_ends import HalfBounds, broken_off, broken_off_told, by_time_told

        formed = 0 if run.parameters.get("own_schedule") else int(run.parameters.get("formation_cycles") or 0)
        reference = formed + 1 if formed else None

        def of_cell(cell: CellRows) -> list[Result]:
            rows, active = cell.rows, cell.sample.active
            halves = integrate_cycling(rows)
            mass_mg = None if active is None else active.mass_mg
            found = cycling_results(halves, mass_mg, reference, at=cell.at)
            if not self.own_schedule:
                bounds = HalfBounds(self.lower_V, self.upper_V, self.half_max_h, self.record_s)
                found = by_time_told(found, halves, bounds)
                cycle = broken_off(halves, bounds)
                found = found if cycle is None else broken_off_told(found, cycle)
            per_g = active.capacity_mAh_g if active is not None and mass_mg is not None else None
            return found if per_g is None else empty_told(found, per_g)

        return results_of_cells(cells_of(run), "capacity_retention", "%", of_cell)


def empty_told(results: list[Result], capacity_mAh_g: float) -> list[Result]:
    """Of a cell that took next to nothing a retention would be a ratio of noise: it is refused."""
    discharged = {one.at.get("cycle"): one.value for one in results if one.name == "discharge_capacity"}

    def told(one: Result) -> Result:
        reference = one.at.get("reference_cycle")
        value = discharged.get(reference)
        if reference is None or value is None or value >= LEAST_SHARE * capacity_mAh_g:
            return one
        reason = (
            f"cycle {reference} discharged {value:.2g} mAh/g, less than {100 * LEAST_SHARE:g} % of the plan's "
            f"{capacity_mAh_g:g} mAh/g: look at contacts, currents, cut-offs and half_max_h"
        )
        return replace(one, value=None, uncertainty=None, interval=None, reason=reason)

    return [told(one) for one in results]
