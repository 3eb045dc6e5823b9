"""The log: what happened, with levels and a filter."""

from __future__ import annotations

import html
from datetime import datetime

from PyQt5.QtWidgets import QComboBox, QHBoxLayout, QLineEdit, QPlainTextEdit, QVBoxLayout, QWidget

from daq.clock import wall_unix
from gui.theme import LIGHT, Theme

MOST_LINES = 5000
LEVELS = ("debug", "info", "warning", "error")
SHOWN = ("All", "Warnings and errors", "Errors")


class LogPanel(QWidget):
    def __init__(self) -> None:
        super().__init__()
        self._theme: Theme = LIGHT
        self._lines: list[tuple[float, str, str]] = []
        self.level = QComboBox()
        self.level.addItems(list(SHOWN))
        self.level.setAccessibleName("Which messages are shown")
        self.words = QLineEdit()
        self.words.setPlaceholderText("Filter")
        self.words.setAccessibleName("Only messages with these words")
        self.words.setClearButtonEnabled(True)
        self.text = QPlainTextEdit()
        self.text.setObjectName("log")
        self.text.setReadOnly(True)
        self.text.setMaximumBlockCount(MOST_LINES)
        self.text.setAccessibleName("Log")
        self.text.setTabChangesFocus(True)
        tools = QHBoxLayout()
        tools.setContentsMargins(6, 4, 6, 2)
        tools.addWidget(self.level)
        tools.addWidget(self.words, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(tools)
        column.addWidget(self.text, 1)
        self.level.currentIndexChanged.connect(self._again)
        self.words.textChanged.connect(self._again)

    def say(self, level: str, text: str, unix: float | None = None) -> None:
        line = (wall_unix() if unix is None else unix, level, text)
        self._lines.append(line)
        del self._lines[:-MOST_LINES]
        if self._wanted(line):
            self._append(line)

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self._again()

    def _wanted(self, line: tuple[float, str, str]) -> bool:
        least = (0, 2, 3)[self.level.currentIndex()]
        return LEVELS.index(line[1]) >= least and self.words.text().lower() in line[2].lower()

    def _append(self, line: tuple[float, str, str]) -> None:
        unix, level, text = line
        colour = {"warning": self._theme.warn, "error": self._theme.bad}.get(level, self._theme.muted)
        when = datetime.fromtimestamp(unix)
        word = f"<b style='color:{colour}'>{level.upper():<7}</b>".replace(" ", "&nbsp;", 0)
        body = html.escape(" ".join(text.split()))
        self.text.appendHtml(f"<span style='color:{self._theme.muted}'>{when:%H:%M:%S}</span> {word} {body}")

    def _again(self, *_: object) -> None:
        self.text.clear()
        for line in self._lines:
            if self._wanted(line):
                self._append(line)
