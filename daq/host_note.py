"""Where a bench's host is: who it is, where it listens, and its token, in a file that only its user can read."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from daq.bench import BenchConfig
from daq.bench_lock import bench_folder
from daq.lines import LineClient
from daq.system import ProcessId, System, write_private

NAME = "host.json"
SAID = "host.log"  # what host and guard print, for when they can't be asked
QUEUE = "queue.db"


@dataclass(frozen=True)
class HostNote:
    """`bench` is the bench as the host has it (`BenchConfig.as_dict`); `needs_guard`: it has instruments of its own."""

    process: ProcessId
    port: int
    token: str
    runs_folder: str
    bench: dict[str, Any]
    needs_guard: bool

    @property
    def config(self) -> BenchConfig:
        return BenchConfig.from_dict(self.bench)

    def write(self, folder: Path) -> None:
        write_private(folder / NAME, json.dumps(asdict(self)))

    @classmethod
    def read(cls, folder: Path) -> HostNote | None:
        """None when there is none, or none that can be read."""
        try:
            table = json.loads((folder / NAME).read_text(encoding="utf-8"))
            return cls(**{**table, "process": ProcessId(**table["process"])})
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def client(self) -> LineClient:
        return LineClient(self.port, self.token)


def find_host(config: BenchConfig, system: System | None = None) -> HostNote | None:
    """The host of this bench, when it lives."""
    note = HostNote.read(bench_folder(config))
    return note if note is not None and (system or System()).is_alive(note.process) else None
