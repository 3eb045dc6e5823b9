"""`cellrig-gui`: the window as a program."""

from __future__ import annotations

import argparse
import faulthandler
import logging
import sys
import traceback
from pathlib import Path
from types import TracebackType

from PyQt5.QtCore import QSettings, QSize, Qt
from PyQt5.QtWidgets import QApplication

from daq.bench import BenchConfig, load_bench
from daq.errors import BadInput, CellrigError
from gui.collecting import Collecting
from gui.demo import PLAN, DemoStart, write_demo_bench
from gui.model.link import BenchLink, NoBench
from gui.model.service_link import ServiceLink
from gui.window import BenchWindow

log = logging.getLogger(__name__)
POINTS = 9.0
SIZE, LEAST = (1680, 1000), (1280, 720)
DEMO_SPEED = 300.0
NO_BENCH = "no bench is connected: start the window with --bench FILE"


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
    bench = parser.add_mutually_exclusive_group()
    bench.add_argument("--bench", type=Path, help="a bench file: its service is found, or started, and attached to")
    bench.add_argument("--demo", action="store_true", help="a simulated bench, quickened, and a sweep in it")
    parser.add_argument("--speed", type=float, default=DEMO_SPEED, help=f"of the demo (default: {DEMO_SPEED:g})")
    parser.add_argument("--theme", choices=("light", "dark"), help="light or dark")
    chosen = parser.parse_args(arguments)
    try:
        config = write_demo_bench(chosen.runs, chosen.speed) if chosen.demo else _bench(chosen.bench)
        _make_folder(chosen.runs)
    except CellrigError as error:
        print(f"cellrig-gui: {error}", file=sys.stderr)
        return 2
    if sys.stderr is not None:  # Windows starts a window's program without one
        faulthandler.enable()
    app = make_application(sys.argv)
    collecting = Collecting()
    settings = QSettings()
    if chosen.theme:
        settings.setValue("theme", chosen.theme)
    link = _link(config, chosen.runs)
    window = BenchWindow(link, chosen.runs, settings)
    if chosen.demo:
        DemoStart(link)  # the link owns it
        window.new_run.take_plan(PLAN, "the demo's plan")
    _tell_exceptions(window)
    window.resize(_size(app))
    window.show()
    app.aboutToQuit.connect(lambda: _leave(window))
    try:
        return app.exec_()
    finally:
        collecting.end()


def _size(app: QApplication) -> QSize:
    """As large as is comfortable, within the screen; what does not fit into the least is scrolled."""
    screen = app.primaryScreen()
    wanted = QSize(*SIZE)
    return wanted if screen is None else wanted.boundedTo(screen.availableSize()).expandedTo(QSize(*LEAST))


def _leave(window: BenchWindow) -> None:
    """Its threads end before its widgets do, whatever ends the program."""
    window.close()


def _link(config: BenchConfig | None, runs: Path) -> BenchLink:
    return NoBench(NO_BENCH) if config is None else ServiceLink(config, runs)


def _make_folder(runs: Path) -> None:
    """Made where it is not there. Raises BadInput for one that can't be."""
    try:
        runs.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        problem = f"the folder of the runs cannot be made: {error}"
        raise BadInput(problem, place=str(runs), allowed="another folder: --runs FOLDER") from error


def _bench(path: Path | None) -> BenchConfig | None:
    """Raises BadInput for a bench file that won't do."""
    return None if path is None else load_bench(path)


def _tell_exceptions(window: BenchWindow) -> None:
    """PyQt5 would end the program at an exception in a slot; the window goes on and says so."""

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        log.error("in the window: %s", "".join(traceback.format_exception(kind, error, trace)))
        window.log.say("error", f"a fault in the window itself: {kind.__name__}: {error} (see its log)")

    sys.excepthook = hook


if __name__ == "__main__":
    sys.exit(main())
