"""Where a bench's service is. Apart from the service, so that its clients need nothing of the server's."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from daq.system import ProcessId, System

NAME = "service.json"


@dataclass(frozen=True)
class ServiceNote:
    """Where a bench's service is. Its token lies in a file of its own."""

    process: ProcessId
    port: int

    @classmethod
    def read(cls, folder: Path) -> ServiceNote | None:
        """The service that lives, or None."""
        try:
            table = json.loads((folder / NAME).read_text(encoding="utf-8"))
            note = cls(ProcessId(**table["process"]), table["port"])
        except (OSError, ValueError, TypeError, KeyError):
            return None
        return note if System().is_alive(note.process) else None
