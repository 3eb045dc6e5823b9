"""`cellrig-gui --demo`: a simulated bench at a speed one can watch, and a sweep in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PyQt5.QtCore import QObject

from daq.bench import BenchConfig, load_bench
from daq.errors import BadInput
from gui.model.bench_status import BenchStatus
from gui.model.link import BenchLink

BENCH = """# Written by cellrig-gui --demo: simulated instruments, {speed} times faster than the clock on the wall.
[bench]
name = "demo"
speed = {speed}

[instruments.furnace]
driver = "simulated-furnace"
limits = {{ max_temperature_C = 150 }}

[instruments.potentiostat]
driver = "simulated-potentiostat"

[simulation]
cell = "blocking"
preset = "K001"
"""
PLAN: dict[str, Any] = {
    "sample": {"name": "K001", "pellet": {"thickness_mm": 0.9, "diameter_mm": 10}},
    "run": [{"procedure": "eis-sweep", "temperatures_C": [25, 40, 60, 80, 100, 120], "points_per_decade": 10}],
}


def write_demo_bench(folder: Path, speed: float) -> BenchConfig:
    """The demo's bench file in `folder`, loaded. Raises BadInput for a folder or a speed that won't do."""
    path = folder / "demo-bench.toml"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(BENCH.format(speed=speed), encoding="utf-8")
    except OSError as error:
        problem = f"the demo's bench file cannot be written: {error}"
        raise BadInput(problem, place=str(folder), allowed="another folder: --runs FOLDER") from error
    return load_bench(path)


class DemoStart(QObject):
    """Asks for the demo's sweep once, as soon as its bench is there and idle; a sweep in progress is left to go on."""

    def __init__(self, link: BenchLink) -> None:
        super().__init__(link)
        self._link = link
        self._done = False
        link.status.connect(self.look)

    def look(self, status: BenchStatus) -> None:
        if self._done or not status.is_there:
            return
        self._done = True
        if status.run is None and not status.queue:
            self._link.ask("submit", plan=PLAN)
