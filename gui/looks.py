"""How the window looks: light or dark, and how large its text is. Kept for the next time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt5.QtCore import QSettings
from PyQt5.QtWidgets import QApplication

from gui.theme import LIGHT, THEMES, Theme, palette_of, style_of

if TYPE_CHECKING:
    from gui.window import BenchWindow

LEAST_PT, MOST_PT = 7.0, 20.0


class Looks:
    def __init__(self, window: BenchWindow, settings: QSettings | None) -> None:
        self._window = window
        self._settings = settings
        self.theme: Theme = LIGHT

    def apply_kept(self) -> None:
        kept = str(self._settings.value("theme", "light")) if self._settings else "light"
        self.set_theme(THEMES.get(kept, LIGHT))

    def set_theme(self, theme: Theme) -> None:
        self.theme = theme
        app = QApplication.instance()
        if isinstance(app, QApplication):
            app.setPalette(palette_of(theme))
            app.setStyleSheet(style_of(theme))
        for part in (*self._window.panes, self._window.instruments, self._window.runs, self._window.log):
            part.set_theme(theme)
        self._window.showing.show()
        if self._settings is not None:
            self._settings.setValue("theme", theme.name)

    def toggle(self) -> None:
        self.set_theme(THEMES["dark" if self.theme.name == "light" else "light"])

    def step_text(self, points: int) -> None:
        font = QApplication.font()
        font.setPointSizeF(min(max(LEAST_PT, font.pointSizeF() + points), MOST_PT))
        QApplication.setFont(font)
