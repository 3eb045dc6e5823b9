"""`cellrig export`: a run's data for other programs."""

from __future__ import annotations

from pathlib import Path

from daq.catalog import find_run
from daq.runfile.checkup import check_up
from daq.runfile.reader import RunFile
from procedures.cli.console import print_json, say, stdout
from procedures.cli.text import quoted
from procedures.cli.wall import Status, complain
from procedures.interchange.exporting import export_run


def export_command(name: str, form: str, target: Path | None, overwrite: bool, runs: Path, json: bool) -> int:
    """Exit status 1 when the run file is damaged: what can be read was written, what is missing is said."""
    folder = find_run(runs, name)
    with RunFile.open(folder) as run:
        written = export_run(run, form, target or folder / f"export-{form}", overwrite)
    # A broken page may hide rows from a query that ends well: only a look at the whole file tells.
    damage = [one.what for one in check_up(folder) if one.kind == "damage"]
    if json:
        print_json({"format": form, "files": written, "damage": damage})
    else:
        console = stdout()
        for path in written:
            say(console, str(path))
    if not damage:
        return Status.DONE
    for what in damage:
        complain(f"{folder}: {what}")
    complain(f"the exported files lack what was lost: see `cellrig fsck {quoted(folder)}`; do not take them for whole")
    return Status.FAILED
