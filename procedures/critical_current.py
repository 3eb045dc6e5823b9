"""`critical-current`: a ladder of current densities on a symmetric cell, one current a step, until it shorts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, cast

import numpy as np

from daq.bench import Bench
from daq.contracts import Result, Rig, RunReader, Step
from daq.errors import AnalysisRefused, BadInput
from daq.sample import Sample, samples_of
from drivers.roles import BatteryCycler, OperatorRunCycler, Potentiostat
from drivers.schedule import Schedule
from drivers.techniques import ConstantCurrent, CutOffs, DcPoint
from procedures.amounts import CURRENT_UNITS, Amounts, amounts, require_area, resolve
from procedures.at_temperature import AtTemperature
from procedures.cells_of_run import CellRows, cells_of, results_of_cells
from procedures.cycled_cell import CellJob, lets_run
from procedures.cycler_checks import check_cells, check_channels_idle, sheets_told
from procedures.cycler_run import CyclerRun, cell_failure_choice, last_records
from procedures.dc_streams import CYCLED, CYCLING, POLARISATION
from procedures.dc_taking import (
    check_cell,
    passed_charge_C,
    require_current,
    require_technique,
    require_voltage,
    take,
    told_break,
)
from procedures.first_current import look_before, shorted_at_once
from procedures.first_records import ShortedFromTheStart
from procedures.ladder_on_cycler import LadderJudge, ladder_schedule
from procedures.parameters import choice, quantity, quantity_or

FALSE_ALARM_STEP = 1e-5
LEAST_S = 1.0
BROKEN = "ladder spans a break"


class CriticalCurrentLadder(AtTemperature):
    """Each current is charged and discharged for a time or a capacity; a hard short ends the ladder."""

    procedure_name = "critical-current"
    streams = (POLARISATION, CYCLING)
    main_stream = POLARISATION
    DATA_COLUMNS = list(POLARISATION.column_names)  # noqa: RUF012  pymeasure's own name and type

    on: str = choice("Instrument", choices=("potentiostat", "cycler"))
    currents: list[str] = amounts(
        "Currents", default=[f"{round(0.05 * number, 2)!r} mA/cm2" for number in range(1, 21)]
    )
    half_min: float = quantity("Time of each half", units="min", minimum=0.01, maximum=1e5, default=30)
    half_capacity_mAh_cm2: float | str = quantity_or(
        "Capacity of each half", word="by time", units="mAh/cm2", minimum=1e-6, maximum=1e3
    )
    halves: str = choice("Halves", choices=("charge and discharge", "charge", "discharge"))
    interval_s: float = quantity("Interval", units="s", minimum=0.01, maximum=600, default=1.0)
    voltage_limit_V: float = quantity("Voltage cut-off", units="V", minimum=0.001, maximum=20, default=5.0)
    stop_at: str = choice("Ends at", choices=("hard short", "any short", "last current"))
    cell_failure: str = cell_failure_choice()

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        self._after: Mapping[int, int] = {}
        self._passed_C: dict[str, float] = {}
        self._rows: list[tuple[float, float, float, int]] = []

    # ------------------------------------------------------------ what it will do
    def bind(self, bench: Bench, samples: Sequence[Sample]) -> None:
        super().bind(bench, samples)
        if self.on == "cycler":
            self._cycler = cast(BatteryCycler | OperatorRunCycler, bench.by_role("cycler"))
            self._judges = {one.channel: LadderJudge(self._ends_at) for one in samples}
        else:
            self._potentiostat = cast(Potentiostat, bench.by_role("potentiostat"))

    def takes_several(self) -> str:
        return "" if self.on == "cycler" else f"{self.procedure_name} on a potentiostat works on one sample"

    def currents_A(self, sample: Sample, place: str = "plan") -> list[float]:
        return [resolve(one, sample, place) for one in Amounts.of(self.currents, CURRENT_UNITS)]

    def half_seconds(self, current_A: float, sample: Sample) -> float:
        if self.half_capacity_mAh_cm2 == "by time":
            return self.half_min * 60
        area = require_area(sample, "plan", "a capacity in mAh/cm2")
        return 3.6 * float(self.half_capacity_mAh_cm2) * area / current_A

    def check(self, place: str) -> list[str]:
        warnings = super().check(place)
        if self.on == "potentiostat":
            require_technique(self._potentiostat, "constant-current", self.sample, place)
            for limit in (self.voltage_limit_V, -self.voltage_limit_V):
                require_voltage(limit, self._potentiostat, self.sample, place, "voltage_limit_V")
        for one in self.samples:
            self._check_ladder(one, self.place_of(one, place))
        if self.on == "cycler":
            warnings += check_cells(self._cycler, self.samples, self.schedule, place)
        return warnings

    def _check_ladder(self, sample: Sample, place: str) -> None:
        require_area(sample, place, "a critical current density")
        ladder = self.currents_A(sample, place)
        for current in ladder:
            if self.on == "potentiostat":
                require_current(current, self._potentiostat, place, "currents")
            seconds = self.half_seconds(current, sample)
            if seconds < max(LEAST_S, 30 * self.interval_s):
                raise BadInput(
                    f"a half of {seconds:.3g} s has fewer than 30 points",
                    place=f"{place}, interval_s",
                    allowed=f"up to {seconds / 30:.3g} s, or longer halves",
                )
        if any(after <= before for before, after in pairwise(ladder)):
            raise BadInput("the currents do not rise", place=f"{place}, currents", allowed="a rising list")

    def told(self) -> list[str]:
        lines = sheets_told(self.samples, self.schedule) if self.on == "cycler" else []
        for sample in self.samples:
            ladder, area = self.currents_A(sample), require_area(sample, "plan", "a critical current density")
            rungs = ", ".join(f"{1e3 * one / area:.4g}" for one in ladder)
            lines.append(f"{rungs} mA/cm2 on {area:.4g} cm2: {1e3 * ladder[0]:.4g} to {1e3 * ladder[-1]:.4g} mA")
        return list(dict.fromkeys(lines))

    def measuring_steps(self) -> Sequence[Step]:
        return [Step("ladder", "the ladder on the cycler", "continue")] if self.on == "cycler" else self._halves()

    def schedule(self, sample: Sample | None = None) -> Schedule:
        """The ladder as a cycler runs it, of this sample; None: of the first."""
        cell = sample or self.sample
        ladder = self.currents_A(cell)
        halves = [(one.details["sign"] * ladder[one.details["rung"]], one.details["rung"]) for one in self._halves()]
        timed = [(amps, self.half_seconds(ladder[rung], cell)) for amps, rung in halves]
        return ladder_schedule(cell.label, timed, self.voltage_limit_V, self.interval_s)

    def _ends_at(self, kind: str) -> bool:
        return self.stop_at == "any short" or (self.stop_at == "hard short" and kind == "hard")

    def _halves(self) -> list[Step]:
        signs = {"charge": (1,), "discharge": (-1,)}.get(self.halves, (1, -1))
        return [
            Step(
                f"{number:03d} {told.told} {'charge' if sign > 0 else 'discharge'}",
                f"{told.told}, {'charge' if sign > 0 else 'discharge'}",
                "continue",
                {"stage": len(signs) * (number - 1) + place + 1, "rung": number - 1, "sign": sign},
            )
            for number, told in enumerate(Amounts.of(self.currents, CURRENT_UNITS), 1)
            for place, sign in enumerate(signs)
        ]

    def measuring_seconds(self) -> Mapping[str, float]:
        if self.on == "cycler":
            return {"ladder": max(sum(self._seconds_of(one).values()) for one in self.samples)}
        return self._seconds_of(self.sample)

    def _seconds_of(self, sample: Sample) -> dict[str, float]:
        ladder = self.currents_A(sample)
        return {step.key: self.half_seconds(ladder[step.details["rung"]], sample) for step in self._halves()}

    # ------------------------------------------------------------ doing it
    def recover(self, run: RunReader) -> None:
        super().recover(run)
        if self.on == "cycler":
            self._after = last_records(run)
            for cell in cells_of(run, CYCLED):
                self._judges[cell.sample.channel].recover(cell.rows)
            return
        self._passed_C = passed_charge_C(run, "polarisation")
        rows = run.table("polarisation", columns=("current_A", "voltage_V", "stage", "overload"))
        sound = rows["overload"] == 0
        columns = (rows[name][sound] for name in ("t_s", "current_A", "voltage_V", "stage"))
        self._rows = [(float(t), float(i), float(v), int(n)) for t, i, v, n in zip(*columns, strict=True)]

    def before_heating(self, rig: Rig) -> None:
        if self.on == "cycler":
            check_channels_idle(rig, self._cycler, self.samples, -1.0, 1.0)
        else:
            check_cell(rig, self._potentiostat, self.sample)

    def do_at_temperature(self, step: Step, rig: Rig) -> None:
        if self.on == "cycler":
            CyclerRun(rig, self._cycler, self.watch).run([self._job(one) for one in self.samples], self.cell_failure)
        else:
            self._half(step, rig)

    def _job(self, sample: Sample) -> CellJob:
        seconds, after = sum(self._seconds_of(sample).values()), self._after.get(sample.channel, 0)
        check = lets_run if after else ShortedFromTheStart(sample.label)
        return CellJob(sample, self.schedule(sample), seconds, after, self._judges[sample.channel], check)

    def _half(self, step: Step, rig: Rig) -> None:
        ended = rig.recall("ended")
        if ended:
            rig.log(f"left out: {ended}")
            return
        current = self.currents_A(self.sample)[step.details["rung"]]
        charge = current * self.half_seconds(current, self.sample)
        left = charge - self._passed_C.get(step.key, 0.0)
        if self._passed_C and not rig.recall(BROKEN):  # also where it was broken between two halves
            rig.remember(BROKEN, True)
        if left < 1e-3 * charge:  # broken after its last point: it is only to be judged
            self._judge(step, rig)
            return
        if left < charge:
            rig.log(f"goes on with {left / 3.6:.4g} of {charge / 3.6:.4g} mAh that are left", "warning")
        if not self._rows:
            look_before(rig, self._potentiostat, self.sample)
        limit = self.voltage_limit_V
        technique = ConstantCurrent(
            step.details["sign"] * current, left / current, self.interval_s,
            CutOffs(voltage_min_V=-limit, voltage_max_V=limit, charge_C=left),
        )  # fmt: skip
        last = take(rig, self._potentiostat, technique, self.sample, "polarisation", self.watch,
                    {"stage": step.details["stage"]}, self._keep(step, rig))  # fmt: skip
        if last.ended.startswith("voltage"):
            self._end(rig, f"{limit:g} V was passed at {step.title}; the cell is open or too resistive for more")
            return
        self._judge(step, rig)

    def _judge(self, step: Step, rig: Rig) -> None:
        """Whether the cell has shorted so far; a soft short is told once, a hard one ends the ladder."""
        from procedures.analysis.short_circuit import find_short_circuit, polarisation_of

        if not self._rows:  # every point was overloaded, and that is told
            return
        t_s, current, voltage, stage = (np.array(column) for column in zip(*self._rows, strict=True))
        at_once = shorted_at_once(rig, current, voltage, stage, self.sample)
        if at_once:
            self._end(rig, at_once)
            return
        try:
            short = find_short_circuit(polarisation_of(t_s, current, voltage, stage), FALSE_ALARM_STEP)
        except AnalysisRefused as refusal:
            rig.log(f"not judged for a short circuit: {refusal}", "warning")
            return
        if not short.found:
            return
        text = f"{short.worst} short circuit, seen at {step.title}"
        if self._ends_at(str(short.worst)):
            self._end(rig, text)
        elif rig.recall("short told") != short.worst:
            rig.remember("short told", short.worst)
            rig.log(text, "warning")

    def _keep(self, step: Step, rig: Rig) -> Callable[[DcPoint], None]:
        """Keeps the points that were not overloaded, for the cell to be judged by."""
        stage = step.details["stage"]

        def keep(point: DcPoint) -> None:
            if not point.overload:
                self._rows.append((rig.t_s, point.current_A, point.voltage_V, stage))

        return keep

    def _end(self, rig: Rig, text: str) -> None:
        rig.remember("ended", text)
        rig.log(f"the ladder ends here: {text}", "warning")

    # ------------------------------------------------------------ what came out
    def analyse(self, run: RunReader) -> list[Result]:
        from procedures.analysis.critical_current import analyse_critical_current, critical_current_results

        on_cycler = run.parameters.get("on") == "cycler"
        number = "schedule_step" if on_cycler else "stage"
        limit = run.parameters.get("voltage_limit_V")

        def of_cell(cell: CellRows) -> list[Result]:
            rows, area = cell.rows, require_area(cell.sample, "sample", "a critical current density")
            found = analyse_critical_current(
                rows["t_s"], rows["current_A"], rows["voltage_V"], area, rows[number],
                voltage_limit_V=None if limit is None else float(limit),
            )  # fmt: skip
            return critical_current_results(found, cell.at)

        if on_cycler:
            cells = cells_of(run, ("current_A", "voltage_V", number))
            return results_of_cells(cells, "critical_current_density", "mA/cm2", of_cell)
        (sample,) = samples_of(run.sample)
        rows = run.table("polarisation", columns=("current_A", "voltage_V", number, "overload", "ended"))
        # A clipped current would be taken for a step of its own. The row that met the cut-off is needed to see that.
        sound = (rows["overload"] == 0) | np.char.startswith(rows["ended"].astype(str), "voltage")
        clipped = int(np.sum(~sound))
        if clipped and clipped == len(sound):
            raise AnalysisRefused("every point was overloaded: no current is known; use a larger current range")
        rows = {name: column[sound] for name, column in rows.items()}
        at_once = shorted_at_once(run, rows["current_A"], rows["voltage_V"], rows[number], sample)
        if at_once:
            names = {"critical_current_density": "mA/cm2", "short_circuit": "h"}
            return [Result(name, None, unit, reason=at_once) for name, unit in names.items()]
        found = of_cell(CellRows(sample, rows, {}))
        found = told_break(found, clipped > 0, f"without {clipped} overloaded points")
        return told_break(found, bool(np.any(rows["attempt"] > 1)) or bool(run.recall(BROKEN)))
