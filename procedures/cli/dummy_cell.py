"""`cellrig doctor BENCH --dummy-cell 10k`: every potentiostat of a bench measured on a known resistor."""

from __future__ import annotations

import math
import re

import numpy as np

from daq.contracts import Instrument
from daq.errors import BadInput
from drivers.roles import Potentiostat
from drivers.techniques import (
    CyclicVoltammetry,
    DcPoint,
    OpenCircuit,
    Spectrum,
    SpectrumPoint,
    log_frequencies,
)

AT_REST_V = 0.005
ALLOWED = 0.02  # of the resistance
ALLOWED_deg = 2.0
AMPLITUDE_V, SWEEP_V = 0.010, 0.1
FACTORS = {"": 1.0, "k": 1e3, "M": 1e6}


def resistance_of(text: str) -> float:
    """`10k` in ohm. Raises BadInput."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kM]?)", text.strip())
    value = float(match[1]) * FACTORS[match[2]] if match else 0.0
    if not 100 <= value <= 1e7:
        raise BadInput(f"a dummy cell of {text!r}", place="--dummy-cell", allowed="100 to 10M, as in 1k, 10k, 1M")
    return value


def on_dummy_cell(instrument: Instrument, resistance_ohm: float) -> list[str]:
    """One line per check, with what an answer changes. Raises InstrumentError where the instrument fails.

    Direct and alternating potentials of at most 0.1 V are applied to channel 1.
    """
    if not isinstance(instrument, Potentiostat):
        return []
    lines = [_rest(instrument), *_spectrum(instrument, resistance_ohm), _sweep(instrument, resistance_ohm)]
    answers = getattr(instrument, "dummy_cell_answers", None)
    if answers is not None:
        lines += answers(resistance_ohm)
    instrument.make_safe("finished")
    return lines


def _rest(potentiostat: Potentiostat) -> str:
    points = [point for point in potentiostat.measure(OpenCircuit(2.0, 0.5)) if isinstance(point, DcPoint)]
    rest_V = float(np.mean([point.voltage_V for point in points]))
    verdict = "ok" if abs(rest_V) < AT_REST_V else "NOT OK: a resistor has no potential; sense leads swapped or open"
    return f"open circuit: {1000 * rest_V:+.2f} mV, {verdict}"


def _spectrum(potentiostat: Potentiostat, resistance_ohm: float) -> list[str]:
    able = potentiostat.abilities()
    if "spectrum" not in able.techniques:
        return ["spectrum: not among its techniques"]
    highest_Hz = min(1e5, able.frequency_max_Hz)
    technique = Spectrum(log_frequencies(highest_Hz, 10.0, 3), AMPLITUDE_V, 0.0)
    points = [point for point in potentiostat.measure(technique) if isinstance(point, SpectrumPoint)]
    z_ohm = np.array([complex(point.z_real_ohm, point.z_imag_ohm) for point in points])
    slow = np.array([point.frequency_Hz <= 1e3 for point in points])
    modulus_ohm = float(np.median(np.abs(z_ohm[slow])))
    off = modulus_ohm / resistance_ohm - 1
    degrees = float(np.max(np.abs(np.degrees(np.angle(z_ohm[slow])))))
    lines = [
        f"spectrum: {modulus_ohm:.5g} Ω, {100 * off:+.2f} % off, "
        + ("ok" if abs(off) < ALLOWED else "NOT OK: wrong dummy, a lead off, or the wrong hardware setup file"),
        f"spectrum: phase within {degrees:.2f} deg up to 1 kHz, "
        + ("ok" if degrees < ALLOWED_deg else "NOT OK: raise bandwidth_margin, or give the calibrated setup file"),
    ]
    if any(point.overload for point in points):
        lines.append("spectrum: overload in some points, NOT OK: the ranges do not fit; is the model right?")
    return lines


def _sweep(potentiostat: Potentiostat, resistance_ohm: float) -> str:
    """The conductance is the slope of a voltammogram; its offset is the range's."""
    peak_A = SWEEP_V / resistance_ohm
    fitting = [range_A for range_A in potentiostat.abilities().current_ranges_A if range_A >= 1.4 * peak_A]
    technique = CyclicVoltammetry(
        SWEEP_V, -SWEEP_V, 0.05, start_V=0.0, step_V=0.01, current_range_A=fitting[-1] if fitting else None
    )
    points = [point for point in potentiostat.measure(technique) if isinstance(point, DcPoint)]
    volts = np.array([point.voltage_V for point in points])
    amperes = np.array([point.current_A for point in points])
    slope, offset = np.polyfit(volts, amperes, 1)
    measured_ohm = math.inf if slope == 0 else 1 / float(slope)
    if measured_ohm < 0:
        return f"voltammogram: {measured_ohm:.5g} Ω, NOT OK: the current has the wrong sign; leads swapped"
    off = measured_ohm / resistance_ohm - 1
    verdict = "ok" if abs(off) < ALLOWED else "NOT OK: wrong dummy, or a lead off"
    return (
        f"voltammogram: {measured_ohm:.5g} Ω, {100 * off:+.2f} % off, offset {1e9 * float(offset):+.2f} nA, {verdict}"
    )
