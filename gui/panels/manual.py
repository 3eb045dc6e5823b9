"""Manual control of an instrument, for when no run owns the bench."""

from __future__ import annotations

from PyQt5.QtCore import pyqtSignal
from PyQt5.QtWidgets import QFormLayout, QLineEdit, QWidget

from gui.model.quantity_text import number_of
from gui.panels.small import button, label, set_look


class ManualControl(QWidget):
    """Emits `asked` with the instrument's name and a command as the bench takes it."""

    asked = pyqtSignal(str, dict)

    def __init__(self, name: str, role: str) -> None:
        super().__init__()
        self._name = name
        self._fields: dict[str, tuple[QLineEdit, str]] = {}
        self._form = QFormLayout(self)
        self._form.setContentsMargins(4, 0, 0, 0)
        self._form.setSpacing(5)
        self.problem = label("", "error")
        self.problem.setWordWrap(True)
        self.problem.hide()
        if role == "temperature":
            self._add_field("target_C", "Set point", "25 °C", "degC")
            self._add_field("ramp_K_per_min", "Ramp", "3 K/min", "K/min")
            self._add_button("Go to set point", f"Send the set point to {name}", self._go)
        self._add_button("Make safe", f"Make {name} safe and read back that it is", self._make_safe)
        self._form.addRow(self.problem)

    def _add_field(self, key: str, text: str, value: str, unit: str) -> None:
        field = QLineEdit(value)
        field.setObjectName(f"manual_{self._name}_{key}")
        field.setAccessibleName(f"{self._name} {text}")
        caption = label(text)
        caption.setBuddy(field)
        self._form.addRow(caption, field)
        self._fields[key] = (field, unit)

    def _add_button(self, text: str, tip: str, slot: object) -> None:
        made = button(text, tip, f"manual_{self._name}_{text.lower().replace(' ', '_')}")
        made.clicked.connect(slot)  # pyright: ignore[reportArgumentType]  a bound method of this widget
        self._form.addRow(made)

    def _go(self) -> None:
        command: dict[str, object] = {"command": "set_target"}
        for key, (field, unit) in self._fields.items():
            try:
                command[key] = number_of(field.text(), unit)
            except ValueError as error:
                set_look(field, "wrong", "true")
                self.problem.setText(str(error))
                self.problem.show()
                return
            set_look(field, "wrong", "false")
        self.problem.hide()
        self.asked.emit(self._name, command)

    def _make_safe(self) -> None:
        self.asked.emit(self._name, {"command": "make_safe"})
