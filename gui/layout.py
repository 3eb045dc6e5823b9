"""Where the parts of the window are: instruments left, new run right, runs and log below over the full width."""

from __future__ import annotations

from dataclasses import dataclass

from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import QDockWidget, QMainWindow, QWidget

NARROW_PX = 1400
LEAST_RUNS_PX = 190
MOST_INSTRUMENTS_PX, MOST_NEW_RUN_PX = 340, 460  # on a large screen the room is the plots'
TITLES = {"instruments": "INSTRUMENTS", "new_run": "NEW RUN", "runs": "QUEUE AND RUNS", "log": "LOG"}


@dataclass(frozen=True)
class Panels:
    instruments: QWidget
    new_run: QWidget
    runs: QWidget
    log: QWidget


def make_docks(window: QMainWindow, panels: Panels) -> dict[str, QDockWidget]:
    for corner in (Qt.Corner.BottomLeftCorner, Qt.Corner.BottomRightCorner):
        window.setCorner(corner, Qt.DockWidgetArea.BottomDockWidgetArea)
    below = Qt.DockWidgetArea.BottomDockWidgetArea
    areas = {
        "instruments": Qt.DockWidgetArea.LeftDockWidgetArea,
        "new_run": Qt.DockWidgetArea.RightDockWidgetArea,
        "runs": below,
        "log": below,
    }
    docks = {}
    for name, area in areas.items():
        dock = QDockWidget(TITLES[name])
        dock.setObjectName(f"dock_{name}")
        dock.setWidget(getattr(panels, name))
        window.addDockWidget(area, dock)
        docks[name] = dock
    window.splitDockWidget(docks["runs"], docks["log"], Qt.Orientation.Horizontal)
    return docks


def lay_out(window: QMainWindow, docks: dict[str, QDockWidget]) -> None:
    """Sizes by the window's; below a certain width the log goes behind the runs."""
    width, height = window.width(), window.height()
    runs, log = docks["runs"], docks["log"]
    is_tabbed = bool(window.tabifiedDockWidgets(runs))
    if width < NARROW_PX and not is_tabbed:
        window.tabifyDockWidget(runs, log)
        runs.raise_()
    elif width >= NARROW_PX and is_tabbed:  # a dock that is split from its tab stays a tab: it is put there anew
        window.removeDockWidget(log)
        window.addDockWidget(Qt.DockWidgetArea.BottomDockWidgetArea, log, Qt.Orientation.Horizontal)
        log.show()
    sides = [docks["instruments"], docks["new_run"]]
    widths = [min(int(width * 0.172), MOST_INSTRUMENTS_PX), min(int(width * 0.215), MOST_NEW_RUN_PX)]
    window.resizeDocks(sides, widths, Qt.Orientation.Horizontal)
    window.resizeDocks([runs, log], [max(int(height * 0.225), LEAST_RUNS_PX)] * 2, Qt.Orientation.Vertical)
    window.resizeDocks([runs, log], [int(width * 0.72), int(width * 0.28)], Qt.Orientation.Horizontal)
