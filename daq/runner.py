"""From a checked plan to runs on disk, in the process that calls it; and from an interrupted run onwards.

A bench in real time is run by a host process (`daq.host`), which calls the same functions.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from daq.bench import Bench, BenchConfig, build_bench, is_virtual
from daq.bench_lock import bench_folder, bench_lock
from daq.clock import Clock, ScaledClock, SystemClock, wall_unix
from daq.control import Control, RunControl
from daq.disk import check_room, free_bytes
from daq.engine import Engine, Progress, RunEnd
from daq.errors import BadInput, CellrigError
from daq.interlock import InterlockTable
from daq.plan import Plan, Procedure, build_procedure, check_plan
from daq.run_interlocks import check_disk, interlocks_of_run, tables_of_plan
from daq.runfile.reader import RunFile
from daq.runfile.schema import IDENTITIES
from daq.runfile.writer import RunWriter
from daq.sample import sample_table, samples_of
from daq.virtual_clock import VirtualClock

WORLD = "state"  # the simulated world's folder inside a run, in virtual time
PACKAGES = ("cellrig", "pymeasure", "numpy", "scipy", "pydantic")


@dataclass
class Watcher:
    """What the caller wants to know while runs go on. Called in the engine's thread; `on_event`, with source, level
    and text of each line of the log, in any.
    """

    on_start: Callable[[Path, Control], None] = lambda path, control: None
    on_progress: Callable[[Progress], None] | None = None
    on_engine: Callable[[Engine], None] = lambda engine: None
    on_event: Callable[[str, str, str], None] = lambda source, level, text: None


@dataclass(frozen=True)
class Ended:
    """One run that ended. `report`: the page that was made of it already, by the host that it ran in."""

    path: Path
    end: RunEnd
    report: Path | None = None


def run_plan(plan: Plan, runs_folder: Path, watcher: Watcher, *, held: bool = False) -> list[Ended]:
    """Every run of the plan, one after the other; the first that does not finish, or leaves an instrument that could
    not be verified safe, is the last.

    `held`: the caller holds the bench already. Raises BadInput before anything is touched when the plan, the bench or
    the disk won't do.
    """
    checked = check_plan(plan)
    check_room(runs_folder, sum(one.rows for one in checked))
    check_disk((lock for one in checked for lock in one.interlocks), free_bytes(runs_folder), plan.place)
    ended: list[Ended] = []
    with nullcontext() if held else bench_lock(plan.bench, f"cellrig run {plan.place}"):
        epoch_unix = wall_unix()
        clock = _clock(plan.bench, start_s=0.0, epoch_unix=epoch_unix)
        bench: Bench | None = None
        try:
            for one in checked:
                writer = _create(plan, one.procedure, runs_folder, clock)
                with _abandoned_on_error(writer):
                    if bench is None:
                        bench = build_bench(plan.bench, clock, _state_folder(plan.bench, writer.path))
                    writer.remember("world", _world_path(plan.bench, bench, writer.path))
                    writer.remember("clock", {"epoch_unix": epoch_unix, "origin_s": clock.monotonic()})
                    for warning in one.warnings:
                        writer.event(0.0, "warning", "plan", warning)
                    for line in one.told:
                        writer.event(0.0, "info", "plan", line)
                    one.procedure.bind(bench, plan.samples)
                    tables = plan.model.interlock
                    ended.append(_run(bench, one.procedure, writer, 0.0, watcher, tables, connect=not ended))
                end = ended[-1].end
                if end.outcome != "finished" or not all(one.verified for one in end.safety):
                    break
        finally:
            if bench is not None:
                bench.close()
    return ended


def resume_run(path: Path, watcher: Watcher, down_for_s: float | None = None, *, held: bool = False) -> Ended:
    """Go on with an interrupted, stopped or failed run, in the same file.

    `down_for_s` is the bench time that passed meanwhile, for a bench in virtual time only; `held`: the caller holds
    the bench already. Raises BadInput.
    """
    with RunFile.open(path) as run:
        run.check_can_resume()
        config = BenchConfig.from_dict(run.bench)
        samples = samples_of(run.sample)
        procedure: Procedure = build_procedure(run.procedure, run.parameters, f"{run.id}, parameters")
        world, kept = run.recall("world"), run.recall("clock")
        if world is None or kept is None:
            raise BadInput("the run was killed before it began; run its plan anew", place=str(run.path))
        anchors = run.anchors()
        tables = tables_of_plan(run.plan)
    if down_for_s is not None and not is_virtual(config):
        raise BadInput("this bench runs in real time: the time that passed is known", place="--down-for")
    with nullcontext() if held else bench_lock(config, f"cellrig resume {path.name}"):
        writer = RunWriter.reopen(path)
        with _abandoned_on_error(writer):
            start_s = kept["origin_s"] + writer.last_t_s + (down_for_s or 0.0)
            clock = _clock(config, start_s=start_s, epoch_unix=kept["epoch_unix"])
            began_unix = anchors[-1].unix - anchors[-1].t_s if anchors else kept["epoch_unix"] + kept["origin_s"]
            offset_s = max(writer.last_t_s, clock.unix() - began_unix)
            bench = build_bench(config, clock, path / world)
            try:
                procedure.bind(bench, samples)
                with RunFile.open(path) as run:
                    procedure.recover(run)
                return _run(bench, procedure, writer, offset_s, watcher, tables, connect=True)
            finally:
                bench.close()


@contextmanager
def _abandoned_on_error(writer: RunWriter) -> Iterator[None]:
    """A run that could not even begin reads as interrupted, not as running."""
    try:
        yield
    except BaseException:
        writer.abandon()
        raise


def _run(
    bench: Bench,
    procedure: Procedure,
    writer: RunWriter,
    offset_s: float,
    watcher: Watcher,
    tables: Sequence[InterlockTable],
    *,
    connect: bool,
) -> Ended:
    control = RunControl(bench.clock)
    watcher.on_start(writer.path, control)
    try:
        if connect:
            with bench.clock.attached():
                bench.connect()
                _note_identities(bench, writer, offset_s)
    except CellrigError as error:
        writer.event(offset_s, "error", "engine", f"not started: {error}")
        writer.close("failed", str(error), offset_s)
        return Ended(writer.path, RunEnd("failed", str(error), ()))
    interlocks = interlocks_of_run(bench, procedure.samples, tables, procedure.streams)
    # its time begins now and not before it was connected, which takes an Autolab half a minute
    writer.anchor(offset_s, bench.clock.unix(), "resume" if offset_s > 0 else "start")
    engine = Engine(
        bench,
        procedure,
        writer,
        control,
        t_offset_s=offset_s,
        on_progress=watcher.on_progress,
        interlocks=interlocks,
        on_event=watcher.on_event,
    )
    watcher.on_engine(engine)
    return Ended(writer.path, engine.run())


def _note_identities(bench: Bench, writer: RunWriter, t_s: float) -> None:
    """Which instruments made the numbers, as they name themselves; after a resume, perhaps others."""
    found = {name: one.identity() for name, one in bench.instruments.items()}
    identities = {name: asdict(one) for name, one in found.items()}
    before = writer.recall(IDENTITIES)
    writer.remember(IDENTITIES, identities)
    for name, one in found.items():
        writer.note(t_s, name, f"is {one.text}")
    for name, identity in identities.items():
        if before is not None and before.get(name) != identity:
            writer.event(t_s, "warning", name, f"another instrument than before the break: {before.get(name)}")


def _create(plan: Plan, procedure: Procedure, runs_folder: Path, clock: Clock) -> RunWriter:
    instruments = procedure.bench.instruments.values()
    streams = {stream.name: stream for stream in (*procedure.streams, *(one.snapshot_stream for one in instruments))}
    return RunWriter.create(
        runs_folder,
        procedure=procedure.procedure_name,
        sample=sample_table(plan.samples),
        parameters=procedure.parameter_table(),
        bench=plan.bench.as_dict(),
        streams=list(streams.values()),
        steps=procedure.steps(),
        plan={"source": str(plan.source) if plan.source else None, **plan.model.model_dump(exclude_none=True)},
        versions=versions(),
        started_unix=wall_unix(),
        bench_unix=clock.unix(),
    )


def _clock(config: BenchConfig, start_s: float, epoch_unix: float) -> Clock:
    if is_virtual(config):
        return VirtualClock(start_s, epoch_unix)
    speed = config.model.bench.speed
    return SystemClock() if speed is None else ScaledClock(speed, epoch_unix)


def _state_folder(config: BenchConfig, run: Path) -> Path:
    """Virtual time exists only within its runs, so does its world; a bench in real time has one world."""
    return run / WORLD if is_virtual(config) else bench_folder(config) / WORLD


def _world_path(config: BenchConfig, bench: Bench, run: Path) -> str:
    """Relative to the run where the world lives in a run folder, so that the runs can be moved together."""
    return os.path.relpath(bench.state_folder, run) if is_virtual(config) else str(bench.state_folder)


def versions() -> dict[str, str]:
    """What made the numbers: cellrig, Python, the libraries, the machine."""
    found = {"python": sys.version.split()[0], "platform": platform.platform()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found
