"""Arrhenius lines of a sample: heating and cooling apart, each cut where a transition is found."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from daq.errors import AnalysisRefused
from procedures.analysis.arrhenius import (
    BOLTZMANN_EV_K,
    ZERO_CELSIUS_K,
    ArrheniusFit,
    Convention,
    fit_arrhenius,
)
from procedures.analysis.sweep_points import SweepPoint, columns
from procedures.analysis.transition import LEAST_JUMP, Transition, find_transition
from procedures.analysis.transition_edges import refuse_two, without_half_converted

BranchName = Literal["", "below", "above"]
_TYPICAL_ENERGY_EV = 0.5
_FEWEST_FOR_DIRECTION = 3
_RETURN_SIGMA = 4.0
_RETURN_LEAST = 0.03


@dataclass(frozen=True, eq=False)
class Branch:
    """One line. `direction` "" is all directions together; `name` "" is a line without a break."""

    sample: str
    direction: str
    name: BranchName
    points: tuple[SweepPoint, ...]
    fit: ArrheniusFit | None
    reason: str | None = None
    transition: Transition | None = None

    def covers(self, temperature_C: float) -> bool:
        """Whether the line may be asked for this temperature: the right side of its transition."""
        if self.transition is None or self.transition.temperature_C.value is None:
            return True
        return (temperature_C < self.transition.temperature_C.value) == (self.name == "below")


@dataclass
class SampleLines:
    """All lines of a sample and what was noticed."""

    sample: str
    branches: list[Branch] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def lines_of(sample: str, points: Sequence[SweepPoint], convention: Convention) -> SampleLines:
    """Lines through the points of one sample (in the order in which they were taken)."""
    found = SampleLines(sample)
    used = _usable(points, found.notes)
    groups = {name: [p for p in used if p.spectrum.direction == name] for name in _directions(used)}
    returns = groups.pop("return", [])
    if "cooling" in groups and returns:
        groups["cooling"] += returns
    cut = {name: _cut(group) for name, group in groups.items()}
    if any(transition is not None for transition in cut.values()):
        for name, group in groups.items():
            found.branches += _branches(found, name, group, cut[name], convention)
    elif groups:
        together = [p for p in used if any(p in group for group in groups.values())]
        found.branches.append(_branch(sample, "", "", together, convention))
        if len(groups) > 1:
            apart = [(n, g) for n, g in groups.items() if len(g) >= _FEWEST_FOR_DIRECTION]
            found.branches += [_branch(sample, name, "", group, convention) for name, group in apart]
            _compare_directions(found)
    if "cooling" not in groups:
        _compare_returns(found, returns)
    return found


def local_energy_eV(lines: SampleLines | None, point: SweepPoint) -> tuple[float, bool]:
    """Activation energy at a point and whether it is measured; a typical one where there is no line."""
    for branch in reversed(lines.branches if lines is not None else []):
        if branch.fit is not None and any(p is point for p in branch.points):
            value = branch.fit.activation_energy_eV.value
            return (_TYPICAL_ENERGY_EV, False) if value is None else (value, True)
    return _TYPICAL_ENERGY_EV, False


def temperature_relative(point: SweepPoint, energy_eV: float) -> float:
    """Relative error of R and sigma from the error of the temperature: Ea u(T) / k T^2."""
    kelvin = point.spectrum.temperature_C + ZERO_CELSIUS_K
    error_K = point.spectrum.temperature_uncertainty_K
    if not (math.isfinite(kelvin) and math.isfinite(error_K)) or kelvin <= 0:
        return 0.0
    return abs(energy_eV * error_K) / (BOLTZMANN_EV_K * kelvin**2)


def _directions(points: Sequence[SweepPoint]) -> list[str]:
    return list(dict.fromkeys(p.spectrum.direction for p in points))


def _usable(points: Sequence[SweepPoint], notes: list[str]) -> list[SweepPoint]:
    """Points with a number and a temperature; those that were not settled only where too few others are."""
    with_number = [p for p in points if p.counts]
    settled = [p for p in with_number if p.spectrum.settled]
    unsettled = [p for p in with_number if not p.spectrum.settled]
    if not unsettled:
        return with_number
    names = ", ".join(str(p.spectrum) for p in unsettled)
    if len(settled) < _FEWEST_FOR_DIRECTION:
        notes.append(f"not settled, but used in the Arrhenius line for want of others: {names}")
        return with_number
    notes.append(f"not settled, left out of the Arrhenius line: {names}")
    return settled


def _cut(points: Sequence[SweepPoint]) -> Transition | None:
    if len(points) < 4:
        return None
    given = columns(points)
    error = np.sqrt(
        given["relative_uncertainty"] ** 2
        + given["common_relative_uncertainty"][0] ** 2
        + np.array([temperature_relative(p, _TYPICAL_ENERGY_EV) for p in points]) ** 2
    )
    kelvin_error = float(np.nanmedian(np.nan_to_num(given["temperature_uncertainty_K"])))
    return find_transition(given["temperature_C"], given["sigma_S_cm"], error, kelvin_error)


def _branches(
    found: SampleLines, direction: str, points: list[SweepPoint], transition: Transition | None, convention: Convention
) -> list[Branch]:
    if transition is None:
        return [_branch(found.sample, direction, "", points, convention)]
    branches = []
    for i in sorted(set(range(len(points))) - set(transition.low) - set(transition.high)):
        found.notes.append(f"{points[i].spectrum}: on neither Arrhenius line: the transition was not complete there")
    sides: list[tuple[Literal["below", "above"], tuple[int, ...]]] = [
        ("below", transition.low),
        ("above", transition.high),
    ]
    for name, indices in sides:
        kept = [points[i] for i in indices]
        if abs(transition.jump) >= LEAST_JUMP:  # at a mere bend there is nothing half converted
            kept, notes = without_half_converted(kept, name, transition.jump, convention)
            found.notes += notes
        branches.append(_branch(found.sample, direction, name, kept, convention, transition))
    return branches


def _branch(
    sample: str,
    direction: str,
    name: BranchName,
    points: Sequence[SweepPoint],
    convention: Convention,
    transition: Transition | None = None,
) -> Branch:
    try:
        if transition is not None:
            refuse_two(points)
        fit = fit_arrhenius(**columns(points), convention=convention)
    except AnalysisRefused as refusal:
        return Branch(sample, direction, name, tuple(points), None, str(refusal), transition)
    return Branch(sample, direction, name, tuple(points), fit, None, transition)


def _compare_directions(found: SampleLines) -> None:
    """Hysteresis without a break: do two directions lie on one line?"""
    apart = [b for b in found.branches if b.direction and b.fit is not None]
    if len(apart) != 2 or apart[0].fit is None or apart[1].fit is None:
        return
    middle = float(np.median([p.spectrum.temperature_C for b in apart for p in b.points]))
    first, second = (b.fit.conductivity(middle) for b in apart if b.fit is not None)
    if first.value is None or second.value is None:
        return
    difference = math.log(second.value / first.value)
    error = math.hypot(first.relative, second.relative)
    if abs(difference) > max(_RETURN_LEAST, _RETURN_SIGMA * error):
        found.notes.append(
            f"hysteresis: at {middle:.0f} °C the conductivity on {apart[1].direction} is "
            f"{100 * math.expm1(difference):+.1f} % off that on {apart[0].direction}"
        )


def _compare_returns(found: SampleLines, returns: Sequence[SweepPoint]) -> None:
    """A point taken after the sweep, against the line: has the sample changed?"""
    for point in returns:
        temperature_C = point.spectrum.temperature_C
        line = next((b for b in found.branches if b.fit is not None and b.covers(temperature_C)), None)
        if line is None or line.fit is None:
            continue
        expected = line.fit.conductivity(temperature_C)
        if expected.value is None:
            continue
        difference = math.log(point.sigma_S_cm / expected.value)
        energy = line.fit.activation_energy_eV.value or _TYPICAL_ENERGY_EV
        error = math.hypot(expected.relative, point.own_relative, temperature_relative(point, energy))
        word = "agrees with the sweep"
        if abs(difference) > max(_RETURN_LEAST, _RETURN_SIGMA * error):
            word = "does not lie on the line of the sweep: the sample has changed"
        found.notes.append(
            f"on return to {temperature_C:.1f} °C the conductivity is {100 * math.expm1(difference):+.1f} % off "
            f"the line and {word}"
        )
