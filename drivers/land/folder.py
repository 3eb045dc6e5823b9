"""The folder that LAND's program exports into: which files are whole, which still grow or are locked.

Polled, for watchers differ between systems and between network shares. Nothing in the folder is ever changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from daq.clock import Clock

ENDINGS = (".csv", ".txt", ".tsv", ".xlsx", ".xls")
OWNER_MARK = "~$"  # what a spreadsheet puts before the name of a file that somebody has open


@dataclass(frozen=True)
class Export:
    """A file as it was seen. `since_s`: since when it is as it is, on the bench's clock."""

    path: Path
    size: int
    changed_ns: int
    since_s: float

    def is_same(self, other: Export) -> bool:
        return (self.size, self.changed_ns) == (other.size, other.changed_ns)


class ExportFolder:
    """`look` says which files count now; `waiting` tells of the others, by name."""

    def __init__(self, folder: Path, clock: Clock, settled_s: float) -> None:
        self.folder = folder
        self.waiting: dict[str, str] = {}
        self._clock = clock
        self._settled_s = settled_s
        self._seen: dict[str, Export] = {}

    def look(self) -> list[Export]:
        """Files that have not changed for `settled_s` and that nobody has locked, by name.

        Raises OSError when the folder can't be listed.
        """
        now = self._clock.monotonic()
        found: dict[str, Export] = {}
        self.waiting = {}
        names = {path.name for path in self.folder.iterdir()}
        for name in sorted(names):
            path = self.folder / name
            if name.startswith(OWNER_MARK) or path.suffix.lower() not in ENDINGS:
                continue
            try:
                status = path.stat()
            except OSError:
                continue  # gone again
            before, export = self._seen.get(name), Export(path, status.st_size, status.st_mtime_ns, now)
            found[name] = before if before is not None and before.is_same(export) else export
            if now - found[name].since_s < self._settled_s or not export.size:
                self.waiting[name] = "may still be written"
            elif OWNER_MARK + name in names or _is_locked(path):
                self.waiting[name] = "is locked by another program"
        self._seen = found
        return [export for name, export in found.items() if name not in self.waiting]


def _is_locked(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            file.read(1)
    except OSError:
        return True
    return False
