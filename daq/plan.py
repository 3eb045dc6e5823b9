"""The plan file: sample, bench, and procedures with their parameters. Checked whole before anything moves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pydantic import ConfigDict, Field, field_validator

from daq import plugins
from daq.bench import Bench, BenchConfig, dry_bench, load_bench
from daq.contracts import Experiment
from daq.errors import BadInput
from daq.foresight import Course, foreseen
from daq.interlock import Interlock, InterlockTable
from daq.run_interlocks import check_interlocks, interlocks_of_run
from daq.sample import Sample
from daq.tables import StrictModel, parse, read_toml


class Procedure(Experiment, Protocol):
    """An experiment as the plan builds it."""

    @classmethod
    def anchored(cls, table: Mapping[str, Any], folder: Path, where: Callable[[Path], str]) -> Mapping[str, Any]:
        """The keys of `[[run]]` with each file they name at the path that `where` gives for it."""
        ...

    @classmethod
    def from_table(cls, table: Mapping[str, Any], place: str, folder: Path = Path()) -> Procedure:
        """From the keys of `[[run]]` without `procedure`; paths in them are relative to `folder`.

        Raises BadInput naming key and what is allowed.
        """
        ...

    def bind(self, bench: Bench, samples: Sequence[Sample]) -> None: ...

    def check(self, place: str) -> list[str]:
        """Against bench and samples it is bound to, touching no hardware. Raises BadInput; returns warnings."""
        ...

    def told(self) -> list[str]:
        """After `check`: what will be done, in lines that a person reads before the start, such as a step sheet."""
        ...

    def course(self) -> Course | None:
        """Where it takes the furnace of the bench it is bound to; None where it heats nothing."""
        ...

    def parameter_table(self) -> dict[str, Any]: ...

    @property
    def bench(self) -> Bench: ...

    @property
    def samples(self) -> Sequence[Sample]: ...


class RunTable(StrictModel):
    model_config = ConfigDict(extra="allow", frozen=True)
    procedure: str


class PlanModel(StrictModel):
    bench: str | None = None
    sample: list[Sample] = Field(min_length=1)
    run: list[RunTable] = Field(min_length=1)
    interlock: list[InterlockTable] = Field(default_factory=list)

    @field_validator("sample", mode="before")
    @classmethod
    def _one_or_several(cls, value: Any) -> Any:
        return [value] if isinstance(value, Mapping) else value


@dataclass(frozen=True)
class Plan:
    """A checked plan. `source` is its file, None when made in Python."""

    model: PlanModel
    bench: BenchConfig
    source: Path | None

    @property
    def place(self) -> str:
        return str(self.source) if self.source else "plan"

    @property
    def samples(self) -> list[Sample]:
        return self.model.sample

    def procedures(self) -> list[Procedure]:
        """A new procedure object for each `[[run]]`, not yet bound."""
        return [
            build_procedure(table.procedure, table.model_extra or {}, f"{self.place}, run {number}", self.folder)
            for number, table in enumerate(self.model.run, 1)
        ]

    @property
    def folder(self) -> Path:
        """To which paths in the plan are relative."""
        return self.source.parent if self.source else Path()

    def anchored(self, where: Callable[[Path], str]) -> list[dict[str, Any]]:
        """The `[[run]]` tables with each file they name at the path that `where` gives for it."""
        found = []
        for table in self.model.run:
            kind = _procedure_class(table.procedure, self.place)
            keys = kind.anchored(table.model_extra or {}, self.folder, where)
            found.append({"procedure": table.procedure, **keys})
        return found


def build_procedure(name: str, parameters: Mapping[str, Any], place: str, folder: Path = Path()) -> Procedure:
    return _procedure_class(name, place).from_table(parameters, place, folder)


def _procedure_class(name: str, place: str) -> type[Procedure]:
    return plugins.load(plugins.PROCEDURES, name, f"{place}.procedure")


def is_bench_file(path: Path) -> bool:
    """Whether this file holds instruments, not runs. Raises BadInput when it can't be read."""
    return _is_bench(read_toml(path))


def _is_bench(table: Mapping[str, Any]) -> bool:
    return "instruments" in table


def load_plan(path: Path, bench: Path | None = None) -> Plan:
    """A plan file; `bench` overrides the bench it names. Raises BadInput for the first thing that is wrong in it."""
    table = read_toml(path)
    if _is_bench(table):
        raise BadInput(
            "this is a bench file, not a plan", place=str(path), allowed="--bench FILE, or cellrig doctor FILE"
        )
    model = parse(PlanModel, table, str(path))
    _check_samples(model.sample, str(path))
    if bench is None and model.bench is not None:
        bench = path.parent / model.bench
    return Plan(model, load_bench(bench), path.resolve())


def make_plan(table: Mapping[str, Any], bench: BenchConfig | None = None, place: str = "plan") -> Plan:
    """A plan from a mapping of the same shape as the file. Raises BadInput."""
    model = parse(PlanModel, table, place)
    _check_samples(model.sample, place)
    named = Path(model.bench) if model.bench else None
    return Plan(model, bench or load_bench(named), None)


def _check_samples(samples: Sequence[Sample], place: str) -> None:
    if len(samples) == 1:
        return
    for what, values in (
        ("id", [one.id for one in samples]),
        ("channel", [one.channel for one in samples]),
    ):
        if len(set(values)) != len(values) or "" in values:
            raise BadInput(f"with several samples each needs its own {what}, found {values}", place=f"{place}, sample")


@dataclass(frozen=True)
class CheckedRun:
    """What `cellrig check` says of one run: its steps, how long each takes, warnings, and what it will do in lines."""

    procedure: Procedure
    seconds: Mapping[str, float]
    rows: int
    warnings: tuple[str, ...]
    interlocks: tuple[Interlock, ...] = ()
    told: tuple[str, ...] = ()


def check_plan(plan: Plan) -> list[CheckedRun]:
    """Every run of the plan against bench, samples and interlocks, touching no hardware. Raises BadInput."""
    checked = []
    bench = dry_bench(plan.bench)
    procedures = plan.procedures()
    tables = plan.model.interlock
    check_interlocks(bench, tables, (stream for one in procedures for stream in one.streams), plan.place)
    for number, procedure in enumerate(procedures, 1):
        place = f"{plan.place}, run {number}"
        procedure.bind(bench, plan.samples)
        warnings = procedure.check(place)
        seconds = procedure.estimate()
        rows = int(sum(seconds.values()))
        interlocks = interlocks_of_run(bench, plan.samples, tables, procedure.streams, plan.place)
        recorded = [stream.name for stream in procedure.streams]
        warnings += foreseen(interlocks, procedure.course(), recorded, sum(seconds.values()))
        told = tuple(procedure.told())
        checked.append(CheckedRun(procedure, seconds, rows, tuple(warnings), tuple(interlocks), told))
    return checked
