"""The window's speed beside pymeasure's: a refresh, frames, spectra, the start, idling, memory over a day.

    python benchmarks/window.py [--only start,idle,spectra,memory,refresh,frames] [--rounds 20] [--hours 24]

Ours: the window's own panes over a real run file on disk, from "one row was written" to "painted". pymeasure 0.16:
its `PlotWidget` (the plot of a ManagedWindow) over a CSV file with the same numbers. Both are 1000 x 700 and in one
process. Costs are processor time of the process (user and system, all threads): the clock on the wall would tell of
the machine's other work as well. The start and idling are measured on `cellrig-gui` as a process of its own.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("QT_FONT_DPI", "96")

import gui  # noqa: F401  chooses the binding before anything of Qt is imported

# isort: split
import _window_program
import numpy as np
from _window_runs import Growing, new_run, signal
from PyQt5.QtWidgets import QApplication, QWidget

from gui.app import make_application
from gui.model.feed import Followed
from gui.model.link import NoBench
from gui.model.run_view import RunView
from gui.plots.nyquist import NyquistPane
from gui.plots.over_time import OverTimePane
from gui.plots.pane import PlotPane, ShownRun
from gui.plots.temperature import TemperaturePane
from gui.window import BenchWindow
from procedures.eis_streams import IMPEDANCE
from procedures.eis_streams import SPECTRA as FINISHED

ROWS = (10_000, 100_000, 1_000_000)
SIZE = (1000, 700)
SPECTRA, POINTS = 64, 61
PARTS = ("start", "idle", "spectra", "memory", "refresh", "frames")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(PARTS))
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--hours", type=float, default=24.0, help="of the run whose memory is watched")
    given = parser.parse_args()
    wanted = given.only.split(",")
    app = make_application(["bench"])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if "start" in wanted:
            _window_program.start(folder / "start", given.rounds // 3)
        if "idle" in wanted:
            _window_program.idle(folder / "idle")
        if "spectra" in wanted:  # before the others, whose plots of 1e6 rows stay in the process and slow it down
            spectra(app, folder / "spectra", given.rounds)
        if "memory" in wanted:  # before those whose runs of 1e6 rows would be counted with it
            memory(app, folder / "memory", given.hours)
        if {"refresh", "frames"} & {*wanted}:
            for count in ROWS:
                with Growing(folder / f"ours {count}", count) as run:
                    if "refresh" in wanted:
                        refreshes(app, run, folder, count, given.rounds)
                    if "frames" in wanted:
                        frames(app, run, count, given.rounds)


def shown_pane(app: QApplication, kind: type[PlotPane], view: RunView) -> PlotPane:
    pane = kind()
    pane.resize(*SIZE)
    pane.show()
    pane.set_runs([ShownRun(view, "#0072b2")])
    app.processEvents()
    return pane


def painted(pane: QWidget) -> None:
    QApplication.processEvents()


def costs(rounds: int, work: Callable[[], object], before: Callable[[], object] = lambda: None) -> float:
    """Milliseconds of processor time: the median over the rounds."""
    taken = []
    for _ in range(rounds):
        before()
        began = time.process_time()
        work()
        taken.append(1e3 * (time.process_time() - began))
    return statistics.median(taken)


# ------------------------------------------------------------ one new row
def refreshes(app: QApplication, run: Growing, folder: Path, count: int, rounds: int) -> None:
    told = []
    for kind in (OverTimePane, TemperaturePane):
        pane = shown_pane(app, kind, run.view)

        def look(pane: PlotPane = pane) -> None:
            run.read_on()
            pane.refresh()

        whole = costs(rounds, lambda pane=pane, look=look: (look(), painted(pane)), run.add)
        data = costs(rounds, look, run.add)
        told.append(f"{pane.title} {data:.1f} ms to read and set, {whole:.1f} ms painted")
        close(app, pane)
    theirs = pymeasures(app, folder / f"pymeasure {count}.csv", count, min(rounds, 8))
    print(f"refresh with one new row at {count:.0e} rows: ours {'; '.join(told)}; pymeasure {theirs:.1f} ms painted")


def pymeasures(app: QApplication, path: Path, count: int, rounds: int) -> float:
    from pymeasure.display.widgets.plot_widget import PlotWidget
    from pymeasure.experiment import FloatParameter, Procedure, Results

    class Recorded(Procedure):
        marker = FloatParameter("marker", default=1.0)
        DATA_COLUMNS = ("Time (s)", "Voltage (V)", "Current density (mA/cm**2)", "Temperature (K)")

    procedure = Recorded()
    results = Results(procedure, str(path))
    t = np.arange(count + rounds, dtype=float)
    rows = [f"{at!r},{v!r},{j!r},{c!r}\n" for at, v, j, c in zip(t.tolist(), *signal(t), strict=True)]
    with path.open("a", encoding="utf-8") as file:
        file.writelines(rows[:count])
        file.flush()
        window = PlotWidget("x", Recorded.DATA_COLUMNS, "Time (s)", "Voltage (V)")
        window.resize(*SIZE)
        window.show()
        window.plot_frame.timer.stop()
        procedure.status = Procedure.RUNNING
        curve = window.new_curve(results)
        window.load(curve)
        app.processEvents()
        canvas = window.plot_frame.plot_widget.viewport()
        assert canvas is not None
        more = iter(rows[count:])

        def add() -> None:
            file.write(next(more))
            file.flush()

        def look() -> None:
            curve.update_data()
            canvas.repaint()

        taken = costs(rounds, look, add)
    data = results.data
    assert data is not None
    assert len(data) == count + rounds
    close(app, window)
    path.unlink()
    return taken


def close(app: QApplication, window: QWidget) -> None:
    window.close()
    window.deleteLater()
    app.processEvents()


# ------------------------------------------------------------ many points in view
def frames(app: QApplication, run: Growing, count: int, rounds: int) -> None:
    """The whole run in view, moved by a little from frame to frame."""
    pane = shown_pane(app, OverTimePane, run.view)
    pane.following.setChecked(False)
    place = iter(range(10 * rounds))

    def move() -> None:
        first = 1e-4 * run.count * next(place)
        pane.plots[0].getViewBox().setXRange(first, run.count, padding=0)
        painted(pane)

    taken = costs(3 * rounds, move)
    told = f"{taken:.1f} ms a frame, {1e3 / taken:.0f} frames/s"
    print(f"{count:.0e} rows of two curves in view, panned: {told} ({pane.title}, {SIZE[0]} x {SIZE[1]})")
    close(app, pane)


def spectra(app: QApplication, folder: Path, rounds: int) -> None:
    """The last of the spectra grows by a point."""
    writer = new_run(folder, "eis-sweep")
    frequencies = np.logspace(6, 0, POINTS)

    def add(number: int, index: int) -> None:
        z = 50 + (3e4 / number) / (1 + 1j * frequencies[index] * 1e-5 * (1 + 0.02 * number))
        point = dict.fromkeys(IMPEDANCE.column_names) | {"spectrum": number, "sample": "", "setpoint_C": 20.0 + number}
        point |= {"frequency_Hz": float(frequencies[index]), "z_real_ohm": float(z.real), "z_imag_ohm": float(z.imag)}
        writer.record("impedance", "one", 1, float(index), point)

    for number in range(1, SPECTRA + 1):
        for index in range(POINTS - (0 if number < SPECTRA else 3 * rounds)):
            add(number, index)
        if number < SPECTRA:
            finished = dict.fromkeys(FINISHED.column_names) | {"spectrum": number, "sample": "", "direction": "heating"}
            writer.record("spectra", "one", 1, float(number), finished | {"sample_temperature_C": 20.0 + number})
    writer.flush()
    followed = Followed.open(writer.path)
    news = followed.news()
    assert news is not None
    view = RunView(writer.path, news.head)
    view.take(news)
    pane = shown_pane(app, NyquistPane, view)
    points = iter(range(POINTS - 3 * rounds, POINTS))

    def more() -> None:
        add(SPECTRA, next(points))
        writer.flush()

    def look() -> None:
        grown = followed.news()
        assert grown is not None
        view.take(grown)
        pane.refresh()

    data = costs(rounds, look, more)
    whole = costs(rounds, lambda: (look(), painted(pane)), more)
    print(
        f"{SPECTRA} spectra of {POINTS} points, one grows by a point: {data:.1f} ms to read and set, "
        f"{whole:.1f} ms painted"
    )
    spans = iter(np.linspace(0.5, 1.0, 5 * rounds))

    def zoom() -> None:
        """The labels at the decades look for room in each view anew."""
        share = float(next(spans))
        pane.plots[0].getViewBox().setRange(xRange=(0, 3e4 * share), yRange=(0, 1.5e4 * share), padding=0)

    pane.following.setChecked(False)
    moved = costs(rounds, lambda: (zoom(), painted(pane)))
    print(f"{SPECTRA} spectra of {POINTS} points, zoomed, decades labelled anew: {moved:.1f} ms painted")
    followed.run.close()
    writer.abandon()
    close(app, pane)


# ------------------------------------------------------------ a day
def memory(app: QApplication, folder: Path, hours: float) -> None:
    """A row a second in two streams; the window reads and paints after every minute's worth."""
    with Growing(folder, 60) as run:
        window = BenchWindow(NoBench("no bench"), folder)
        window.resize(1680, 1000)
        window.show()
        window.library.follow(run.writer.path)
        sizes = []
        for minute in range(int(60 * hours)):
            run.add(60)
            while _rows_in(window, run.writer.path) < run.count:
                app.processEvents()
                time.sleep(0.005)
            if minute % 60 == 0:
                sizes.append(resident_MB())
                window.tabs.setCurrentIndex((2, 5)[len(sizes) % 2])
        print(f"memory over {hours:g} h of live updates: {_told(sizes)}")
        window.close()


def _rows_in(window: BenchWindow, run: Path) -> int:
    view = window.library.views.get(run)
    return view.table("temperature").size if view is not None else 0


def _told(sizes: list[float]) -> str:
    half = sizes[len(sizes) // 2 :]
    return f"{sizes[0]:.0f} MB at first, {max(sizes):.0f} MB at most, {half[-1] - half[0]:+.1f} MB in the second half"


def resident_MB() -> float:
    """Of this process. Linux only."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGESIZE") / 1e6


if __name__ == "__main__":
    main()
