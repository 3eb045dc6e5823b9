"""`cellrig-gui` as a process of its own: how long until it is painted, what it costs when nothing happens."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from daq.bench_lock import bench_folder
from daq.host_note import find_host
from daq.service.note import ServiceNote
from daq.system import System
from gui.demo import write_demo_bench

IDLE_S = 20.0
# The program itself, told to say when its window was first painted and what that cost.
STARTED = """
import resource, sys, time
from PyQt5.QtCore import QEvent, QObject, QTimer
from PyQt5.QtWidgets import QApplication
from gui import app

class Watch(QObject):
    def eventFilter(self, a0, a1):
        if a1.type() == QEvent.Paint and a0.isWidgetType() and a0.isWindow():
            QTimer.singleShot(0, self.tell)
        return False
    def tell(self):
        used = resource.getrusage(resource.RUSAGE_SELF)
        print(time.monotonic(), used.ru_utime + used.ru_stime, flush=True)
        QApplication.instance().exit(0)

made = app.make_application
def make(arguments):
    application = made(arguments)
    application.watch = Watch()
    application.installEventFilter(application.watch)
    return application
app.make_application = make
sys.exit(app.main(sys.argv[1:]))
"""


def start(runs: Path, rounds: int) -> None:
    walls, costs = [], []
    for _ in range(max(rounds, 3)):
        began = time.monotonic()
        words = [sys.executable, "-c", STARTED, "--runs", str(runs)]
        done = subprocess.run(words, capture_output=True, text=True, check=True)
        ended, cost = (float(one) for one in done.stdout.split())
        walls.append(ended - began)
        costs.append(cost)
    print(
        f"from the start of the program to its first picture: {statistics.median(costs):.2f} s of processor time, "
        f"{min(walls):.2f} to {max(walls):.2f} s by the clock"
    )


def idle(folder: Path) -> None:
    """Attached to the service of an idle simulated bench, two looks a second."""
    os.environ["CELLRIG_STATE"] = str(folder / "state")
    config = write_demo_bench(folder / "runs", 1.0)
    words = [sys.executable, "-m", "gui.app", "--runs", str(folder / "runs"), "--bench", str(config.source)]
    window = subprocess.Popen(words, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 60
        while find_host(config) is None and time.monotonic() < until:
            time.sleep(0.2)
        time.sleep(5)
        began, used = time.monotonic(), _used_s(window.pid)
        time.sleep(IDLE_S)
        share = (_used_s(window.pid) - used) / (time.monotonic() - began)
        print(f"idle, attached to a bench: {100 * share:.1f} % of a core over {IDLE_S:.0f} s")
    finally:
        window.terminate()
        window.wait(20)
        for note in (ServiceNote.read(bench_folder(config)), find_host(config)):
            if note is not None:
                System().end([note.process])


def _used_s(pid: int) -> float:
    """User and system time of a process. Linux only."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
