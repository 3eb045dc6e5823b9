"""Three sweeps over each other: each has its colour and keeps it, its curves, its name in the key."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest
from bench_window import SLOW_MS, FakeBench, Open, pane_of, show_all
from PyQt5.QtCore import QPoint, QPointF, Qt
from pytestqt.qtbot import QtBot

from daq.plan import make_plan
from daq.runner import Watcher, run_plan
from gui.panels.runs_model import SHOW, RunRow
from gui.plots.nyquist import NyquistPane
from gui.theme import THEMES
from gui.window import BenchWindow

SWEEPS = {"K001": [25, 60, 90], "K010": [30, 50], "K001 again": [40, 70, 100]}


@pytest.fixture(scope="module")
def sweeps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("overlay") / "runs"
    for name, degrees in SWEEPS.items():
        sample = {"name": name.split()[0], "pellet": {"thickness_mm": 0.9, "diameter_mm": 10}}
        sweep = {"procedure": "eis-sweep", "temperatures_C": degrees, "points_per_decade": 6}
        run_plan(make_plan({"sample": sample, "run": [sweep]}), folder, Watcher())
    return folder


def click_tick(qtbot: QtBot, window: BenchWindow, number: int) -> None:
    table = window.runs.table
    box = table.visualRect(window.runs.filtered.index(number, SHOW))
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(box.left() + 10, box.center().y()))


def colours(window: BenchWindow) -> dict[str, str]:
    return {row.key: row.colour for row in window.runs.model.rows if row.shown}


def test_three_sweeps_clicked_one_after_the_other(qtbot: QtBot, open_window: Open, sweeps: Path) -> None:
    window = open_window(sweeps, FakeBench())
    model = window.runs.model
    qtbot.waitUntil(lambda: len(model.rows) == 3, timeout=SLOW_MS)
    nyquist = cast(NyquistPane, pane_of(window, "nyquist"))
    window.tabs.setCurrentWidget(nyquist)
    for number in range(3):
        if not model.rows[number].shown:  # the newest is shown by itself
            click_tick(qtbot, window, number)
    qtbot.waitUntil(lambda: len(nyquist.shown) == 3, timeout=SLOW_MS)
    expected = {(one.view.head.sample_name, len(one.view.head.parameters["temperatures_C"])) for one in nyquist.shown}
    assert expected == {("K001", 3), ("K010", 2)}
    labels = [one.label for one in nyquist.exported()]
    assert len(labels) == len(set(labels)) == sum(map(len, SWEEPS.values()))
    for one in nyquist.shown:
        mine = [label for label in labels if label.startswith(f"{one.view.head.id} ")]
        assert len(mine) == len(one.view.head.parameters["temperatures_C"])
    before = colours(window)
    assert len({*before.values()}) == 3
    assert {one.colour for one in nyquist.shown} == {*before.values()}
    names = [label.text for _, label in nyquist.plots[0].legend.items]
    for one in nyquist.shown:
        head = f"<span style='color:{one.colour}'>●</span> {one.called()}"
        assert names.count(head) == 1, "each by its name and colour"


def test_a_run_keeps_its_colour_and_shares_it_with_none(qtbot: QtBot, open_window: Open, sweeps: Path) -> None:
    window = open_window(sweeps, FakeBench())
    show_all(qtbot, window, 3)
    nyquist = pane_of(window, "nyquist")
    before = colours(window)
    for number in range(3):
        click_tick(qtbot, window, number)
    assert not colours(window)
    assert not nyquist.shown
    for number in (2, 0, 1):
        click_tick(qtbot, window, number)
    qtbot.waitUntil(lambda: len(nyquist.shown) == 3, timeout=SLOW_MS)
    assert colours(window) == before
    model = window.runs.model
    click_tick(qtbot, window, 0)
    model.rows[0].colour = model.rows[1].colour  # as when all seven have been given
    click_tick(qtbot, window, 0)
    assert len({*colours(window).values()}) == 3
    kept = {key: window.theme.categories.index(colour) for key, colour in colours(window).items()}
    window.set_theme(THEMES["dark"])
    assert {key: window.theme.categories.index(colour) for key, colour in colours(window).items()} == kept


def test_more_runs_than_colours_share_them_evenly(qtbot: QtBot, open_window: Open, tmp_path: Path) -> None:
    window = open_window(tmp_path / "runs", FakeBench())
    count = len(window.theme.categories)
    for number in range(2 * count + 2):
        window.showing.add_row(RunRow(f"file {number}", "eis-sweep", "K001", "file"))
    given = [*colours(window).values()]
    assert len({*given[:count]}) == len({*given[count : 2 * count]}) == count
    assert given[-1] != given[-2]


def test_the_key_to_three_sweeps_lies_over_none_of_them(qtbot: QtBot, open_window: Open, sweeps: Path) -> None:
    window = open_window(sweeps, FakeBench(), (1280, 720))
    show_all(qtbot, window, 3)
    nyquist = cast(NyquistPane, pane_of(window, "nyquist"))
    window.tabs.setCurrentWidget(nyquist)
    ids = {one.view.head.id for one in nyquist.shown}
    qtbot.waitUntil(lambda: ids <= nyquist.analyses.keys(), timeout=SLOW_MS)
    legend, view = nyquist.plots[0].legend, nyquist.plots[0].getViewBox()
    for show in (nyquist.fit, nyquist.arcs.click):
        show()
        qtbot.wait(20)
        box = legend.sceneBoundingRect()
        assert view.sceneBoundingRect().contains(box)
        points = [QPointF(x, y) for one in nyquist.cursor_curves for x, y in zip(one.x, one.y, strict=True)]
        assert sum(box.contains(view.mapViewToScene(one)) for one in points) == 0
        assert len(legend.items) >= 3 + 3, "three names, and spectra of each"
