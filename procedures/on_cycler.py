"""An experiment that is one schedule, at a temperature: on a cycler, or run by this computer where there is none."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np

from daq.bench import Bench
from daq.contracts import Rig, RunReader, Step
from daq.errors import BadInput
from daq.sample import Sample
from drivers.roles import BatteryCycler, OperatorRunCycler, Potentiostat
from drivers.schedule import Protection, Schedule, ScheduleStep
from drivers.step_sheet import step_sheet
from procedures.at_temperature import AtTemperature
from procedures.cycler_run import CyclerRun, check_channel_idle, check_submit, last_record
from procedures.operator_run import check_start
from procedures.pc_cycling import PcCycling
from procedures.schedule_checks import check_schedule


class OnCycler(AtTemperature):
    """A subclass gives the schedule's steps, its protection, how long it takes, and what a sound cell shows."""

    def __init__(self, **values: object) -> None:
        super().__init__(**values)
        self._after = 0

    def bind(self, bench: Bench, samples: Sequence[Sample]) -> None:
        super().bind(bench, samples)
        roles = [getattr(one, "role", "") for one in bench.instruments.values()]
        self._by_pc: PcCycling | None = None
        if "potentiostat" in roles and "cycler" not in roles:
            self._potentiostat = cast(Potentiostat, bench.by_role("potentiostat"))
            self._by_pc = PcCycling(self._potentiostat, self.sample, self.watch)
        else:
            self._cycler = cast(BatteryCycler | OperatorRunCycler, bench.by_role("cycler"))

    @abstractmethod
    def schedule_steps(self, place: str) -> tuple[ScheduleStep, ...]: ...

    @abstractmethod
    def protection(self, place: str) -> Protection: ...

    @abstractmethod
    def schedule_seconds(self) -> float: ...

    @abstractmethod
    def sound_V(self) -> tuple[float, float]:
        """Between which voltages a sound cell rests."""

    def after_cycle(self, rig: Rig, cycle: int) -> None:
        """Between cycles that this computer runs: nothing, unless a subclass has something to do."""

    def schedule(self, place: str = "plan") -> Schedule:
        return Schedule(
            f"{self.procedure_name} {self.sample.label}", self.schedule_steps(place), self.protection(place)
        )

    def check(self, place: str) -> list[str]:
        warnings = super().check(place)
        runner = self._by_pc or self._cycler
        abilities = runner.abilities()
        if self.sample.channel not in abilities.channels:
            raise BadInput(
                f"{self.sample.label} is on channel {self.sample.channel}",
                place=f"{place}, sample.channel",
                allowed=f"{', '.join(map(str, abilities.channels))} on {runner.name}",
            )
        schedule = self.schedule(place)
        check_schedule(schedule, abilities, self.sample, place)
        if self._by_pc is not None:
            warnings += self._by_pc.check(schedule, place)
        else:
            warnings += check_start(self._cycler, schedule, self.sample, place)
            check_submit(self._cycler, schedule, self.sample)
        return warnings

    def told(self) -> list[str]:
        return step_sheet(self.schedule())

    def measuring_steps(self) -> Sequence[Step]:
        return [Step("schedule", f"{self.procedure_name} on {(self._by_pc or self._cycler).name}", "continue")]

    def measuring_seconds(self) -> Mapping[str, float]:
        return {"schedule": self.schedule_seconds()}

    def recover(self, run: RunReader) -> None:
        super().recover(run)
        self._after = last_record(run)
        if self._by_pc is not None:
            self._by_pc.recover(run)

    def before_heating(self, rig: Rig) -> None:
        if self._by_pc is not None:
            self._by_pc.check_sound(rig, *self.sound_V())
        else:
            check_channel_idle(rig, self._cycler, self.sample, *self.sound_V())

    def do_at_temperature(self, step: Step, rig: Rig) -> None:
        if self._by_pc is not None:
            self._by_pc.run(rig, self.schedule(), self.after_cycle)
            return
        running = CyclerRun(rig, self._cycler, self.sample, self.watch)
        running.run(self.schedule(), self.schedule_seconds(), self._after)


def spans_break(rows: Mapping[str, np.ndarray]) -> bool:
    return bool(np.any(rows["attempt"] > 1))
