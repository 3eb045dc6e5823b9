"""`cellrig sheet PLAN`: the step sheets of a plan's schedules, as HTML to print and CSV to copy from."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from daq.errors import BadInput, StorageError
from daq.plan import Plan, check_plan
from drivers.step_sheet import StepSheet, sheet_of
from procedures.critical_current import CriticalCurrentLadder
from procedures.on_cycler import OnCycler

HEADINGS = (
    ("current_uA", "current uA"), ("current_mA", "current mA"), ("voltage_V", "voltage V"),
    ("until_above_V", "until V >"), ("until_below_V", "until V <"), ("until_time_s", "until s"),
    ("until_capacity_uAh", "until uAh"), ("until_capacity_mAh", "until mAh"),
    ("until_current_below_uA", "until |I| < uA"), ("until_current_below_mA", "until |I| < mA"),
    ("loop_to", "back to step"), ("loop_times", "times in all"), ("record_every_s", "record s"),
    ("record_every_V", "record dV"), ("record_every_uA", "record dI uA"),
)  # fmt: skip


def sheets_of(plan: Plan) -> list[StepSheet]:
    """One sheet for each run of the plan that is a schedule on a cycler, in order; touches no hardware.

    Raises BadInput for a plan that is not in order, and when it has no such run.
    """
    sheets = []
    for one in check_plan(plan):
        procedure = one.procedure
        if isinstance(procedure, OnCycler) or (
            isinstance(procedure, CriticalCurrentLadder) and procedure.on == "cycler"
        ):
            sheets += [sheet_of(procedure.schedule(sample), sample.label) for sample in procedure.samples]
    if not sheets:
        raise BadInput("no run of this plan is a schedule on a cycler", place=plan.place)
    return sheets


def write_sheets(sheets: Sequence[StepSheet], folder: Path, overwrite: bool = False) -> list[Path]:
    """`sheet_ID.html` and `sheet_ID.csv` of each. Raises BadInput when one is there already, StorageError."""
    content = {
        folder / f"sheet_{sheet.id}.{ending}": text
        for sheet in sheets
        for ending, text in (("html", sheet_page(sheet)), ("csv", sheet.csv()))
    }
    for path in content:
        if path.exists() and not overwrite:
            raise BadInput("is there already", place=str(path), allowed="--overwrite, or another folder with --to")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in content.items():
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StorageError(f"the sheet could not be written to {folder}: {error.strerror or error}") from error
    return list(content)


def sheet_page(sheet: StepSheet) -> str:
    """One HTML page that needs nothing else; columns that no step uses are left out."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(files("procedures").joinpath("sheet.html").read_text(encoding="utf-8"))
    used = [(name, heading) for name, heading in HEADINGS if any(row[name] for row in sheet.rows)]
    return template.render(sheet=sheet, columns=used)
