"""`cellrig-gui`: the window as a program."""

from __future__ import annotations

import argparse
import faulthandler
import logging
import sys
import traceback
from pathlib import Path
from types import TracebackType

from PyQt5.QtCore import QSettings, Qt
from PyQt5.QtWidgets import QApplication

from daq.bench import load_bench
from daq.errors import CellrigError
from gui.collecting import Collecting
from gui.model.link import BenchLink, NoBench
from gui.model.service_link import ServiceLink
from gui.window import BenchWindow

log = logging.getLogger(__name__)
POINTS = 9.0
SIZE = (1680, 1000)


def make_application(arguments: list[str]) -> QApplication:
    """High-DPI attributes must be set before the application is made; on Linux a scale is rounded unless asked for."""
    rounding = Qt.HighDpiScaleFactorRoundingPolicy
    policy = rounding.RoundPreferFloor if sys.platform.startswith("linux") else rounding.PassThrough
    QApplication.setAttribute(Qt.ApplicationAttribute.AA_EnableHighDpiScaling, True)
    QApplication.setAttribute(Qt.ApplicationAttribute.AA_UseHighDpiPixmaps, True)
    QApplication.setHighDpiScaleFactorRoundingPolicy(policy)
    app = QApplication(arguments[:1])
    app.setApplicationName("cellrig")
    app.setOrganizationName("cellrig")
    app.setStyle("Fusion")
    font = app.font()
    font.setPointSizeF(POINTS)
    app.setFont(font)
    return app


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="cellrig-gui", description="The bench window.")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="the folder of the runs (default: runs)")
    parser.add_argument("--bench", type=Path, help="a bench file: its service is found, or started, and attached to")
    parser.add_argument("--theme", choices=("light", "dark"), help="light or dark")
    chosen = parser.parse_args(arguments)
    faulthandler.enable()
    try:
        link = _link(chosen.bench, chosen.runs)
    except CellrigError as error:
        print(f"cellrig-gui: {error}", file=sys.stderr)
        return 2
    app = make_application(sys.argv)
    collecting = Collecting()
    settings = QSettings()
    if chosen.theme:
        settings.setValue("theme", chosen.theme)
    window = BenchWindow(link, chosen.runs, settings)
    _tell_exceptions(window)
    window.resize(*SIZE)
    window.show()
    try:
        return app.exec_()
    finally:
        collecting.end()


def _link(bench: Path | None, runs: Path) -> BenchLink:
    """Raises BadInput for a bench file that won't do."""
    if bench is None:
        return NoBench("no bench is connected: start the window with --bench FILE")
    return ServiceLink(load_bench(bench), runs)


def _tell_exceptions(window: BenchWindow) -> None:
    """PyQt5 would end the program at an exception in a slot; the window goes on and says so."""

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        log.error("in the window: %s", "".join(traceback.format_exception(kind, error, trace)))
        window.log.say("error", f"a fault in the window itself: {kind.__name__}: {error} (see its log)")

    sys.excepthook = hook


if __name__ == "__main__":
    sys.exit(main())
