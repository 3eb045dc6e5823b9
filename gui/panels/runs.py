"""Queue and runs in one table: reorder, hold, remove what waits; overlay, open, export, resume what is there."""

from __future__ import annotations

from collections.abc import Sequence

from PyQt5.QtCore import QModelIndex, QRectF, QSortFilterProxyModel, Qt, pyqtSignal
from PyQt5.QtGui import QColor, QKeySequence, QPainter
from PyQt5.QtWidgets import (
    QAbstractItemView,
    QAction,
    QApplication,
    QHBoxLayout,
    QLineEdit,
    QShortcut,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from gui.panels.runs_model import PROGRESS, RUN, SHARE_ROLE, STATE_ROLE, STATES, RunRow, RunsModel
from gui.panels.small import button, label
from gui.theme import LIGHT, Theme

WIDTHS = (52, 190, 160, 118, 150, 124, 150)
ROW_PX = 27
QUEUE_KEYS = {"up": "Ctrl+Up", "down": "Ctrl+Down", "remove": "Del", "hold_entry": "Ctrl+H"}
ACTIONS = (
    ("resume", "Resume", "Go on with an interrupted, stopped or failed run, in the same file"),
    ("settings", "Use these settings", "Fill the form of a new run from this one"),
    ("report", "Open report", "Write the report of this run and open it"),
    ("export", "Export…", "Write the run's data for other programs"),
    ("folder", "Open folder", "Show the run's folder"),
    ("copy", "Copy path", "The run's folder, to the clipboard"),
)


class RunsPanel(QWidget):
    """`asked` with what is wanted and the row it is wanted of."""

    asked = pyqtSignal(str, object)
    load_asked = pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self.model = RunsModel()
        self.filtered = QSortFilterProxyModel()
        self.filtered.setSourceModel(self.model)
        self.filtered.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.filtered.setFilterKeyColumn(-1)
        self.table = QTableView()
        self.table.setModel(self.filtered)
        self.table.setObjectName("queueTable")
        self.table.setAccessibleName("Queue and runs")
        self.progress = ProgressBars()
        self._set_up_table()
        self.search = QLineEdit()
        self.search.setObjectName("runSearch")
        self.search.setPlaceholderText("Search runs")
        self.search.setAccessibleName("Search runs")
        self.search.setClearButtonEnabled(True)
        self.search.setMaximumWidth(220)
        self.search.textChanged.connect(self.filtered.setFilterFixedString)
        self.count = label("", "muted")
        self._buttons = {
            "load": button("Compare with file…", "Show a run, or data of another program, beside the others (Ctrl+O)"),
            "up": button("▲", "Move what waits up (Ctrl+Up)"),
            "down": button("▼", "Move what waits down (Ctrl+Down)"),
            "remove": button("Remove", "Take it out of the queue (Del)"),
            "hold_entry": button("Hold", "Pass the chosen entry over, or let it go (Ctrl+H)"),
            "hold": button("Hold queue", "Start nothing more, or go on (F5)"),
            "hide": button("Hide all", "Untick all runs"),
        }
        self._lay_out()
        for key, keys in QUEUE_KEYS.items():
            self._buttons[key].clicked.connect(lambda _=False, wanted=key: self._ask(wanted))
            shortcut = QShortcut(QKeySequence(keys), self.table)
            shortcut.setContext(Qt.ShortcutContext.WidgetShortcut)
            shortcut.activated.connect(self._buttons[key].click)
        self._buttons["load"].clicked.connect(self.load_asked)
        self._buttons["hold"].clicked.connect(lambda: self.asked.emit("hold", None))
        self._buttons["hide"].clicked.connect(self.hide_all)
        self._add_actions()

    def _set_up_table(self) -> None:
        table = self.table
        table.setItemDelegateForColumn(PROGRESS, self.progress)
        table.setShowGrid(False)
        table.setAlternatingRowColors(True)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setTabKeyNavigation(False)
        table.setWordWrap(False)
        table.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        rows, head = table.verticalHeader(), table.horizontalHeader()
        if rows is not None and head is not None:
            rows.hide()
            rows.setDefaultSectionSize(ROW_PX)
            head.setStretchLastSection(True)
            head.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft)
            head.setHighlightSections(False)
        for column, width in enumerate(WIDTHS):
            table.setColumnWidth(column, width)
        table.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)

    def _lay_out(self) -> None:
        tools = QHBoxLayout()
        tools.setContentsMargins(6, 4, 6, 2)
        tools.setSpacing(4)
        for made in self._buttons.values():
            tools.addWidget(made)
        tools.addStretch(1)
        tools.addWidget(self.count)
        tools.addWidget(self.search)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(tools)
        column.addWidget(self.table, 1)

    def _add_actions(self) -> None:
        for key, text, tip in ACTIONS:
            action = QAction(text, self.table)
            action.setToolTip(tip)
            action.triggered.connect(lambda _=False, wanted=key: self._ask(wanted))
            self.table.addAction(action)
        self.table.doubleClicked.connect(self._double_clicked)

    # ------------------------------------------------------------ from the window
    def set_rows(self, rows: Sequence[RunRow], *, held: bool) -> None:
        chosen = self.selected()
        self.model.set_rows(rows)
        if chosen is not None and self.selected() is None:
            self.select(chosen.key)
        waiting = sum(one.state in ("waiting", "held") for one in rows)
        running = sum(one.state in ("running", "paused") for one in rows)
        told = f"{running} running · {waiting} waiting" + (" · queue held" if held else "")
        self.count.setText(f"{told} · {len(rows) - waiting} on disk")
        self._buttons["hold"].setText("Go on with queue" if held else "Hold queue")

    def set_theme(self, theme: Theme) -> None:
        self.model.set_theme(theme)
        self.progress.theme = theme

    def selected(self) -> RunRow | None:
        selection = self.table.selectionModel()
        rows = selection.selectedRows() if selection is not None else []
        return self.model.rows[self.filtered.mapToSource(rows[0]).row()] if rows else None

    def select(self, key: str) -> None:
        for number, row in enumerate(self.model.rows):
            if row.key == key:
                self.table.selectRow(self.filtered.mapFromSource(self.model.index(number, RUN)).row())

    def hide_all(self) -> None:
        for row in list(self.model.rows):
            self.model.show_run(row.key, False)

    def _ask(self, wanted: str) -> None:
        row = self.selected()
        if row is not None:
            self.asked.emit(wanted, row)

    def _double_clicked(self, index: QModelIndex) -> None:
        row = self.model.rows[self.filtered.mapToSource(index).row()]
        if row.path is not None:
            self.model.show_run(row.key, not row.shown)


class ProgressBars(QStyledItemDelegate):
    """A bar with its percentage, in the colour of the state."""

    def __init__(self) -> None:
        super().__init__()
        self.theme: Theme = LIGHT

    def paint(self, painter: QPainter | None, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        if painter is None:
            return
        box = QStyleOptionViewItem(option)
        self.initStyleOption(box, index)
        box.text = ""
        style = QApplication.style()
        if style is not None:
            style.drawControl(QStyle.ControlElement.CE_ItemViewItem, box, painter)
        share = float(index.data(SHARE_ROLE) or 0.0)
        colour = getattr(self.theme, STATES.get(index.data(STATE_ROLE), ("", "muted"))[1])
        middle = option.rect.height() / 2
        bar = QRectF(option.rect).adjusted(8, middle - 4, -52, -(middle - 4))
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self.theme.border))
        painter.drawRoundedRect(bar, 4, 4)
        if share > 0:
            bar.setWidth(max(8.0, bar.width() * share))
            painter.setBrush(QColor(colour))
            painter.drawRoundedRect(bar, 4, 4)
        painter.setPen(QColor(self.theme.text))
        place = QRectF(option.rect).adjusted(0, 0, -8, 0)
        flags = int(Qt.AlignmentFlag.AlignRight) | int(Qt.AlignmentFlag.AlignVCenter)
        painter.drawText(place, flags, f"{100 * share:.0f} %")
        painter.restore()
