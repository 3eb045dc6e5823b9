"""`cellrig sheet`: a plan's schedules, to be typed into a cycler's own program."""

from __future__ import annotations

from pathlib import Path

from daq.plan import load_plan
from procedures.cli.console import print_json, say, stdout
from procedures.sheet import sheets_of, write_sheets


def sheet_command(plan_file: Path, bench: Path | None, target: Path | None, overwrite: bool, json: bool) -> None:
    plan = load_plan(plan_file, bench)
    sheets = sheets_of(plan)
    written = write_sheets(sheets, target or plan_file.parent, overwrite)
    if json:
        print_json({"sheets": [{"id": one.id, "sample": one.sample_id, "steps": one.rows} for one in sheets],
                    "files": written})  # fmt: skip
        return
    console = stdout()
    for sheet in sheets:
        say(console, f"id {sheet.id}: type it into the cycler's battery-code field\nsample {sheet.sample_id}")
        for line in sheet.lines:
            say(console, line)
    for path in written:
        say(console, str(path))
