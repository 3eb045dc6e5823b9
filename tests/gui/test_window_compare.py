"""Data of other programs beside the runs: dropped onto the window, or chosen; a bad file is a sentence."""

from __future__ import annotations

import csv
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from bench_window import SLOW_MS, FakeBench, Open, pane_of, show_all
from PyQt5.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PyQt5.QtGui import QDragEnterEvent, QDropEvent, QImage
from PyQt5.QtWidgets import QApplication, QComboBox, QFileDialog
from pytestqt.qtbot import QtBot

from gui.window import BenchWindow

DATA = Path(__file__).resolve().parents[1] / "data"
ZPLOT = DATA / "eis" / "impedance_py" / "exampleDataZPlot.z"
GAMRY = DATA / "eis" / "impedance_py" / "exampleDataGamry.DTA"
LAND = DATA / "cycling" / "land" / "SINTEF__LiGrR2032__2024-04-30__25degC__Landt.first8000.csv"


def drop(window: BenchWindow, *paths: Path) -> None:
    """As the file manager does it."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    buttons, keys = Qt.MouseButtons(Qt.MouseButton.LeftButton), Qt.KeyboardModifiers()
    where, action = QPoint(50, 50), Qt.DropActions(Qt.DropAction.CopyAction)
    entered = QDragEnterEvent(where, action, data, buttons, keys)
    QApplication.sendEvent(window, entered)
    assert entered.isAccepted()
    QApplication.sendEvent(window, QDropEvent(QPointF(where), action, data, buttons, keys))


def test_spectra_dropped_beside_a_run_have_a_colour_a_row_and_a_fit(
    qtbot: QtBot, open_window: Open, runs: Path
) -> None:
    window = open_window(runs, FakeBench())
    show_all(qtbot, window)
    nyquist = pane_of(window, "nyquist")
    window.tabs.setCurrentWidget(pane_of(window, "temperature"))
    drop(window, ZPLOT, GAMRY)
    qtbot.waitUntil(lambda: {ZPLOT, GAMRY} <= window.library.views.keys(), timeout=SLOW_MS)
    assert window.tabs.currentWidget() is nyquist, "what was dropped is seen"
    rows = {row.path: row for row in window.runs.model.rows if row.shown}
    assert len({row.colour for row in rows.values()}) == len(rows), "each has its own colour"
    assert rows[ZPLOT].sample == "exampleDataZPlot"
    curves = {one.label: one for one in nyquist.exported()}
    (label,) = [one for one in curves if "exampleDataZPlot" in one]
    frequency = dict(curves[label].columns)["frequency_Hz"]
    assert len(frequency) > 20
    assert np.all(np.isfinite(dict(curves[label].columns)["z_real_ohm"]))
    qtbot.waitUntil(lambda: str(ZPLOT) in nyquist.analyses, timeout=SLOW_MS)
    window.runs.model.show_run(str(ZPLOT), False)
    assert not any("exampleDataZPlot" in one.label for one in nyquist.exported())
    window.runs.model.show_run(str(ZPLOT), True)
    qtbot.waitUntil(lambda: any("exampleDataZPlot" in one.label for one in nyquist.exported()), timeout=SLOW_MS)


def test_cycling_data_go_to_their_plots(qtbot: QtBot, open_window: Open, tmp_path: Path) -> None:
    window = open_window(tmp_path / "runs", FakeBench())
    drop(window, LAND)
    qtbot.waitUntil(lambda: LAND in window.library.views, timeout=SLOW_MS)
    over_time, capacity = pane_of(window, "over_time"), pane_of(window, "capacity")
    assert window.tabs.currentWidget() is capacity
    window.tabs.setCurrentWidget(over_time)
    (cell,) = over_time.exported()
    columns = dict(cell.columns)
    assert len(columns["time_s"]) == len(columns["voltage_V"]) > 5000
    window.tabs.setCurrentWidget(pane_of(window, "profiles"))
    assert pane_of(window, "profiles").exported()


@pytest.mark.parametrize("turned", [True, False])
def test_a_voltammogram_goes_to_its_plot(qtbot: QtBot, open_window: Open, tmp_path: Path, turned: bool) -> None:
    file = tmp_path / "cv.txt"
    volt = np.concatenate([np.linspace(0, 1, 40), np.linspace(1, 0, 40)[: 40 if turned else 0]])
    rows = "\n".join(f"{v:.4f}, {1e-5 * v:.4e}" for v in volt)
    file.write_text(f"Cyclic Voltammetry\n\nPotential/V, Current/A\n\n{rows}\n", encoding="utf-8")
    window = open_window(tmp_path / "runs", FakeBench())
    drop(window, file)
    qtbot.waitUntil(lambda: file in window.library.views, timeout=SLOW_MS)
    pane = pane_of(window, "voltammogram")
    assert window.tabs.currentWidget() is pane
    assert window.library.views[file].head.procedure == ("cyclic-voltammetry" if turned else "linear-sweep")
    assert pane.findChildren(QComboBox)[0].currentText() == "I / mA", "it has no area"
    (curve,) = pane.exported()
    assert dict(curve.columns)["current_mA"] == pytest.approx(1e-2 * volt, rel=1e-4)


def test_every_plot_is_exported_and_copied_as_picture_and_numbers(
    qtbot: QtBot, open_window: Open, runs: Path, tmp_path: Path
) -> None:
    """A sweep, a voltammogram and cycling data overlaid: each of the tabs has something."""
    scan = tmp_path / "cv.txt"
    rows = "\n".join(f"{v:.3f}, {1e-5 * v:.4e}" for v in np.concatenate([np.linspace(0, 1, 40), np.linspace(1, 0, 40)]))
    scan.write_text(f"Cyclic Voltammetry\n\nPotential/V, Current/A\n\n{rows}\n", encoding="utf-8")
    window = open_window(runs, FakeBench())
    show_all(qtbot, window)
    drop(window, scan, LAND)
    qtbot.waitUntil(lambda: {scan, LAND} <= window.library.views.keys(), timeout=SLOW_MS)
    qtbot.waitUntil(lambda: any(one.sweep for one in window.panes[0].analyses.values()), timeout=SLOW_MS)
    for pane in window.panes:
        window.tabs.setCurrentWidget(pane)
        qtbot.waitUntil(lambda pane=pane: bool(pane.exported()), timeout=SLOW_MS)
        for kind in ("png", "svg", "csv"):
            window.export_to(pane, tmp_path / f"{pane.key}.{kind}")
        image = QImage(str(tmp_path / f"{pane.key}.png"))
        assert image.width() >= 2000
        colours = {image.pixel(x, y) for x in range(0, image.width(), 9) for y in range(0, image.height(), 9)}
        assert len(colours) > 10, f"{pane.key} is blank"
        svg = ElementTree.parse(tmp_path / f"{pane.key}.svg").getroot()
        assert len(list(svg.iter())) > 30, f"{pane.key} is blank"
        with (tmp_path / f"{pane.key}.csv").open(encoding="utf-8") as file:
            table = list(csv.DictReader(file))
        numbers = [float(text) for row in table for key, text in row.items() if key != "curve" and text]
        assert np.isfinite(numbers).sum() > len(table) > 0
        pane.copy_button.click()
        clipboard = QApplication.clipboard()
        assert clipboard is not None
        assert clipboard.image().width() >= 2000
        pasted = list(csv.DictReader(clipboard.text().splitlines(), delimiter="\t"))
        assert pasted == table, "the same numbers, for a spreadsheet"
    assert window.banner.isHidden()


@pytest.mark.parametrize("name", ["photo.jpg", "notes.txt", "gone.z"])
def test_what_cannot_be_read_is_a_sentence_and_leaves_no_row(
    qtbot: QtBot, open_window: Open, tmp_path: Path, name: str
) -> None:
    if name != "gone.z":
        (tmp_path / name).write_bytes(b"\xff\xd8\xff\xe0 no data here\n" * 20)
    window = open_window(tmp_path / "runs", FakeBench())
    drop(window, tmp_path / name)
    qtbot.waitUntil(lambda: name in window.banner.message.text(), timeout=SLOW_MS)
    assert "Traceback" not in window.banner.message.text()
    assert window.runs.model.rows == []


def test_a_plan_that_is_dropped_fills_the_form(qtbot: QtBot, open_window: Open, tmp_path: Path) -> None:
    plan = tmp_path / "plan.toml"
    plan.write_text('[sample]\nname = "dropped"\n[[run]]\nprocedure = "open-circuit"\n', encoding="utf-8")
    window = open_window(tmp_path / "runs", FakeBench())
    drop(window, plan)
    assert window.new_run.texts()["name"] == "dropped"
    assert window.new_run.procedure.currentData() == "open-circuit"


def test_choosing_a_file_holds_up_nothing(qtbot: QtBot, open_window: Open, tmp_path: Path) -> None:
    bench = FakeBench()
    window = open_window(tmp_path / "runs", bench)
    QApplication.setActiveWindow(window)
    qtbot.keyClick(window, Qt.Key.Key_O, Qt.KeyboardModifier.ControlModifier)
    (dialog,) = window.findChildren(QFileDialog)
    assert dialog.isVisible()
    assert not dialog.isModal()
    qtbot.mouseClick(window.header.stop, Qt.MouseButton.LeftButton)
    assert bench.asked[-1][0] == "stop"
    dialog.filesSelected.emit([str(ZPLOT)])
    qtbot.waitUntil(lambda: ZPLOT in window.library.views, timeout=SLOW_MS)
    dialog.close()
