"""Candidate circuits of one spectrum, fitted and weighed against each other.

The criterion is Schwarz's (Ann. Stat. 6 (1978) 461), BIC = N ln(cost / N) + k ln N. What the choice leaves open
is not lost: the candidates near the best one enter the uncertainty with their weights exp(-dBIC / 2)
(Raftery, Sociol. Methodol. 25 (1995) 111).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from procedures.analysis.circuit import Circuit, Complexes, Floats
from procedures.analysis.least_squares import Solution, solve
from procedures.analysis.starting_values import StartingGrid

_NEAR = 12.0
_HOPELESS = 3.0
_SCREENING_STEPS = 7
_ORDER_SIGMA = 3.3
_DOUBTFUL_ARC = 0.4
_EVIDENCE = 20.0
# Measured over 2000 draws: the linear covariance covers 98.6 % at its 99 % level, because the model is curved.
_CURVATURE = 1.04


@dataclass(frozen=True, eq=False)
class Candidate:
    """A fitted circuit with its criterion and the covariance (by ln(quantity) or exponent) of its parameters."""

    solution: Solution
    criterion: float
    covariance: Floats
    residual: float
    weight: float = 0.0

    @property
    def circuit(self) -> Circuit:
        return self.solution.circuit

    def value(self, name: str) -> float:
        return float(self.solution.parameters[self.circuit.place(name)])


def circuits_for(blocking: bool) -> list[Circuit]:
    """Candidates, simple ones first; without a blocking line in sight both with and without one."""
    shapes = [(False, True, 0), (True, True, 0), (False, False, 1), (False, True, 1), (True, True, 1)]
    shapes += [(False, False, 2), (False, True, 2), (True, True, 2)]
    lines = (True,) if blocking else (False, True)
    return [Circuit(inductor, resistor, arcs, line) for line in lines for inductor, resistor, arcs in shapes]


def fit_candidates(frequency_Hz: Floats, z_ohm: Complexes, blocking: bool, noise_floor: float) -> list[Candidate]:
    """All candidates that are worth a look, best first, with weights that add up to 1.

    frequency_Hz (n,), z_ohm (n,) by falling frequency; at least 8 points.
    """
    omega = 2 * np.pi * frequency_Hz
    weight = 1 / np.abs(z_ohm)
    grid = StartingGrid(omega, z_ohm, weight)
    solved: dict[Circuit, Solution] = {}
    count = 2 * len(omega)
    for circuit in circuits_for(blocking):
        if count < len(circuit.names) + 4 or _pointless(circuit, solved, count):
            continue
        starts = _starts(circuit, grid, solved)
        if len(starts) > 1:
            tried = [solve(circuit, start, omega, z_ohm, weight, _SCREENING_STEPS) for start in starts]
            tried.sort(key=lambda one: one.cost)
            starts = [one.parameters for one in tried[:2] if one.cost < _HOPELESS * tried[0].cost]
        least = min((one.cost for one in solved.values()), default=math.inf)
        solutions = [solve(circuit, one, omega, z_ohm, weight, hopeless=_HOPELESS * least) for one in starts]
        solved[circuit] = min(solutions, key=lambda one: one.cost)
    found = [_judged(solution, weight, z_ohm, noise_floor) for solution in solved.values()]
    found.sort(key=lambda one: one.criterion)
    found = [one for one in found if not _by_chance(one, found)]
    weights = np.array([math.exp(-0.5 * min(one.criterion - found[0].criterion, 600.0)) for one in found])
    weights /= weights.sum()
    return [
        Candidate(one.solution, one.criterion, one.covariance, one.residual, float(weight))
        for one, weight in zip(found, weights, strict=True)
    ]


def _pointless(circuit: Circuit, solved: dict[Circuit, Solution], count: int) -> bool:
    """Two arcs with an inductor are tried only where an inductor or a series resistance helped before: it lowered
    the cost by more than its parameter is worth to the criterion."""
    if not (circuit.inductor and circuit.arcs == 2):
        return False
    worth = math.exp(-math.log(count) / count)
    pairs = [((False, True, 1), (True, True, 1)), ((False, False, 2), (False, True, 2))]
    for simple, richer in pairs:
        before, after = solved.get(Circuit(*simple, circuit.blocking)), solved.get(Circuit(*richer, circuit.blocking))
        if before is None or after is None or after.cost < worth * before.cost:
            return False
    return True


def _starts(circuit: Circuit, grid: StartingGrid, solved: dict[Circuit, Solution]) -> list[Floats]:
    """Where to start: the grid; for two arcs also a second arc beside a fitted one; else the simpler circuit."""
    if circuit.arcs < 2:
        return grid.starts(circuit, 2)
    plain = solved.get(Circuit(False, False, 2, circuit.blocking))
    starts: list[Floats] = []
    if plain is None:
        starts += grid.starts(circuit, 2)
        one = solved[Circuit(False, False, 1, circuit.blocking)]
        starts += grid.second_arcs(one.circuit, one.parameters, 3)
    else:
        simpler = solved.get(Circuit(False, True, 2, circuit.blocking), plain)
        smallest = 1e-3 / float(np.max(grid.weight))
        extra = [1e-8] if circuit.inductor else []
        extra += [] if simpler.circuit.resistor else [smallest]
        starts.append(np.concatenate([extra, simpler.parameters]))
        starts += grid.starts(circuit, 1)
        one = solved[Circuit(circuit.inductor, circuit.resistor, 1, circuit.blocking)]
        starts += grid.second_arcs(one.circuit, one.parameters, 1)
    return starts


def _by_chance(one: Candidate, others: list[Candidate]) -> bool:
    """An arc that is hardly larger than its standard error needs more evidence than the criterion asks for:
    without it the circuit may be worse by no less than `_EVIDENCE`. Noise makes such arcs, of any capacitance."""
    places = [one.circuit.place(f"arc{k}_resistance_ohm") for k in range(1, one.circuit.arcs + 1)]
    if not any(one.covariance[p, p] > _DOUBTFUL_ARC**2 for p in places):
        return False
    return any(
        other.circuit.arcs < one.circuit.arcs and other.criterion - one.criterion < _EVIDENCE for other in others
    )


def near_ones(candidates: list[Candidate]) -> list[Candidate]:
    """Candidates that the data do not tell from the best one."""
    return [one for one in candidates if one.criterion - candidates[0].criterion < _NEAR]


def _judged(solution: Solution, weight: Floats, z_ohm: Complexes, noise_floor: float) -> Candidate:
    count = 2 * len(weight)
    k = len(solution.parameters)
    variance = solution.cost / max(count - k, 1) + noise_floor**2
    criterion = count * math.log(solution.cost / count + noise_floor**2) + k * math.log(count)
    scale = np.maximum(np.linalg.norm(solution.slopes, axis=0), 1e-12)
    scaled = solution.slopes / scale
    covariance = np.linalg.pinv(scaled.T @ scaled, rcond=1e-10, hermitian=True) * variance / np.outer(scale, scale)
    covariance *= (_CURVATURE * order_inflation(solution, weight, z_ohm)) ** 2
    return Candidate(solution, criterion, covariance, math.sqrt(solution.cost / count))


def order_inflation(solution: Solution, weight: Floats, z_ohm: Complexes) -> float:
    """By how much ordered residuals (a circuit that does not quite fit) widen the errors; 1 for white ones.

    For a first-order autocorrelation r the variance of a mean grows by (1 + r) / (1 - r); it is applied where
    r is larger than chance makes it in one of a thousand spectra.
    """
    residual = (z_ohm - solution.z_fit_ohm) * weight
    largest = 0.0
    for part in (residual.real, residual.imag):
        square = float(part @ part)
        if square > 0:
            largest = max(largest, float(part[1:] @ part[:-1]) / square)
    if largest * math.sqrt(len(residual)) < _ORDER_SIGMA:
        return 1.0
    largest = min(largest, 0.9)
    return math.sqrt((1 + largest) / (1 - largest))
