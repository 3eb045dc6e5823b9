"""Schedules on a cycler, one for each cell: all started, then looked at in turn until every one has ended."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from daq.contracts import Patient, Rig, RunReader
from daq.errors import BadInput, BadReply, InstrumentError, InstrumentLost, StepFailed, Stopped
from drivers.roles import BatteryCycler, OperatorRunCycler, StopsMany
from procedures.cells_told import end_before, keep_cells, told_of_many, told_of_one
from procedures.cycled_cell import FAILED, NOT_ENDED, RUNNING, CellEnd, CellJob, CycledCell
from procedures.operator_run import LOOK_S, waits_for
from procedures.parameters import choice

MOST_POLLS = 400  # a poll costs the cycler a look at its file
LEAST_POLL_S, LIVE_POLL_S, MOST_POLL_S = 10.0, 60.0, 7200.0  # nobody looks on in virtual time
LOOKS_AFTER_STOP = 6
GO_ON, FAIL = "the others go on", "the run fails"


def cell_failure_choice() -> Any:
    """The parameter of whoever runs several cells."""
    return choice("When one of several cells does not end well", choices=(GO_ON, FAIL))


def last_records(run: RunReader) -> dict[int, int]:
    """By channel, the cursor of the latest record that the run has."""
    rows = run.table("cycling", columns=("channel", "record"))
    return {int(one): int(np.max(rows["record"][rows["channel"] == one])) for one in np.unique(rows["channel"])}


LOOK_FIRST = "; look at the cell, and at the plan's voltages, before it is cycled on"


class CyclerRun:
    """`run` returns when all schedules have ended. Losing this process stops none: they are attached to again.

    Of several cells, one that fails is told and the others go on. On an operator-run cycler it waits until a person has
    started the channels, and tells the person where it would stop.
    """

    def __init__(self, rig: Rig, cycler: BatteryCycler | OperatorRunCycler, watch: Callable[[Rig], None]) -> None:
        self._rig = rig
        self._cycler = cycler
        self._watch = watch
        self._is_by_operator = isinstance(cycler, OperatorRunCycler)

    def run(self, jobs: Sequence[CellJob], cell_failure: str = GO_ON) -> None:
        """Raises StepFailed when all cells failed, or one of several did and `cell_failure` says that the run fails."""
        rig = self._rig
        self._jobs = jobs
        self._is_alone = len(jobs) == 1
        self._cells = [CycledCell(rig, self._cycler, one, self._is_alone) for one in jobs]
        for cell in [] if self._is_alone else self._cells:
            cell.end = end_before(rig, cell)
        self._active = [one for one in self._cells if one.end is None]
        is_virtual = rig.clock.speed == math.inf
        longest_s = max(one.seconds for one in jobs)
        poll_s = float(np.clip(longest_s / MOST_POLLS, LEAST_POLL_S, MOST_POLL_S if is_virtual else LIVE_POLL_S))
        try:
            self._begin()
            self._active = [one for one in self._active if one.end is None]
            rig.sampling(self._cycler.name, max(poll_s, self._cycler.monitor_interval_s))
            while self._active:
                self._look_at_all()
                if self._active:
                    self._watch(rig)
                    rig.wait(poll_s)
        except (Stopped, StepFailed) as why:
            self._stop_all("the run fails" if isinstance(why, StepFailed) else "the run is stopped")
            raise
        self._judge_cells(cell_failure)

    # ------------------------------------------------------------ starting
    def _begin(self) -> None:
        """All of them; an operator-run cycler's wait for a person."""
        waiting = list(self._active)
        while True:
            for cell in list(waiting):
                if not self._is_alone:
                    self._rig.check()
                    self._rig.progress(f"starts {cell.sample.label} on channel {cell.sample.channel}")
                if self._unless_it_fails(cell, cell.begin) is not False:
                    waiting.remove(cell)
            if not waiting:
                return
            jobs = [one for one in self._jobs if one.sample in [cell.sample for cell in waiting]]
            self._rig.progress(waits_for([one.sample for one in jobs], [one.schedule for one in jobs]))
            self._watch(self._rig)
            self._rig.wait(LOOK_S)

    def _unless_it_fails(self, cell: CycledCell, do: Callable[[], bool]) -> bool | None:
        """What it returns; None where it failed, and the others go on. A lost cycler is no matter of one cell."""
        try:
            return do()
        except InstrumentLost:
            raise
        except (InstrumentError, BadInput) as error:
            if self._is_alone:
                raise
            self._ended(cell, CellEnd(FAILED, str(error)))
            return None

    # ------------------------------------------------------------ looking
    def _look_at_all(self) -> None:
        """Once at each. Where the cycler does not answer the others wait too, and are the first ones next time."""
        for place, cell in enumerate(list(self._active)):
            if not self._is_alone:
                self._rig.check()
            heard = self._unless_it_fails(cell, lambda cell=cell: self._look(cell))
            if heard is False:
                self._active = self._active[place + 1 :] + self._active[: place + 1]
                break
        self._active = [one for one in self._active if one.end is None]
        self._tell()

    def _look(self, cell: CycledCell) -> bool:
        """Whether it could be asked. Its judge may end it."""
        while True:
            cell.hear_person()
            try:
                status = cell.look()
            except (InstrumentLost, BadReply) as error:
                self._silent(cell, error)
                return False
            self._heard(cell)
            if not (cell.why and status.state in RUNNING and cell.stop(cell.why)):
                break
        if status.state not in NOT_ENDED:
            self._ended(cell, CellEnd(FAILED, cell.fault) if cell.fault else CellEnd(status.state, status.text))
        return True

    def _silent(self, cell: CycledCell, error: InstrumentError) -> None:
        """The cycler runs on by itself, and keeps its records: a run waits for it as long as the driver's patience."""
        rig, name = self._rig, self._cycler.name
        if all(one.silent_since_s is None for one in self._cells):
            rig.log(f"{error}; trying again", "warning")
        if cell.silent_since_s is None:
            cell.silent_since_s = rig.t_s
        gap_s = rig.t_s - cell.silent_since_s
        if gap_s < (self._cycler.lost_after_s if isinstance(self._cycler, Patient) else 0.0):
            return
        text = f"gave no records for {gap_s:.0f} s ({error})"
        if any(one.heard_s > cell.silent_since_s for one in self._cells):
            self._ended(cell, CellEnd(FAILED, f"{name} {text}"))
            return
        raise InstrumentLost(name, text) from error

    def _heard(self, cell: CycledCell) -> None:
        if cell.silent_since_s is not None:
            gap_s = self._rig.t_s - cell.silent_since_s
            cell.silent_since_s = None
            if all(one.silent_since_s is None for one in self._cells):
                self._rig.log(f"{self._cycler.name} answers again after {gap_s:.0f} s; its records are fetched")

    # ------------------------------------------------------------ ending
    def _ended(self, cell: CycledCell, end: CellEnd) -> None:
        cell.end, cell.silent_since_s = end, None
        level = "info" if end.state == "finished" else "error" if end.state == FAILED else "warning"
        says = f"{self._cycler.name} says {end.state}{': ' + end.text if end.text else ''}"
        if self._is_alone:
            self._rig.log(says, level)
            return
        is_last = all(one.end is not None for one in self._cells)
        says = f"failed: {end.text}" if end.state == FAILED else says
        goes_on = "" if is_last or end.state == "finished" else "; the other cells go on"
        self._rig.log(f"{cell.sample.label}, channel {cell.sample.channel}: {says}{goes_on}", level)
        keep_cells(self._rig, self._cells)

    def _stop_all(self, why: str) -> None:
        """Those that were started and run. Whatever one of them does, all are tried; then their last records come."""
        begun = [one for one in self._active if one.ref is not None and one.end is None]
        if self._is_alone:
            for cell in begun:
                cell.stop(why)
        elif isinstance(self._cycler, StopsMany):
            refs = [one.ref for one in begun if one.ref is not None and one.may_stop()]
            self._rig.log(f"{len(refs)} schedules are stopped: {why}", "warning")
            for problem in self._cycler.stop_all(refs):
                self._rig.log(str(problem), "error")
        else:
            for cell in begun:
                try:
                    cell.stop(why)
                except InstrumentError as error:  # made safe, and verified, when the run ends
                    self._rig.log(f"{cell.sample.label}: {error}", "error")
        self._fetch_the_last(begun)

    def _fetch_the_last(self, cells: Sequence[CycledCell]) -> None:
        """After a stop: a cycler counts as running until its records are there. Nobody waits for long.

        One that only a person can stop runs on: what is there now is fetched, once.
        """
        left = list(cells)
        looks = 1 if isinstance(self._cycler, OperatorRunCycler) else LOOKS_AFTER_STOP
        for number in range(looks):
            if number:
                self._rig.clock.sleep(LEAST_POLL_S)
            for cell in list(left):
                try:
                    status = cell.look()
                except InstrumentError as error:
                    self._rig.log(f"its last records are not here: {error}", "warning")
                    left.remove(cell)
                    continue
                if status.state != "running":
                    left.remove(cell)
            if not left:
                return

    def _judge_cells(self, cell_failure: str) -> None:
        if self._is_alone:
            self._judge_alone(self._cells[0])
            return
        ended = [(one, one.end) for one in self._cells if one.end is not None]
        if all(end.state == FAILED for _, end in ended):
            raise StepFailed("; ".join(f"{one.sample.label}: {end.text}" for one, end in ended))
        unlike = [f"{one.sample.label} {end.state}" for one, end in ended if not _is_well(one, end)]
        if cell_failure == FAIL and unlike:
            raise StepFailed(f"not all cells ended well: {', '.join(unlike)}")

    def _judge_alone(self, cell: CycledCell) -> None:
        """A schedule that did not come to its end is no finished run, whoever ended it."""
        if cell.fault:
            raise StepFailed(cell.fault)
        if cell.end is not None and not _is_well(cell, cell.end):
            told = f" ({cell.end.text})" if cell.end.text else ""
            text = f"its schedule did not come to its end: {self._cycler.name} says {cell.end.state}{told}"
            look = "; look at the cell, and at the plan's voltages, before it is cycled on" * (
                cell.end.state == "protected"
            )
            raise StepFailed(f"{text}; what was measured until then is kept and analysed{look}")

    # ------------------------------------------------------------ telling
    def _tell(self) -> None:
        if not self._is_alone:
            keep_cells(self._rig, self._cells)
            self._rig.progress(told_of_many(self._cells, self._is_by_operator), self._done_s())
            return
        for status in [one.status for one in self._active if one.status is not None]:
            self._rig.progress(told_of_one(status, self._is_by_operator), self._done_s())

    def _done_s(self) -> float:
        """Of the longest schedule, as it was estimated: since the first cell began."""
        begun = [one.began_s for one in self._cells if one.ref is not None]
        return self._rig.t_s - min(begun, default=self._rig.t_s)


def _is_well(cell: CycledCell, end: CellEnd) -> bool:
    return end.state == "finished" or (end.state == "stopped" and bool(cell.why))
