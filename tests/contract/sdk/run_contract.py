"""The Autolab driver on a C# stand-in of the SDK through the real pythonnet: `make sdk-contract`.

Each line is one promise; exit status 1 when one is broken. Run with the .venv-sdk that scripts/sdk-contract makes.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from daq.bench import DriverContext, SharedParts
from daq.clock import SystemClock, wall_monotonic
from daq.errors import InstrumentError
from drivers.autolab import Autolab
from drivers.techniques import (
    ConstantCurrent,
    CutOffs,
    CyclicVoltammetry,
    GalvanostaticSpectrum,
    OpenCircuit,
    Spectrum,
    SpectrumPoint,
    log_frequencies,
)

QUICK = {"settle_s": 0.0, "switch_settle_s": 0.05, "deadline_s": 2.0}


@contextmanager
def autolab(sdk: Path, fault: str = "") -> Iterator[Autolab]:
    with TemporaryDirectory() as folder:
        files = {"firmware_file": Path(folder) / "Adk.x", "hardware_setup_file": Path(folder) / f"AUT1-{fault}.xml"}
        for path in files.values():
            path.write_text("stands in", encoding="utf-8")
        options: dict[str, Any] = {
            "model": "PGSTAT302N",
            "sdk": "dotnet-core",
            "sdk_folder": str(sdk),
            **{name: str(path) for name, path in files.items()},
            "first_hour": {"galvanostatic_setpoint": "A", "range_change": "cell-on"},
            **QUICK,
        }
        context = DriverContext("pgstat", options, {}, SystemClock(), Path(folder), {}, "contract", SharedParts())
        driver = Autolab(context)
        driver.connect()
        try:
            yield driver
        finally:
            driver.disconnect()


def told(action: Callable[[], object]) -> str:
    """The InstrumentError that this has to raise, as text."""
    try:
        action()
    except InstrumentError as error:
        return str(error)
    raise AssertionError("nothing was told")


def truth(frequency_Hz: float, r1_ohm: float = 1000.0, c_F: float = 1e-6) -> complex:
    return 100 + r1_ohm / (1 + 2j * 3.141592653589793 * frequency_Hz * r1_ohm * c_F)


def connect(sdk: Path) -> str:
    with autolab(sdk) as driver:
        assert driver.read().values["voltage_V"] is not None
        able = driver.abilities()
        assert able.current_ranges_A[0] == 1.0
        assert able.current_ranges_A[-1] == 1e-7
        return f"{driver.identity().firmware}, {len(able.current_ranges_A)} ranges taken"


def open_circuit(sdk: Path) -> str:
    with autolab(sdk) as driver:
        points = list(driver.measure(OpenCircuit(1.0, 0.2)))
    assert len(points) == 6
    return f"{len(points)} points"


def voltammogram(sdk: Path) -> str:
    with autolab(sdk) as driver:
        points: Any = list(driver.measure(CyclicVoltammetry(0.1, -0.1, 0.1, start_V=0.0, step_V=0.01)))
    for point in points:
        assert abs(point.current_A - point.voltage_V / 1100) < 3e-6, point
    return f"{len(points)} points on the line of 1100 ohm"


def constant_current(sdk: Path) -> str:
    with autolab(sdk) as driver:
        points: Any = list(driver.measure(ConstantCurrent(1e-4, 1.0, 0.2, CutOffs(voltage_max_V=0.2))))
        stopped: Any = list(driver.measure(ConstantCurrent(1e-3, 5.0, 0.2, CutOffs(voltage_max_V=0.2))))
    assert abs(points[-1].voltage_V - 0.11) < 0.01
    assert stopped[-1].ended == "voltage_max_V"
    return "set in amperes, ends at its cut-off"


def spectrum(sdk: Path) -> str:
    """61 points of a cell from 100 ohm to 1 Mohm: the ranges have to follow."""
    frequencies = log_frequencies(1e6, 1.0, 10)
    with autolab(sdk, "large") as driver:
        points: Any = list(driver.measure(Spectrum(frequencies, minimum_time_s=0.02, minimum_cycles=1)))
    assert len(points) == 61
    for point in points:
        expected = truth(point.frequency_Hz, 1e6, 1e-9)
        assert abs(complex(point.z_real_ohm, point.z_imag_ohm) / expected - 1) < 1e-6
        assert not point.overload
    ranges = {point.current_range_A for point in points}
    assert len(ranges) >= 4
    return f"61 points, {len(ranges)} ranges, imaginary part of true sign"


def galvanostatic_spectrum(sdk: Path) -> str:
    with autolab(sdk) as driver:
        technique = GalvanostaticSpectrum((1e4, 1e2), 1e-5, minimum_time_s=0.02, minimum_cycles=1)
        points: Any = list(driver.measure(technique))
    assert abs(complex(points[0].z_real_ohm, points[0].z_imag_ohm) / truth(1e4) - 1) < 1e-6
    return "2 points"


def overload(sdk: Path) -> str:
    with autolab(sdk) as driver:
        technique = Spectrum((1e4,), minimum_time_s=0.02, minimum_cycles=1, current_range_A=1e-6)
        (point,) = driver.measure(technique)
    assert isinstance(point, SpectrumPoint)
    assert point.overload
    return "flagged with the point, in the range that was asked for"


def abort(sdk: Path) -> str:
    with autolab(sdk) as driver:
        points = driver.measure(OpenCircuit(60.0, 0.2))
        next(points)
        began_s = wall_monotonic()
        assert driver.make_safe("stopped").verified
        took_s = wall_monotonic() - began_s
        assert took_s < 2
        assert "switched off" in told(lambda: list(points))
    return f"safe and read back {1000 * took_s:.0f} ms after it was asked for"


def hang(sdk: Path) -> str:
    with autolab(sdk, "hang-start") as driver:
        began_s = wall_monotonic()
        text = told(lambda: list(driver.measure(Spectrum((1e6, 1e3), minimum_time_s=0.02, minimum_cycles=1))))
        took_s = wall_monotonic() - began_s
    assert "cell may still be on" in text
    assert took_s < 15
    return f"killed after {took_s:.1f} s: {text}"


def latch(sdk: Path) -> str:
    with autolab(sdk, "stuck") as driver:
        text = told(lambda: list(driver.measure(OpenCircuit(5.0, 0.1))))
    assert "equal" in text
    return text


def nova(sdk: Path) -> str:
    def connected() -> None:
        with autolab(sdk, "nova"):
            pass

    text = told(connected)
    assert "close NOVA" in text
    return text


CHECKS: tuple[Callable[[Path], str], ...] = (
    connect,
    open_circuit,
    voltammogram,
    constant_current,
    spectrum,
    galvanostatic_spectrum,
    overload,
    abort,
    hang,
    latch,
    nova,
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sdk", type=Path, help="folder with the compiled stand-in")
    folder = parser.parse_args().sdk.resolve()
    logging.basicConfig(level=logging.CRITICAL)
    failed = 0
    for check in CHECKS:
        try:
            print(f"  ok    {check.__name__}: {check(folder)}", flush=True)
        except (AssertionError, InstrumentError) as error:
            failed += 1
            print(f"  FAILED {check.__name__}: {error!r}", flush=True)
    print(f"{len(CHECKS) - failed} of {len(CHECKS)} hold")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
