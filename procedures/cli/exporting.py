"""`cellrig export`: a run's data for other programs."""

from __future__ import annotations

from pathlib import Path

from daq.catalog import find_run
from daq.runfile.reader import RunFile
from procedures.cli.console import print_json, say, stdout
from procedures.interchange.exporting import export_run


def export_command(name: str, form: str, target: Path | None, overwrite: bool, runs: Path, json: bool) -> None:
    folder = find_run(runs, name)
    with RunFile.open(folder) as run:
        written = export_run(run, form, target or folder / f"export-{form}", overwrite)
    if json:
        print_json({"format": form, "files": written})
        return
    console = stdout()
    for path in written:
        say(console, str(path))
