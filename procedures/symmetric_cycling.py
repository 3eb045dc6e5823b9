"""`symmetric-cycling`: lithium to and fro at one or several currents, for hours or cycles."""

from __future__ import annotations

from daq.contracts import Result, RunReader
from daq.errors import BadInput
from daq.sample import samples_of
from drivers.schedule import Current, End, Loop, Protection, Record, ScheduleStep
from procedures.amounts import CURRENT_UNITS, Amounts, amounts, resolve
from procedures.dc_streams import CYCLED, CYCLING
from procedures.dc_taking import told_break
from procedures.on_cycler import OnCycler, spans_break
from procedures.parameters import count, quantity, quantity_or
from procedures.sample_geometry import electrode_area_cm2


class SymmetricCyclingRun(OnCycler):
    """Stages of currents; each half cycle lasts a time, or until a capacity has passed."""

    procedure_name = "symmetric-cycling"
    streams = (CYCLING,)
    main_stream = CYCLING
    DATA_COLUMNS = list(CYCLING.column_names)  # noqa: RUF012  pymeasure's own name and type

    currents: list[str] = amounts("Currents", default=["0.1 mA/cm2", "0.2 mA/cm2"])
    half_h: float = quantity("Time of each half", units="h", minimum=1e-3, maximum=1e4, default=0.5)
    stage_h: float | str = quantity_or("Time of each stage", word="by cycles", units="h", minimum=0.01, maximum=1e5,
                                       default=500.0)  # fmt: skip
    stage_cycles: int = count("Cycles of each stage", minimum=1, maximum=1_000_000, default=500)
    voltage_limit_V: float = quantity("Protection", units="V", minimum=0.001, maximum=20, default=5.0)
    record_s: float = quantity("Record every", units="s", minimum=0.001, maximum=3600, default=10.0)

    def cycles(self) -> int:
        if self.stage_h == "by cycles":
            return self.stage_cycles
        return max(1, round(float(self.stage_h) / (2 * self.half_h)))

    def currents_A(self, place: str = "plan") -> list[float]:
        return [resolve(one, self.sample, f"{place}, currents") for one in Amounts.of(self.currents, CURRENT_UNITS)]

    def check(self, place: str) -> list[str]:
        if self.half_h * 3600 < 12 * self.record_s:
            raise BadInput(f"a record every {self.record_s:g} s leaves fewer than 12 in a half cycle",
                           place=f"{place}, record_s", allowed=f"up to {300 * self.half_h:g} s")  # fmt: skip
        return super().check(place)

    def schedule_steps(self, place: str) -> tuple[ScheduleStep, ...]:
        steps: list[ScheduleStep] = []
        ends, record = (End("time_s", "above", self.half_h * 3600),), Record(self.record_s)
        for amps in self.currents_A(place):
            steps += [Current(amps, ends, record), Current(-amps, ends, record), Loop(len(steps) + 1, self.cycles())]
        return tuple(steps)

    def protection(self, place: str) -> Protection:
        limit = self.voltage_limit_V
        return Protection(-limit, limit, 1.2 * max(self.currents_A(place)))

    def schedule_seconds(self) -> float:
        return len(self.currents) * self.cycles() * 2 * self.half_h * 3600

    def sound_V(self) -> tuple[float, float]:
        return -1.0, 1.0

    def analyse(self, run: RunReader) -> list[Result]:
        from procedures.analysis.symmetric import analyse_symmetric_cycling, symmetric_cycling_results

        rows = run.table("cycling", columns=CYCLED)
        area = electrode_area_cm2(samples_of(run.sample)[0])
        found = analyse_symmetric_cycling(rows["time_s"], rows["current_A"], rows["voltage_V"], area)
        return told_break(symmetric_cycling_results(found), spans_break(rows))
