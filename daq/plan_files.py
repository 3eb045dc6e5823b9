"""Files that queued plans name, copied into the bench's folder: what was submitted is run, whatever became of them.

A copy lies in a folder named by what is in it, so the same file is there once for as many plans as name it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path

from daq.clock import wall_unix
from daq.errors import BadInput, StorageError
from daq.runfile.plain import copy_run
from daq.runfile.schema import RUN_DB
from daq.runfile.stored import folder_of

FOLDER = "plan-files"
SPARED_S = 86400.0  # a copy this young may belong to a plan that is not in the queue yet
_DIGITS = 24
_CHUNK_BYTES = 1 << 20


def in_place(path: Path) -> str:
    """A file that a plan names, where it is, told so that it is found from anywhere."""
    return str(path.absolute())


class PlanFiles:
    """The copies in a bench's folder. `kept` are the names of those that `keep` has put or found there."""

    def __init__(self, bench_folder: Path) -> None:
        self.folder = bench_folder / FOLDER
        self.kept: set[str] = set()

    def keep(self, path: Path) -> str:
        """Copies a file, or a run (its folder or its run.db), unless it is there; where the copy lies.

        Raises BadInput when there is nothing to copy, StorageError when there is no room for it.
        """
        path = path.absolute()
        if self.folder in path.parents:
            self._note(path.relative_to(self.folder).parts[0])
            return str(path)
        if not path.exists():
            raise BadInput("is not there any more", place=str(path), allowed="a file or a run; check the plan again")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=self.folder, ignore_cleanup_errors=True) as fresh:
                return self._keep(path, Path(fresh))
        except OSError as error:
            raise StorageError(
                f"{path}: cannot be copied for the queue into {self.folder}: {error}; the plan was not queued. "
                "See that it can be read and that there is room on the disk, then submit again"
            ) from error

    def _keep(self, path: Path, fresh: Path) -> str:
        if path.is_dir() or path.name == RUN_DB:
            copy = copy_run(path, fresh / folder_of(path).name)
            name = _digest(copy / RUN_DB)
        else:
            copy = fresh / path.name
            shutil.copyfile(path, copy)
            name = _digest(copy)
        self._note(name)
        place = self.folder / name / copy.name
        if not place.exists():
            os.replace(copy, place)
        return str(place)

    def _note(self, name: str) -> None:
        """It is needed from now on: also one that `clean` is about to look at."""
        (self.folder / name).mkdir(exist_ok=True)
        os.utime(self.folder / name)
        self.kept.add(name)

    def clean(self, needed: Callable[[], Collection[str]]) -> None:
        """Removes copies that nobody needs any more; what can't be removed now is left for the next time.

        `needed` is asked only where there are copies.
        """
        copies = list(self.folder.iterdir()) if self.folder.is_dir() else []
        if not copies:
            return
        still = needed()
        for copy in copies:
            with suppress(OSError):
                if copy.name not in still and abs(wall_unix() - copy.stat().st_mtime) > SPARED_S:
                    shutil.rmtree(copy, ignore_errors=True)


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()[:_DIGITS]
