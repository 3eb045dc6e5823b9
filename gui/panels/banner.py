"""What a person has to see: a sentence that stays until it is read, and what has tripped for as long as it has."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import QHBoxLayout, QLabel, QWidget

from gui.panels.small import button, label, set_look


class Banner(QWidget):
    """A sentence that stays until it is read. Nothing modal, so that data go on."""

    def __init__(self) -> None:
        super().__init__()
        self.message = label("", "warn-box", "banner")
        self.message.setWordWrap(True)
        self.message.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.action = button("", "What to do about it", "bannerAction")
        self.dismiss = button("Understood", "Put this message away")
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 6, 8, 2)
        row.addWidget(self.message, 1)
        row.addWidget(self.action)
        row.addWidget(self.dismiss)
        self.on_action: Callable[[], None] = lambda: None
        self.dismiss.clicked.connect(self.hide)
        self.action.clicked.connect(self._act)
        self.hide()

    def _act(self) -> None:
        self.hide()
        self.on_action()

    def tell(self, text: str, look: str = "warn-box", action: str = "") -> None:
        self.message.setText(text)
        self.message.setAccessibleName(text)
        set_look(self.message, "look", look)
        self.action.setText(action)
        self.action.setVisible(bool(action))
        self.show()


class AlertBar(QLabel):
    """What holds now, in a line, as tripped interlocks. It cannot be put away: it goes when that is over."""

    def __init__(self, name: str = "alerts", look: str = "bad-box", lead: str = "! Tripped: ") -> None:
        super().__init__()
        self._lead = lead
        self.setObjectName(name)
        self.setProperty("look", look)
        self.setWordWrap(True)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.setContentsMargins(8, 2, 8, 2)
        self.hide()

    def show_alerts(self, alerts: Sequence[str]) -> None:
        text = f"{self._lead}{'; '.join(alerts)}" if alerts else ""
        if text != self.text():
            self.setText(text)
            self.setAccessibleName(text)
        self.setVisible(bool(alerts))
