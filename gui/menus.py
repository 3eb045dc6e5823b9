"""Every action of the window by menu and key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt5.QtGui import QKeySequence
from PyQt5.QtWidgets import QShortcut

if TYPE_CHECKING:
    from gui.window import BenchWindow

KEYS = (
    "F12 STOP · Ctrl+P pause after step · Ctrl+K skip step · F5 hold queue · Ctrl+Enter add to queue · "
    "Ctrl+R rehearse · Alt+1…9 plots · A fit · F follow · G grid · C cursor · L legend · O fits · "
    "R residuals · M compensated · B arcs · Ctrl+C copy · Ctrl+E export · "
    "Ctrl+O compare with file · Ctrl+L plan · Ctrl+D dark · Ctrl++ and Ctrl+− text · Ctrl+W close (runs go on)"
)


def fill_menus(window: BenchWindow) -> None:
    bar = window.menuBar()
    if bar is None:
        return
    entries = {
        "&File": (
            ("Compare with file…", "Ctrl+O", window.load_data),
            ("Load plan…", "Ctrl+L", window.filling.load_plan),
            ("Export plot…", "Ctrl+E", window.export_plot),
            ("Close window (runs go on)", "Ctrl+W", window.close),
        ),
        "&Run": (
            ("Stop and make safe", "F12", window.stop),
            ("Rehearse what the form says", "Ctrl+R", window.new_run.rehearse.click),
            ("Pause after step, or go on", "Ctrl+P", window.header.pause.click),
            ("Skip step", "Ctrl+K", window.header.skip.click),
            ("Hold queue, or go on", "F5", window.hold),
            ("Make the bench safe now", "Ctrl+F12", window.make_safe),
        ),
        "&View": (
            ("Dark or light", "Ctrl+D", window.looks.toggle),
            ("Larger text", "Ctrl++", lambda: window.looks.step_text(1)),
            ("Smaller text", "Ctrl+-", lambda: window.looks.step_text(-1)),
            ("Layout as at first", "", window.lay_out_docks),
        ),
        "&Help": (("Keys", "F1", window.show_keys),),
    }
    for title, lines in entries.items():
        menu = bar.addMenu(title)
        if menu is None:
            continue
        for text, key, slot in lines:
            action = menu.addAction(text)
            if action is not None:
                action.setShortcut(QKeySequence(key))
                action.triggered.connect(lambda _=False, do=slot: do())
        if title == "&View":
            menu.addSeparator()
            for dock in window.docks.values():
                menu.addAction(dock.toggleViewAction())


def add_shortcuts(window: BenchWindow) -> None:
    for number in range(min(window.tabs.count(), 9)):
        shortcut = QShortcut(QKeySequence(f"Alt+{number + 1}"), window)
        shortcut.activated.connect(lambda place=number: window.tabs.setCurrentIndex(place))
    for keys in ("Ctrl+Return", "Ctrl+Enter"):  # the one among the letters, the one beside the numbers
        submit = QShortcut(QKeySequence(keys), window)
        submit.activated.connect(window.new_run.add.click)
