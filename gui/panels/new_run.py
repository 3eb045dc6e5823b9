"""New run: a form made of the procedure's own parameters, checked while it is typed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PyQt5.QtCore import Qt, QTimer, pyqtSignal
from PyQt5.QtWidgets import (
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from daq.bench import BenchConfig, load_bench
from gui.model.drafts import SAMPLE_FIELDS, Checked, check_draft, texts_of_plan
from gui.model.procedure_form import Field, fields_of, procedure_names, title_of
from gui.panels.small import NoWheel, button, label, set_look
from gui.words import span

CHECK_AFTER_MS = 250
Widget = QLineEdit | QComboBox


class NewRunPanel(QWidget):
    """`submitted` with the plan's table; `saved` when it is to be written to a plan file."""

    submitted = pyqtSignal(dict)
    save_asked = pyqtSignal(dict)
    load_asked = pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("New run")
        self.bench: BenchConfig = load_bench(None)
        self.checked: Checked | None = None
        self.fields: list[Field] = []
        self.widgets: dict[str, Widget] = {}
        self.messages: dict[str, QLabel] = {}
        self._kept: dict[str, dict[str, str]] = {}
        self._wheel = NoWheel(self)
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
        self.load = button("Load…", "Take the settings of a plan file (or of a run, from its row)", "loadPlan")
        self.add.setEnabled(False)
        self.save.setEnabled(False)
        self._lay_out()
        self.procedure.installEventFilter(self._wheel)
        self.procedure.currentIndexChanged.connect(self._procedure_changed)
        self.add.clicked.connect(self._submit)
        self.save.clicked.connect(self._save)
        self.load.clicked.connect(self.load_asked)
        self._build()

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setContentsMargins(10, 4, 8, 0)
        caption = label("&Type")
        caption.setBuddy(self.procedure)
        head.addWidget(caption)
        head.addWidget(self.procedure, 1)
        foot = QHBoxLayout()
        foot.setContentsMargins(10, 0, 8, 8)
        foot.addWidget(self.load)
        foot.addWidget(self.save)
        foot.addWidget(self.add, 1)
        told = QHBoxLayout()
        told.setContentsMargins(10, 0, 8, 0)
        told.addWidget(self.summary)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(head)
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
        column.addStretch(1)
        self._scroll.setWidget(body)
        self._timer.start()

    def _grid(self, column: QVBoxLayout) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(2)
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
        """Label above the field, two to a line."""
        cell = QVBoxLayout()
        cell.setSpacing(1)
        caption = label(text, "muted")
        caption.setBuddy(widget)
        caption.setToolTip(tip)
        message = label("", "error")
        message.setWordWrap(True)
        message.setObjectName(f"message_{key}")
        message.hide()
        widget.setObjectName(f"field_{key}")
        widget.setAccessibleName(text)
        widget.setToolTip(tip)
        widget.setMinimumWidth(60)
        for one in (caption, widget, message):
            cell.addWidget(one)
        place = grid.property("next") or 0
        if wide and place % 2:
            place += 1
        grid.addLayout(cell, place // 2, place % 2, 1, 2 if wide else 1)
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

    def take_plan(self, plan: Mapping[str, Any]) -> None:
        """Fill the form from a plan's table. Raises BadInput for a procedure that is not installed."""
        name = (plan.get("run") or [{}])[0].get("procedure")
        place = self.procedure.findData(name)
        if place >= 0:
            self.procedure.setCurrentIndex(place)
        self.set_texts(texts_of_plan(plan, self.fields))

    def set_bench(self, bench: BenchConfig) -> None:
        self.bench = bench
        self._timer.start()

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
        self.checked = check_draft(name, self.fields, self.texts(), self.bench)
        problems = dict(self.checked.problems)
        for key, message in self.messages.items():
            text = problems.pop(key, "")
            message.setText(text)
            message.setVisible(bool(text))
            set_look(self.widgets[key], "wrong", "true" if text else "false")
            self.widgets[key].setAccessibleDescription(text)
        self.add.setEnabled(self.checked.good)
        self.save.setEnabled(self.checked.good)
        self._summarise(self.checked, list(problems.values()))

    def _summarise(self, checked: Checked, elsewhere: list[str]) -> None:
        if checked.run is None:
            count = len(checked.problems)
            rest = "; ".join(elsewhere)
            self.summary.setText(rest or f"{count} field{'s' if count > 1 else ''} to mend, see above")
            set_look(self.summary, "look", "bad-box")
            return
        steps = len(list(checked.run.procedure.steps()))
        size = checked.disk_bytes / 1e6
        parts = [f"{steps} step{'s' if steps > 1 else ''}", f"about {span(checked.seconds)}", f"{size:.1f} MB"]
        warnings = checked.run.warnings
        self.summary.setText(" · ".join(parts) + "".join(f"\n{one}" for one in (*warnings, *checked.run.told)))
        set_look(self.summary, "look", "warn-box" if warnings else "good-box")

    def _submit(self) -> None:
        self.check()
        if self.checked is not None and self.checked.good:
            self.submitted.emit(self.checked.table)

    def _save(self) -> None:
        self.check()
        if self.checked is not None and self.checked.good:
            self.save_asked.emit(self.checked.table)


def default_plan_name(table: Mapping[str, Any]) -> Path:
    sample = "".join(
        one if one.isalnum() or one in "-_." else "-" for one in str(table["sample"].get("name", "sample"))
    )
    return Path(f"{table['run'][0]['procedure']}_{sample}.toml")
