"""The interlocks of a new run: rows that are added and removed, each with its messages at its fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PyQt5.QtCore import QSignalBlocker, pyqtSignal
from PyQt5.QtWidgets import QComboBox, QFrame, QGridLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from gui.model.interlock_draft import ACTIONS, InterlockDraft
from gui.panels.small import NoWheel, button, label, set_look

Widget = QLineEdit | QComboBox
# key: (caption, help)
FIELDS: Mapping[str, tuple[str, str]] = {
    "maximum": ("At most", "it trips above this"),
    "minimum": ("At least", "it trips below this"),
    "action": ("Then", "what is done when it trips"),
    "delay_s": ("After / s", "it trips when the value has been beyond for so long; at once when left empty"),
    "hysteresis": ("Hysteresis", "it clears when the value is inside of the limit by so much"),
    "name": ("Name", "what it is called in events, report and window; the quantity when left empty"),
}


class InterlockRow(QFrame):
    changed = pyqtSignal()
    removed = pyqtSignal(object)

    def __init__(self, number: int, draft: InterlockDraft, wheel: NoWheel) -> None:
        super().__init__()
        self.setObjectName("card")
        self.rest = draft.rest
        self.widgets: dict[str, Widget] = {}
        self.messages: dict[str, QLabel] = {}
        self.quantity = QComboBox()
        self.quantity.setEditable(True)
        self.quantity.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.quantity.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.remove = button("✕", "Remove this interlock")
        self.remove.setMaximumWidth(34)
        self._wheel = wheel
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(8, 6, 8, 6)
        self._grid.setVerticalSpacing(2)
        self._grid.setColumnStretch(0, 1)
        self._grid.setColumnStretch(1, 1)
        self._grid.addWidget(label("Watched", "muted"), 0, 0)
        self._grid.addWidget(self.quantity, 1, 0, 1, 2)
        self._grid.addWidget(self.remove, 1, 2)
        self._message("quantity", 2)
        self.widgets["quantity"] = self.quantity
        for place, (key, (caption, tip)) in enumerate(FIELDS.items()):
            self._add(key, caption, tip, place)
        self.show_number(number)
        for key, text in draft.texts.items():
            self._set(key, text)
        self.quantity.editTextChanged.connect(self.changed)
        self.remove.clicked.connect(lambda: self.removed.emit(self))

    def _add(self, key: str, caption: str, tip: str, place: int) -> None:
        row, column = 3 + 3 * (place // 2), place % 2
        widget: Widget
        if key == "action":
            widget = QComboBox()
            widget.addItems([one.replace("_", " ") for one in ACTIONS])
            widget.currentIndexChanged.connect(self.changed)
        else:
            widget = QLineEdit()
            widget.setMinimumWidth(50)
            widget.textChanged.connect(self.changed)
        widget.setToolTip(tip)
        named = label(caption, "muted")
        named.setBuddy(widget)
        self._grid.addWidget(named, row, column)
        self._grid.addWidget(widget, row + 1, column, 1, 2 if column else 1)
        self._message(key, row + 2, column)
        self.widgets[key] = widget

    def _message(self, key: str, row: int, column: int = 0) -> None:
        message = label("", "error")
        message.setWordWrap(True)
        message.hide()
        self._grid.addWidget(message, row, column, 1, 3 if key == "quantity" else 2 if column else 1)
        self.messages[key] = message

    def _set(self, key: str, text: str) -> None:
        widget = self.widgets[key]
        if isinstance(widget, QLineEdit):
            widget.setText(text)
        elif widget is self.quantity:
            widget.setEditText(text)
        else:
            widget.setCurrentText(text.replace("_", " "))

    def show_number(self, number: int) -> None:
        for key, widget in self.widgets.items():
            widget.setObjectName(f"interlock_{number}_{key}")
            widget.setAccessibleName(
                f"Interlock {number + 1}, {FIELDS[key][0] if key in FIELDS else 'what it watches'}"
            )
            widget.installEventFilter(self._wheel)
        self.remove.setAccessibleName(f"Remove interlock {number + 1}")

    def offer(self, quantities: Sequence[str]) -> None:
        """What is typed stays."""
        typed = self.quantity.currentText()
        with QSignalBlocker(self.quantity):
            self.quantity.clear()
            self.quantity.addItems(list(quantities))
            self.quantity.setEditText(typed)

    def draft(self) -> InterlockDraft:
        texts = {
            key: one.currentText() if isinstance(one, QComboBox) else one.text() for key, one in self.widgets.items()
        }
        texts["action"] = texts["action"].replace(" ", "_")
        return InterlockDraft(texts, dict(self.rest))

    def show_problems(self, problems: Mapping[str, str], unit: str) -> None:
        for key, message in self.messages.items():
            text = problems.get(key, "")
            message.setText(text)
            message.setVisible(bool(text))
            set_look(self.widgets[key], "wrong", "true" if text else "false")
            self.widgets[key].setAccessibleDescription(text)
        for key in ("maximum", "minimum"):
            widget = self.widgets[key]
            if isinstance(widget, QLineEdit):
                widget.setPlaceholderText(unit)


class InterlockRows(QWidget):
    changed = pyqtSignal()

    def __init__(self, wheel: NoWheel) -> None:
        super().__init__()
        self._wheel = wheel
        self._offered: Sequence[str] = ()
        self.rows: list[InterlockRow] = []
        self.also = label("", "muted", "alsoWatched")
        self.also.setWordWrap(True)
        self.add = button("Add interlock", "A limit on something that is measured, and what is done", "addInterlock")
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(5)
        self._column.addWidget(self.also)
        self._column.addWidget(self.add)
        self.add.clicked.connect(lambda: self.append(InterlockDraft()))

    def append(self, draft: InterlockDraft) -> None:
        row = InterlockRow(len(self.rows), draft, self._wheel)
        row.offer(self._offered)
        row.changed.connect(self.changed)
        row.removed.connect(self._remove)
        self._column.insertWidget(len(self.rows), row)
        self.rows.append(row)
        self.changed.emit()

    def set_drafts(self, drafts: Sequence[InterlockDraft]) -> None:
        for row in list(self.rows):
            self._remove(row)
        for draft in drafts:
            self.append(draft)

    def drafts(self) -> list[InterlockDraft]:
        return [one.draft() for one in self.rows]

    def offer(self, quantities: Sequence[str]) -> None:
        self._offered = quantities
        for row in self.rows:
            row.offer(quantities)

    def _remove(self, row: InterlockRow) -> None:
        self.rows.remove(row)
        row.hide()
        row.deleteLater()
        for number, one in enumerate(self.rows):
            one.show_number(number)
        self.changed.emit()
