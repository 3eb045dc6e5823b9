"""Runs on disk for the window's benchmarks, as long as is wanted, growing row by row."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from daq.contracts import Step
from daq.runfile.writer import RunWriter
from drivers.temperature import TEMPERATURE_STREAM
from gui.model.feed import Followed
from gui.model.run_view import RunView
from procedures.dc_streams import POLARISATION
from procedures.eis_streams import IMPEDANCE
from procedures.eis_streams import SPECTRA as FINISHED

BLOCK = 50_000


class Growing:
    """A run of a critical current on disk, with `count` rows in two streams; `add` writes one more of each."""

    def __init__(self, folder: Path, count: int) -> None:
        self.writer = new_run(folder, "critical-current")
        self.count = 0
        for first in range(0, count, BLOCK):
            self.add(min(BLOCK, count - first))
        self.followed = Followed.open(self.writer.path)
        first_look = self.followed.news()
        assert first_look is not None
        self.view = RunView(self.writer.path, first_look.head)
        self.view.take(first_look)

    def __enter__(self) -> Growing:
        return self

    def __exit__(self, *_: object) -> None:
        self.followed.run.close()
        self.writer.abandon()

    def add(self, count: int = 1) -> None:
        t = np.arange(self.count, self.count + count, dtype=float)
        volts, density, degrees = signal(t)
        sets = dict.fromkeys(POLARISATION.column_names) | {"sample": "", "stage": 1}
        bare = dict.fromkeys(TEMPERATURE_STREAM.column_names)
        for at, volt, mA_cm2, degree in zip(t.tolist(), volts, density, degrees, strict=True):
            point = {**sets, "time_s": at, "voltage_V": volt, "current_A": 1e-3 * mA_cm2}
            self.writer.record("polarisation", "one", 1, at, {**point, "current_density_mA_cm2": mA_cm2})
            furnace = bare | {"temperature_C": degree, "working_setpoint_C": 60.0, "output_percent": 30.0}
            self.writer.record("temperature", "one", 1, at, furnace)
        self.writer.flush()
        self.count += count

    def read_on(self) -> None:
        """What the window's reader does."""
        news = self.followed.news()
        assert news is not None
        self.view.take(news)


def signal(t: np.ndarray) -> tuple[list[float], list[float], list[float]]:
    noise = np.random.default_rng(int(t[0])).normal(size=(2, len(t)))
    density = np.where(t % 7200 < 3600, 1.0, -1.0) * (0.1 + 1e-7 * t)
    return (
        (0.08 * density + 1e-3 * noise[0]).tolist(),
        density.tolist(),
        (60 + 5 * np.sin(t / 20_000) + 0.02 * noise[1]).tolist(),
    )


def new_run(folder: Path, procedure: str) -> RunWriter:
    return RunWriter.create(
        folder,
        procedure=procedure,
        sample={"name": "benchmark"},
        parameters={},
        bench={},
        streams=[POLARISATION, TEMPERATURE_STREAM, IMPEDANCE, FINISHED],
        steps=[Step("one", "one")],
        plan={},
        versions={},
        started_unix=time.time(),
        bench_unix=time.time(),
    )
