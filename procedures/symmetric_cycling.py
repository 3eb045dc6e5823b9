"""`symmetric-cycling`: lithium to and fro at one or several currents, for hours or cycles."""

from __future__ import annotations

from collections.abc import Sequence

from daq.bench import Bench
from daq.contracts import Result, Rig, RunReader
from daq.errors import BadInput
from daq.sample import Sample
from drivers.schedule import Current, End, Loop, Protection, Record, ScheduleStep
from procedures.amounts import CURRENT_UNITS, Amounts, amounts, require_area, resolve
from procedures.cells_of_run import CellRows, cells_of, results_of_cells
from procedures.cycled_cell import Judge
from procedures.cycling_spectra import STREAMS, CyclingSpectra, resistances_over_cycles
from procedures.dc_streams import CYCLING
from procedures.first_records import ShortedFromTheStart
from procedures.on_cycler import OnCycler
from procedures.parameters import count, quantity, quantity_or
from procedures.sample_geometry import electrode_area_cm2

STAGE_CYCLES = 500


class SymmetricCyclingRun(OnCycler):
    """Stages of currents; each half cycle lasts a time, or until a capacity has passed."""

    procedure_name = "symmetric-cycling"
    streams = (CYCLING, *STREAMS)
    main_stream = CYCLING
    DATA_COLUMNS = list(CYCLING.column_names)  # noqa: RUF012  pymeasure's own name and type

    currents: list[str] = amounts("Currents", default=["0.1 mA/cm2", "0.2 mA/cm2"])
    half_h: float = quantity("Time of each half", units="h", minimum=1e-3, maximum=1e4, default=0.5)
    half_capacity_mAh_cm2: float | str = quantity_or(
        "Capacity of each half", word="by time", units="mAh/cm2", minimum=1e-6, maximum=1e3
    )
    stage_h: float | str = quantity_or("Time of each stage", word="by cycles", units="h", minimum=0.01, maximum=1e5,
                                       default=500.0)  # fmt: skip
    stage_cycles: int = count("Cycles of each stage", minimum=1, maximum=1_000_000, default=STAGE_CYCLES)
    voltage_limit_V: float = quantity("Protection", units="V", minimum=0.001, maximum=20, default=5.0)
    record_s: float = quantity("Record every", units="s", minimum=0.001, maximum=3600, default=10.0)

    eis_every_cycles: int = count("Cycles between spectra", minimum=0, maximum=1_000_000, default=0)

    def bind(self, bench: Bench, samples: Sequence[Sample]) -> None:
        super().bind(bench, samples)
        self._spectra: CyclingSpectra | None = None
        if self.eis_every_cycles and self._by_pc is not None:
            setpoint_C = float("nan") if self.temperature_C == "none" else float(self.temperature_C)
            self._spectra = CyclingSpectra(self._potentiostat, self.sample, self.eis_every_cycles, setpoint_C)

    def after_cycle(self, rig: Rig, cycle: int) -> None:
        if self._spectra is not None:
            self._spectra.after_cycle(rig, cycle)

    def half_Ah(self, sample: Sample, place: str = "plan") -> float | None:
        """What each half passes, where it ends by capacity."""
        if self.half_capacity_mAh_cm2 == "by time":
            return None
        area = require_area(sample, f"{place}, half_capacity_mAh_cm2", "a capacity in mAh/cm2")
        return 1e-3 * float(self.half_capacity_mAh_cm2) * area

    def half_seconds(self, current_A: float, sample: Sample, place: str = "plan") -> float:
        charge_Ah = self.half_Ah(sample, place)
        return 3600 * (self.half_h if charge_Ah is None else charge_Ah / current_A)

    def cycles(self, current_A: float, sample: Sample, place: str = "plan") -> int:
        """At one current."""
        if self.stage_h == "by cycles":
            return self.stage_cycles
        return max(1, round(float(self.stage_h) * 1800 / self.half_seconds(current_A, sample, place)))

    def currents_A(self, sample: Sample, place: str = "plan") -> list[float]:
        return [resolve(one, sample, f"{place}, currents") for one in Amounts.of(self.currents, CURRENT_UNITS)]

    def _check_stages(self, place: str) -> list[str]:
        """Raises BadInput for cycles that would not count; a warning where a stage is not whole cycles."""
        if self.stage_h == "by cycles":
            return []
        if self.stage_cycles != STAGE_CYCLES:
            raise BadInput(f"{self.stage_cycles} do not count while stage_h says {float(self.stage_h):g} h",
                           place=f"{place}, stage_cycles", allowed='with stage_h = "by cycles"')  # fmt: skip
        hours = [
            self.cycles(amps, self.sample, place) * 2 * self.half_seconds(amps, self.sample, place) / 3600
            for amps in self.currents_A(self.sample, place)
        ]
        return [f"a stage of {float(self.stage_h):g} h is not whole cycles: it takes {one:.4g} h"
                for one in dict.fromkeys(hours) if abs(one / float(self.stage_h) - 1) > 0.01]  # fmt: skip

    def check(self, place: str) -> list[str]:
        warnings = self._check_stages(self.place_of(self.sample, place))
        shortest_s = min(
            self.half_seconds(amps, one, self.place_of(one, place))
            for one in self.samples
            for amps in self.currents_A(one, self.place_of(one, place))
        )
        if shortest_s < 12 * self.record_s:
            raise BadInput(f"a record every {self.record_s:g} s leaves fewer than 12 in a half cycle",
                           place=f"{place}, record_s", allowed=f"up to {shortest_s / 12:g} s")  # fmt: skip
        if self._spectra is not None:
            self._spectra.check(place)
        elif self.eis_every_cycles:
            raise BadInput(f"{self._cycler.name} runs the cycles and takes no spectra",
                           place=f"{place}, eis_every_cycles",
                           allowed="0, or a bench without a cycler, whose potentiostat does both")  # fmt: skip
        return warnings + super().check(place)

    def schedule_steps(self, sample: Sample, place: str) -> tuple[ScheduleStep, ...]:
        steps: list[ScheduleStep] = []
        charge_Ah, record = self.half_Ah(sample, place), Record(self.record_s)
        by_time = (End("time_s", "above", self.half_h * 3600),)
        ends = by_time if charge_Ah is None else (End("capacity_Ah", "above", charge_Ah),)
        for amps in self.currents_A(sample, place):
            again = Loop(len(steps) + 1, self.cycles(amps, sample, place))
            steps += [Current(amps, ends, record), Current(-amps, ends, record), again]
        return tuple(steps)

    def protection(self, sample: Sample, place: str) -> Protection:
        limit = self.voltage_limit_V
        return Protection(-limit, limit, 1.2 * max(self.currents_A(sample, place)))

    def schedule_seconds(self, sample: Sample) -> float:
        stages = [(self.cycles(amps, sample), self.half_seconds(amps, sample)) for amps in self.currents_A(sample)]
        spectra_s = 0.0 if self._spectra is None else self._spectra.seconds(sum(cycles for cycles, _ in stages))
        return sum(cycles * 2 * seconds for cycles, seconds in stages) + spectra_s

    def sound_V(self) -> tuple[float, float]:
        return -1.0, 1.0

    def check_of(self, sample: Sample) -> Judge:
        return ShortedFromTheStart(sample.label)

    def analyse(self, run: RunReader) -> list[Result]:
        from procedures.analysis.symmetric import analyse_symmetric_cycling, symmetric_cycling_results

        def of_cell(cell: CellRows) -> list[Result]:
            rows, area = cell.rows, electrode_area_cm2(cell.sample)
            found = analyse_symmetric_cycling(rows["time_s"], rows["current_A"], rows["voltage_V"], area)
            results = symmetric_cycling_results(found, cell.at)
            return results + (resistances_over_cycles(run) if run.parameters.get("eis_every_cycles") else [])

        return results_of_cells(cells_of(run), "hours_cycled", "h", of_cell)
