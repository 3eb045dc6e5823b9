"""The form filled from a plan file, a preset or a run; and written as a plan file, which is what a preset is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from daq.errors import CellrigError
from daq.runfile.reader import RunFile
from daq.tables import read_toml
from gui.dialogs import ask_to_open, ask_to_save
from gui.model.drafts import plan_text
from gui.panels.new_run import default_plan_name

if TYPE_CHECKING:
    from gui.window import BenchWindow

PRESETS = "presets"  # beside the runs: whoever shares their folder shares them
KINDS = "Plans (*.toml)"


class Filling:
    def __init__(self, window: BenchWindow) -> None:
        self._window = window
        window.new_run.load_menu.aboutToShow.connect(self._fill_menu)

    @property
    def folder(self) -> Path:
        return self._window.runs_folder / PRESETS

    def load_plan(self) -> None:
        ask_to_open(self._window, "Load a plan", str(self.folder), KINDS, self.take_plan)

    def save_plan(self, table: dict[str, Any]) -> None:
        proposed = self.folder / default_plan_name(table)
        ask_to_save(self._window, "Save plan", str(proposed), KINDS, lambda target: self.write_plan(table, target))

    def take_plan(self, path: Path) -> None:
        """Whatever is wrong with it is a sentence; the form stays as it was."""
        form, telling = self._window.new_run, self._window.telling
        try:
            table = read_toml(path)
            form.take_plan(table, str(path), path.absolute().parent)
        except CellrigError as error:
            telling.answered("error", str(error))
            return
        named = table.get("bench")
        if named is not None and form.bench.source != (path.parent / named).resolve():
            telling.answered(
                "warning", f"{path} names the bench {named}; here it is checked against {form.bench.place}"
            )
        else:
            self._window.log.say("info", f"the form holds what {path} says")

    def take_run(self, path: Path) -> None:
        """Raises CellrigError."""
        with RunFile.open(path) as run:
            self._window.new_run.take_plan(plan_of_run(run), str(path))

    def write_plan(self, table: dict[str, Any], target: Path) -> None:
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(plan_text(table, self._window.new_run.bench.source), encoding="utf-8")
        except OSError as error:
            self._window.telling.answered("error", f"{target}: the plan could not be written: {error.strerror}")
        else:
            self._window.log.say("info", f"the plan was written to {target}")

    def _fill_menu(self) -> None:
        menu = self._window.new_run.load_menu
        menu.clear()
        menu.addAction("Plan file…", self.load_plan)
        chosen = self._window.runs.selected()
        from_run = menu.addAction("The chosen run", self._take_chosen)
        if from_run is not None:
            from_run.setEnabled(chosen is not None and chosen.path is not None)
        menu.addSection("Presets")
        presets = sorted(self.folder.glob("*.toml"))
        for path in presets:
            menu.addAction(path.stem, lambda path=path: self.take_plan(path))
        if not presets:
            nothing = menu.addAction(f"none yet: save a plan into {self.folder}")
            if nothing is not None:
                nothing.setEnabled(False)

    def _take_chosen(self) -> None:
        row = self._window.runs.selected()
        if row is not None:
            self._window.actions_of_rows.do("settings", row)


def plan_of_run(run: RunFile) -> dict[str, Any]:
    """What the run was asked for: its own parameters (a plan may have had several runs), sample and interlocks."""
    samples = run.sample.get("samples")
    return {
        "sample": samples if samples is not None else [dict(run.sample)],
        "run": [{"procedure": run.procedure, **run.parameters}],
        "interlock": list(run.plan.get("interlock") or []),
    }
