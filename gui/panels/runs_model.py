"""The rows of the table of runs: what waits, what goes on, what is on disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PyQt5.QtCore import QAbstractTableModel, QModelIndex, Qt, pyqtSignal
from PyQt5.QtGui import QColor, QFont

from gui.icons import swatch
from gui.model.procedure_form import title_of
from gui.theme import LIGHT, Theme

COLUMNS = ("", "Procedure", "Sample", "State", "Progress", "Started", "Time left", "Run")
SHOW, PROCEDURE, SAMPLE, STATE, PROGRESS, STARTED, LEFT, RUN = range(len(COLUMNS))
SHARE_ROLE = int(Qt.ItemDataRole.UserRole)
STATE_ROLE = SHARE_ROLE + 1
# state: (symbol and word, colour of the theme)
STATES = {
    "running": ("▶ Running", "good"),
    "paused": ("‖ Paused", "warn"),
    "waiting": ("◌ Waiting", "muted"),
    "held": ("‖ Held", "warn"),
    "finished": ("✓ Finished", "accent"),
    "stopped": ("■ Stopped", "warn"),
    "failed": ("✕ Failed", "bad"),
    "interrupted": ("! Interrupted", "bad"),
    "file": ("▤ File", "muted"),
    "rehearsal": ("◇ Rehearsal", "muted"),
}


@dataclass
class RunRow:
    """`path` of a run on disk, `queue_id` of one that waits; `share` 0 to 1."""

    key: str
    procedure: str
    sample: str
    state: str
    started: str = ""
    left: str = ""
    share: float = 0.0
    path: Path | None = None
    queue_id: str = ""
    note: str = ""
    shown: bool = False
    colour: str = ""


class RunsModel(QAbstractTableModel):
    shown_changed = pyqtSignal(object)  # RunRow

    def __init__(self) -> None:
        super().__init__()
        self.theme: Theme = LIGHT
        self.rows: list[RunRow] = []

    def set_rows(self, rows: Sequence[RunRow]) -> None:
        """Ticks and colours stay with the run they belong to; a selection stays where the rows are as before."""
        known = {one.key: one for one in self.rows}
        for row in rows:
            old = known.get(row.key)
            if old is not None:
                row.shown, row.colour = row.shown or old.shown, row.colour or old.colour
        if [one.key for one in rows] == [one.key for one in self.rows]:
            self.rows = list(rows)
            if rows:
                self.dataChanged.emit(self.index(0, 0), self.index(len(rows) - 1, len(COLUMNS) - 1))
            return
        self.beginResetModel()
        self.rows = list(rows)
        self.endResetModel()

    def set_theme(self, theme: Theme) -> None:
        """A run keeps its colour, in the shade that can be read on the new ground."""
        for row in self.rows:
            if row.colour in self.theme.categories:
                row.colour = theme.category(self.theme.categories.index(row.colour))
        self.theme = theme
        if self.rows:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self.rows) - 1, len(COLUMNS) - 1))

    def show_run(self, key: str, shown: bool) -> None:
        for number, row in enumerate(self.rows):
            if row.key == key and row.shown != shown:
                self.setData(self.index(number, SHOW), 2 if shown else 0, int(Qt.ItemDataRole.CheckStateRole))

    # ------------------------------------------------------------ Qt's
    def rowCount(self, parent: QModelIndex | None = None) -> int:
        return len(self.rows)

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        return len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return COLUMNS[section]
        return None

    def flags(self, index: QModelIndex) -> Qt.ItemFlags:
        flags = Qt.ItemFlags(Qt.ItemFlag.ItemIsEnabled) | Qt.ItemFlag.ItemIsSelectable
        if index.column() == SHOW and self.rows[index.row()].path is not None:
            flags |= Qt.ItemFlag.ItemIsUserCheckable
        return flags

    def data(self, index: QModelIndex, role: int = 0) -> Any:
        row, column = self.rows[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return _text(row, column)
        if role == SHARE_ROLE:
            return row.share
        if role == STATE_ROLE:
            return row.state
        if column == SHOW and row.path is not None:
            if role == Qt.ItemDataRole.CheckStateRole:
                return Qt.CheckState.Checked if row.shown else Qt.CheckState.Unchecked
            if role == Qt.ItemDataRole.DecorationRole and row.shown and row.colour:
                return swatch(row.colour)
        if role == Qt.ItemDataRole.ForegroundRole and column == STATE:
            return QColor(getattr(self.theme, STATES.get(row.state, ("", "muted"))[1]))
        if role == Qt.ItemDataRole.FontRole and row.state in ("running", "paused"):
            font = QFont()
            font.setBold(True)
            return font
        if role == Qt.ItemDataRole.ToolTipRole:
            return row.note or (str(row.path) if row.path is not None else "waits in the queue")
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{title_of(row.procedure)}, {row.sample}, {row.state}, {100 * row.share:.0f} percent"
        return None

    def setData(self, index: QModelIndex, value: Any, role: int = 0) -> bool:
        if index.column() != SHOW or role != Qt.ItemDataRole.CheckStateRole:
            return False
        row = self.rows[index.row()]
        row.shown = int(value) == 2
        self.dataChanged.emit(index, index)
        self.shown_changed.emit(row)
        return True


def _text(row: RunRow, column: int) -> str:
    texts = {
        PROCEDURE: title_of(row.procedure),
        SAMPLE: row.sample,
        STATE: STATES.get(row.state, (row.state, ""))[0],
        STARTED: row.started,
        LEFT: row.left,
        RUN: row.path.name if row.path is not None else row.note,
    }
    return texts.get(column, "")
