"""Spectra as the window draws them: without holder and leads, their fits and what these leave over, copied."""

from __future__ import annotations

import time
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from bench_window import SLOW_MS, FakeBench, Open, pane_of, show_all
from PyQt5.QtCore import QPointF, Qt
from PyQt5.QtWidgets import QApplication, QToolButton
from pytestqt.qtbot import QtBot

from daq.plan import load_plan
from daq.runner import Watcher, run_plan
from gui.graph import pg
from gui.model.growing import GrowingTable
from gui.model.run_view import Head, RunView
from gui.model.spectra import SpectraOf
from gui.plots.bode import BodePane
from gui.plots.nyquist import NyquistPane
from gui.plots.pane import ShownRun

LEAD_ohm = 40.0
FREQUENCY_Hz = np.geomspace(2e6, 0.05, 60)


def compensated_run(folder: Path) -> Path:
    """One spectrum of K001 behind 40 ohm of lead, with the short that tells of them."""
    (folder / "bench.toml").write_text(
        '[bench]\nname = "b"\n[instruments.furnace]\ndriver = "simulated-furnace"\n'
        '[instruments.potentiostat]\ndriver = "simulated-potentiostat"\n'
        f'[simulation]\npreset = "K001"\n[simulation.parameters]\nlead_resistance_ohm = {LEAD_ohm}\n',
        encoding="utf-8",
    )
    rows = "\n".join(f"{f:.9g},{LEAD_ohm},0" for f in FREQUENCY_Hz)
    (folder / "short.csv").write_text(f"frequency_Hz,z_real_ohm,z_imag_ohm\n{rows}\n", encoding="utf-8")
    (folder / "plan.toml").write_text(
        'bench = "bench.toml"\n[sample]\nname = "K001"\npellet = { thickness_mm = 0.9, diameter_mm = 10 }\n'
        '[[run]]\nprocedure = "eis-sweep"\ntemperatures_C = [60]\ncompensation = { short = "short.csv" }\n',
        encoding="utf-8",
    )
    (ended,) = run_plan(load_plan(folder / "plan.toml"), folder / "runs", Watcher())
    assert ended.end.outcome == "finished"
    return folder / "runs"


def test_spectra_are_shown_compensated_as_the_report_has_them_and_as_measured_on_demand(
    qtbot: QtBot, open_window: Open, tmp_path: Path
) -> None:
    window = open_window(compensated_run(tmp_path), FakeBench())
    show_all(qtbot, window, 1)
    nyquist = cast(NyquistPane, pane_of(window, "nyquist"))
    bode = cast(BodePane, pane_of(window, "bode"))
    window.tabs.setCurrentWidget(nyquist)
    qtbot.waitUntil(lambda: bool(nyquist.exported()), timeout=SLOW_MS)
    assert nyquist.spectra.compensated.isVisible()
    real = {}
    for on in (True, False):
        nyquist.spectra.compensated.setChecked(on)
        (curve,) = nyquist.exported()
        assert ("compensated" in curve.label) is on
        real[on] = dict(curve.columns)["z_real_ohm"]
    assert real[False] - real[True] == pytest.approx(LEAD_ohm, abs=1e-6)
    qtbot.waitUntil(lambda: bool(nyquist.analyses), timeout=SLOW_MS)
    spectrum = nyquist.spectra.curves[0]
    assert nyquist.spectra.fitted(spectrum) is None, "the fit is of the compensated points"
    nyquist.spectra.compensated.setChecked(True)
    assert nyquist.spectra.fitted(spectrum) is not None
    window.tabs.setCurrentWidget(bode)
    plain = dict(bode.exported()[0].columns)["modulus_ohm"]
    bode.spectra.unit.setCurrentIndex(1)
    assert dict(bode.exported()[0].columns)["modulus_ohm_cm2"] == pytest.approx(plain * np.pi * 0.25)
    assert bode.plots[0].getAxis("left").labelText == "|Z| / Ω cm²"
    assert bode.spectra.fitted(bode.spectra.curves[0]) is not None


def test_words_on_the_plot_keep_clear_of_the_curves(qtbot: QtBot, open_window: Open, runs: Path) -> None:
    window = open_window(runs, FakeBench(), (1280, 720))
    show_all(qtbot, window)
    nyquist = cast(NyquistPane, pane_of(window, "nyquist"))
    window.tabs.setCurrentWidget(nyquist)
    qtbot.waitUntil(lambda: any(one.sweep for one in nyquist.analyses.values()), timeout=SLOW_MS)
    view = nyquist.plots[0].getViewBox()
    for show in (nyquist.fit, lambda: view.setRange(xRange=(0, 9e3), yRange=(0, 5e3), padding=0)):
        show()
        nyquist.following.setChecked(show == nyquist.fit)
        qtbot.wait(20)
        texts = [one for one in view.allChildren() if isinstance(one, pg.TextItem) and one.isVisible()]
        boxes = [one.textItem.sceneBoundingRect() for one in texts if one.toPlainText().endswith("Hz")]
        if nyquist.following.isChecked():  # a zoom leaves the legend where it was
            boxes.append(nyquist.plots[0].legend.sceneBoundingRect())
        points = [
            view.mapViewToScene(QPointF(x, y))
            for curve in nyquist.cursor_curves
            for x, y in zip(curve.x, curve.y, strict=True)
        ]
        assert len(boxes) >= 2, "decades, and the legend"
        assert [sum(box.contains(one) for one in points) for box in boxes] == [0] * len(boxes)
        assert not any(a.intersects(b) for place, a in enumerate(boxes) for b in boxes[place + 1 :])


def test_64_spectra_cost_little_each_time_one_of_them_grows(qtbot: QtBot) -> None:
    view = RunView(Path("none"), Head("id", "eis-sweep", "x", {"name": "x"}, {}, {}, "", 0.0))
    table = view.tables["impedance"] = GrowingTable()
    f = np.logspace(6, 0, 61)

    def measure(number: int, part: slice) -> None:
        z = 50 + (3e4 / number) / (1 + 1j * f[part] * 1e-5)
        rows = {"id": f[part], "attempt": np.ones(len(z), int), "spectrum": np.full(len(z), number)}
        rows |= {"sample": np.full(len(z), "", object), "setpoint_C": np.full(len(z), 20.0 + number)}
        table.extend({**rows, "frequency_Hz": f[part], "z_real_ohm": z.real, "z_imag_ohm": z.imag})

    for number in range(1, 65):
        measure(number, slice(None if number < 64 else 40))
    pane = NyquistPane()
    qtbot.addWidget(pane)
    pane.resize(1000, 700)
    pane.show()
    pane.set_runs([ShownRun(view, "#0072b2")])
    costs_s = []
    for place in range(40, 61):
        measure(64, slice(place, place + 1))
        began_s = time.process_time()
        pane.refresh()
        costs_s.append(time.process_time() - began_s)
    assert len(pane.exported()[-1].columns[0][1]) == 61
    assert [one.number for one in pane.spectra.curves if one.is_growing] == [64], "the others were broken off"
    assert min(costs_s) < 0.03, "measured: 5 ms of processor time on an idle machine"


def test_a_spectrum_that_was_hidden_stays_so_when_another_run_comes_before_it(qtbot: QtBot) -> None:
    def run_with(run: str, numbers: list[int]) -> RunView:
        view = RunView(Path(run), Head(run, "eis-sweep", run, {"name": run}, {}, {}, "", 0.0))
        view.tables["impedance"] = GrowingTable()
        for number in numbers:
            measure(view, number)
        return view

    def measure(view: RunView, number: int) -> None:
        f = np.logspace(6, 0, 13)
        z = 50 + (3e4 / number) / (1 + 1j * f * 1e-5)
        rows = {"id": f, "attempt": np.ones(len(z), int), "spectrum": np.full(len(z), number)}
        rows |= {"sample": np.full(len(z), "", object), "setpoint_C": np.full(len(z), 20.0 + number)}
        view.tables["impedance"].extend({**rows, "frequency_Hz": f, "z_real_ohm": z.real, "z_imag_ohm": z.imag})

    earlier, live = run_with("earlier", [1, 2, 3]), run_with("live", [10])
    pane = NyquistPane()
    qtbot.addWidget(pane)
    pane.resize(1000, 700)
    pane.show()
    pane.set_runs([ShownRun(earlier, "#0072b2")])
    (sign,) = [sign for sign, label in pane.plot.legend.items if label.text.startswith("22 °C")]
    sign.item.setVisible(False)
    pane.refresh()
    shown = [one.label for one in pane.exported()]
    assert len(shown) == 2
    pane.set_runs([ShownRun(live, "#d55e00"), ShownRun(earlier, "#0072b2")])
    assert len(pane.exported()) == 3
    measure(live, 11)
    pane.refresh()
    assert len(pane.exported()) == 4
    pane.set_runs([ShownRun(earlier, "#0072b2")])
    assert [one.label for one in pane.exported()] == shown


def test_a_spectrum_ends_also_where_its_row_is_read_before_its_points() -> None:
    """The two tables are read one after the other, and a run writes between."""
    view = RunView(Path("none"), Head("id", "eis-sweep", "x", {}, {}, {}, "", 0.0))
    told = view.tables["spectra"] = GrowingTable()
    points = view.tables["impedance"] = GrowingTable()
    one = {"id": np.array([1]), "spectrum": np.array([1]), "attempt": np.array([1])}
    told.extend({**one, "direction": np.array(["heating"], object), "sample_temperature_C": np.array([24.5])})
    spectra = SpectraOf(view)
    assert spectra.refresh() == []
    more = {"sample": np.array([""], object), "setpoint_C": np.array([25.0]), "frequency_Hz": np.array([1e3])}
    points.extend({**one, **more, "z_real_ohm": np.array([1.0]), "z_imag_ohm": np.array([-1.0])})
    spectra.refresh()
    (curve,) = spectra.curves
    assert (curve.finished, curve.temperature_C, curve.direction) == (True, 24.5, "heating")


def spectra_of(pane: NyquistPane) -> list[str]:
    return [one.label for one in pane.exported() if not one.label.endswith("residuals")]


def test_residuals_come_with_a_key_and_what_is_shown_can_be_copied(qtbot: QtBot, open_window: Open, runs: Path) -> None:
    window = open_window(runs, FakeBench(), (1280, 720))
    show_all(qtbot, window)
    nyquist = cast(NyquistPane, pane_of(window, "nyquist"))
    window.tabs.setCurrentWidget(nyquist)
    QApplication.setActiveWindow(window)
    qtbot.waitUntil(lambda: any(one.sweep for one in nyquist.analyses.values()), timeout=SLOW_MS)
    below = nyquist.plots[1]
    assert not below.isVisible()
    nyquist.canvas.setFocus()
    qtbot.keyClick(nyquist.canvas, Qt.Key.Key_R)
    assert below.isVisible()
    left = [one for one in nyquist.exported() if one.label.endswith("residuals")]
    assert len(left) == 3
    assert np.abs(dict(left[0].columns)["residual_real_percent"]).max() < 5
    last = nyquist.cursor_curves[-1]
    qtbot.waitUntil(lambda: "% of |Z|" in nyquist.nearest(below, last.x[0], last.y[0]), timeout=SLOW_MS)
    qtbot.mouseClick(nyquist.copy_button, Qt.MouseButton.LeftButton)
    clipboard = QApplication.clipboard()
    assert clipboard is not None
    assert clipboard.image().width() >= 2000
    lines = clipboard.text().splitlines()
    assert lines[0].split("\t")[:2] == ["curve", "frequency_Hz"]
    assert len(lines) > 100
    legend = nyquist.plots[0].legend
    sign = nyquist.canvas.mapFromScene(legend.items[0][0].sceneBoundingRect().center())
    for count in (2, 3):  # a click hides the curve, and shows it again
        qtbot.mouseClick(nyquist.canvas.viewport(), Qt.MouseButton.LeftButton, pos=sign)
        qtbot.waitUntil(lambda count=count: len(spectra_of(nyquist)) == count, timeout=SLOW_MS)
        assert len({one.text for one in nyquist.cursor_curves if one.plot is nyquist.plots[0]}) == count
        qtbot.wait(QApplication.doubleClickInterval() + 50)
    qtbot.keyClick(nyquist.canvas, Qt.Key.Key_L)
    assert not nyquist.plots[0].legend.isVisible()
    nyquist.spectra.compensated.show()
    qtbot.wait(50)
    tools = [one for one in nyquist.findChildren(QToolButton) if one.isVisible()]
    assert len(tools) >= 10
    assert all(nyquist.rect().contains(one.geometry()) for one in tools), "none is cut off"
