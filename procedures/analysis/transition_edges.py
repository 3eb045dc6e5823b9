"""Which points beside a first-order transition belong to the line of their phase.

A point next to a jump may still be partly of the other phase, where a few percent of it move the conductivity as
much. It is compared with the line of the others of its branch: what lies off it towards the other phase is left out.
Two points make a line that nothing checks; beside a transition that is refused.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from daq.errors import AnalysisRefused
from procedures.analysis.arrhenius import BOLTZMANN_EV_K, ZERO_CELSIUS_K, ArrheniusFit, Convention, fit_arrhenius
from procedures.analysis.sweep_points import SweepPoint, columns

FEWEST_BESIDE_JUMP = 3
_MOST_LEFT_OUT = 2
_SIGNIFICANT = 3.0
_LEAST_OFF = 0.01


def without_half_converted(
    points: Sequence[SweepPoint], side: Literal["below", "above"], jump: float, convention: Convention
) -> tuple[list[SweepPoint], list[str]]:
    """The points of one branch without those next to the jump that lie off the line of the others, towards the
    other phase; and a note for each that is left out. `jump` is that of ln sigma from below to above.

    At most two are left out, each only when it is off by more than three standard errors and 1 %.
    """
    kept, notes = list(points), []
    towards = jump if side == "below" else -jump
    while len(kept) >= FEWEST_BESIDE_JUMP and len(notes) < _MOST_LEFT_OUT:
        edge = (max if side == "below" else min)(kept, key=lambda point: point.spectrum.temperature_C)
        others = [point for point in kept if point is not edge]
        off, error = _off_line(edge, others, convention)
        if off * towards <= 0 or abs(off) < max(_SIGNIFICANT * error, _LEAST_OFF):
            break
        notes.append(
            f"{edge.spectrum}: left out of the Arrhenius line, {100 * math.expm1(off):+.1f} ± {100 * error:.1f} % off "
            "it towards the other phase: the transition was not complete there"
        )
        kept = others
    return kept, notes


def refuse_two(points: Sequence[SweepPoint]) -> None:
    """Raises AnalysisRefused for fewer points beside a transition than make a line that can be checked."""
    if len(points) < FEWEST_BESIDE_JUMP:
        count = "one point" if len(points) == 1 else f"{len(points)} points"
        raise AnalysisRefused(
            f"{count} on this side of the transition: the nearest to it may still be partly of the other phase, and "
            f"nothing would tell; measure at {FEWEST_BESIDE_JUMP} temperatures or more on this side"
        )


def _off_line(point: SweepPoint, others: Sequence[SweepPoint], convention: Convention) -> tuple[float, float]:
    """How far ln sigma of a point lies off the line of the others, and the standard error of that."""
    try:
        line: ArrheniusFit = fit_arrhenius(**columns(others), convention=convention)
    except AnalysisRefused:  # all at one temperature: no line to lie off
        return 0.0, math.inf
    expected = line.conductivity(point.spectrum.temperature_C)
    energy = line.activation_energy_eV.value
    if expected.value is None or energy is None:
        return 0.0, math.inf
    kelvin = point.spectrum.temperature_C + ZERO_CELSIUS_K
    own_K = point.spectrum.temperature_uncertainty_K
    by_temperature = abs(energy) * (own_K if math.isfinite(own_K) else 0.0) / (BOLTZMANN_EV_K * kelvin**2)
    error = math.hypot(expected.relative, point.own_relative, by_temperature)
    return math.log(point.sigma_S_cm / expected.value), error
