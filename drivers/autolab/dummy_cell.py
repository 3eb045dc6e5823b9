"""What a dummy cell tells about an Autolab that nobody has proven, and what each answer changes in the bench file."""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from daq.bench import DriverContext
from daq.errors import CellrigError
from drivers.roles import Potentiostat
from drivers.techniques import ConstantCurrent, ConstantPotential, DcPoint, Spectrum, SpectrumPoint

VOLTS = 0.05  # what a direct test applies


def galvanostatic_unit(build: Callable[[DriverContext], Any], context: DriverContext, resistance_ohm: float) -> str:
    """Item 1: a current that gives 50 mV if the set-point is in amperes. Leaves nothing connected."""
    current_A = VOLTS / resistance_ohm
    seen_V = 0.0
    asked = dict(context.options.get("first_hour", {}))
    for unit in ("A", "V"):
        options = {**context.options, "first_hour": {**asked, "galvanostatic_setpoint": unit}}
        driver = build(replace(context, options=options))
        try:
            driver.connect()
            points = list(driver.measure(ConstantCurrent(current_A, 2.0, 0.5)))
            driver.make_safe("finished")
        except CellrigError as error:
            return f"the unit of the galvanostatic set-point could not be found: {error}"
        finally:
            driver.disconnect()
        seen_V = points[-1].voltage_V
        if abs(seen_V / VOLTS - 1) < 0.1:
            return f'{current_A:.3g} A gave {seen_V:.4f} V: first_hour.galvanostatic_setpoint = "{unit}"'
    return f"neither unit gives {VOLTS:g} V (last: {seen_V:.4f} V); apply no current, and tell us"


def follower(driver: Potentiostat, resistance_ohm: float) -> str:
    """Item 8: the phase of a resistor in a range, at a tenth of the range's bandwidth: 0 deg if it is corrected."""
    able = driver.abilities()
    peak_A = 1.5 * 0.01 / resistance_ohm
    fitting = [
        (range_A, bandwidth_Hz)
        for range_A, bandwidth_Hz in zip(able.current_ranges_A, able.range_bandwidth_Hz, strict=True)
        if range_A * 0.7 >= peak_A
    ]
    range_A, bandwidth_Hz = fitting[-1]
    frequency_Hz = min(bandwidth_Hz / 10, able.frequency_max_Hz)
    (point,) = driver.measure(Spectrum((frequency_Hz,), 0.010, 0.0, current_range_A=range_A))
    assert isinstance(point, SpectrumPoint)
    degrees = math.degrees(cmath.phase(complex(point.z_real_ohm, point.z_imag_ohm)))
    lag_degrees = math.degrees(math.atan(frequency_Hz / bandwidth_Hz))
    told = f"phase of {degrees:+.2f} deg at {frequency_Hz:g} Hz in the range of {range_A:g} A"
    if abs(degrees) < lag_degrees / 3:
        return f'{told}: first_hour.follower = "instrument"'
    if abs(abs(degrees) - lag_degrees) < lag_degrees / 3:
        return f'{told}, a single pole gives {lag_degrees:.2f}: first_hour.follower = "driver"'
    return f"{told}, which fits neither answer (stray capacitance of the leads?); bandwidth_margin = 100 is safe"


def range_change(driver: Potentiostat, resistance_ohm: float) -> str:
    """Item 7, as far as it can be seen without a scope: the current after its range was changed under a live cell."""
    points = list(driver.measure(ConstantPotential(VOLTS, 3.0, 0.5, current_range_A=None)))
    last = points[-1]
    assert isinstance(last, DcPoint)
    error = abs(last.current_A * resistance_ohm / VOLTS - 1)
    verdict = "well" if error < 0.05 and not last.overload else "not well"
    return (
        f"a change of range with the cell on ended {verdict} ({last.current_A:.3e} A); look for spikes on a scope too"
    )
