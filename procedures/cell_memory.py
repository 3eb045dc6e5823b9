"""What a run remembers of each of its cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from daq.contracts import Rig
from daq.sample import Sample


@dataclass(frozen=True)
class CellMemory:
    """One cell's part of what the run remembers. Alone in its run, a cell's keys carry no channel."""

    rig: Rig
    whose: str = ""

    @classmethod
    def of(cls, rig: Rig, sample: Sample, is_alone: bool) -> CellMemory:
        return cls(rig, "" if is_alone else f"channel {sample.channel}")

    def recall(self, key: str, default: Any = None) -> Any:
        return self.rig.recall(self._key(key), default)

    def remember(self, key: str, value: Any) -> None:
        self.rig.remember(self._key(key), value)

    def question(self, key: str) -> str:
        """The key of a question about this cell."""
        return f"{key}-{self.whose.replace(' ', '-')}" if self.whose else key

    def _key(self, key: str) -> str:
        return f"{key}, {self.whose}" if self.whose else key
