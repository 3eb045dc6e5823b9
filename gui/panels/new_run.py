"""New run: a form made of the procedure's own parameters, checked while it is typed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PyQt5.QtCore import Qt, QTimer, pyqtBoundSignal, pyqtSignal
from PyQt5.QtWidgets import (
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from daq.bench import BenchConfig, load_bench
from daq.errors import CellrigError
from daq.quantity import Sources
from gui.model.bench_status import BenchStatus
from gui.model.draft_summary import summary_of, warnings_of, watched_text
from gui.model.drafts import SAMPLE_FIELDS, Checked, anchored, check_draft, plan_problem, texts_of_plan
from gui.model.interlock_draft import draft_of, limit_unit, offered, sources_for
from gui.model.procedure_form import Field, fields_of, procedure_names, title_of
from gui.panels.interlocks import InterlockRows
from gui.panels.small import NoWheel, button, label, set_look

CHECK_AFTER_MS = 250
Widget = QLineEdit | QComboBox


class NewRunPanel(QWidget):
    """`submitted` with the plan's table; `saved` when it is to be written to a plan file."""

    submitted = pyqtSignal(dict)
    save_asked = pyqtSignal(dict)
    rehearse_asked = pyqtSignal(dict)

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("New run")
        self.bench: BenchConfig = load_bench(None)
        self.checked: Checked | None = None
        self.fields: list[Field] = []
        self.widgets: dict[str, Widget] = {}
        self.messages: dict[str, QLabel] = {}
        self._disk_free_bytes: int | None = None
        self._speed = 1.0
        self._wheel = NoWheel(self)
        self._sources: Sources = {}
        self.interlocks = InterlockRows(self._wheel)
        self.interlocks.changed.connect(self._changed)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(CHECK_AFTER_MS)
        self._timer.timeout.connect(self.check)
        self.procedure = QComboBox()
        self.procedure.setObjectName("field_procedure")
        self.procedure.setAccessibleName("Procedure")
        for name in procedure_names():
            self.procedure.addItem(title_of(name), name)
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.summary = label("", "good-box", "summary")
        self.summary.setWordWrap(True)
        self.add = button("Add to queue", "Put this run at the end of the queue (Ctrl+Enter)", "addToQueue", "primary")
        self.save = button("Save plan…", "Write it as a plan file, for the command line or another day", "savePlan")
        self.load = button("Load", "Take the settings of a plan file, a preset or the chosen run", "loadPlan")
        self.load_menu = QMenu(self)
        self.load.setMenu(self.load_menu)
        self.rehearse = button("Rehearse", "Have it go on the bench's simulated twin first (Ctrl+R)", "rehearse")
        for one in (self.add, self.save, self.rehearse):
            one.setEnabled(False)
        self._lay_out()
        self.procedure.installEventFilter(self._wheel)
        self.procedure.currentIndexChanged.connect(self._procedure_changed)
        self.add.clicked.connect(lambda: self._pass_on(self.submitted))
        self.save.clicked.connect(lambda: self._pass_on(self.save_asked))
        self.rehearse.clicked.connect(lambda: self._pass_on(self.rehearse_asked))
        self._build()

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setContentsMargins(10, 4, 8, 0)
        caption = label("&Type")
        caption.setBuddy(self.procedure)
        head.addWidget(caption)
        head.addWidget(self.procedure, 1)
        plans = QHBoxLayout()
        plans.setContentsMargins(10, 0, 8, 0)
        plans.addWidget(self.load)
        plans.addWidget(self.save)
        plans.addStretch(1)
        foot = QHBoxLayout()
        foot.setContentsMargins(10, 0, 8, 8)
        foot.addWidget(self.rehearse)
        foot.addWidget(self.add, 1)
        told = QHBoxLayout()
        told.setContentsMargins(10, 0, 8, 0)
        told.addWidget(self.summary)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(head)
        column.addLayout(plans)
        column.addWidget(self._scroll, 1)
        column.addLayout(told)
        column.addLayout(foot)

    # ------------------------------------------------------------ the form
    def _build(self) -> None:
        self.fields = fields_of(self.procedure.currentData())
        self.widgets, self.messages = {}, {}
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(10, 2, 8, 6)
        column.setSpacing(3)
        column.addWidget(label("Sample", "group"))
        grid = self._grid(column)
        for field in SAMPLE_FIELDS:
            wide = field.key in ("name", "notes")
            self._add_line(grid, field.key, field.label, field.help, "", wide=wide)
        for group in dict.fromkeys(one.group for one in self.fields):
            column.addSpacing(4)
            column.addWidget(label(group, "group"))
            grid = self._grid(column)
            for one in self.fields:
                if one.group != group:
                    continue
                if one.choices:
                    self._add_choice(grid, one)
                else:
                    self._add_line(grid, one.key, one.label, one.help, one.default, wide=one.wide)
        column.addSpacing(4)
        column.addWidget(label("Interlocks of this run", "group"))
        column.addWidget(self.interlocks)
        column.addStretch(1)
        self._scroll.setWidget(body)
        self._offer()
        self._timer.start()

    def _offer(self) -> None:
        """What can be watched depends on bench and procedure."""
        try:
            self._sources = sources_for(self.bench, self.procedure.currentData())
        except CellrigError:  # the check tells what is wrong with the bench
            self._sources = {}
        self.interlocks.offer(offered(self._sources))

    def _grid(self, column: QVBoxLayout) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(1)
        grid.setColumnStretch(0, 1)
        grid.setColumnStretch(1, 1)
        column.addLayout(grid)
        return grid

    def _add_line(self, grid: QGridLayout, key: str, text: str, tip: str, value: str, *, wide: bool) -> None:
        line = QLineEdit(value)
        line.setCursorPosition(0)
        line.textChanged.connect(self._changed)
        self._place(grid, key, text, tip, line, wide=wide)

    def _add_choice(self, grid: QGridLayout, field: Field) -> None:
        box = QComboBox()
        box.addItems(list(field.choices))
        box.setCurrentText(field.default)
        box.installEventFilter(self._wheel)
        box.currentIndexChanged.connect(self._changed)
        self._place(grid, field.key, field.label, field.help, box, wide=len(field.label) > 22)

    def _place(self, grid: QGridLayout, key: str, text: str, tip: str, widget: Widget, *, wide: bool) -> None:
        """Label above the field, message below it, two fields to a line: each in a row of the grid's own, so that
        a message at one of them does not move the other."""
        caption = label(text, "muted")
        caption.setBuddy(widget)
        caption.setToolTip(tip)
        caption.setAlignment(Qt.AlignmentFlag.AlignBottom)
        caption.setWordWrap(True)  # else the longest of them makes the form wider than its dock
        message = label("", "error")
        message.setWordWrap(True)
        message.setAlignment(Qt.AlignmentFlag.AlignTop)
        message.setObjectName(f"message_{key}")
        message.hide()
        widget.setObjectName(f"field_{key}")
        widget.setAccessibleName(text)
        widget.setToolTip(tip)
        widget.setMinimumWidth(60)
        place = grid.property("next") or 0
        if wide and place % 2:
            place += 1
        for line, one in enumerate((caption, widget, message)):
            grid.addWidget(one, 3 * (place // 2) + line, place % 2, 1, 2 if wide else 1)
        grid.setProperty("next", place + (2 if wide else 1))
        self.widgets[key], self.messages[key] = widget, message

    # ------------------------------------------------------------ what is typed
    def texts(self) -> dict[str, str]:
        return {
            key: one.currentText() if isinstance(one, QComboBox) else one.text() for key, one in self.widgets.items()
        }

    def set_texts(self, texts: Mapping[str, str]) -> None:
        for key, widget in self.widgets.items():
            if key not in texts:
                continue
            if isinstance(widget, QComboBox):
                widget.setCurrentText(texts[key])
            else:
                widget.setText(texts[key])
                widget.setCursorPosition(0)
        self.check()

    def take_plan(self, plan: Mapping[str, Any], place: str = "plan", folder: Path = Path()) -> None:
        """Fill the form from a plan's table; files that it names are found from `folder`. Raises BadInput, the form
        left as it was, for what it cannot hold."""
        problem = plan_problem(plan, place)
        if problem is not None:
            raise problem
        plan = {**plan, "run": [anchored(plan["run"][0], folder)]}
        self.procedure.setCurrentIndex(self.procedure.findData(plan["run"][0]["procedure"]))
        self.interlocks.set_drafts([draft_of(one, self._sources) for one in plan.get("interlock") or ()])
        self.set_texts(texts_of_plan(plan, self.fields))

    def set_bench(self, bench: BenchConfig) -> None:
        self.bench = bench
        self._offer()
        self._timer.start()

    def show_status(self, status: BenchStatus) -> None:
        """What the bench has of disk, and how fast its clock is."""
        if (status.disk_free_bytes, status.speed) != (self._disk_free_bytes, self._speed):
            self._disk_free_bytes, self._speed = status.disk_free_bytes, status.speed
            if self.checked is not None:
                self._summarise(self.checked, [])

    def _procedure_changed(self, *_: object) -> None:
        """Sample and whatever has the same name stay as they are typed."""
        texts = self.texts()
        self._build()
        shared = {field.key for field in SAMPLE_FIELDS}
        self.set_texts({key: text for key, text in texts.items() if key in shared})

    def _changed(self, *_: object) -> None:
        self._timer.start()

    def check(self) -> None:
        """Say at each field what is wrong there, and below what the run would do."""
        self._timer.stop()
        name = self.procedure.currentData()
        drafts = self.interlocks.drafts()
        self.checked = check_draft(name, self.fields, self.texts(), self.bench, drafts)
        problems = dict(self.checked.problems)
        for number, row in enumerate(self.interlocks.rows):
            keys = [key for key in problems if key.startswith(f"interlock.{number}.")]
            mine = {key.rpartition(".")[2]: problems.pop(key) for key in keys}
            row.show_problems(mine, limit_unit(drafts[number].texts["quantity"], self._sources))
        self.interlocks.also.setText(watched_text(self.checked, len(drafts)))
        for key, message in self.messages.items():
            text = problems.pop(key, "")
            message.setText(text)
            message.setVisible(bool(text))
            set_look(self.widgets[key], "wrong", "true" if text else "false")
            self.widgets[key].setAccessibleDescription(text)
        for one in (self.add, self.save, self.rehearse):
            one.setEnabled(self.checked.good)
        self._summarise(self.checked, list(problems.values()))

    def _summarise(self, checked: Checked, elsewhere: list[str]) -> None:
        if checked.run is None:
            count = len(checked.problems)
            rest = "; ".join(elsewhere)
            self.summary.setText(rest or f"{count} field{'s' if count > 1 else ''} to mend, see above")
            set_look(self.summary, "look", "bad-box")
            return
        warnings = warnings_of(checked, self._disk_free_bytes)
        self.summary.setText("\n".join([summary_of(checked, self._disk_free_bytes, self._speed), *warnings]))
        set_look(self.summary, "look", "warn-box" if warnings else "good-box")

    def _pass_on(self, signal: pyqtBoundSignal) -> None:
        self.check()
        if self.checked is not None and self.checked.good:
            signal.emit(self.checked.table)


def default_plan_name(table: Mapping[str, Any]) -> Path:
    sample = "".join(
        one if one.isalnum() or one in "-_." else "-" for one in str(table["sample"].get("name", "sample"))
    )
    return Path(f"{table['run'][0]['procedure']}_{sample}.toml")
