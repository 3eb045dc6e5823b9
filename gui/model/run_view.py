"""One run as the window holds it: everything recorded so far, growing at the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from daq.contracts import Outcome, Result
from daq.runfile.reader import EventRecord, StepRecord
from gui.model.growing import GrowingTable


@dataclass(frozen=True)
class Head:
    """What does not change over a run. `samples` are the tables of the plan."""

    id: str
    procedure: str
    sample_name: str
    sample: Mapping[str, Any]
    parameters: Mapping[str, Any]
    plan: Mapping[str, Any]
    started: str
    started_unix: float


@dataclass(frozen=True)
class Growth:
    """What was new at one look into the file. `steps` and `results` are whole, None when they are as before."""

    path: Path
    head: Head
    tables: Mapping[str, Mapping[str, np.ndarray]]
    events: Sequence[EventRecord]
    steps: Sequence[StepRecord] | None
    results: Sequence[Result] | None
    outcome: Outcome
    reason: str


@dataclass(eq=False)
class RunView:
    """Grows by `take`; read by the plots."""

    path: Path
    head: Head
    tables: dict[str, GrowingTable] = field(default_factory=dict)
    events: list[EventRecord] = field(default_factory=list)
    steps: Sequence[StepRecord] = ()
    results: Sequence[Result] = ()
    outcome: Outcome = "running"
    reason: str = ""

    def take(self, growth: Growth) -> set[str]:
        """Returns the names of what changed: streams, and "results", "steps", "events", "outcome"."""
        changed = set()
        for name, table in growth.tables.items():
            if len(table["id"]) or name not in self.tables:  # one without rows says which columns there are
                self.tables.setdefault(name, GrowingTable()).extend(table)
            if len(table["id"]):
                changed.add(name)
        if growth.events:
            self.events.extend(growth.events)
            changed.add("events")
        if growth.steps is not None:
            self.steps = growth.steps
            changed.add("steps")
        if growth.results is not None:
            self.results = growth.results
            changed.add("results")
        if (growth.outcome, growth.reason) != (self.outcome, self.reason):
            self.outcome, self.reason = growth.outcome, growth.reason
            changed.add("outcome")
        return changed

    def table(self, stream: str) -> GrowingTable:
        """Empty for a stream that has no rows yet, or that this run does not have."""
        return self.tables.get(stream) or GrowingTable()

    @property
    def is_live(self) -> bool:
        return self.outcome == "running"

    @property
    def share_done(self) -> float:
        """0 to 1, by steps."""
        done = sum(one.state in ("finished", "skipped") for one in self.steps)
        return done / len(self.steps) if self.steps else 0.0
