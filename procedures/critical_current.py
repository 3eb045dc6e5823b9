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
from drivers.step_sheet import step_sheet
from drivers.techniques import ConstantCurrent, CutOffs, DcPoint
from procedures.amounts import CURRENT_UNITS, Amounts, amounts, require_area, resolve
from procedures.at_temperature import AtTemperature
from procedures.cycler_run import check_channel_idle, check_submit
from procedures.dc_streams import CYCLING, POLARISATION
from procedures.dc_taking import (
    check_cell,
    passed_charge_C,
    require_current,
    require_technique,
    require_voltage,
    take,
    told_break,
)
from procedures.ladder_on_cycler import LadderOnCycler, ladder_schedule
from procedures.operator_run import check_start
from procedures.parameters import choice, quantity, quantity_or
from procedures.schedule_checks import check_schedule

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

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        self._passed_C: dict[str, float] = {}
        self._rows: list[tuple[float, float, float, int]] = []

    # ------------------------------------------------------------ what it will do
    def bind(self, bench: Bench, samples: Sequence[Sample]) -> None:
        super().bind(bench, samples)
        if self.on == "cycler":
            self._cycler = cast(BatteryCycler | OperatorRunCycler, bench.by_role("cycler"))
            self._ladder = LadderOnCycler(self._cycler, self.sample, self._ends_at)
        else:
            self._potentiostat = cast(Potentiostat, bench.by_role("potentiostat"))

    def currents_A(self, place: str = "plan") -> list[float]:
        return [resolve(one, self.sample, place) for one in Amounts.of(self.currents, CURRENT_UNITS)]

    def half_seconds(self, current_A: float) -> float:
        if self.half_capacity_mAh_cm2 == "by time":
            return self.half_min * 60
        area = require_area(self.sample, "plan", "a capacity in mAh/cm2")
        return 3.6 * float(self.half_capacity_mAh_cm2) * area / current_A

    def check(self, place: str) -> list[str]:
        warnings = super().check(place)
        if self.on == "potentiostat":
            require_technique(self._potentiostat, "constant-current", self.sample, place)
            for limit in (self.voltage_limit_V, -self.voltage_limit_V):
                require_voltage(limit, self._potentiostat, self.sample, place, "voltage_limit_V")
        require_area(self.sample, place, "a critical current density")
        ladder = self.currents_A(place)
        for current in ladder:
            if self.on == "potentiostat":
                require_current(current, self._potentiostat, place, "currents")
            if self.half_seconds(current) < max(LEAST_S, 30 * self.interval_s):
                raise BadInput(
                    f"a half of {self.half_seconds(current):.3g} s has fewer than 30 points",
                    place=f"{place}, interval_s",
                    allowed=f"up to {self.half_seconds(current) / 30:.3g} s, or longer halves",
                )
        if any(after <= before for before, after in pairwise(ladder)):
            raise BadInput("the currents do not rise", place=f"{place}, currents", allowed="a rising list")
        if self.on == "cycler":
            check_schedule(self.schedule(), self._cycler.abilities(), self.sample, place)
            check_submit(self._cycler, self.schedule(), self.sample)
            warnings += check_start(self._cycler, self.schedule(), self.sample, place)
        return warnings

    def told(self) -> list[str]:
        ladder, area = self.currents_A(), require_area(self.sample, "plan", "a critical current density")
        rungs = ", ".join(f"{1e3 * one / area:.4g}" for one in ladder)
        line = f"{rungs} mA/cm2 on {area:.4g} cm2: {1e3 * ladder[0]:.4g} to {1e3 * ladder[-1]:.4g} mA"
        return [*(step_sheet(self.schedule()) if self.on == "cycler" else []), line]

    def measuring_steps(self) -> Sequence[Step]:
        return [Step("ladder", "the ladder on the cycler", "continue")] if self.on == "cycler" else self._halves()

    def schedule(self) -> Schedule:
        """The ladder as a cycler runs it."""
        ladder = self.currents_A()
        halves = [(one.details["sign"] * ladder[one.details["rung"]], one.details["rung"]) for one in self._halves()]
        timed = [(amps, self.half_seconds(ladder[rung])) for amps, rung in halves]
        return ladder_schedule(self.sample.label, timed, self.voltage_limit_V, self.interval_s)

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
        ladder = self.currents_A()
        halves = {step.key: self.half_seconds(ladder[step.details["rung"]]) for step in self._halves()}
        return halves if self.on == "potentiostat" else {"ladder": sum(halves.values())}

    # ------------------------------------------------------------ doing it
    def recover(self, run: RunReader) -> None:
        super().recover(run)
        if self.on == "cycler":
            self._ladder.recover(run)
            return
        self._passed_C = passed_charge_C(run, "polarisation")
        rows = run.table("polarisation", columns=("current_A", "voltage_V", "stage"))
        columns = (rows["t_s"], rows["current_A"], rows["voltage_V"], rows["stage"])
        self._rows = [(float(t), float(i), float(v), int(n)) for t, i, v, n in zip(*columns, strict=True)]

    def before_heating(self, rig: Rig) -> None:
        if self.on == "cycler":
            check_channel_idle(rig, self._cycler, self.sample, -1.0, 1.0)
        else:
            check_cell(rig, self._potentiostat, self.sample)

    def do_at_temperature(self, step: Step, rig: Rig) -> None:
        if self.on == "cycler":
            self._ladder.run(rig, self.schedule(), sum(self.measuring_seconds().values()), self.watch)
        else:
            self._half(step, rig)

    def _half(self, step: Step, rig: Rig) -> None:
        ended = rig.recall("ended")
        if ended:
            rig.log(f"left out: {ended}")
            return
        current = self.currents_A()[step.details["rung"]]
        charge = current * self.half_seconds(current)
        left = charge - self._passed_C.get(step.key, 0.0)
        if self._passed_C and not rig.recall(BROKEN):  # also where it was broken between two halves
            rig.remember(BROKEN, True)
        if left < 1e-3 * charge:  # broken after its last point: it is only to be judged
            self._judge(step, rig)
            return
        if left < charge:
            rig.log(f"goes on with {left / 3.6:.4g} of {charge / 3.6:.4g} mAh that are left", "warning")
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

        t_s, current, voltage, stage = (np.array(column) for column in zip(*self._rows, strict=True))
        try:
            short = find_short_circuit(polarisation_of(t_s, current, voltage, stage), FALSE_ALARM_STEP)
        except AnalysisRefused as refusal:
            rig.log(f"not judged for a short circuit: {refusal}", "warning")
            return
        if not short.found:
            return
        text = f"{short.kind} short circuit, seen at {step.title}"
        if self._ends_at(str(short.kind)):
            self._end(rig, text)
        elif rig.recall("short told") != short.kind:
            rig.remember("short told", short.kind)
            rig.log(text, "warning")

    def _keep(self, step: Step, rig: Rig) -> Callable[[DcPoint], None]:
        stage = step.details["stage"]
        return lambda point: self._rows.append((rig.t_s, point.current_A, point.voltage_V, stage))

    def _end(self, rig: Rig, text: str) -> None:
        rig.remember("ended", text)
        rig.log(f"the ladder ends here: {text}", "warning")

    # ------------------------------------------------------------ what came out
    def analyse(self, run: RunReader) -> list[Result]:
        from procedures.analysis.critical_current import analyse_critical_current, critical_current_results

        on_cycler = run.parameters.get("on") == "cycler"
        number = "schedule_step" if on_cycler else "stage"
        rows = run.table("cycling" if on_cycler else "polarisation", columns=("current_A", "voltage_V", number))
        (sample,) = samples_of(run.sample)
        area = require_area(sample, "sample", "a critical current density")
        limit = run.parameters.get("voltage_limit_V")
        found = analyse_critical_current(
            rows["t_s"], rows["current_A"], rows["voltage_V"], area, rows[number],
            voltage_limit_V=None if limit is None else float(limit),
        )  # fmt: skip
        broken = bool(np.any(rows["attempt"] > 1)) or bool(run.recall(BROKEN))
        return told_break(critical_current_results(found), broken)
