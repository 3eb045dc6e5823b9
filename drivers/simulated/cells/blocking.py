"""A pellet between blocking electrodes: steel | solid electrolyte | steel.

    R_lead - L_lead - [ C_stray parallel to ( R_bulk||C_geo - R_gb||CPE_gb - CPE_blocking ) ]

Resistances follow R = R(25 degC) exp(Ea/k (1/T - 1/298.15 K)), which is sigma = A exp(-Ea/kT), not sigma T.
The grain-boundary arc is R/(1 + (j w R C)^n) with C its effective capacitance; the blocking electrode 1/(Q (j w)^n).
Two phases mix with the logarithm of their resistances.
"""

from __future__ import annotations

import math

from drivers.simulated.parameters import BlockingParameters

BOLTZMANN_eV_per_K = 8.617333262e-5
REFERENCE_K = 298.15


def activation(energy_eV: float, temperature_C: float) -> float:
    """exp(Ea/k (1/T - 1/298.15 K)): how much larger a resistance is than at 25 degC."""
    return math.exp(energy_eV / BOLTZMANN_eV_per_K * (1 / (temperature_C + 273.15) - 1 / REFERENCE_K))


class BlockingCell:
    """Impedance of the cell with its leads, as a function of temperature and phase."""

    def __init__(self, parameters: BlockingParameters) -> None:
        self.parameters = parameters
        shared = parameters.activation_energy_eV
        bulk, boundary = parameters.bulk_activation_energy_eV, parameters.grain_boundary_activation_energy_eV
        self._bulk_energy_eV = shared if bulk is None else bulk
        self._boundary_energy_eV = shared if boundary is None else boundary

    def resistances_ohm(self, temperature_C: float, high_phase: float = 1.0) -> tuple[float, float]:
        """Bulk and grain-boundary resistance. `high_phase` is the share of the high-temperature phase, 0..1."""
        p = self.parameters
        bulk = p.bulk_resistance_ohm * activation(self._bulk_energy_eV, temperature_C)
        boundary = p.grain_boundary_resistance_ohm * activation(self._boundary_energy_eV, temperature_C)
        low_bulk, low_boundary = p.low_phase_bulk_resistance_ohm, p.low_phase_grain_boundary_resistance_ohm
        if low_bulk is None or low_boundary is None or high_phase >= 1:
            return bulk, boundary
        energy = (
            p.activation_energy_eV if p.low_phase_activation_energy_eV is None else p.low_phase_activation_energy_eV
        )
        factor = activation(energy, temperature_C)
        return _mixed(low_bulk * factor, bulk, high_phase), _mixed(low_boundary * factor, boundary, high_phase)

    def total_resistance_ohm(self, temperature_C: float, high_phase: float = 1.0) -> float:
        """Bulk and grain boundary in series, without leads: what conductivity is made of."""
        return sum(self.resistances_ohm(temperature_C, high_phase))

    def electrolyte_impedance_ohm(self, frequency_Hz: float, temperature_C: float, high_phase: float = 1.0) -> complex:
        """The two arcs alone: no electrode, leads or stray capacitance. At zero frequency the total resistance."""
        p = self.parameters
        jw = 2j * math.pi * frequency_Hz
        bulk, boundary = self.resistances_ohm(temperature_C, high_phase)
        arc = (jw * boundary * p.grain_boundary_capacitance_F) ** p.grain_boundary_exponent
        return bulk / (1 + jw * bulk * p.geometric_capacitance_F) + boundary / (1 + arc)

    def impedance_ohm(self, frequency_Hz: float, temperature_C: float, high_phase: float = 1.0) -> complex:
        """Impedance at the terminals; capacitive is Im < 0. The frequency is above 0 Hz."""
        p = self.parameters
        jw = 2j * math.pi * frequency_Hz
        blocking_S_sn = p.blocking_cpe_S_sn / activation(p.blocking_activation_energy_eV, temperature_C)
        cell = self.electrolyte_impedance_ohm(frequency_Hz, temperature_C, high_phase)
        cell = cell + 1 / (blocking_S_sn * jw**p.blocking_exponent)
        cell = 1 / (1 / cell + jw * p.stray_capacitance_F)
        return cell + p.lead_resistance_ohm + jw * p.lead_inductance_H

    def open_circuit_V(self, temperature_C: float) -> float:
        """Potential without current: an offset and a thermovoltage against 25 degC."""
        p = self.parameters
        return p.open_circuit_potential_V + p.thermopower_V_per_K * (temperature_C - 25.0)


def _mixed(low_ohm: float, high_ohm: float, high_phase: float) -> float:
    return math.exp(high_phase * math.log(high_ohm) + (1 - high_phase) * math.log(low_ohm))
