"""What faults of an Autolab and its SDK do to readings: a staircase on a resistor, through driver and double.

`--runs` per fault (300 for the numbers in the docs), each struck at another moment; right / reported / wrong. A process
that hangs is killed at its deadline: tests/drivers/autolab/test_autolab_process.py.
"""

from __future__ import annotations

import argparse
import logging
import random
import sys
from contextlib import redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from daq.bench import BenchConfig, BenchFileModel, build_bench
from daq.errors import InstrumentError
from daq.tables import parse
from daq.virtual_clock import VirtualClock
from drivers.techniques import DcPoint, LinearSweep

RESISTANCE_OHM = 1e4
RESISTOR = {
    "bulk_resistance_ohm": RESISTANCE_OHM,
    "activation_energy_eV": 0.0,
    "grain_boundary_resistance_ohm": 1e-3,
    "blocking_cpe_S_sn": 10.0,
    "blocking_exponent": 0.99,
    "geometric_capacitance_F": 0.0,
    "stray_capacitance_F": 0.0,
}
SWEEP = LinearSweep(0.2, 0.05, start_V=0.01, step_V=0.005)
WRONG = 0.03
CALLS = 60  # a sweep of 39 stairs makes about so many

FAULTS = ("none", "throws", "stuck latch", "open lead", "chatter", "oscillates", "no FRA", "NOVA holds it")


def faults_of(name: str, draw: random.Random) -> dict[str, Any]:
    """The double's `faults`, struck somewhere in the sweep where a moment can be chosen."""
    return {
        "none": {},
        "throws": {"throws_after": draw.randrange(1, CALLS)},
        "stuck latch": {"stuck_after": draw.randrange(CALLS)},
        "open lead": {"open_lead": True},
        "chatter": {"chatter": True},
        "oscillates": {"oscillates_in": ["HighSpeed", "UltraHighSpeed"]},
        "no FRA": {"no_fra": True},
        "NOVA holds it": {"nova_holds_it": True},
    }[name]


def swept(folder: Path, faults: dict[str, Any], seed: int) -> list[DcPoint]:
    """Raises InstrumentError, as the driver does."""
    table = {
        "bench": {"name": "benchmark"},
        "instruments": {"potentiostat": {"driver": "simulated-autolab", "faults": faults}},
        "simulation": {"parameters": RESISTOR, "seed": seed},
    }
    clock = VirtualClock()
    config = BenchConfig(parse(BenchFileModel, table, "bench.toml"), folder / "bench.toml")
    bench = build_bench(config, clock, folder)
    driver: Any = bench.instruments["potentiostat"]
    with clock.attached():
        try:
            bench.connect()
            return [one for one in driver.measure(SWEEP) if isinstance(one, DcPoint)]
        finally:
            bench.close()


def is_wrong(point: DcPoint) -> bool:
    """Against Ohm's law, with what a range's offset may be. A flagged point claims nothing."""
    offset_A = 1.5e-4 * point.current_range_A + 1e-8
    expected_A = point.voltage_V / RESISTANCE_OHM
    return not point.overload and abs(point.current_A - expected_A) > WRONG * abs(expected_A) + offset_A


class Told(logging.Handler):
    """Keeps what the driver warns of: an open lead is told in the log, with the points."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())


def study(name: str, runs: int, told: Told) -> tuple[int, int, int]:
    draw, right, reported, wrong = random.Random(name), 0, 0, 0
    for number in range(runs):
        told.texts.clear()
        with TemporaryDirectory() as folder, redirect_stdout(None):  # chatter is on the SDK's own output
            try:
                points = swept(Path(folder), faults_of(name, draw), number)
            except InstrumentError:
                reported += 1
                continue
        if any("lead off" in text for text in told.texts):
            reported += 1
            continue
        bad = len(points) != 39 or any(is_wrong(one) for one in points)
        right, wrong = (right, wrong + 1) if bad else (right + 1, wrong)
    return right, reported, wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=30)
    runs = parser.parse_args().runs
    told = Told()
    logging.getLogger("drivers").addHandler(told)
    logging.getLogger("drivers").propagate = False
    print(f"{runs} sweeps of 39 stairs on a resistor through an Autolab's driver; right / reported / wrong")
    print("| fault | " + " | ".join(FAULTS) + " |")
    print("|---" * (1 + len(FAULTS)) + "|")
    counts = [study(name, runs, told) for name in FAULTS]
    print("| sweeps | " + " | ".join("/".join(str(one) for one in each) for each in counts) + " |")
    wrong = sum(each[2] for each in counts)
    print(f"wrong values: {wrong} (must be 0)")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
