"""Whether a technique can be done, before anything is applied to a cell."""

from __future__ import annotations

import math
from dataclasses import replace

from daq.errors import BadInput
from drivers.roles import PotentiostatAbilities
from drivers.techniques import OpenCircuit, Spectrum, Technique

SHORTEST_INTERVAL_s = 0.001


def checked(technique: Technique, abilities: PotentiostatAbilities, instrument: str) -> Spectrum | OpenCircuit:
    """The technique with its current range as the instrument spells it. Raises BadInput."""
    if isinstance(technique, Spectrum):
        return _spectrum(technique, abilities, instrument)
    if isinstance(technique, OpenCircuit):
        return _open_circuit(technique, instrument)
    kind = getattr(technique, "kind", type(technique).__name__)
    raise BadInput(f"{instrument} cannot do {kind!r}", allowed=", ".join(abilities.techniques))


def check_channel(channel: int, abilities: PotentiostatAbilities, instrument: str) -> None:
    if channel not in abilities.channels:
        known = ", ".join(str(number) for number in abilities.channels)
        raise BadInput(f"{instrument} has no channel {channel!r}", allowed=known)


def _spectrum(technique: Spectrum, abilities: PotentiostatAbilities, instrument: str) -> Spectrum:
    lowest, highest = abilities.frequency_min_Hz, abilities.frequency_max_Hz
    if not technique.frequencies_Hz:
        raise BadInput(f"{instrument}: a spectrum needs at least one frequency")
    for frequency in technique.frequencies_Hz:
        _within(frequency, lowest, highest, f"{instrument}: a frequency", "Hz")
    amplitude_V = technique.amplitude_V
    if not 0 < amplitude_V <= abilities.amplitude_max_V:
        allowed = f"above 0, up to {abilities.amplitude_max_V:g} V rms"
        raise BadInput(f"{instrument}: an amplitude of {amplitude_V:g} V is out of reach", allowed=allowed)
    if technique.bias_V is not None:
        most_V = abilities.voltage_max_V - math.sqrt(2) * amplitude_V
        _within(technique.bias_V, -most_V, most_V, f"{instrument}: a bias", "V")
    _within(technique.minimum_cycles, 1, 10_000, f"{instrument}: the number of cycles per point", "cycles")
    _within(technique.minimum_time_s, 0, 86_400, f"{instrument}: the minimum time per point", "s")
    return replace(technique, current_range_A=_range(technique.current_range_A, abilities, instrument))


def _open_circuit(technique: OpenCircuit, instrument: str) -> OpenCircuit:
    _within(technique.duration_s, 0, 1e8, f"{instrument}: a duration", "s")
    _within(technique.interval_s, SHORTEST_INTERVAL_s, 1e6, f"{instrument}: an interval", "s")
    return technique


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
