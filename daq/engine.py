"""The run: a small state machine that goes from step to step, and ends safely whatever happens.

Here it runs in the process of whoever started it; a host process of its own can drive the same `Engine`.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass

from daq.bench import Bench
from daq.calendar_watch import CalendarWatch, jump_text
from daq.contracts import Columns, Experiment, Outcome, Reason, Snapshot, Step, Value
from daq.control import RunControl
from daq.disk_watch import DiskWatch
from daq.errors import CellrigError, LimitBroken, Stopped, StorageError
from daq.interlock import Interlock
from daq.interlock_watch import InterlockWatch, Trip
from daq.monitor import Monitor, tell_trace
from daq.overseer import Overseer
from daq.run_interlocks import interlocks_of_run
from daq.runfile.reader import RunFile
from daq.runfile.schema import INTERLOCKS
from daq.runfile.writer import RunWriter
from daq.safety import SafeOutcome, make_all_safe
from daq.step_runner import StepRunner

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Progress:
    """Where a run is. `remaining_s` is bench time; None before the first estimate."""

    step: int
    steps: int
    title: str
    text: str
    following: str
    remaining_s: float | None
    bench_s: float


@dataclass(frozen=True)
class RunEnd:
    """`cut_short`: make safe now was asked for, and nothing was done after it.

    `hung`: a step is still held up in a driver; this process had better end.
    """

    outcome: Outcome
    reason: str
    safety: tuple[SafeOutcome, ...]
    cut_short: bool = False
    hung: bool = False


class Engine:
    """Runs one experiment on a connected bench into one run file. `run` is called once.

    Left out, `interlocks` are those of the bench: its file's, its drivers' limits, silence.
    """

    def __init__(
        self,
        bench: Bench,
        experiment: Experiment,
        writer: RunWriter,
        control: RunControl,
        *,
        t_offset_s: float = 0.0,
        on_progress: Callable[[Progress], None] | None = None,
        interlocks: Sequence[Interlock] | None = None,
        on_event: Callable[[str, str, str], None] = lambda source, level, text: None,
    ) -> None:
        self._bench = bench
        self._experiment = experiment
        self._writer = writer
        self._control = control
        self._clock = bench.clock
        self._origin_s = bench.clock.monotonic() - t_offset_s
        self._on_progress = on_progress
        self._on_event = on_event
        self._steps: Sequence[Step] = experiment.steps()
        self._estimate: Mapping[str, float] = experiment.estimate()
        self._index = 0
        self._step_began_s = 0.0
        self._text = ""
        self._is_fresh = t_offset_s == 0
        found = interlocks_of_run(bench, streams=experiment.streams) if interlocks is None else interlocks
        self._interlocks = InterlockWatch(
            found, bench.clock, control, self.tell, self._origin_s, self._keep_trips, self._trips_before()
        )
        self._monitor = Monitor(
            bench.instruments,
            bench.clock,
            control,
            self._record_reading,
            self.tell,
            self._interlocks,
            self._record_readings,
        )
        self._overseer = Overseer(bench, control, self._monitor, self._interlocks, writer.path, self.tell)
        self._runner = StepRunner(
            bench, experiment, writer, control, self._monitor, self._interlocks, self._overseer, self
        )
        self._disk = DiskWatch(
            writer.path,
            self.tell,
            control.break_off,
            remaining_s=self._remaining_wall_s,
            keep_lock=writer.keep_lock,
        )
        self._calendar = CalendarWatch(bench.clock, self._calendar_jumped)

    # ------------------------------------------------------------ the run
    def run(self) -> RunEnd:
        """Steps, then safety, then analysis; the outcome is the last thing written."""
        with self._clock.attached():
            outcome, reason = self._as_written(*self._guarded())
            self.tell("engine", "info" if outcome == "finished" else "warning", f"the run is {outcome}: {reason}")
            if outcome == "failed":
                for instrument in self._bench.instruments.values():
                    tell_trace(instrument, self.tell)
            safety = self._make_safe(outcome)
            if self._overseer.is_back():  # a step that hung has acted once more since
                safety = self._make_safe(outcome)
            self._monitor.stop()
            if not self._control.urgent:
                self._analyse()
            self._disk.stop()
            outcome, reason = self._close(outcome, reason)
            return RunEnd(outcome, reason, tuple(safety), self._control.urgent, self._overseer.is_hung)

    def _guarded(self) -> tuple[Outcome, str]:
        try:
            self._disk.start()
            self._begin()
            for index, step in enumerate(self._steps):
                self._index = index
                self._runner.run(step, f"step {index + 1} of {len(self._steps)}")
        except Stopped as stop:
            return "stopped", str(stop)
        except CellrigError as error:
            return "failed", str(error)
        except Exception as error:  # the wall around a run: whatever it was, the bench is made safe
            log.exception("the run failed")
            self.tell("engine", "error", traceback.format_exc(limit=-4))
            return "failed", f"a bug in cellrig or a driver: {error!r}"
        return "finished", "all steps done"

    def _begin(self) -> None:
        """Every instrument read once. Raises LimitBroken when a new run would begin beyond a limit."""
        self._monitor.start()
        self._overseer.look()
        broken = self._interlocks.broken()
        if broken and self._is_fresh:
            raise LimitBroken("interlock", f"not started, a limit is passed already: {'; '.join(broken)}")
        self._interlocks.arm()

    def _as_written(self, outcome: Outcome, reason: str) -> tuple[Outcome, str]:
        """A run whose rows are not on the disk has failed, whatever its steps say."""
        try:
            self._writer.flush()
            failure = self._writer.failure
        except StorageError as error:
            failure = error
        return (outcome, reason) if failure is None else ("failed", str(failure))

    def _close(self, outcome: Outcome, reason: str) -> tuple[Outcome, str]:
        """The outcome as it stands in the file. Where not even that could be written, the run reads as interrupted."""
        with suppress(StorageError):
            self._calendar.look()  # it may have jumped since the last reading
        try:
            return self._writer.close(outcome, reason, self.t_s)
        except StorageError as error:
            log.error("the end of the run could not be written: %s", error)
            return "failed", f"{reason}; and its end could not be written: {error}"

    def step_begins(self) -> None:
        self._step_began_s = self.t_s
        self.progress("")

    def _make_safe(self, outcome: Outcome) -> list[SafeOutcome]:
        reasons: dict[Outcome, Reason] = {"finished": "finished", "stopped": "stopped"}
        outcomes = make_all_safe(self._bench.instruments, self._clock, reasons.get(outcome, "failed"))
        for one in outcomes:
            self.tell(one.instrument, "info" if one.verified else "error", f"made safe: {one.text}")
            if not one.verified:
                tell_trace(self._bench.instruments[one.instrument], self.tell)
        return outcomes

    def _analyse(self) -> None:
        """Results, if there are any. Whatever goes wrong here, the run still gets its end."""
        try:
            self._writer.flush()
            with RunFile.open(self._writer.path) as run:
                results = self._experiment.analyse(run)
            self._writer.replace_results(results)
        except CellrigError as error:
            self.tell("analysis", "warning", f"no results: {error}")
        except Exception:  # the data are safe on disk; a bug in an analysis must not lose the run's end
            log.exception("the analysis failed")
            self.tell("analysis", "error", f"the analysis failed: {traceback.format_exc(limit=-4)}")

    def latest(self) -> dict[str, tuple[float, Snapshot]]:
        """The last reading of each instrument that has one, with the age of it in wall seconds."""
        found = {name: watch.latest() for name, watch in self._monitor.watches.items()}
        now = self.t_s
        return {name: ((now - one[0]) / self._clock.speed, one[1]) for name, one in found.items() if one is not None}

    def alerts(self) -> list[str]:
        """The interlocks that have tripped and not cleared, in words."""
        return self._interlocks.tripped()

    def _trips_before(self) -> list[Trip]:
        """Of the attempts before a resume; what had not cleared then is looked at anew."""
        return [Trip(**one) for one in self._writer.recall(INTERLOCKS, [])]

    def _keep_trips(self, trips: Sequence[Trip]) -> None:
        try:
            self._writer.remember(INTERLOCKS, [asdict(one) for one in trips])
        except StorageError:
            log.exception("the interlocks that tripped could not be written")

    # ------------------------------------------------------------ what the rig and the monitor call
    @property
    def t_s(self) -> float:
        """Bench seconds since the start of the run."""
        return self._clock.monotonic() - self._origin_s

    def tell(self, source: str, level: str, text: str) -> None:
        """An event. A disk that refuses even this must not keep the instruments from being made safe."""
        try:
            self._writer.event(self.t_s, level, source, text)
        except StorageError:
            log.exception("an event could not be written: %s: %s", source, text)
        self._on_event(source, level, text)

    def progress(self, text: str, done_s: float | None = None) -> None:
        self._text = text
        if done_s is not None:  # a schedule that was found again: it did not begin with this attempt
            self._step_began_s = self.t_s - done_s
        if self._on_progress is None:
            return
        following = self._steps[self._index + 1].title if self._index + 1 < len(self._steps) else "the end"
        self._on_progress(
            Progress(
                self._index + 1,
                len(self._steps),
                self._steps[self._index].title,
                text,
                following,
                self._remaining_s(),
                self.t_s,
            )
        )

    def _remaining_s(self) -> float:
        """From the plan's estimate; what the present step has used already is taken off."""
        ahead = sum(self._estimate.get(step.key, 0.0) for step in self._steps[self._index + 1 :])
        now = self._estimate.get(self._steps[self._index].key, 0.0)
        return ahead + max(0.0, now - (self.t_s - self._step_began_s))

    def _remaining_wall_s(self) -> float | None:
        """In the wall's seconds; nothing in virtual time."""
        return self._remaining_s() / self._clock.speed if self._steps else None

    @property
    def disk_full_in_s(self) -> float | None:
        """Wall seconds until the disk is full at its present rate; None when it does not fill."""
        return self._disk.full_in_s

    def notes(self) -> list[str]:
        """What somebody should know of while nothing is wrong yet, in words."""
        return [words] if (words := self._disk.words) else []

    def _calendar_jumped(self, unix: float, ahead_s: float) -> None:
        self._writer.anchor(self.t_s, unix, "clock jumped")
        self.tell("engine", "warning", jump_text(ahead_s))

    def _record_reading(self, stream: str, values: Mapping[str, Value]) -> float:
        self._calendar.look()
        t_s, step = self.t_s, self._key
        self._writer.record(stream, step, self._writer.attempt_of(step), t_s, values)
        return t_s

    def _record_readings(self, stream: str, times_s: Sequence[float], columns: Columns) -> Sequence[float]:
        t_s, step = [one - self._origin_s for one in times_s], self._key
        self._writer.record_many(stream, step, self._writer.attempt_of(step), t_s, columns)
        return t_s

    @property
    def _key(self) -> str:
        """Of the step that is underway."""
        return self._steps[self._index].key if self._steps else ""
