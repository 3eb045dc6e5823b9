"""`fsck`, `bundle`: when something went wrong with a run."""

from __future__ import annotations

from pathlib import Path

from daq.bundle import bundle
from daq.catalog import find_run
from daq.runfile.checkup import check_up
from daq.runfile.salvage import Salvaged
from daq.runfile.salvage import salvage as salvage_run
from procedures.cli.console import print_json, remark, say, stdout
from procedures.cli.text import quoted
from procedures.cli.wall import Status


def fsck_command(name: str, salvage: Path | None, runs: Path, json: bool) -> int:
    """Exit status 0 for a whole run, 1 for a damaged one."""
    folder = find_run(runs, name)
    found = check_up(folder)
    damaged = any(one.kind == "damage" for one in found)
    saved = None if salvage is None else salvage_run(folder, salvage.expanduser())
    if json:
        print_json(
            {
                "path": folder,
                "damaged": damaged,
                "findings": [vars(one) for one in found],
                "salvaged": None if saved is None else {**vars(saved), "text": saved.text},
            }
        )
        return Status.FAILED if damaged else Status.DONE
    console = stdout()
    say(console, f"{folder}: {'DAMAGED' if damaged else 'whole'}")
    for one in found:
        remark(console, f"{one.what}." + (f" What to do: {one.do.replace('RUN', quoted(folder))}." if one.do else ""))
    if saved is not None:
        _print_salvaged(saved)
    return Status.FAILED if damaged else Status.DONE


def bundle_command(name: str, target: Path | None, with_names: bool, runs: Path, json: bool) -> None:
    folder = find_run(runs, name)
    place = Path(f"{folder.name}-bundle.zip") if target is None else target.expanduser()
    names = bundle(folder, place, with_names=with_names)
    if json:
        print_json({"bundle": place.absolute(), "files": names})
        return
    say(stdout(), f"{place.absolute()} ({', '.join(names)})")
    if not with_names:
        remark(stdout(), "without tokens, home folders, and names of user and computer; read it before you send it")


def _print_salvaged(saved: Salvaged) -> None:
    console = stdout()
    say(console, f"\nsalvaged into {saved.path}: {saved.text}")
    for table, rows in saved.rows.items():
        remark(console, f"{table}: {rows} rows")
