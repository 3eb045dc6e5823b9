"""Li | solid electrolyte | Li: resistance, interface with its capacitance, slow growth, and shorts.

V = I R_el + u; C du/dt = I - u/R_int, exact for a constant current. Above the critical current density damage
grows; the voltage wanders, then is softly shorted, then hard.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from drivers.simulated.cell_parameters import SymmetricParameters
from drivers.simulated.cells.cell import activation_from
from drivers.simulated.noise import StepNoise

WANDER_SOURCE = 30
WANDER_s = 5.0  # how long one level of an unsteady voltage lasts
SOFT_FROM = 0.3


@dataclass
class SymmetricState:
    """`worked_s`: seconds under current."""

    interface_V: float = 0.0
    damage: float = 0.0
    worked_s: float = 0.0
    plated_C: float = 0.0


class SymmetricCell:
    noise_A = 0.0

    def __init__(self, parameters: SymmetricParameters, seed: int, channel: int) -> None:
        self.parameters = parameters
        self._wander = StepNoise(seed, WANDER_SOURCE + channel)
        self._state = SymmetricState()

    def state(self) -> dict[str, float]:
        return asdict(self._state)

    def adopt(self, state: Mapping[str, float]) -> None:
        self._state = SymmetricState(**state)

    def resistances_ohm(self, temperature_C: float) -> tuple[float, float]:
        """Electrolyte and interface now, growth and shorts included."""
        p, state = self.parameters, self._state
        factor = activation_from(p.activation_energy_eV, temperature_C, p.reference_temperature_C)
        factor *= self._soundness() / p.area_cm2
        if state.damage >= 1 and p.short_kind == "hard":
            return p.short_resistance_ohm, 1e-3 * p.short_resistance_ohm
        growth = 1 + p.growth_percent_per_h / 100 * state.worked_s / 3600
        return p.electrolyte_asr_ohm_cm2 * factor, p.interface_asr_ohm_cm2 * factor * growth

    def _soundness(self) -> float:
        """1 for a sound cell; wanders around it with damage, and below it when softly shorted."""
        p, damage = self.parameters, self._state.damage
        if damage <= 0 or p.short_kind == "none":
            return 1.0
        draw = self._wander.at(int(self._state.worked_s // WANDER_s))
        if damage < SOFT_FROM:
            return max(0.1, 1 + p.unsteadiness_fraction * draw)
        return p.soft_short_fraction * max(0.1, 1 + 3 * p.unsteadiness_fraction * draw)

    def open_circuit_V(self, temperature_C: float) -> float:
        return self._state.interface_V

    def impedance_ohm(self, frequency_Hz: float, temperature_C: float, high_phase: float = 1.0) -> complex:
        electrolyte, interface = self.resistances_ohm(temperature_C)
        return electrolyte + interface / (1 + 2j * math.pi * frequency_Hz * interface * self._capacitance_F())

    def _capacitance_F(self) -> float:
        return self.parameters.interface_capacitance_uF_cm2 * 1e-6 * self.parameters.area_cm2

    # ------------------------------------------------------------ time
    def at_current(self, current_A: float, seconds: float, temperature_C: float, high_phase: float = 1.0) -> float:
        self._wear(current_A, seconds)
        electrolyte, interface = self.resistances_ohm(temperature_C)
        left = math.exp(-seconds / (interface * self._capacitance_F()))
        self._state.interface_V = current_A * interface + (self._state.interface_V - current_A * interface) * left
        return current_A * electrolyte + self._state.interface_V

    def at_voltage(self, voltage_V: float, seconds: float, temperature_C: float, high_phase: float = 1.0) -> float:
        """The interface is charged through the electrolyte: u -> V R_int/(R_el + R_int)."""
        electrolyte, interface = self.resistances_ohm(temperature_C)
        total = electrolyte + interface
        left = math.exp(-seconds * total / (electrolyte * interface * self._capacitance_F()))
        final = voltage_V * interface / total
        self._state.interface_V = final + (self._state.interface_V - final) * left
        current_A = (voltage_V - self._state.interface_V) / electrolyte
        self._wear(current_A, seconds)
        return current_A

    def project(
        self, current_A: float, seconds: NDArray[np.float64], temperature_C: float
    ) -> NDArray[np.float64] | None:
        """As `at_current` gives them; None where it is unsteady."""
        p, state = self.parameters, self._state
        density = abs(current_A) * 1e3 / p.area_cm2
        if state.damage > 0 or density > p.critical_current_density_mA_cm2:
            return None
        factor = activation_from(p.activation_energy_eV, temperature_C, p.reference_temperature_C) / p.area_cm2
        worked_s = state.worked_s + (seconds if current_A else 0.0)
        interface = p.interface_asr_ohm_cm2 * factor * (1 + p.growth_percent_per_h / 100 * worked_s / 3600)
        left = np.exp(-seconds / (interface * self._capacitance_F()))
        across = current_A * interface + (state.interface_V - current_A * interface) * left
        return current_A * p.electrolyte_asr_ohm_cm2 * factor + across

    def _wear(self, current_A: float, seconds: float) -> None:
        p, state = self.parameters, self._state
        if current_A == 0:
            return
        state.worked_s += seconds
        state.plated_C += current_A * seconds
        excess = abs(current_A) * 1e3 / p.area_cm2 / p.critical_current_density_mA_cm2 - 1
        if excess > 1e-9 and p.short_kind != "none":
            state.damage = min(1.0, state.damage + excess * seconds / p.time_to_short_s)
