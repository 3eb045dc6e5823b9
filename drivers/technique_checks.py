"""Whether a technique can be done, before anything is applied to a cell."""

from __future__ import annotations

import math
from dataclasses import replace

from daq.errors import BadInput
from drivers.roles import PotentiostatAbilities
from drivers.techniques import (
    ConstantCurrent,
    ConstantPotential,
    CutOffs,
    CyclicVoltammetry,
    GalvanostaticSpectrum,
    LinearSweep,
    OpenCircuit,
    Spectrum,
    Technique,
)

SHORTEST_INTERVAL_s = 0.001


def checked(technique: Technique, abilities: PotentiostatAbilities, instrument: str) -> Technique:
    """The technique with its current range as the instrument spells it. Raises BadInput."""
    if getattr(technique, "kind", "") not in abilities.techniques:
        kind = getattr(technique, "kind", type(technique).__name__)
        raise BadInput(f"{instrument} cannot do {kind!r}", allowed=", ".join(abilities.techniques))
    if isinstance(technique, Spectrum):
        return _spectrum(technique, abilities, instrument)
    if isinstance(technique, GalvanostaticSpectrum):
        return _galvanostatic(technique, abilities, instrument)
    if isinstance(technique, OpenCircuit):
        return _open_circuit(technique, instrument)
    if isinstance(technique, ConstantCurrent | ConstantPotential):
        return _level(technique, abilities, instrument)
    return _sweep(technique, abilities, instrument)


def check_channel(channel: int, abilities: PotentiostatAbilities, instrument: str) -> None:
    if channel not in abilities.channels:
        known = ", ".join(str(number) for number in abilities.channels)
        raise BadInput(f"{instrument} has no channel {channel!r}", allowed=known)


def _frequencies(
    technique: Spectrum | GalvanostaticSpectrum, abilities: PotentiostatAbilities, instrument: str
) -> None:
    lowest, highest = abilities.frequency_min_Hz, abilities.frequency_max_Hz
    if not technique.frequencies_Hz:
        raise BadInput(f"{instrument}: a spectrum needs at least one frequency")
    for frequency in technique.frequencies_Hz:
        _within(frequency, lowest, highest, f"{instrument}: a frequency", "Hz")
    _within(technique.minimum_cycles, 1, 10_000, f"{instrument}: the number of cycles per point", "cycles")
    _within(technique.minimum_time_s, 0, 86_400, f"{instrument}: the minimum time per point", "s")


def _galvanostatic(
    technique: GalvanostaticSpectrum, abilities: PotentiostatAbilities, instrument: str
) -> GalvanostaticSpectrum:
    _frequencies(technique, abilities, instrument)
    most_A = max(abilities.current_ranges_A)
    if not technique.amplitude_A > 0:
        raise BadInput(f"{instrument}: an amplitude of {technique.amplitude_A:g} A", allowed="above 0")
    peak_A = math.sqrt(2) * technique.amplitude_A + abs(technique.bias_A)
    _within(peak_A, 0, most_A, f"{instrument}: bias and amplitude together", "A")
    return technique


def _spectrum(technique: Spectrum, abilities: PotentiostatAbilities, instrument: str) -> Spectrum:
    _frequencies(technique, abilities, instrument)
    amplitude_V = technique.amplitude_V
    if not 0 < amplitude_V <= abilities.amplitude_max_V:
        allowed = f"above 0, up to {abilities.amplitude_max_V:g} V rms"
        raise BadInput(f"{instrument}: an amplitude of {amplitude_V:g} V is out of reach", allowed=allowed)
    if technique.bias_V is not None:
        most_V = abilities.voltage_max_V - math.sqrt(2) * amplitude_V
        _within(technique.bias_V, -most_V, most_V, f"{instrument}: a bias", "V")
    return replace(technique, current_range_A=_range(technique.current_range_A, abilities, instrument))


def _open_circuit(technique: OpenCircuit, instrument: str) -> OpenCircuit:
    _within(technique.duration_s, 0, 1e8, f"{instrument}: a duration", "s")
    _within(technique.interval_s, SHORTEST_INTERVAL_s, 1e6, f"{instrument}: an interval", "s")
    return technique


def _level(
    technique: ConstantCurrent | ConstantPotential, abilities: PotentiostatAbilities, instrument: str
) -> Technique:
    _within(technique.interval_s, SHORTEST_INTERVAL_s, 1e6, f"{instrument}: an interval", "s")
    _within(technique.duration_s, SHORTEST_INTERVAL_s, 1e8, f"{instrument}: a duration", "s")
    _cut_offs(technique.cut_offs, instrument)
    if isinstance(technique, ConstantCurrent):
        most_A = max(abilities.current_ranges_A)
        _within(technique.current_A, -most_A, most_A, f"{instrument}: a current", "A")
        return technique
    _potential(technique.voltage_V, abilities, instrument)
    return replace(technique, current_range_A=_range(technique.current_range_A, abilities, instrument))


def _sweep(technique: CyclicVoltammetry | LinearSweep, abilities: PotentiostatAbilities, instrument: str) -> Technique:
    _within(technique.step_V, 1e-6, 1.0, f"{instrument}: a stair", "V")
    _within(technique.scan_rate_V_s, 1e-7, 1e3, f"{instrument}: a scan rate", "V/s")
    _within(technique.step_V / technique.scan_rate_V_s, SHORTEST_INTERVAL_s, 1e6, f"{instrument}: a stair's time", "s")
    potentials = [technique.start_V, technique.end_V]
    if isinstance(technique, CyclicVoltammetry):
        potentials += [technique.vertex_1_V, technique.vertex_2_V]
        _within(technique.cycles, 1, 100_000, f"{instrument}: the number", "cycles")
    for potential_V in potentials:
        if potential_V is not None:
            _potential(potential_V, abilities, instrument)
    _cut_offs(technique.cut_offs, instrument)
    return replace(technique, current_range_A=_range(technique.current_range_A, abilities, instrument))


def _potential(potential_V: float, abilities: PotentiostatAbilities, instrument: str) -> None:
    most_V = abilities.voltage_max_V
    if not -most_V <= potential_V <= most_V:
        allowed = f"{-most_V:g} to {most_V:g} V"
        raise BadInput(f"{instrument}: a potential of {potential_V:g} V is beyond its reach", allowed=allowed)


def _cut_offs(cut_offs: CutOffs, instrument: str) -> None:
    low, high = cut_offs.voltage_min_V, cut_offs.voltage_max_V
    if low is not None and high is not None and not low < high:
        raise BadInput(
            f"{instrument}: the cut-offs leave no potential ({low:g} to {high:g} V)",
            allowed="voltage_min_V below voltage_max_V",
        )
    for name in ("current_min_A", "current_max_A", "charge_C", "voltage_rate_max_V_s"):
        value = getattr(cut_offs, name)
        if value is not None and not 0 < value < math.inf:
            raise BadInput(f"{instrument}: the cut-off {name} = {value:g}", allowed="a magnitude above 0")
    for value in (low, high):
        if value is not None and not math.isfinite(value):
            raise BadInput(f"{instrument}: a cut-off of {value:g} V", allowed="a number")


def _range(wanted_A: float | None, abilities: PotentiostatAbilities, instrument: str) -> float | None:
    if wanted_A is None:
        return None
    for range_A in abilities.current_ranges_A:
        if math.isclose(wanted_A, range_A, rel_tol=1e-6):
            return range_A
    known = ", ".join(f"{range_A:g}" for range_A in abilities.current_ranges_A)
    raise BadInput(f"{instrument} has no current range of {wanted_A:g} A", allowed=f"{known} A")


def _within(value: float, lowest: float, highest: float, what: str, unit: str) -> None:
    if not lowest <= value <= highest:
        raise BadInput(f"{what} of {value:g} {unit} is out of reach", allowed=f"{lowest:g} to {highest:g} {unit}")
