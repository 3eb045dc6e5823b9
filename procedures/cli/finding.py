"""Which run a person means: its folder, its `run.db`, its id, or the start of an id that fits only one."""

from __future__ import annotations

from pathlib import Path

from daq.errors import BadInput

DATABASE = "run.db"
SHOWN = 5


def run_folders(runs: Path) -> list[Path]:
    """The folders in `runs` that hold a run, by name: oldest first, for names begin with the date.

    A folder `runs` that does not exist holds none. Raises BadInput when it can't be read.
    """
    try:
        return sorted(one for one in runs.iterdir() if (one / DATABASE).is_file())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise BadInput(f"cannot be read as a folder of runs: {error.strerror}", place=str(runs)) from error


def find_run(runs: Path, name: str) -> Path:
    """The folder of the run called `name`. Raises BadInput with what there is instead."""
    direct = Path(name)
    if direct.name == DATABASE and direct.is_file():
        return direct.parent
    for folder in (direct, runs / name):
        if name and (folder / DATABASE).is_file():
            return folder
    known = run_folders(runs)
    fitting = [one for one in known if one.name.startswith(name)]
    if len(fitting) == 1:
        return fitting[0]
    if not known:
        raise BadInput(f"there is no run {name!r}: no runs in this folder", place=str(runs), allowed="see --runs")
    shown = [one.name for one in (fitting or known)]
    listed = ", ".join(shown[-SHOWN:]) + (f" and {len(shown) - SHOWN} more" if len(shown) > SHOWN else "")
    problem = f"{name!r} fits {len(fitting)} runs" if fitting else f"there is no run {name!r}"
    raise BadInput(problem, place=str(runs), allowed=listed)
