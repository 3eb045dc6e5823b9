"""What can be done with a row of the table: resume, report, export, folder, its settings; and files from elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PyQt5.QtCore import QUrl
from PyQt5.QtGui import QDesktopServices
from PyQt5.QtWidgets import QApplication

from daq.errors import BadInput, CellrigError
from daq.runfile.reader import RunFile
from daq.runfile.stored import folder_of
from gui.dialogs import ask_for_folder
from gui.model.foreign import is_foreign
from gui.panels.runs_model import RunRow
from procedures.interchange.exporting import export_run

if TYPE_CHECKING:
    from gui.window import BenchWindow


class RowActions:
    def __init__(self, window: BenchWindow) -> None:
        self._window = window

    def do(self, what: str, row: RunRow) -> None:
        """Failures are told in the window, as a sentence."""
        actions = {
            "up": self._up,
            "down": self._down,
            "remove": self._remove,
            "hold_entry": self._hold,
            "resume": self._resume,
            "settings": self._settings,
            "report": self._report,
            "export": self._export,
            "folder": self._folder,
            "copy": self._copy,
        }
        try:
            actions[what](row)
        except (CellrigError, OSError) as error:
            self._window.telling.answered("error", str(error))

    # ------------------------------------------------------------ what waits
    def _up(self, row: RunRow) -> None:
        self._queued(row, "move", by=-1)

    def _down(self, row: RunRow) -> None:
        self._queued(row, "move", by=1)

    def _remove(self, row: RunRow) -> None:
        self._queued(row, "remove")

    def _hold(self, row: RunRow) -> None:
        self._queued(row, "hold_entry", on=row.state != "held")

    def _queued(self, row: RunRow, what: str, **details: Any) -> None:
        if not row.queue_id:
            raise BadInput("only what waits in the queue can be moved, held or taken out", place=row.key)
        self._window.link.ask(what, id=row.queue_id, **details)

    # ------------------------------------------------------------ what is on disk
    def _path(self, row: RunRow) -> Path:
        if row.path is None:
            raise BadInput("it has not begun: there is nothing on disk yet", place=row.sample)
        if is_foreign(row.path):
            raise BadInput("is a file of another program, not a run", place=str(row.path))
        return row.path

    def _resume(self, row: RunRow) -> None:
        if row.state not in ("interrupted", "stopped", "failed"):
            raise BadInput(f"is {row.state}: there is nothing to resume", place=row.key)
        self._window.link.ask("resume", path=self._path(row))

    def _settings(self, row: RunRow) -> None:
        self._window.filling.take_run(self._path(row))

    def _report(self, row: RunRow) -> None:
        from procedures.report import write_report  # matplotlib would cost each start of the window half a second

        page = write_report(self._path(row))
        self._window.log.say("info", f"the report is {page}")
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(page)))

    def _export(self, row: RunRow) -> None:
        run = self._path(row)

        def export(folder: Path) -> None:
            try:
                self.export_into(run, folder)
            except CellrigError as error:
                self._window.telling.answered("error", str(error))

        ask_for_folder(self._window, "Export into a folder", str(run), export)

    def export_into(self, run: Path, folder: Path) -> None:
        """Plain CSV of every stream that has rows. Raises CellrigError."""
        with RunFile.open(run) as opened:
            for written in export_run(opened, "csv", folder):
                self._window.log.say("info", f"wrote {written}")

    def _folder(self, row: RunRow) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._path(row))))

    def _copy(self, row: RunRow) -> None:
        clipboard = QApplication.clipboard()
        if clipboard is not None:
            clipboard.setText(str(self._path(row)))

    # ------------------------------------------------------------ files
    def load_file(self, path: Path) -> None:
        """A run from anywhere, or a file of another program, is shown beside the others."""
        known = path if is_foreign(path) else folder_of(path)
        self._window.showing.add_row(RunRow(str(known), "file", known.name, "file", path=known, shown=True))
