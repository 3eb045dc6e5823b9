"""Li | solid electrolyte | LiFePO4: a plateau with hysteresis, polarisation, fade and coulombic efficiency.

V = U(x) + h hysteresis/2 + I R + u; C du/dt = I - u/R_int. x is the state of charge of what capacity is left, h goes
to the sign of the current with the charge passed. All exact for a constant current.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from drivers.simulated.cell_parameters import LfpParameters
from drivers.simulated.cells.cell import activation_from, rising_root

END_SHARE = 0.008  # width of the rise and of the drop at the ends of the plateau, as a share of the capacity
DROP_V, RISE_V = 0.49, 0.35  # below and above the plateau at the ends of the capacity
TURN_SHARE = 0.02  # share of the capacity within which the hysteresis turns
EXPONENT_MAX = 6.0  # beyond: a cell driven far past its ends


@dataclass
class LfpState:
    """`discharged_Ah` since the last charge; `cycles` are equivalent full ones, counted when charging begins."""

    state_of_charge: float
    interface_V: float = 0.0
    hysteresis: float = 0.0
    cycles: float = 0.0
    discharged_Ah: float = 0.0


class LfpCell:
    noise_A = 0.0

    def __init__(self, parameters: LfpParameters) -> None:
        self.parameters = parameters
        self._state = LfpState(parameters.initial_state_of_charge)

    def state(self) -> dict[str, float]:
        return asdict(self._state)

    def adopt(self, state: Mapping[str, float]) -> None:
        self._state = LfpState(**state)

    def capacity_Ah(self) -> float:
        p = self.parameters
        fresh_Ah = p.capacity_mAh_g * p.active_mass_mg * 1e-6
        return fresh_Ah * (1 - p.capacity_loss_percent_per_cycle / 100) ** self._state.cycles

    def efficiency(self) -> float:
        p = self.parameters
        return p.coulombic_efficiency - (p.coulombic_efficiency - p.first_cycle_efficiency) * math.exp(
            -2 * self._state.cycles
        )

    def resistances_ohm(self, temperature_C: float) -> tuple[float, float]:
        p = self.parameters
        factor = activation_from(p.activation_energy_eV, temperature_C, p.reference_temperature_C)
        return p.ohmic_resistance_ohm * factor, p.interface_resistance_ohm * factor

    def equilibrium_V(self, state_of_charge: float) -> float:
        low = math.exp(min(-state_of_charge / END_SHARE, EXPONENT_MAX))
        high = math.exp(min((state_of_charge - 1) / END_SHARE, EXPONENT_MAX))
        return self.parameters.plateau_V - DROP_V * low + RISE_V * high

    def open_circuit_V(self, temperature_C: float) -> float:
        state = self._state
        return self.equilibrium_V(state.state_of_charge) + self._hysteresis_V() + state.interface_V

    def _hysteresis_V(self) -> float:
        return self._state.hysteresis * self.parameters.hysteresis_V / 2

    def impedance_ohm(self, frequency_Hz: float, temperature_C: float, high_phase: float = 1.0) -> complex:
        """With the capacitance of the equilibrium curve in series: dU/dx / (jw Q)."""
        jw = 2j * math.pi * frequency_Hz
        ohmic, interface = self.resistances_ohm(temperature_C)
        x, width = self._state.state_of_charge, 1e-6
        slope_V = (self.equilibrium_V(x + width) - self.equilibrium_V(x - width)) / (2 * width)
        stored = slope_V / (3600 * self.capacity_Ah())
        return ohmic + interface / (1 + jw * interface * self.parameters.interface_capacitance_F) + stored / jw

    # ------------------------------------------------------------ time
    def at_current(self, current_A: float, seconds: float, temperature_C: float, high_phase: float = 1.0) -> float:
        ohmic, interface = self.resistances_ohm(temperature_C)
        state = self._state
        left = math.exp(-seconds / (interface * self.parameters.interface_capacitance_F))
        self._pass(current_A, seconds)
        state.interface_V = current_A * interface + (state.interface_V - current_A * interface) * left
        return self.open_circuit_V(temperature_C) + current_A * ohmic

    def at_voltage(self, voltage_V: float, seconds: float, temperature_C: float, high_phase: float = 1.0) -> float:
        """The current at which the step ends at this potential."""
        before = asdict(self._state)

        def excess(current_A: float) -> tuple[float, float]:
            self.adopt(before)
            return self.at_current(current_A, seconds, temperature_C, high_phase) - voltage_V, ohmic

        ohmic = self.resistances_ohm(temperature_C)[0]
        most_A = (abs(voltage_V) + 300.0) / ohmic
        current_A = rising_root(excess, 0.0, -most_A, most_A)
        self.adopt(before)
        self.at_current(current_A, seconds, temperature_C, high_phase)
        return current_A

    def project(self, current_A: float, seconds: NDArray[np.float64], temperature_C: float) -> NDArray[np.float64]:
        """Potentials after each of `seconds` of a constant current, as `at_current` would give them."""
        kept = asdict(self._state)
        ohmic, interface = self.resistances_ohm(temperature_C)
        self._turn(current_A)
        state, sign, capacity_Ah = self._state, math.copysign(1, current_A) if current_A else 0.0, self.capacity_Ah()
        share = current_A / 3600 / capacity_Ah * seconds
        x = state.state_of_charge + share * (self.efficiency() if current_A > 0 else 1.0)
        turned = np.exp(-np.abs(share) / TURN_SHARE)
        hysteresis = sign + (state.hysteresis - sign) * turned
        left = np.exp(-seconds / (interface * self.parameters.interface_capacitance_F))
        across = current_A * interface + (state.interface_V - current_A * interface) * left
        low = np.exp(np.minimum(-x / END_SHARE, EXPONENT_MAX))
        high = np.exp(np.minimum((x - 1) / END_SHARE, EXPONENT_MAX))
        self.adopt(kept)
        equilibrium = self.parameters.plateau_V - DROP_V * low + RISE_V * high
        return equilibrium + hysteresis * self.parameters.hysteresis_V / 2 + across + current_A * ohmic

    def _pass(self, current_A: float, seconds: float) -> None:
        if current_A == 0:
            return
        self._turn(current_A)
        state, capacity_Ah = self._state, self.capacity_Ah()
        passed_Ah = current_A * seconds / 3600
        state.state_of_charge += passed_Ah / capacity_Ah * (self.efficiency() if current_A > 0 else 1.0)
        sign = math.copysign(1, current_A)
        state.hysteresis = sign + (state.hysteresis - sign) * math.exp(-abs(passed_Ah) / capacity_Ah / TURN_SHARE)
        state.discharged_Ah += max(0.0, -passed_Ah)

    def _turn(self, current_A: float) -> None:
        """A charge that follows a discharge closes a cycle, in proportion to what was discharged."""
        if current_A > 0 and self._state.discharged_Ah > 0:
            self._state.cycles += self._state.discharged_Ah / self.capacity_Ah()
            self._state.discharged_Ah = 0.0
