"""An experiment that is one schedule on a cycler, at a temperature."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np

from daq.bench import Bench
from daq.contracts import Rig, RunReader, Step
from daq.errors import BadInput
from daq.sample import Sample
from drivers.roles import BatteryCycler, OperatorRunCycler
from drivers.schedule import Protection, Schedule, ScheduleStep
from drivers.step_sheet import step_sheet
from procedures.at_temperature import AtTemperature
from procedures.cycler_run import CyclerRun, check_channel_idle, last_record
from procedures.operator_run import check_start
from procedures.schedule_text import check_schedule


class OnCycler(AtTemperature):
    """A subclass gives the schedule's steps, its protection, how long it takes, and what a sound cell shows."""

    def __init__(self, **values: object) -> None:
        super().__init__(**values)
        self._after = 0

    def bind(self, bench: Bench, samples: Sequence[Sample]) -> None:
        super().bind(bench, samples)
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

    def schedule(self, place: str = "plan") -> Schedule:
        return Schedule(
            f"{self.procedure_name} {self.sample.label}", self.schedule_steps(place), self.protection(place)
        )

    def check(self, place: str) -> list[str]:
        warnings = super().check(place)
        abilities = self._cycler.abilities()
        if self.sample.channel not in abilities.channels:
            raise BadInput(
                f"{self.sample.label} is on channel {self.sample.channel}",
                place=f"{place}, sample.channel",
                allowed=f"{', '.join(map(str, abilities.channels))} on {self._cycler.name}",
            )
        schedule = self.schedule(place)
        check_schedule(schedule, abilities, place)
        told = check_start(self._cycler, schedule, self.sample, place)
        return [*warnings, *told, *step_sheet(schedule)]

    def measuring_steps(self) -> Sequence[Step]:
        return [Step("schedule", f"{self.procedure_name} on the cycler", "continue")]

    def measuring_seconds(self) -> Mapping[str, float]:
        return {"schedule": self.schedule_seconds()}

    def recover(self, run: RunReader) -> None:
        super().recover(run)
        self._after = last_record(run)

    def before_heating(self, rig: Rig) -> None:
        check_channel_idle(rig, self._cycler, self.sample, *self.sound_V())

    def do_at_temperature(self, step: Step, rig: Rig) -> None:
        running = CyclerRun(rig, self._cycler, self.sample, self.watch)
        running.run(self.schedule(), self.schedule_seconds(), self._after)


def spans_break(rows: Mapping[str, np.ndarray]) -> bool:
    return bool(np.any(rows["attempt"] > 1))
