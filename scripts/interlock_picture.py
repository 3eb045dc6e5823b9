"""The picture of docs/how-to/interlocks.md: `examples/heating_in_stages.toml` run on the simulated bench, and drawn.

python scripts/interlock_picture.py
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

os.environ.setdefault("MPLBACKEND", "Agg")

from matplotlib import pyplot

from daq.plan import load_plan
from daq.runfile.reader import RunFile
from daq.runner import Watcher, run_plan

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs" / "images" / "interlock_pause.png"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        (ended,) = run_plan(load_plan(ROOT / "examples" / "heating_in_stages.toml"), Path(folder), Watcher())
        with RunFile.open(ended.path) as run:
            draw(run)
    print(PICTURE)


def draw(run: RunFile) -> None:
    """Temperatures in degC above, their difference in K below, over minutes."""
    read = run.table("temperature", columns=("temperature_C", "sample_temperature_C"))
    minutes = read["t_s"] / 60
    figure, (above, below) = pyplot.subplots(2, sharex=True, figsize=(8, 5), height_ratios=(2, 1), layout="constrained")
    above.plot(minutes, read["temperature_C"], color="#b42318", label="furnace")
    above.plot(minutes, read["sample_temperature_C"], color="#1f5fa8", label="sample")
    above.set_ylabel("temperature (°C)")
    below.plot(minutes, read["temperature_C"] - read["sample_temperature_C"], color="#5b6b7b")
    below.axhline(15, color="#b42318", linestyle="--", linewidth=1)
    below.annotate("maximum", (1, 15), xycoords=("axes fraction", "data"), xytext=(-4, 3),
                   textcoords="offset points", ha="right", color="#b42318")  # fmt: skip
    below.set_ylabel("furnace − sample (K)")
    below.set_xlabel("time (min)")
    for number, trip in enumerate(run.interlocks):
        for axes in (above, below):
            label = "run pauses" if number == 0 and axes is above else None
            axes.axvspan(trip["tripped_t_s"] / 60, trip["cleared_t_s"] / 60, color="#f2c94c", alpha=0.4, label=label)
    above.legend(loc="lower right")
    figure.savefig(PICTURE, dpi=110)


if __name__ == "__main__":
    main()
