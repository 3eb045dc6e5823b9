"""Every key that the window's page lists, pressed; and everything that can be used, reached by Tab and named."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
from bench_window import SLOW_MS, FakeBench, Open, pane_of, show_all
from PyQt5.QtCore import Qt
from PyQt5.QtGui import QKeySequence
from PyQt5.QtWidgets import QAbstractButton, QAction, QApplication, QFileDialog, QLabel, QShortcut, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from gui.model.bench_status import QueueEntry, RunStatus
from gui.plots.nyquist import NyquistPane
from gui.window import BenchWindow

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "reference" / "window.md").read_text(encoding="utf-8")
WAITING = (QueueEntry("q0", "linear-sweep", "a", "waiting"), QueueEntry("q1", "linear-sweep", "b", "waiting"))


def keys_of_the_page() -> set[str]:
    found: set[str] = set()
    for line in PAGE.partition("## Keys")[2].splitlines():
        cells = line.strip("|").split(" | ")
        if len(cells) == 2 and not line.startswith(("| key", "|---")):
            found |= {one.strip().replace("−", "-") for one in cells[0].split(", ")}
    if "Alt+1 … Alt+9" in found:
        found = found - {"Alt+1 … Alt+9"} | {f"Alt+{number}" for number in range(1, 10)}
    return found


@dataclass
class Desk:
    """A window in mid-run, two entries waiting, a finished sweep on the plots, its settings in the form."""

    qtbot: QtBot
    window: BenchWindow
    bench: FakeBench

    @property
    def nyquist(self) -> NyquistPane:
        return cast(NyquistPane, pane_of(self.window, "nyquist"))

    def press(self, keys: str, at: QWidget | None = None) -> None:
        self.qtbot.keySequence(at or self.window, QKeySequence(keys))

    def press_on_plot(self, keys: str) -> None:
        self.nyquist.canvas.setFocus()
        self.press(keys, self.nyquist.canvas)

    def asks(self, keys: str, *wanted: tuple[str, dict[str, object]], at: QWidget | None = None) -> bool:
        self.bench.asked.clear()
        self.press(keys, at)
        return self.bench.asked == list(wanted)

    def chooses(self, keys: str) -> bool:
        """A dialog that holds up nothing."""
        self.press(keys)
        shown = [one for one in self.window.findChildren(QFileDialog) if one.isVisible()]
        for dialog in shown:
            dialog.close()
        QApplication.setActiveWindow(self.window)  # no window manager is there to do it
        return len(shown) == 1 and not shown[0].isModal()

    def switches(self, keys: str, tool: QToolButton) -> bool:
        before = tool.isChecked()
        self.press_on_plot(keys)
        once = tool.isChecked()
        self.press_on_plot(keys)
        return before is not once and tool.isChecked() is before

    def in_table(self, keys: str, what: str, **details: object) -> bool:
        self.window.runs.select("queue q1")
        self.window.runs.table.setFocus()
        return self.asks(keys, (what, {"id": "q1", **details}), at=self.window.runs.table)

    def goes_to(self, number: int) -> bool:
        self.press(f"Alt+{number}")
        reached = self.window.tabs.currentIndex() == number - 1
        self.window.tabs.setCurrentWidget(self.nyquist)
        return reached

    def submits(self) -> bool:
        self.bench.asked.clear()
        self.press("Ctrl+Return")
        ((what, details),) = self.bench.asked
        return what == "submit" and details["plan"]["sample"]["name"] == "K001"

    def fits_all(self) -> bool:
        view = self.nyquist.plots[0].getViewBox()
        wide = view.viewRange()
        view.setRange(xRange=(0, 1), yRange=(0, 1), padding=0)
        self.nyquist.following.setChecked(False)
        self.press_on_plot("A")
        return bool(np.allclose(view.viewRange(), wide)) and self.nyquist.following.isChecked()

    def shows_arcs(self) -> bool:
        view = self.nyquist.plots[0].getViewBox()
        wide = view.viewRange()[0][1]
        self.press_on_plot("B")
        narrow = view.viewRange()[0][1]
        self.nyquist.fit()
        return narrow < wide

    def copies(self) -> bool:
        self.press_on_plot("Ctrl+C")
        clipboard = QApplication.clipboard()
        return clipboard is not None and clipboard.text().startswith("curve\tfrequency_Hz")

    def changes_theme(self) -> bool:
        before = self.window.theme.name
        self.press("Ctrl+D")
        changed = self.window.theme.name != before
        self.press("Ctrl+D")
        return changed

    def sizes_text(self, keys: str, back: str, sign: int) -> bool:
        before = QApplication.font().pointSizeF()
        self.press(keys)
        changed = QApplication.font().pointSizeF() - before
        self.press(back)
        return changed * sign > 0

    def rehearses(self) -> bool:
        self.press("Ctrl+R")
        return self.window.rehearsing.rehearsal.is_going

    def ends_the_rehearsal(self) -> bool:
        """The key presses a button, which takes its time to come up again."""
        rehearsal = self.window.rehearsing.rehearsal
        was_going = rehearsal.is_going
        self.press("Esc")
        self.qtbot.waitUntil(lambda: not rehearsal.is_going, timeout=SLOW_MS)
        self.window.tabs.setCurrentWidget(self.nyquist)
        return was_going

    def lists_keys(self) -> bool:
        self.press("F1")
        return "F12 STOP" in self.window.banner.message.text()

    def closes(self) -> bool:
        self.press("Ctrl+W")
        return not self.window.isVisible()


def what_each_does(desk: Desk) -> Mapping[str, Callable[[], bool]]:
    pane = desk.nyquist
    tools = {"F": pane.following, "G": pane.grid, "C": pane.cursor_tool, "L": pane.legend_tool}
    tools |= {"O": pane.spectra.overlay, "R": pane.left_over, "M": pane.spectra.compensated}
    tabs: dict[str, Callable[[], bool]] = {f"Alt+{n}": lambda n=n: desk.goes_to(n) for n in range(1, 10)}
    switches: dict[str, Callable[[], bool]] = {
        keys: lambda keys=keys, tool=tool: desk.switches(keys, tool) for keys, tool in tools.items()
    }
    return {
        "F12": lambda: desk.asks("F12", ("stop", {})),
        "Ctrl+F12": lambda: desk.asks("Ctrl+F12", ("make_safe", {})),
        "Ctrl+P": lambda: desk.asks("Ctrl+P", ("pause", {"on": True})),
        "Ctrl+K": lambda: desk.asks("Ctrl+K", ("skip", {})),
        "F5": lambda: desk.asks("F5", ("hold", {"on": True})),
        "Ctrl+Enter": desk.submits,
        "Ctrl+R": desk.rehearses,
        "Esc": desk.ends_the_rehearsal,
        "Ctrl+L": lambda: desk.chooses("Ctrl+L"),
        "Ctrl+O": lambda: desk.chooses("Ctrl+O"),
        "Ctrl+E": lambda: desk.chooses("Ctrl+E"),
        "Ctrl+Up": lambda: desk.in_table("Ctrl+Up", "move", by=-1),
        "Ctrl+Down": lambda: desk.in_table("Ctrl+Down", "move", by=1),
        "Del": lambda: desk.in_table("Del", "remove"),
        "Ctrl+H": lambda: desk.in_table("Ctrl+H", "hold_entry", on=True),
        **tabs,
        **switches,
        "A": desk.fits_all,
        "B": desk.shows_arcs,
        "Ctrl+C": desk.copies,
        "Ctrl+D": desk.changes_theme,
        "Ctrl++": lambda: desk.sizes_text("Ctrl++", "Ctrl+-", 1),
        "Ctrl+-": lambda: desk.sizes_text("Ctrl+-", "Ctrl++", -1),
        "F1": desk.lists_keys,
        "Ctrl+W": desk.closes,
    }


def shortcuts_of(window: BenchWindow) -> set[str]:
    found = [one.key() for one in window.findChildren(QShortcut)]
    found += [one.shortcut() for kind in (QAction, QAbstractButton) for one in window.findChildren(kind)]
    native = {one.toString(QKeySequence.SequenceFormat.PortableText) for one in found}
    return {one.replace("Return", "Enter") for one in native if one and not one.startswith("Alt+&")}


def at_work(qtbot: QtBot, open_window: Open, runs: Path) -> Desk:
    bench = FakeBench()
    desk = Desk(qtbot, open_window(runs, bench), bench)
    show_all(qtbot, desk.window)
    QApplication.setActiveWindow(desk.window)
    sweep = next(one for one in desk.window.runs.model.rows if one.procedure == "eis-sweep")
    desk.window.actions_of_rows.do("settings", sweep)
    run = RunStatus("x", runs / "none", "eis-sweep", "s", 1, 3, "30 °C", "", 0.3, 5400.0)
    bench.tell("running", run, WAITING)
    desk.window.tabs.setCurrentWidget(desk.nyquist)
    qtbot.waitUntil(lambda: any(one.sweep for one in desk.nyquist.analyses.values()), timeout=SLOW_MS)
    return desk


def test_every_key_of_the_page_does_what_it_says_and_there_is_no_other(
    qtbot: QtBot, open_window: Open, runs: Path
) -> None:
    desk = at_work(qtbot, open_window, runs)
    effects = what_each_does(desk)
    assert keys_of_the_page() == effects.keys()
    assert shortcuts_of(desk.window) == effects.keys()
    assert [keys for keys, has_effect in effects.items() if not has_effect()] == []


def test_tab_goes_through_everything_that_can_be_used_and_comes_back(
    qtbot: QtBot, open_window: Open, runs: Path
) -> None:
    window = at_work(qtbot, open_window, runs).window
    first = window.header.skip
    usable = [
        one
        for one in window.findChildren(QWidget)
        if one.isVisible() and Qt.FocusPolicy.TabFocus & one.focusPolicy()
        if not isinstance(one, QLabel) and one.focusProxy() is None
    ]
    wanted = {one for one in usable if one.isEnabled()}
    first.setFocus()
    reached = []
    for _ in range(3 * len(wanted)):
        qtbot.keyClick(QApplication.focusWidget() or window, Qt.Key.Key_Tab)
        reached.append(QApplication.focusWidget())
        if reached[-1] is first:
            break
    assert reached[-1] is first, "Tab is caught somewhere"
    missed = wanted - set(reached)
    assert [f"{type(one).__name__} {one.objectName() or one.accessibleName()}" for one in missed] == []
    named = {one: one.accessibleName() or getattr(one, "text", lambda: "")() for one in usable}
    nameless = [one for one, name in named.items() if not name.strip()]
    assert [f"{type(one).__name__} {one.objectName()}" for one in nameless] == []
    assert window.header.stop in reached
    assert window.runs.table in reached


def test_every_action_of_the_menus_has_words_and_what_a_right_click_does_a_key(
    open_window: Open, tmp_path: Path
) -> None:
    window = open_window(tmp_path, FakeBench())
    bar = window.menuBar()
    assert bar is not None
    menus = [one.menu() for one in bar.actions()]
    assert all(one.text().startswith("&") for one in bar.actions()), "Alt and a letter opens each"
    assert all(one.text() or one.isSeparator() for menu in menus if menu is not None for one in menu.actions())
    table = window.runs.table
    assert table.contextMenuPolicy() == Qt.ContextMenuPolicy.ActionsContextMenu, "the menu key opens it as well"
    assert {one.text() for one in table.actions()} >= {"Resume", "Open report", "Export…", "Open folder"}
