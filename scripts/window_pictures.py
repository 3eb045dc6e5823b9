"""Pictures of the window, attached to a simulated bench in mid-sweep, over runs made here.

python scripts/window_pictures.py                        the two that the docs show, into docs/images
python scripts/window_pictures.py --all build/window     every tab, light and dark, 1280 x 720, 1680 x 1000, 200 %
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import product
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("QT_FONT_DPI", "96")

from PyQt5.QtWidgets import QApplication

from daq.bench import BenchConfig
from daq.bench_lock import bench_folder
from daq.clock import wall_monotonic
from daq.host_note import find_host
from daq.plan import load_plan, make_plan
from daq.runner import Watcher, run_plan
from daq.service.note import ServiceNote
from daq.system import System
from gui.app import make_application
from gui.collecting import Collecting
from gui.demo import DemoStart, write_demo_bench
from gui.model.service_link import ServiceLink
from gui.plots.nyquist import NyquistPane
from gui.plots.pane import PlotPane
from gui.theme import THEMES, Theme
from gui.window import BenchWindow

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
SIZES = ((1280, 720), (1680, 1000))
SPEED = 500.0  # of the bench: its sweep has a few spectra after a quarter of a minute
SPECTRA = 4  # of its six
PATIENCE_S = 90.0
SWEEP = {
    "sample": {"name": "K001 pellet 3", "pellet": {"thickness_mm": 0.9, "diameter_mm": 10}},
    "run": [{"procedure": "eis-sweep", "temperatures_C": [25, 35, 45, 55, 65, 75, 90, 105, 120]}],
}
OTHERS = ("cv", "ccd", "lfp")  # in examples/paper
# tab: the procedure whose run is ticked for it
TABS = {
    "nyquist": "eis-sweep",
    "bode": "eis-sweep",
    "temperature": "eis-sweep",
    "arrhenius": "eis-sweep",
    "voltammogram": "cyclic-voltammetry",
    "over_time": "critical-current",
    "profiles": "galvanostatic-cycling",
    "capacity": "galvanostatic-cycling",
    "results": "eis-sweep",
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", type=Path, metavar="FOLDER", help="every tab in every look, into this folder")
    parser.add_argument("--runs", type=Path, help=argparse.SUPPRESS)  # made by the process that called this one
    given = parser.parse_args()
    target = given.all or IMAGES
    target.mkdir(parents=True, exist_ok=True)
    if given.runs is not None:
        return _pictures(given.runs, target, everything=True)
    with tempfile.TemporaryDirectory() as folder:
        runs = Path(folder) / "runs"
        for name in OTHERS if given.all else ("ccd",):
            run_plan(load_plan(ROOT / "examples" / "paper" / f"{name}.toml"), runs, Watcher())
        run_plan(make_plan(SWEEP), runs, Watcher())
        if not given.all:
            return _pictures(runs, target, everything=False)
        code = 0
        for scale in ("1", "2"):  # Qt takes its scale from the surroundings, once
            words = [sys.executable, __file__, "--all", str(target), "--runs", str(runs)]
            code |= subprocess.run(words, env={**os.environ, "QT_SCALE_FACTOR": scale}, check=False).returncode
        return code


def _pictures(runs: Path, target: Path, *, everything: bool) -> int:
    os.environ["CELLRIG_STATE"] = str(runs.parent / "state")
    app = make_application(sys.argv)
    collecting = Collecting()
    scale = app.devicePixelRatio()
    config = write_demo_bench(runs, SPEED)
    with _bench_ended(config):
        link = ServiceLink(config, runs)
        DemoStart(link)
        window = BenchWindow(link, runs)
        window.resize(*SIZES[1])
        window.show()
        camera = Camera(app, window, target, f"_{scale * 100:.0f}" if scale > 1 else "")
        try:
            camera.wait(lambda: len(_live_spectra(window)) >= SPECTRA, "the sweep of the demo takes no spectra")
            _fill_form(window)
            if everything:
                camera.everything(SIZES if scale == 1 else SIZES[:1])
            else:
                camera.few()
            window.header.stop.click()
            camera.wait(lambda: window.status.state == "idle", "the bench does not stop")
        finally:
            window.close()
            collecting.end()
    return 0


class Camera:
    def __init__(self, app: QApplication, window: BenchWindow, target: Path, suffix: str) -> None:
        self._app, self._window, self._target, self._suffix = app, window, target, suffix

    def few(self) -> None:
        """In mid-sweep, and a run of the past by dark."""
        self._window.set_theme(THEMES["light"])
        self._show_live()
        self._arcs()
        self._shoot("window_light_nyquist")
        self._window.set_theme(THEMES["dark"])
        self._show_tab("over_time")
        self._shoot("window_dark_over_time")

    def everything(self, sizes: Sequence[tuple[int, int]]) -> None:
        """What goes on first, before it ends."""
        for size, theme in product(sizes, THEMES.values()):
            self._dress(size, theme)
            self._show_live()
            self._shoot(f"live_{theme.name}_{size[0]}x{size[1]}")
        for size, theme in product(sizes, THEMES.values()):
            self._dress(size, theme)
            for key in TABS:
                self._show_tab(key)
                self._shoot(f"{key}_{theme.name}_{size[0]}x{size[1]}")
            self._wrong_form(f"wrong_{theme.name}_{size[0]}x{size[1]}")

    def _dress(self, size: tuple[int, int], theme: Theme) -> None:
        self._window.set_theme(theme)
        self._window.resize(*size)
        self._spin(0.2)
        self._window.lay_out_docks()

    def _wrong_form(self, name: str) -> None:
        form = self._window.new_run
        form.set_texts({"temperatures_C": "25, 400", "pellet.thickness_mm": "0.9 V"})
        self._window.banner.tell(
            "furnace does not answer: is it switched on, is its cable in? The run waits.", "bad-box"
        )
        self._shoot(name)
        self._window.banner.dismiss.click()
        _fill_form(self._window)

    def _show_live(self) -> None:
        """What goes on, as the window shows it by itself."""
        run = self._window.status.run
        self._tick(lambda path: run is not None and path == run.path)
        self._show(self._pane("nyquist"))
        self._pane("nyquist").fit()

    def _show_tab(self, key: str) -> None:
        wanted = {one.path for one in self._window.runs.model.rows if one.procedure == TABS[key]}
        past = [path for path in wanted if path is not None and not self._is_live(path)]
        self._tick(lambda path: path in past)
        library = self._window.library
        self.wait(lambda: all(path in library.views for path in past), f"{key}: its run is not read")
        ids = {library.views[path].head.id for path in past}
        pane = self._window.results if key == "results" else self._pane(key)
        self.wait(lambda: ids <= pane.analyses.keys(), f"{key}: its run is not analysed")
        self._show(pane)
        if isinstance(pane, PlotPane):
            self.wait(lambda: bool(pane.exported()), f"{key}: the plot is empty")
            pane.fit()
        self._arcs()

    def _arcs(self) -> None:
        pane = self._window.tabs.currentWidget()
        if isinstance(pane, NyquistPane):
            pane.fit_arcs()

    def _is_live(self, path: Path) -> bool:
        run = self._window.status.run
        return run is not None and run.path == path

    def _pane(self, key: str) -> PlotPane:
        return next(one for one in self._window.panes if one.key == key)

    def _show(self, pane: object) -> None:
        tabs = self._window.tabs
        tabs.setCurrentIndex(next(place for place in range(tabs.count()) if tabs.widget(place) is pane))

    def _tick(self, wanted: Callable[[Path | None], bool]) -> None:
        model = self._window.runs.model
        for row in list(model.rows):
            model.show_run(row.key, wanted(row.path))

    def _shoot(self, name: str) -> None:
        self._spin(0.4)
        file = self._target / f"{name}{self._suffix}.png"
        self._window.grab().save(str(file))
        print(file)

    def _spin(self, seconds: float) -> None:
        until = wall_monotonic() + seconds
        while wall_monotonic() < until:
            self._app.processEvents()

    def wait(self, done: Callable[[], bool], otherwise: str) -> None:
        until = wall_monotonic() + PATIENCE_S
        while not done():
            if wall_monotonic() > until:
                raise SystemExit(f"window_pictures: {otherwise}")
            self._spin(0.05)


def _fill_form(window: BenchWindow) -> None:
    """From the run that was made here."""
    name = str(SWEEP["sample"]["name"])
    row = next(one for one in window.runs.model.rows if one.sample == name)
    assert row.path is not None
    window.filling.take_run(row.path)


def _live_spectra(window: BenchWindow) -> list[object]:
    run = window.status.run
    view = window.library.views.get(run.path) if run is not None else None
    return list(dict.fromkeys(view.table("impedance")["spectrum"].tolist())) if view is not None else []


@contextmanager
def _bench_ended(config: BenchConfig) -> Iterator[None]:
    try:
        yield
    finally:
        for note in (ServiceNote.read(bench_folder(config)), find_host(config)):
            if note is not None:
                System().end([note.process])


if __name__ == "__main__":
    sys.exit(main())
