"""The window as a program on a real X server: it is mapped, painted, and closes when the window manager asks it to."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from host_bench import until
from x_server import XServer, XWindow, x_server

from daq.plan import make_plan
from daq.runner import Watcher, run_plan
from gui.theme import LIGHT

WAIT_S = 40
HOLD = {"sample": {"name": "K001"}, "run": [{"procedure": "temperature-hold", "temperature_C": 40, "duration_h": 0.1}]}


def share_of(picture: np.ndarray, colour: str) -> float:
    wanted = [int(colour[place : place + 2], 16) for place in (1, 3, 5)]
    return float((np.abs(picture - wanted).max(axis=2) <= 8).mean())


def window_on(screen: XServer) -> XWindow | None:
    """The largest: menus and tool tips are windows as well."""
    return max(screen.windows(), key=lambda one: one.width * one.height, default=None)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="X11 is where the desktop of Linux is drawn")
def test_the_window_is_seen_on_a_real_x_server_and_closes_when_asked(tmp_path: Path) -> None:
    (ended,) = run_plan(make_plan(HOLD), tmp_path / "runs", Watcher())
    assert ended.end.outcome == "finished"
    with x_server(tmp_path, 1680, 1000) as screen:
        surroundings = {
            **os.environ,
            "DISPLAY": screen.display,
            "QT_QPA_PLATFORM": "xcb",
            "XDG_CONFIG_HOME": str(tmp_path / "settings"),
        }
        words = [sys.executable, "-m", "gui.app", "--runs", str(tmp_path / "runs")]
        with (tmp_path / "window.log").open("wb") as said:
            program = subprocess.Popen(words, env=surroundings, stdout=said, stderr=said)
        try:
            until(lambda: program.poll() is not None or window_on(screen) is not None, WAIT_S, "no window is mapped")
            assert program.poll() is None, (tmp_path / "window.log").read_text(encoding="utf-8")
            window = window_on(screen)
            assert window is not None
            assert window.name == "cellrig"
            assert (window.width, window.height) == (1680, 1000)
            # STOP in its red, and a furnace's curve in the run that is shown by itself
            until(lambda: share_of(screen.picture()[:100, 1400:], LIGHT.bad) > 0.05, WAIT_S, "STOP is not painted")
            until(lambda: share_of(screen.picture(), LIGHT.category(1)) > 1e-4, WAIT_S, "no curve is painted")
            screen.ask_to_close(window)
            assert program.wait(WAIT_S) == 0
        finally:
            program.kill()
            program.wait()
