"""A run as the analysis sees it, out of what the window holds of it: none of its rows is read from the disk again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from daq.contracts import Outcome
from daq.errors import RunFileError
from daq.runfile.reader import RunFile
from gui.model.run_view import RunView


@dataclass(frozen=True, eq=False)
class HeldRun:
    """A `daq.contracts.RunReader`, as it was when it was made: the window may go on reading, in another thread."""

    path: Path
    procedure: str
    parameters: Mapping[str, Any]
    sample: Mapping[str, Any]
    outcome: Outcome
    tables: Mapping[str, Mapping[str, np.ndarray]]

    @classmethod
    def of(cls, view: RunView) -> HeldRun:
        head, tables = view.head, {name: table.whole() for name, table in view.tables.items()}
        return cls(view.path, head.procedure, head.parameters, head.sample, view.outcome, tables)

    def table(self, stream: str, after: int = 0, columns: Sequence[str] | None = None) -> dict[str, np.ndarray]:
        """As `RunFile.table`; the arrays can't be written to. Raises RunFileError."""
        if stream not in self.tables:
            raise RunFileError(f"has no stream {stream!r}", place=str(self.path), allowed=", ".join(self.tables))
        held = self.tables[stream]
        unknown = [name for name in columns or () if name not in held]
        if unknown:
            raise RunFileError(f"{stream} has no column {unknown[0]!r}", place=str(self.path), allowed=", ".join(held))
        wanted = held if columns is None else ("step", "attempt", "t_s", *columns)
        found = {name: held[name][after:] for name in wanted}
        return {"id": np.arange(after + 1, after + 1 + len(found["t_s"])), **found}

    def recall(self, key: str, default: Any = None) -> Any:
        """What the run remembers is in its file alone. Raises CellrigError, OSError."""
        with RunFile.open(self.path) as run:
            return run.recall(key, default)
