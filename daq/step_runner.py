"""One step, from its first attempt to its end: journalled, taken up again after a pause or a loss."""

from __future__ import annotations

from contextlib import suppress

from daq.bench import Bench
from daq.contracts import Experiment, Step
from daq.control import RunControl
from daq.errors import InstrumentLost, StepFailed, StepPaused, StepSkipped, Stopped
from daq.interlock_watch import InterlockWatch
from daq.monitor import Monitor
from daq.overseer import Overseer
from daq.pauses import Pauses
from daq.rig import EngineRig, RunState
from daq.runfile.reader import RunFile
from daq.runfile.writer import RunWriter
from daq.step_thread import StepLife

MOST_LOSSES = 2  # an instrument that is lost more often than that within one step ends the run


class StepRunner:
    """Belongs to one run; `state` is its engine."""

    def __init__(
        self,
        bench: Bench,
        experiment: Experiment,
        writer: RunWriter,
        control: RunControl,
        monitor: Monitor,
        interlocks: InterlockWatch,
        overseer: Overseer,
        state: RunState,
    ) -> None:
        self._bench = bench
        self._experiment = experiment
        self._writer = writer
        self._control = control
        self._monitor = monitor
        self._interlocks = interlocks
        self._overseer = overseer
        self._state = state

    def run(self, step: Step, which: str) -> None:
        """A step until it is done: taken up again after an interlock has cleared, or a lost instrument is back."""
        lost_times = 0
        pauses = Pauses(step.after_break)
        while True:
            try:
                self._control.wait_while_paused()
                self._overseer.wait_while_held()
                return self._attempt(step, which)
            except StepPaused:
                pauses.count(self._control.holds, self._monitor.furnaces_C())
                self._wait_out_holds()
            except InstrumentLost as lost:
                lost_times += 1
                self._wait_for_answer(step, lost, lost_times)
            self._recover()

    def _recover(self) -> None:
        """As after a resume: what is left of a charge, which records are there already, stands in the record."""
        self._writer.flush()
        with RunFile.open(self._writer.path) as run:
            self._experiment.recover(run)

    def _attempt(self, step: Step, which: str) -> None:
        state = self._writer.step_states().get(step.key)
        if state in ("finished", "skipped"):
            return
        if state == "broken" and step.after_break == "end":
            self._state.tell("engine", "warning", f"{step.title}: was broken off; it ends with what it has")
            self._writer.mark_step(step.key, "skipped", self._state.t_s)
            return
        attempt = self._writer.begin_step(step.key, self._state.t_s)
        self._state.step_begins()
        again = f" (attempt {attempt})" if attempt > 1 else ""
        self._state.tell("engine", "info", f"{which}: {step.title}{again}")
        state = "failed"
        try:
            self._work(step, attempt)
            state = "finished"
        except StepSkipped as skipped:
            state = "skipped"
            self._state.tell("engine", "warning", f"{which}: {skipped}")
        except (Stopped, StepPaused, InstrumentLost):
            state = "broken"
            raise
        except StepFailed as error:
            raise StepFailed(f"{step.title}: {error}") from error
        finally:
            self._writer.end_step(step.key, attempt, state, self._state.t_s)

    def _work(self, step: Step, attempt: int) -> None:
        self._interlocks.begin_step()
        life = StepLife(self._bench.clock)
        rig = EngineRig(
            self._bench,
            self._monitor,
            self._control,
            self._writer,
            self._state,
            step.key,
            attempt,
            self._interlocks,
            life,
        )
        self._overseer.run(lambda: self._experiment.run_step(step, rig), step.title, life)
        with suppress(StepPaused):  # it is done; what holds the run holds it before the next one
            self._control.check()

    def _wait_out_holds(self) -> None:
        texts = "; ".join(one.text for one in self._control.holds)
        self._state.progress(f"waits: {texts}")
        self._overseer.hold_furnaces()
        began_s = self._state.t_s
        self._overseer.wait_while_held()
        self._state.tell("engine", "info", f"goes on after {self._state.t_s - began_s:.0f} s of waiting")

    def _wait_for_answer(self, step: Step, lost: InstrumentLost, times: int) -> None:
        """Raises `lost` when it may not or can't be waited for, and whatever ends the run meanwhile."""
        self._control.check_end()
        if times > MOST_LOSSES:
            self._writer.mark_step(step.key, "failed", self._state.t_s)
            raise lost
        self._state.tell(lost.instrument, "warning", f"{step.title}: {lost}; the run waits for it to answer")
        self._state.progress(f"waits for {lost.instrument} to answer")
        try:
            self._overseer.wait_for_answer(lost)
        except InstrumentLost:
            self._writer.mark_step(step.key, "failed", self._state.t_s)
            raise
