"""What a spectrum costs against the floor: the sum of max(t_min, cycles / f) that no instrument can go below.

Measured on the simulated potentiostat (which takes the time of a real one) in bench time, through the engine:
from the first point's start to the last one's end, as the run file has it.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from daq.plan import make_plan
from daq.runfile.reader import RunFile
from daq.runner import Watcher, run_plan
from drivers.techniques import Spectrum, log_frequencies

CASES = ((1e6, 1.0, 10), (1e6, 1.0, 5), (1e6, 0.1, 10), (1e5, 10.0, 10))


def measured_s(highest_Hz: float, lowest_Hz: float, points_per_decade: int, folder: Path) -> tuple[float, int]:
    """Bench seconds of one spectrum of K001 at 60 degC, and its number of points."""
    plan = make_plan(
        {
            "sample": {"name": "K001", "pellet": {"thickness_mm": 0.9, "diameter_mm": 10}},
            "run": [
                {
                    "procedure": "eis-sweep",
                    "temperatures_C": [60],
                    "frequency_max_Hz": highest_Hz,
                    "frequency_min_Hz": lowest_Hz,
                    "points_per_decade": points_per_decade,
                }
            ],
        }
    )
    (ended,) = run_plan(plan, folder, Watcher())
    with RunFile.open(ended.path) as run:
        spectra = run.table("spectra")
        return float(spectra["ended_s"][0] - spectra["started_s"][0]), int(spectra["points"][0])


def main() -> None:
    for highest_Hz, lowest_Hz, points_per_decade in CASES:
        frequencies = log_frequencies(highest_Hz, lowest_Hz, points_per_decade)
        technique = Spectrum(frequencies)
        floor_s = float(np.maximum(technique.minimum_time_s, technique.minimum_cycles / np.asarray(frequencies)).sum())
        with tempfile.TemporaryDirectory() as folder:
            took_s, points = measured_s(highest_Hz, lowest_Hz, points_per_decade, Path(folder))
        overhead_s = 0.2 * points  # what the simulated instrument declares
        print(
            f"spectrum {highest_Hz:g}-{lowest_Hz:g} Hz, {points_per_decade} a decade: {took_s:.1f} s, "
            f"floor {floor_s:.1f} s + declared overhead {overhead_s:.1f} s, {took_s / (floor_s + overhead_s):.2f}x"
        )


if __name__ == "__main__":
    main()
