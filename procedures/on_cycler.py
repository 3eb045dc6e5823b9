"""An experiment that is one schedule, at a temperature: on a cycler, or run by this computer where there is none."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import cast

from daq.bench import Bench
from daq.contracts import Rig, RunReader, Step
from daq.sample import Sample
from drivers.roles import BatteryCycler, OperatorRunCycler, Potentiostat
from drivers.schedule import Protection, Schedule, ScheduleStep
from procedures.at_temperature import AtTemperature
from procedures.cycled_cell import CellJob, Judge, lets_run
from procedures.cycler_checks import check_cells, check_channels_idle, check_on_channel, sheets_told
from procedures.cycler_run import CyclerRun, cell_failure_choice, last_records
from procedures.pc_cycling import PcCycling
from procedures.schedule_checks import check_schedule
from procedures.schedule_time import fast_told


class OnCycler(AtTemperature):
    """A subclass gives the schedule's steps, its protection, how long it takes, and what a sound cell shows.

    On a cycler, several samples are cycled together: each on its own channel, with a schedule resolved for it.
    """

    cell_failure: str = cell_failure_choice()

    def __init__(self, **values: object) -> None:
        super().__init__(**values)
        self._after: Mapping[int, int] = {}

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
    def schedule_steps(self, sample: Sample, place: str) -> tuple[ScheduleStep, ...]: ...

    @abstractmethod
    def protection(self, sample: Sample, place: str) -> Protection: ...

    @abstractmethod
    def schedule_seconds(self, sample: Sample) -> float: ...

    @abstractmethod
    def sound_V(self) -> tuple[float, float]:
        """Between which voltages a sound cell rests."""

    def check_of(self, sample: Sample) -> Judge:
        """What else is asked of the first records of a cell: nothing, unless its rest cannot tell."""
        del sample
        return lets_run

    def after_cycle(self, rig: Rig, cycle: int) -> None:
        """Between cycles that this computer runs: nothing, unless a subclass has something to do."""

    def takes_several(self) -> str:
        if self._by_pc is None:
            return ""
        return f"this computer runs the cycles on {self._potentiostat.name}, one cell at a time"

    def schedule(self, sample: Sample | None = None, place: str = "plan") -> Schedule:
        """Of this sample, None: of the first."""
        cell = sample or self.sample
        return Schedule(
            f"{self.procedure_name} {cell.label}", self.schedule_steps(cell, place), self.protection(cell, place)
        )

    def check(self, place: str) -> list[str]:
        warnings = super().check(place)
        if self._by_pc is None:
            warnings += check_cells(
                self._cycler, self.samples, lambda one: self.schedule(one, self.place_of(one, place)), place
            )
            return warnings + self._fast_told(place)
        abilities = self._by_pc.abilities()
        check_on_channel(self.sample, abilities, self._by_pc.name, place)
        schedule = self.schedule(None, place)
        check_schedule(schedule, abilities, self.sample, place)
        return warnings + self._by_pc.check(schedule, place) + self._fast_told(place)

    def _fast_told(self, place: str) -> list[str]:
        return [text for one in self.samples if (text := fast_told(self.schedule(one, place).steps, one))]

    def told(self) -> list[str]:
        return sheets_told(self.samples, self.schedule)

    def measuring_steps(self) -> Sequence[Step]:
        cells = f", {len(self.samples)} cells" if len(self.samples) > 1 else ""
        name = (self._by_pc or self._cycler).name
        return [Step("schedule", f"{self.procedure_name} on {name}{cells}", "continue")]

    def measuring_seconds(self) -> Mapping[str, float]:
        return {"schedule": max(self.schedule_seconds(one) for one in self.samples)}

    def recover(self, run: RunReader) -> None:
        super().recover(run)
        if self._by_pc is not None:
            self._by_pc.recover(run)
        else:
            self._after = last_records(run)

    def before_heating(self, rig: Rig) -> None:
        if self._by_pc is not None:
            self._by_pc.check_sound(rig, *self.sound_V())
        else:
            check_channels_idle(rig, self._cycler, self.samples, *self.sound_V())

    def do_at_temperature(self, step: Step, rig: Rig) -> None:
        if self._by_pc is not None:
            self._by_pc.run(rig, self.schedule(), self.after_cycle)
            return
        jobs = [
            CellJob(one, self.schedule(one), self.schedule_seconds(one), after, check=lets_run if after else check)
            for one in self.samples
            for after, check in [(self._after.get(one.channel, 0), self.check_of(one))]
        ]
        CyclerRun(rig, self._cycler, self.watch).run(jobs, self.cell_failure)
