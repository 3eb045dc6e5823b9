"""What a report tells of any run, read once, in plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from daq.contracts import Outcome, Result
from daq.errors import BadInput
from daq.runfile.reader import EventRecord, RunFile, StepRecord
from daq.sample import Sample, samples_of
from procedures.result_place import on_its_clock

TEMPERATURE = "temperature"
SPECTRA = "spectra"


@dataclass(frozen=True)
class Break:
    """Bench seconds during which a step lay broken off; `again_t_s` is when it, or the next, went on."""

    title: str
    attempt: int
    broken_t_s: float
    again_t_s: float


@dataclass(frozen=True, eq=False)
class RunFacts:
    """A run. `samples` is empty when what is stored is no valid sample; `problems` says so in words.

    `tables` has the rows of `temperature` and `spectra`, where the run has those streams.
    """

    path: Path
    id: str
    procedure: str
    outcome: Outcome
    reason: str
    started: str
    started_unix: float
    ended_t_s: float | None
    sample: Mapping[str, Any]
    samples: tuple[Sample, ...]
    parameters: Mapping[str, Any]
    bench: Mapping[str, Any]
    identities: Mapping[str, Mapping[str, str]]
    plan: Mapping[str, Any]
    versions: Mapping[str, str]
    steps: Sequence[StepRecord]
    attempts: Sequence[StepRecord]
    events: Sequence[EventRecord]
    interlocks: Sequence[Mapping[str, Any]]
    results: Sequence[Result]
    rows: Mapping[str, int]
    tables: Mapping[str, Mapping[str, np.ndarray]]
    calendar: Mapping[float, float]
    problems: tuple[str, ...]

    @property
    def sample_name(self) -> str:
        return str(self.sample.get("name") or "") or "sample without a name"

    @property
    def last_t_s(self) -> float | None:
        """The end where there is one, else the last thing known."""
        if self.ended_t_s is not None:
            return self.ended_t_s
        times = [one.t_s for one in self.events]
        times += [float(table["t_s"][-1]) for table in self.tables.values() if len(table["t_s"])]
        return max(times, default=None)

    def breaks(self) -> list[Break]:
        """Every attempt but the first, with the time that lay between it and the end of the one before."""
        found = []
        for before, after in zip(self.attempts, self.attempts[1:], strict=False):
            if before.key != after.key or after.started_t_s is None:
                continue
            ended = before.ended_t_s if before.ended_t_s is not None else after.started_t_s
            found.append(Break(after.title or after.key, after.attempt, ended, after.started_t_s))
        return found


def facts_of(run: RunFile) -> RunFacts:
    """Read everything once. Raises RunFileError for a damaged run."""
    streams = {one.name: one.rows for one in run.streams()}
    samples, problems = _samples(run.sample)
    attempts = run.attempts()
    return RunFacts(
        path=run.path,
        id=run.id,
        procedure=run.procedure,
        outcome=run.outcome,
        reason=run.reason,
        started=run.started,
        started_unix=run.started_unix,
        ended_t_s=run.ended_t_s,
        sample=run.sample,
        samples=samples,
        parameters=run.parameters,
        bench=run.bench,
        identities=run.instruments,
        plan=run.plan,
        versions=run.versions,
        steps=run.steps(),
        attempts=attempts,
        events=run.events(),
        interlocks=run.interlocks,
        results=on_its_clock(run.results(), run.procedure),
        rows=streams,
        tables={name: run.table(name) for name in (TEMPERATURE, SPECTRA) if name in streams},
        calendar={t: run.unix_of(t) for t in {one.started_t_s for one in attempts} if t is not None},
        problems=problems,
    )


def _samples(stored: Mapping[str, Any]) -> tuple[tuple[Sample, ...], tuple[str, ...]]:
    try:
        return tuple(samples_of(stored)), ()
    except BadInput as error:
        return (), (f"the run does not say properly what was in the cell ({error}): no conductivities",)


def calendar_text(unix: float | None) -> str:
    """`2026-11-25 03:58` in this computer's time zone."""
    if unix is None:
        return "–"
    return datetime.fromtimestamp(unix, UTC).astimezone().strftime("%Y-%m-%d %H:%M")
