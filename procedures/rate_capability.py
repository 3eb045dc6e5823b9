"""`rate-capability`: some cycles at each of several currents, and the capacity that each leaves."""

from __future__ import annotations

import numpy as np

from daq.contracts import Result, RunReader
from daq.errors import BadInput
from daq.sample import Sample
from drivers.schedule import Current, End, Loop, Protection, Record, ScheduleStep
from procedures.amounts import CURRENT_UNITS, Amounts, amounts, resolve
from procedures.cells_of_run import CellRows, cells_of, results_of_cells
from procedures.dc_streams import CYCLING
from procedures.on_cycler import OnCycler
from procedures.parameters import count, quantity
from procedures.schedule_time import full_Ah_of, seconds_of


class RateCapability(OnCycler):
    """Charge and discharge at the same current; the currents in the order in which they are given."""

    procedure_name = "rate-capability"
    streams = (CYCLING,)
    main_stream = CYCLING
    DATA_COLUMNS = list(CYCLING.column_names)  # noqa: RUF012  pymeasure's own name and type

    rates: list[str] = amounts("Currents", default=["0.1 C", "0.2 C", "0.5 C", "1.0 C", "0.1 C"])
    cycles_each: int = count("Cycles at each", minimum=1, maximum=1000, default=5)
    lower_V: float = quantity("Lower cut-off", units="V", minimum=-20, maximum=20, default=2.9)
    upper_V: float = quantity("Upper cut-off", units="V", minimum=-20, maximum=20, default=3.8)
    half_max_h: float = quantity("Longest half cycle", units="h", minimum=0.01, maximum=10_000, default=100)
    record_s: float = quantity("Record every", units="s", minimum=0.001, maximum=3600, default=10.0)

    def currents_A(self, sample: Sample, place: str = "plan") -> list[float]:
        return [resolve(one, sample, f"{place}, rates") for one in Amounts.of(self.rates, CURRENT_UNITS)]

    def check(self, place: str) -> list[str]:
        if self.lower_V >= self.upper_V:
            raise BadInput(f"{self.lower_V:g} V is not below the upper cut-off", place=f"{place}, lower_V",
                           allowed=f"below {self.upper_V:g} V")  # fmt: skip
        return super().check(place)

    def schedule_steps(self, sample: Sample, place: str) -> tuple[ScheduleStep, ...]:
        steps: list[ScheduleStep] = []
        record, longest = Record(self.record_s), End("time_s", "above", self.half_max_h * 3600)
        for amps in self.currents_A(sample, place):
            up = Current(amps, (End("voltage_V", "above", self.upper_V), longest), record)
            down = Current(-amps, (End("voltage_V", "below", self.lower_V), longest), record)
            steps += [up, down, Loop(len(steps) + 1, self.cycles_each)]
        return tuple(steps)

    def protection(self, sample: Sample, place: str) -> Protection:
        return Protection(self.lower_V - 0.2, self.upper_V + 0.2, 1.2 * max(self.currents_A(sample, place)))

    def schedule_seconds(self, sample: Sample) -> float:
        return seconds_of(self.schedule_steps(sample, "plan"), full_Ah_of(sample))

    def sound_V(self) -> tuple[float, float]:
        return self.lower_V - 0.2, self.upper_V + 0.2  # the protection's: beyond it the tester stops at once

    def analyse(self, run: RunReader) -> list[Result]:
        return results_of_cells(cells_of(run), "discharge_capacity", "mAh/g", self._rates_of)

    def _rates_of(self, cell: CellRows) -> list[Result]:
        from procedures.analysis.capacity import METHOD, cycles_of, integrate_cycling
        from procedures.half_ends import HalfBounds, ended_by_time, reason_of

        rows, active = cell.rows, cell.sample.active
        halves = integrate_cycling(rows)
        cycles = cycles_of(halves)
        bounds = HalfBounds(self.lower_V, self.upper_V, self.half_max_h, self.record_s)
        charges, discharges = ended_by_time(halves, bounds)
        by_mass = active is not None and active.mass_mg is not None
        per, unit = (1e6 / (active.mass_mg or 1.0), "mAh/g") if by_mass and active else (1e3, "mAh")
        found = []
        for number, rate in enumerate(self.rates):
            first = number * self.cycles_each
            mine = (cycles.cycle > first) & (cycles.cycle <= first + self.cycles_each)
            values = per * cycles.discharge_Ah[mine]
            values = values[np.isfinite(values)]
            where = {**cell.at, "rate": rate, "order": number + 1}
            if len(values) == 0:
                found.append(Result("discharge_capacity", None, unit, at=where, reason="no discharge at this rate"))
                continue
            numbers = range(first + 1, first + self.cycles_each + 1)
            limited = reason_of(charges & set(numbers), discharges & set(numbers), bounds)
            if limited:
                found.append(Result("discharge_capacity", None, unit, at=where, reason=limited))
                continue
            mean = float(np.mean(values))
            spread = float(np.std(values, ddof=1) / np.sqrt(len(values))) if len(values) > 1 else None
            span = None if spread is None else (mean - 1.96 * spread, mean + 1.96 * spread)
            told = f"mean of {len(values)} cycles; {METHOD}"
            found.append(Result("discharge_capacity", mean, unit, spread, span, where, told))
        return found
