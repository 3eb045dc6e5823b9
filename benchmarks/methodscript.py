"""MethodSCRIPT: how fast packages are decoded, what the line adds to a spectrum, what faults of the line do to points.

The peer is an interpreter in a thread of this process, on a TCP port in real time. `--runs` spectra per fault (300 for
the numbers in the docs, a few minutes).
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from daq.bench import DriverContext, SharedParts
from daq.clock import ScaledClock, wall_monotonic, wall_unix
from daq.errors import InstrumentError
from daq.virtual_clock import VirtualClock
from drivers.methodscript import MethodScript
from drivers.methodscript.models import MODELS
from drivers.methodscript.output import OutputReader, Package
from drivers.methodscript.package import Value, write_package
from drivers.methodscript.script import DIRECT_COLUMNS, LoopPlan, Script
from drivers.simulated.simulation import read_simulation
from drivers.simulated.wire.faults import WireFaults
from drivers.simulated.wire.methodscript_core import MethodScriptCore
from drivers.simulated.wire.methodscript_twin import SimulatedMethodScript
from drivers.simulated.wire.mounts import TcpMount
from drivers.simulated.world import World
from drivers.techniques import Spectrum, SpectrumPoint, log_frequencies

PACKAGES = 40_000
EMSTAT = MODELS[2]
SPECTRUM = Spectrum(log_frequencies(2e5, 1, 10))
SHORT = Spectrum(log_frequencies(2e5, 1e3, 5))
FAULTS = ("silence", "late", "cut", "corrupt", "garbage", "doubled", "noise", "oversized")
SHARE, WRONG = 0.02, 0.02


def context(folder: Path, clock: ScaledClock | VirtualClock, **options: object) -> DriverContext:
    return DriverContext("potentiostat", options, {}, clock, folder, {}, "benchmark", SharedParts())


def decoding() -> float:
    """Packages of three values per second, from bytes of a line to checked numbers."""
    line = write_package((Value("eb", 12.345), Value("ab", 3.4), Value("ba", 1.2e-5, 0, 15)))
    plan = LoopPlan(DIRECT_COLUMNS, PACKAGES, 1.0)
    reader = OutputReader("benchmark", Script((), (plan,)), 1)
    reader.take("M0000")
    began = wall_monotonic()
    count = sum(isinstance(reader.take(line), Package) for _ in range(PACKAGES))
    assert count == PACKAGES
    return PACKAGES / (wall_monotonic() - began)


@contextmanager
def on_tcp(folder: Path) -> Iterator[tuple[MethodScript, MethodScriptCore]]:
    clock = ScaledClock(1.0, wall_unix())
    world = World(read_simulation({}, "benchmark"), clock, folder)
    core = MethodScriptCore(world, EMSTAT)
    mount = TcpMount(lambda: core)
    driver = MethodScript(context(folder, clock, port=mount.port, model=EMSTAT.name))
    driver.connect()
    yield driver, core
    driver.disconnect()
    mount.close()
    world.close()


def spectrum_ratio(folder: Path) -> float:
    """Wall time of a spectrum over the instrument's own measuring time."""
    with on_tcp(folder) as (driver, core):
        own_s = sum(core.cell.impedance_s(one) for one in SPECTRUM.frequencies_Hz)
        began = wall_monotonic()
        count = sum(1 for _ in driver.measure(replace(SPECTRUM, bias_V=0.0)))
        took_s = wall_monotonic() - began
    assert count == len(SPECTRUM.frequencies_Hz)
    print(f"spectrum of {count} points: {took_s:.2f} s, the instrument's own {own_s:.2f} s")
    return took_s / own_s


def fault_counts(folder: Path, fault: str, runs: int, *, repeat: bool) -> tuple[int, int, int]:
    """Right, reported, wrong, of spectra in virtual time with `SHARE` of the lines faulty."""
    clock = VirtualClock()
    right = reported = wrong = 0
    with clock.attached():
        driver = SimulatedMethodScript(context(folder, clock, repeat_values=repeat))
        driver.connect()
        core = driver.peer.device
        for number in range(runs):
            core.faults = WireFaults(late_s=0.6)
            core.faults.random.seed(number)
            setattr(core.faults, fault, SHARE)
            try:
                points = [one for one in driver.measure(SHORT) if isinstance(one, SpectrumPoint)]
            except InstrumentError:
                reported += 1
            else:
                bad = any(_is_wrong(core, one) for one in points)
                right, wrong = (right, wrong + 1) if bad else (right + 1, wrong)
            core.faults = WireFaults()
            driver.make_safe("stopped")
        driver.disconnect()
    return right, reported, wrong


def _is_wrong(core: MethodScriptCore, point: SpectrumPoint) -> bool:
    sample = core.world.sample(1)
    true_ohm = core.world.cell(1).cell.impedance_ohm(point.frequency_Hz, sample.temperature_C, sample.high_phase)
    return abs(complex(point.z_real_ohm, point.z_imag_ohm) / true_ohm - 1) > WRONG


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=30)
    runs = parser.parse_args().runs
    logging.disable(logging.WARNING)
    rate = decoding()
    print(f"decoding: {rate:.0f} packages/s (at least 20000)")
    with TemporaryDirectory() as folder:
        ratio = spectrum_ratio(Path(folder))
    print(f"spectrum over MethodSCRIPT / the instrument's own time: {ratio:.3f} (at most 1.05)")
    print(f"\n{runs} spectra of 12 points, {SHARE:.0%} of the lines faulty; right / reported / wrong")
    print("| values | " + " | ".join(FAULTS) + " |")
    print("|---" * (1 + len(FAULTS)) + "|")
    wrong = 0
    for repeat in (True, False):
        cells = []
        for fault in FAULTS:
            with TemporaryDirectory() as folder:
                counts = fault_counts(Path(folder), fault, runs, repeat=repeat)
            wrong += counts[2] if repeat else 0
            cells.append("/".join(str(one) for one in counts))
        print(f"| {'sent twice' if repeat else 'sent once'} | " + " | ".join(cells) + " |", flush=True)
    print(f"\nwrong values, sent twice: {wrong} (must be 0)")
    print("sent once, a flipped digit on a bare serial line can't be told")
    return 0 if rate >= 20_000 and ratio <= 1.05 and not wrong else 1


if __name__ == "__main__":
    sys.exit(main())
