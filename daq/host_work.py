"""What a host does: entries of the queue one after the other, and between them whatever a person asks for by hand."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from daq import plugins, untold
from daq.bench import Bench, BenchConfig, build_bench, is_virtual
from daq.bench_lock import bench_folder
from daq.clock import ScaledClock, SystemClock, wall_unix
from daq.control import Control, RunControl
from daq.disk import free_if_told
from daq.engine import Engine, Progress
from daq.entry_runs import as_table, safe_text, state_of
from daq.errors import BadInput, BenchBusy, BenchChanged, CellrigError, StorageError
from daq.frozen_plan import bench_now, check_same_bench, thaw
from daq.guard_words import broken_off
from daq.host_keeping import HostKeeping
from daq.host_note import QUEUE
from daq.idle_bench import IdleBench
from daq.in_time import Hangs
from daq.interlock_watch import SOURCE as INTERLOCK
from daq.interruption import after_a_death, is_interrupted
from daq.notifier import notifier_of
from daq.notify_table import Kind
from daq.plan_files import PlanFiles
from daq.run_now import RunNow
from daq.run_queue import Entry, RunQueue, State
from daq.run_reports import RunReports
from daq.runner import WORLD, Ended, Watcher, resume_run, run_plan
from daq.tests_left import refuse_beside_tests

log = logging.getLogger(__name__)
LOOK_S = 1.0  # the queue is looked at as often, when nobody says that it has changed


class HostWork:
    """Threads: one works (`run_queue`, `run_entry`); any other may ask.

    `on_hung` is called when a run has ended that left a driver hanging in this process.
    """

    def __init__(
        self, config: BenchConfig, runs_folder: Path, queue: RunQueue, on_hung: Callable[[], None] = lambda: None
    ) -> None:
        self.config = config
        self._runs_folder = runs_folder
        self._queue = queue
        self._on_hung = on_hung
        self._virtual = is_virtual(config)
        self._known = {
            name: {"driver": table.driver, "role": _role(table.driver)}
            for name, table in config.model.instruments.items()
        }
        self._idle = IdleBench(self._make_bench)
        self._mutex = threading.Lock()  # between a run that begins and somebody who works by hand
        self._changed = threading.Event()
        self._run: RunNow | None = None
        self._entry: Entry | None = None
        self._owed: tuple[int, State, str] | None = None
        self._stop_asked = ""
        self._safe = ""
        self._notifier = notifier_of(config, self._message_sent)
        self.reports = RunReports()
        self.keeping = HostKeeping(config, self._make_bench, partial(self._notifier.tell, "operator"))

    # ------------------------------------------------------------ the queue
    def run_queue(self, ending: threading.Event) -> None:
        """Entry after entry, until `ending` is set; what a host before this one left unfinished comes first."""
        after_a_death(self._queue, self.config.model.queue.after_interruption)
        self._clean_files()
        if self._queue.held:
            self._notifier.tell("operator", f"the queue is held: {self._queue.held}")
        while not ending.is_set():
            self._changed.clear()
            entry = self._next()
            if entry is None:
                self._changed.wait(LOOK_S)
                self._idle_a_while()
            else:
                self._do(entry)

    def _idle_a_while(self) -> None:
        with self._mutex:
            try:
                self.keeping.look(self._idle)
            except Hangs as error:  # the guard has drivers that do not
                log.error("%s", error)
                self._on_hung()
            self._idle.sample()

    def run_entry(self, number: int) -> None:
        """This one direct entry. Does nothing when it is not there any more."""
        entry = self._queue.take(number)
        if entry is not None:
            self._do(entry)

    def close(self) -> None:
        """What is owed to nobody but a reader, the reports, is finished when the bench is let go of."""
        self._idle.close()
        self.reports.close()
        self._notifier.close()

    def _next(self) -> Entry | None:
        """Nothing begins while the queue's disk is full: the bench stays watched, and the host alive."""
        try:
            self._settle()
            return None if self._queue.held else self._queue.take()
        except StorageError as error:
            log.error("%s", error)
            return None

    def _settle(self) -> None:
        """How the last entry ended is written, now or as soon as there is room. Raises StorageError."""
        if self._owed is not None:
            self._queue.end(*self._owed)
            self._owed = None
            self._clean_files()

    def _clean_files(self) -> None:
        PlanFiles(bench_folder(self.config)).clean(self._queue.files)

    def _do(self, entry: Entry) -> None:
        with self._mutex:
            self._idle.close()
            self._entry = entry
            self._safe, self._stop_asked = "", ""
        state: State = "failed"
        note = ""
        ended: list[Ended] = []
        try:
            ended = self._work(entry)
            state, note = state_of(ended[-1].end.outcome), ended[-1].end.reason
        except BenchChanged as error:
            state, note = "held", str(error)
        except CellrigError as error:
            state, note = "refused", str(error)
        except Exception as error:  # the host outlives a bug in one entry: the next has a right to its turn
            log.exception("entry %s failed", entry.id)
            note = f"a bug in cellrig: {error!r}"
        finally:
            self._tell_end(entry, state, note)
            self._run = None
            self._owed = (entry.id, state, note)
            try:
                self._settle()
            except StorageError as error:  # the run itself says the same; the host must live on
                log.error("how entry %s ended is not written yet: %s", entry.id, error)
            with self._mutex:
                self._entry = None
        if state in ("failed", "refused") and self.config.model.queue.after_failure == "hold":
            with suppress(StorageError):  # a full disk holds up the queue by itself
                self._queue.hold_all(f"entry {entry.id} {state}: {note}")
        if any(one.end.hung for one in ended):
            self._notifier.close()
            self._on_hung()

    def _work(self, entry: Entry) -> list[Ended]:
        watcher = Watcher(
            on_start=self._started, on_progress=self._progress, on_engine=self._engine, on_event=self._heard
        )
        if entry.kind == "resume":
            ended = [resume_run(Path(entry.work["path"]), watcher, entry.work.get("down_for_s"), held=True)]
        else:
            now = bench_now(self.config)
            try:
                check_same_bench(entry.work, now)
            except BadInput as error:
                raise BenchChanged(error.problem, place=error.place, allowed=error.allowed) from error
            self._refuse_beside_tests()
            ended = run_plan(thaw(entry.work, now), Path(entry.work["runs_folder"]), watcher, held=True)
        self._safe = safe_text(ended[-1].end.safety)
        for one in ended:
            table = as_table(one)
            self._note_run(entry.id, table)
            if not (one.end.cut_short or one.end.hung):
                self.reports.make(one.path, partial(self._report_made, entry.id, table))
        return ended

    def _report_made(self, number: int, table: Mapping[str, Any], page: Path) -> None:
        self._note_run(number, {**table, "report": str(page)})

    def _note_run(self, number: int, table: Mapping[str, Any]) -> None:
        with suppress(StorageError, BadInput):  # the run's own file says how it ended; an old entry may be forgotten
            self._queue.add_run(number, table)

    def _refuse_beside_tests(self) -> None:
        if self._virtual:  # its cycler exists within its run only
            return
        left = broken_off(bench_folder(self.config) / QUEUE)
        bench = self._make_bench()
        try:
            refuse_beside_tests(bench, left if left is not None and is_interrupted(left) else None)
        finally:
            bench.close()

    def _started(self, path: Path, control: Control) -> None:
        assert self._entry is not None
        assert isinstance(control, RunControl)
        self.keeping.drop()
        self._queue.add_run(self._entry.id, {"path": str(path), "outcome": "running"})
        self._run = RunNow.of(path, control)
        if self._stop_asked:
            control.stop(self._stop_asked)

    def _heard(self, source: str, level: str, text: str) -> None:
        """What somebody who is not there should know of: interlocks, and what was not made safe."""
        if source == INTERLOCK:
            self._notifier.tell("interlock", text)
        elif level == "error" and "look at it" in text:
            self._notifier.tell("operator", f"{source}: {text}")

    def _message_sent(self, problems: Sequence[str]) -> None:
        """One that got to nobody is an event of the run in progress, and in the status until another gets through."""
        run = self._run
        if run is not None and run.engine is not None:
            for text in problems:
                run.engine.tell("messages", "warning", text)
        untold.keep(self.config, problems)

    def _tell_end(self, entry: Entry, state: State, note: str) -> None:
        kinds: Mapping[State, Kind] = {"finished": "finished", "stopped": "stopped", "held": "operator"}
        path = self._run.path.name if self._run is not None else f"{entry.title} of {entry.sample}"
        self._notifier.tell(kinds.get(state, "failed"), f"{path}: {note}")

    def _engine(self, engine: Engine) -> None:
        if self._run is not None:
            self._run.began(engine)

    def _progress(self, progress: Progress) -> None:
        if self._run is not None:
            self._run.progress = progress

    def _make_bench(self) -> Bench:
        if self._virtual:
            raise BadInput(
                "its instruments exist in virtual time, only within a run",
                place=self.config.place,
                allowed="a `speed` in the bench file makes it run in real time",
            )
        speed = self.config.model.bench.speed
        clock = SystemClock() if speed is None else ScaledClock(speed, wall_unix())
        return build_bench(self.config, clock, bench_folder(self.config) / WORLD)

    # ------------------------------------------------------------ what may be asked
    @property
    def busy(self) -> bool:
        return self._entry is not None

    def look(self) -> bool:
        """The queue has changed."""
        self._changed.set()
        return True

    def end(self) -> None:
        self.stop("the bench host was told to end")
        self._changed.set()

    def stop(self, why: str = "stopped by the user") -> str:
        """Stop the run in order; says so when nothing runs."""
        if not self.busy:
            return "nothing runs"
        self._stop_asked = why
        if self._run is not None:
            self._run.control.stop(why)
        return "the step is left, the instruments are made safe, what is there is analysed"

    def make_safe(self) -> str:
        """Make the bench safe now: a run in progress ends at once, an idle bench is opened for it."""
        if self.busy:
            self._stop_asked = "make safe now, asked for by the user"
            if self._run is not None:
                self._run.control.make_safe_now()
            return "the run is ended, the instruments are being made safe"
        with self._mutex:
            if self._virtual:
                return "nothing runs, and this bench exists only within its runs"
            self._safe = safe_text(self._idle.make_safe())
        return self._safe

    def pause(self, on: bool) -> str:
        control = self._control()
        if on:
            control.pause()
            return "it pauses when this step is over"
        control.go_on()
        return "it goes on"

    def skip(self) -> str:
        self._control().skip_step()
        return "the step is left, the next one begins"

    def connect(self, instrument: str, on: bool) -> str:
        with self._by_hand():
            self._idle.connect(instrument, on)
        return f"{instrument} is {'connected' if on else 'let go'}"

    def manual(self, instrument: str, command: str, values: Mapping[str, Any]) -> str:
        with self._by_hand():
            return f"{instrument}: {self._idle.manual(instrument, command, values)}"

    def status(self) -> dict[str, Any]:
        """JSON: state, run, entry, instruments, disk, what is wrong or should be known, whether the bench is safe."""
        run, entry = self._run, self._entry
        state = run.state if run is not None else "starting" if entry is not None else "idle"
        return {
            "bench": self.config.name,
            "place": self.config.place,
            "state": state,
            "run": None if run is None else run.as_table(),
            "entry": None if entry is None else entry.id,
            "instruments": self._instruments(run),
            "runs_folder": str(self._runs_folder.absolute()),
            "disk_free_bytes": free_if_told(self._runs_folder),
            "safe": self._safe,
            "notes": [] if run is None else run.notes(),
            "speed": self.config.model.bench.speed,
        }

    def _instruments(self, run: RunNow | None) -> list[dict[str, Any]]:
        live = self._idle.states() if run is None else run.readings()
        empty = {"identity": "", "connected": False, "values": {}, "faults": [], "age_s": None}
        return [{"name": name, **known, **empty, **live.get(name, {})} for name, known in self._known.items()]

    @contextmanager
    def _by_hand(self) -> Iterator[None]:
        """Within it no run begins. Raises BenchBusy while one is in progress."""
        with self._mutex:
            if self.busy:
                raise BenchBusy("a run owns the bench; stop it first", place=self.config.place)
            yield

    def _control(self) -> RunControl:
        if self._run is None:
            raise BadInput("nothing runs", place=self.config.place)
        return self._run.control


def _role(driver: str) -> str:
    return str(getattr(plugins.load(plugins.DRIVERS, driver, "bench"), "role", ""))
