"""All runs of a folder: list them, find one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from daq.contracts import Outcome
from daq.errors import BadInput, RunFileError
from daq.runfile.folder import RESERVE
from daq.runfile.owner import has_owner
from daq.runfile.reader import RunFile
from daq.runfile.schema import RUN_DB
from daq.runfile.stored import folder_of


@dataclass(frozen=True)
class RunSummary:
    """A run in one line. `sample` is its name, `started` ISO 8601 host time, `path` the run's folder."""

    id: str
    procedure: str
    sample: str
    outcome: Outcome
    started: str
    path: Path


@dataclass(frozen=True)
class Unreadable:
    """A folder that holds a run.db nobody can read; `problem` says why."""

    path: Path
    problem: str


class Catalog(NamedTuple):
    runs: list[RunSummary]
    unreadable: list[Unreadable]


def read_catalog(runs_folder: Path) -> Catalog:
    """The runs of a folder, oldest first, and apart from them what can't be read. No folder: no runs.

    Raises BadInput when the folder can't be listed.
    """
    found: list[tuple[float, RunSummary]] = []
    unreadable: list[Unreadable] = []
    for folder in _folders(runs_folder):
        try:
            with RunFile.open(folder) as run:
                summary = RunSummary(
                    run.id, run.procedure, str(run.sample.get("name", "")), run.outcome, run.started, folder
                )
                found.append((run.started_unix, summary))
        except RunFileError as error:
            unreadable.append(Unreadable(folder, error.problem))
    unreadable += [
        Unreadable(folder, "was killed before anything was recorded; delete this folder")
        for folder in _stillborn(runs_folder)
    ]
    found.sort(key=lambda one: (one[0], one[1].path.name))
    return Catalog([summary for _, summary in found], unreadable)


def list_runs(runs_folder: Path) -> list[RunSummary]:
    """The readable runs of a folder, oldest first; `read_catalog` tells of the others too."""
    return read_catalog(runs_folder).runs


def find_run(runs_folder: Path, text: str) -> Path:
    """The folder of one run: by its id, its path (the folder or its run.db), a part that only its id has, or `last`.

    Whether it can be read is not asked here. Raises BadInput, naming the candidates.
    """
    folders = {folder.name: folder for folder in _folders(runs_folder)}
    if text in folders:
        return folders[text]
    if text == "last":
        runs = list_runs(runs_folder)
        if not runs:
            raise BadInput("there are no runs yet", place=str(runs_folder))
        return runs[-1].path
    path = Path(text).expanduser()
    if text and (path.name == RUN_DB or (path / RUN_DB).exists()):
        return folder_of(path)
    candidates = [name for name in sorted(folders) if text and text.lower() in name.lower()]
    if len(candidates) == 1:
        return folders[candidates[0]]
    if candidates:
        raise BadInput(f"{text!r} fits several runs", place=str(runs_folder), allowed=_some(candidates))
    raise BadInput(f"there is no run {text!r}", place=str(runs_folder), allowed=_some(sorted(folders)) or "none yet")


def _folders(runs_folder: Path) -> list[Path]:
    try:
        if not runs_folder.exists():
            return []
        return sorted(folder for folder in runs_folder.iterdir() if (folder / RUN_DB).exists())
    except OSError as error:
        raise BadInput(f"cannot be listed: {error.strerror or error}", place=str(runs_folder)) from error


def _stillborn(runs_folder: Path) -> list[Path]:
    """Folders that a run made but never recorded into, and that nobody is making this moment."""
    if not runs_folder.exists():
        return []
    made = [
        folder for folder in runs_folder.iterdir() if (folder / RESERVE).exists() and not (folder / RUN_DB).exists()
    ]
    return sorted(folder for folder in made if not has_owner(folder))


def _some(names: list[str], most: int = 8) -> str:
    """The newest names: they begin with their date."""
    more = f", and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[-most:]) + more
