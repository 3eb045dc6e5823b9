"""The procedure: a pymeasure `Procedure` whose experiment is an ordered list of journalled steps.

The engine calls `steps`, `run_step` and `analyse`. Under a plain pymeasure Worker `execute` walks the same
steps on its own bench (`procedures.plain_worker`), so one class serves both worlds.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

from pymeasure.experiment import Parameter
from pymeasure.experiment import Procedure as PymeasureProcedure

from daq.bench import Bench, dry_bench, load_bench
from daq.contracts import Result, Rig, RunReader, Step
from daq.errors import BadInput
from daq.foresight import Course
from daq.plan_files import in_place
from daq.plugins import suggest
from daq.sample import Sample
from daq.stream import Stream


class BenchProcedure(PymeasureProcedure, ABC):
    """Base of all procedures. A subclass declares parameters, `streams`, `steps`, `run_step`, `analyse`.

    `main_stream` is the one whose rows a plain Worker records.
    """

    procedure_name: ClassVar[str]
    streams: ClassVar[tuple[Stream, ...]]
    main_stream: ClassVar[Stream]

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        self._bench: Bench | None = None
        self.samples: tuple[Sample, ...] = ()

    # ------------------------------------------------------------ parameters
    @classmethod
    def anchored(
        cls, table: Mapping[str, Any], folder: Path, where: Callable[[Path], str] = in_place
    ) -> Mapping[str, Any]:
        """The same with each file it names, relative to `folder`, at the path that `where` gives for it.

        A procedure that takes paths says so here: a run is resumed from anywhere, and a queued plan takes copies along.
        """
        return table

    @classmethod
    def from_table(cls, table: Mapping[str, Any], place: str, folder: Path = Path()) -> Self:
        """From the keys of a plan's `[[run]]`; paths in them are relative to `folder`.

        Raises BadInput naming the key and what is allowed.
        """
        made = cls()
        known: dict[str, Parameter] = made._parameters
        for key, value in cls.anchored(table, folder).items():
            if key not in known:
                raise BadInput("unknown key", place=f"{place}, {key}", allowed=suggest(key, sorted(known)))
            try:
                known[key].value = value
            except ValueError as error:
                raise BadInput(str(error), place=f"{place}, {key}") from None
            setattr(made, key, known[key].value)
        for key, parameter in known.items():
            if not parameter.is_set() or (getattr(parameter, "required", False) and key not in table):
                raise BadInput("is missing", place=f"{place}, {key}", allowed=parameter.name)
        return made

    def parameter_table(self) -> dict[str, Any]:
        """Every parameter's value by key, as it is stored with the run and taken by `from_table`."""
        return self.parameter_values()

    # ------------------------------------------------------------ what it works on
    def bind(self, bench: Bench, samples: Sequence[Sample]) -> None:
        """Give it the bench and the samples. Touches no hardware."""
        self._bench = bench
        self.samples = tuple(samples)

    @property
    def is_bound(self) -> bool:
        return self._bench is not None

    @property
    def bench(self) -> Bench:
        if self._bench is None:
            raise RuntimeError("bind(bench, samples) comes first")
        return self._bench

    # ------------------------------------------------------------ the experiment
    @abstractmethod
    def check(self, place: str) -> list[str]:
        """Parameters against bench and samples. Raises BadInput; returns warnings in words."""

    def told(self) -> list[str]:
        """What will be done, in lines for a person: nothing, unless a procedure has a sheet to show."""
        return []

    def course(self) -> Course | None:
        """Where it takes the furnace: nowhere, unless a procedure says so."""
        return None

    @abstractmethod
    def steps(self) -> Sequence[Step]:
        """The steps, in order; they depend on parameters and samples only."""

    @abstractmethod
    def estimate(self) -> Mapping[str, float]:
        """Bench seconds per step key."""

    @abstractmethod
    def run_step(self, step: Step, rig: Rig) -> None:
        """Do one step. Raises `StepFailed` when it can't be done."""

    @abstractmethod
    def analyse(self, run: RunReader) -> list[Result]:
        """Results from the record alone."""

    def recover(self, run: RunReader) -> None:
        """Before a step is taken up again. May be called more than once; nothing to do unless a procedure says so."""

    # ------------------------------------------------------------ a plain pymeasure Worker
    def startup(self) -> None:
        """Nothing: whatever can fail belongs into `execute`, where pymeasure still cleans up."""

    def execute(self) -> None:
        """All steps on the bound bench (or the built-in simulated one), rows of `main_stream` emitted."""
        from procedures.plain_worker import run_plainly

        run_plainly(self)

    def get_estimates(self) -> float:
        """Bench seconds, for pymeasure's estimator; as on the built-in bench while none is bound."""
        planned = self
        if not self.is_bound:
            planned = type(self)(**self.parameter_values())
            planned.bind(dry_bench(load_bench(None)), [Sample(name="sample")])
        return sum(planned.estimate().values())
