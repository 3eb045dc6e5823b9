"""What the window knows of the bench at one moment, and what it may ask for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

BenchState = Literal["away", "connecting", "idle", "running", "paused", "waiting", "stopping"]


@dataclass(frozen=True)
class InstrumentStatus:
    """`values` by quantity with its unit in the name; `age_s` since they were read, None before the first."""

    name: str
    role: str
    driver: str
    identity: str
    connected: bool
    values: Mapping[str, float | int | str | None] = field(default_factory=dict)
    faults: tuple[str, ...] = ()
    age_s: float | None = None


@dataclass(frozen=True)
class RunStatus:
    """The run in progress. `alerts`: interlocks that have tripped and not cleared."""

    id: str
    path: Path
    procedure: str
    sample: str
    step: int
    steps: int
    title: str
    text: str
    share: float
    remaining_s: float | None
    alerts: tuple[str, ...] = ()


@dataclass(frozen=True)
class QueueEntry:
    id: str
    procedure: str
    sample: str
    state: str
    note: str = ""


@dataclass(frozen=True)
class BenchStatus:
    """`problem` says what is wrong with the bench or with the way to it, or what is waited for while it is connected;
    `safe` what the last make-safe found; `notes` what somebody should know of: a disk that will be full, messages that
    got to nobody."""

    state: BenchState
    bench: str = ""
    run: RunStatus | None = None
    instruments: tuple[InstrumentStatus, ...] = ()
    queue: tuple[QueueEntry, ...] = ()
    held: bool = False
    disk_free_bytes: int | None = None
    problem: str = ""
    safe: str = ""
    notes: tuple[str, ...] = ()
    speed: float = 1.0

    @property
    def is_there(self) -> bool:
        """Whether it has answered."""
        return self.state not in ("away", "connecting")

    @property
    def busy(self) -> bool:
        return self.state in ("running", "paused", "waiting", "stopping")
