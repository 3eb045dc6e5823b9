"""The kept state of a simulated world: a snapshot, and a journal of the commands since.

Whoever opens the bench again finds the furnace as it was, plus the time that passed. Both files are small text
in the bench's state folder; deleting them starts from ambient.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import ConfigDict, Field

from daq.errors import BadInput, CellrigError, StorageError
from daq.tables import StrictModel, parse
from drivers.simulated.furnace import FurnaceState
from drivers.simulated.sample import SampleState

SNAPSHOT_FILE = "simulated_world.json"
JOURNAL_FILE = "simulated_world_commands.jsonl"


class Command(StrictModel):
    """One command to the furnace, at a step of the world and a moment of the calendar."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    number: int = Field(ge=1)
    step: int = Field(ge=0)
    unix: float
    action: Literal["target", "hold", "off", "output"]
    temperature_C: float | None = None
    ramp_K_per_s: float | None = None
    output_percent: float | None = Field(default=None, ge=0, le=100)


class WorldSnapshot(StrictModel):
    """The world at one step. `commands` counts those that are already in it."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    version: Literal[1] = 1
    simulation: dict[str, Any]
    step: int = Field(ge=0)
    unix: float
    commands: int = Field(ge=0)
    furnace: FurnaceState
    samples: list[SampleState]


class StateFolder:
    """Reads and writes the two files. Errors are sentences that name the file."""

    def __init__(self, folder: Path) -> None:
        self.snapshot_path = folder / SNAPSHOT_FILE
        self.journal_path = folder / JOURNAL_FILE

    def load(self, simulation: Mapping[str, Any]) -> tuple[WorldSnapshot, list[Command]] | None:
        """The snapshot and the commands after it; None where nothing was kept.

        Raises BadInput when a file is damaged or belongs to another simulation.
        """
        if not self.snapshot_path.exists():
            return None
        place = str(self.snapshot_path)
        try:
            table = json.loads(self.snapshot_path.read_text(encoding="utf-8"))
            snapshot = parse(WorldSnapshot, table, place)
        except (OSError, ValueError, CellrigError) as error:
            raise _damaged(self.snapshot_path, error) from error
        changed = _first_difference(dict(simulation), snapshot.simulation)
        if changed:
            raise BadInput(
                f"the kept state of the simulated bench was made with other parameters ({changed})",
                place=place,
                allowed="the parameters it was made with; or delete it to start from ambient",
            )
        return snapshot, [one for one in self._journal() if one.number > snapshot.commands]

    def _journal(self) -> list[Command]:
        """All complete lines. A last line without its end was cut while it was written and never took effect."""
        try:
            text = self.journal_path.read_text(encoding="utf-8") if self.journal_path.exists() else ""
            lines = text.split("\n")[:-1]
            return [parse(Command, json.loads(line), str(self.journal_path)) for line in lines if line]
        except (OSError, ValueError, CellrigError) as error:
            raise _damaged(self.journal_path, error) from error

    def save(self, snapshot: WorldSnapshot) -> None:
        """Replace the snapshot in one go, then empty the journal. Raises StorageError."""
        temporary = self.snapshot_path.with_suffix(".tmp")
        try:
            self.snapshot_path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_text(snapshot.model_dump_json(), encoding="utf-8")
            os.replace(temporary, self.snapshot_path)
            if self.journal_path.exists():
                self.journal_path.unlink()
        except OSError as error:
            raise StorageError(f"{self.snapshot_path}: the simulated bench cannot keep its state: {error}") from error

    def append(self, command: Command) -> None:
        """Add a command to the journal before it takes effect. Raises StorageError."""
        try:
            with open(self.journal_path, "a", encoding="utf-8", newline="\n") as journal:
                journal.write(command.model_dump_json() + "\n")
                journal.flush()
        except OSError as error:
            raise StorageError(f"{self.journal_path}: the simulated bench cannot keep a command: {error}") from error


def _damaged(path: Path, error: Exception) -> BadInput:
    reason = str(error).removeprefix(f"{path}").lstrip(":, ")
    return BadInput(
        f"the kept state of the simulated bench is damaged ({reason}); delete it to start from ambient",
        place=str(path),
    )


def _first_difference(now: Any, kept: Any, path: str = "") -> str:
    """The first entry that differs, as 'name: kept -> now'; empty when all agree."""
    if isinstance(now, dict) and isinstance(kept, dict):
        for key in sorted(set(now) | set(kept)):
            found = _first_difference(now.get(key), kept.get(key), f"{path}.{key}" if path else key)
            if found:
                return found
        return ""
    if isinstance(now, list) and isinstance(kept, list) and len(now) == len(kept):
        for number, (one, other) in enumerate(zip(now, kept, strict=True), start=1):
            found = _first_difference(one, other, f"{path}.{number}")
            if found:
                return found
        return ""
    return "" if now == kept else f"{path}: {kept} then, {now} now"
