"""Pictures of the window for the docs: every tab, sizes and themes, over runs made on the simulated bench.

    python scripts/window_pictures.py [FOLDER]

Without a folder only the few pictures that README and tutorial show are made, in docs/images.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("QT_FONT_DPI", "96")

from PyQt5.QtWidgets import QApplication

from daq.clock import wall_monotonic
from daq.plan import load_plan, make_plan
from daq.runner import Watcher, run_plan
from gui.app import make_application
from gui.model.link import NoBench
from gui.theme import THEMES
from gui.window import BenchWindow

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
SIZES = ((1280, 720), (1680, 1000))
DEMO = {
    "sample": {"name": "K001 pellet 3", "pellet": {"thickness_mm": 0.9, "diameter_mm": 10}},
    "run": [{"procedure": "eis-sweep", "temperatures_C": [25, 35, 45, 55, 65, 75, 90, 105, 120]}],
}
FEW = {"light": "nyquist", "dark": "over_time"}
TABS = {
    "nyquist": "eis-sweep",
    "bode": "eis-sweep",
    "temperature": "eis-sweep",
    "arrhenius": "eis-sweep",
    "voltammogram": "cyclic-voltammetry",
    "over_time": "critical-current",
    "profiles": "galvanostatic-cycling",
    "capacity": "galvanostatic-cycling",
}


def main() -> None:
    everything = len(sys.argv) > 1
    target = Path(sys.argv[1]) if everything else IMAGES
    target.mkdir(parents=True, exist_ok=True)
    app = make_application(sys.argv)
    with tempfile.TemporaryDirectory() as folder:
        runs = Path(folder) / "runs"
        for name in ("cv", "ccd", "lfp") if everything else ("ccd",):
            run_plan(load_plan(ROOT / "examples" / "paper" / f"{name}.toml"), runs, Watcher())
        run_plan(make_plan(DEMO), runs, Watcher())
        for theme in THEMES:
            for width, height in SIZES:
                wanted = TABS if everything else {FEW[theme]: TABS[FEW[theme]]}
                if everything or (width, height) == SIZES[1]:
                    _take(app, runs, theme, (width, height), wanted, target)


def _take(
    app: QApplication, runs: Path, theme: str, size: tuple[int, int], wanted: dict[str, str], target: Path
) -> None:
    window = BenchWindow(NoBench("no bench is connected"), runs)
    window.set_theme(THEMES[theme])
    window.resize(*size)
    window.show()
    _spin(app, 2.0)
    for key, procedure in wanted.items():
        for row in list(window.runs.model.rows):
            window.runs.model.show_run(row.key, row.procedure == procedure)
        _spin(app, 3.0)
        pane = next(one for one in window.panes if one.key == key)
        window.tabs.setCurrentWidget(pane)
        _spin(app, 0.3)
        pane.fit()
        if key == "nyquist":
            pane.fit_arcs()  # pyright: ignore[reportAttributeAccessIssue]  only this pane has arcs
        _spin(app, 0.3)
        name = f"window_{theme}_{key}" + ("" if target == IMAGES else f"_{size[0]}x{size[1]}")
        window.grab().save(str(target / f"{name}.png"))
        print(target / f"{name}.png")
    window.close()


def _spin(app: QApplication, seconds: float) -> None:
    until = wall_monotonic() + seconds
    while wall_monotonic() < until:
        app.processEvents()


if __name__ == "__main__":
    main()
