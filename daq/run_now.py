"""The run in progress, as its host knows it and tells it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from daq.contracts import Identity
from daq.control import RunControl
from daq.engine import Engine, Progress
from daq.runfile.reader import RunFile


@dataclass
class RunNow:
    """Filled as the run gets on; read by other threads, each field is replaced whole."""

    path: Path
    procedure: str
    sample: str
    control: RunControl
    engine: Engine | None = None
    progress: Progress | None = None
    identities: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, path: Path, control: RunControl) -> RunNow:
        with RunFile.open(path) as run:
            sample = run.sample.get("name") or ", ".join(one.get("name", "") for one in run.sample.get("samples", []))
            return cls(path, run.procedure, str(sample), control)

    @property
    def state(self) -> str:
        if self.control.stop_reason is not None:
            return "stopping"
        if self.control.paused:
            return "paused"
        return "waiting" if self.control.holds else "running"

    def as_table(self) -> dict[str, Any]:
        """JSON: id, path, procedure, sample, share (0 to 1), alerts, and the fields of `Progress` once there are any.

        `alerts`: the interlocks that have tripped and not cleared, in words. `disk_full_in_s`: at the rate at which the
        disk fills now, None when it does not.
        """
        told: dict[str, Any] = {
            "id": self.path.name,
            "path": str(self.path),
            "procedure": self.procedure,
            "sample": self.sample,
            "share": 0.0,
            "alerts": [] if self.engine is None else self.engine.alerts(),
            "disk_full_in_s": None if self.engine is None else self.engine.disk_full_in_s,
        }
        progress = self.progress
        if progress is None:
            return {**told, "step": 0, "steps": 0, "title": "", "text": "connecting", "remaining_s": None}
        whole_s = progress.bench_s + (progress.remaining_s or 0.0)
        share = progress.bench_s / whole_s if whole_s > 0 and progress.remaining_s is not None else 0.0
        return {**told, **asdict(progress), "share": round(share, 4)}

    def notes(self) -> list[str]:
        """What somebody should know of, in words."""
        return [] if self.engine is None else self.engine.notes()

    def began(self, engine: Engine) -> None:
        """The instruments are connected, and who they are stands in the run."""
        with RunFile.open(self.path) as run:
            self.identities = {name: Identity(**one).text for name, one in run.instruments.items()}
        self.engine = engine

    def readings(self) -> dict[str, dict[str, Any]]:
        """Of each instrument: identity, values, faults, age_s of its last reading."""
        if self.engine is None:
            return {}
        return {
            name: {
                "identity": self.identities.get(name, ""),
                "connected": True,
                "values": dict(one.values),
                "faults": list(one.faults),
                "age_s": max(0.0, age_s),
            }
            for name, (age_s, one) in self.engine.latest().items()
        }
