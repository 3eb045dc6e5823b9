"""What a simulated cell can do in time: pass a current, be held at a potential, and be kept."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from drivers.simulated.cells.blocking import BOLTZMANN_eV_per_K

HALVED_TO_s = 1e-3


class Cell(Protocol):
    """`at_current` and `at_voltage` let time pass and give the potential or current at its end.

    Currents are of IUPAC sign, oxidation or charge positive. `state` is all that it remembers, as numbers by name.
    """

    @property
    def noise_A(self) -> float: ...
    def impedance_ohm(self, frequency_Hz: float, temperature_C: float, high_phase: float = 1.0) -> complex: ...
    def open_circuit_V(self, temperature_C: float) -> float: ...
    def at_current(self, current_A: float, seconds: float, temperature_C: float, high_phase: float = 1.0) -> float: ...
    def at_voltage(self, voltage_V: float, seconds: float, temperature_C: float, high_phase: float = 1.0) -> float: ...
    def project(
        self, current_A: float, seconds: NDArray[np.float64], temperature_C: float
    ) -> NDArray[np.float64] | None: ...  # all potentials of a constant current at once; None: step by step only
    def state(self) -> dict[str, float]: ...
    def adopt(self, state: Mapping[str, float]) -> None: ...


def activation_from(energy_eV: float, temperature_C: float, reference_C: float) -> float:
    """exp(Ea/k (1/T - 1/T_ref)): how much larger a resistance is than at the reference temperature."""
    return math.exp(energy_eV / BOLTZMANN_eV_per_K * (1 / (temperature_C + 273.15) - 1 / (reference_C + 273.15)))


def rising_root(function: Callable[[float], tuple[float, float]], guess: float, lowest: float, highest: float) -> float:
    """Where a rising function is zero, by Newton's steps kept inside a bracket that halves where they leave it.

    `function` gives value and slope.
    """
    x = min(max(guess, lowest), highest)
    for _ in range(200):
        value, slope = function(x)
        if value > 0:
            highest = x
        else:
            lowest = x
        step = value / slope if slope > 0 else math.inf
        following = x - step
        if not lowest <= following <= highest:
            following = (lowest + highest) / 2
        if abs(following - x) < 1e-10:
            return following
        x = following
    return x


def until_beyond(
    cell: Cell,
    current_A: float,
    seconds: float,
    temperature_C: float,
    high_phase: float,
    is_beyond: Callable[[float], bool],
) -> tuple[float, float, bool]:
    """A constant current for `seconds`, or to the moment when the potential `is_beyond`, found by halving.

    Gives the potential, the seconds that passed, and whether it went beyond.
    """
    before = cell.state()
    voltage_V = cell.at_current(current_A, seconds, temperature_C, high_phase)
    if not is_beyond(voltage_V):
        return voltage_V, seconds, False
    within, beyond = 0.0, seconds
    while beyond - within > HALVED_TO_s:
        middle = (within + beyond) / 2
        cell.adopt(before)
        if is_beyond(cell.at_current(current_A, middle, temperature_C, high_phase)):
            beyond = middle
        else:
            within = middle
    cell.adopt(before)
    return cell.at_current(current_A, beyond, temperature_C, high_phase), beyond, True
