"""Li | solid electrolyte | Au: plating and stripping near 0 V, oxidation at high potential, a double layer.

The electrode's potential E = V - I R. In parallel: the double layer, a leak towards the open-circuit potential,
oxidation by a Tafel line with a limit, and Butler-Volmer plating with transfer coefficient 1/2,
I0 (a exp(fE/2) - exp(-fE/2)), whose lithium activity a = q/(q + q_s) follows from the plated charge q.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from drivers.simulated.cell_parameters import GoldParameters
from drivers.simulated.cells.cell import activation_from

FARADAY_OVER_GAS_K_per_V = 11604.518
LOWEST_V, HIGHEST_V = -60.0, 60.0
LARGEST_EXPONENT = 60.0
LEAST_FACTOR = math.exp(-LARGEST_EXPONENT)
STEP_s, STEPS_MOST = 0.1, 10
NEWTON_ALONE = 10
MOVES_MOST_V, SHORTEST_s, TRIES_MOST = 0.02, 1e-3, 400  # of a step at a constant current
FOUND_WITHIN_V, STEPS_OF_NEWTON_MOST = 1e-6, 200  # the last step is taken: what is left is its square, 1e-11 V


@dataclass
class GoldState:
    electrode_V: float
    plated_C: float = 0.0


class GoldCell:
    def __init__(self, parameters: GoldParameters) -> None:
        p = self.parameters = parameters
        self._state = GoldState(p.open_circuit_potential_V)
        self.noise_A = p.residual_current_noise_A
        self._exchange_A = p.exchange_current_density_mA_cm2 * 1e-3 * p.area_cm2
        self._capacitance_F = p.double_layer_uF_cm2 * 1e-6 * p.area_cm2
        self._deposit_C = p.deposit_scale_mC_cm2 * 1e-3 * p.area_cm2
        self._onset_A = p.oxidation_onset_current_uA_cm2 * 1e-6 * p.area_cm2
        self._limit_A = p.oxidation_limit_mA_cm2 * 1e-3 * p.area_cm2
        self._tafel_V = p.oxidation_tafel_mV_per_decade * 1e-3 / math.log(10)
        self._known: tuple[float, float] = (math.nan, 0.0)  # a temperature in degC, and the ohms at it

    def state(self) -> dict[str, float]:
        return asdict(self._state)

    def adopt(self, state: Mapping[str, float]) -> None:
        self._state = GoldState(**state)

    def resistance_ohm(self, temperature_C: float) -> float:
        known_C, ohm = self._known
        if temperature_C != known_C:  # the same for all stairs of a stretch
            p = self.parameters
            ohm = p.ohmic_resistance_ohm * activation_from(
                p.activation_energy_eV, temperature_C, p.reference_temperature_C
            )
            self._known = (temperature_C, ohm)
        return ohm

    def open_circuit_V(self, temperature_C: float) -> float:
        return self._state.electrode_V

    def impedance_ohm(self, frequency_Hz: float, temperature_C: float, high_phase: float = 1.0) -> complex:
        """Linearised at the present state: the plated charge is taken as constant over a period."""
        f = FARADAY_OVER_GAS_K_per_V / (temperature_C + 273.15)
        E, q = self._state.electrode_V, self._state.plated_C
        activity = q / (q + self._deposit_C)
        slope = self._exchange_A * f / 2 * (activity * _exp(f * E / 2) + _exp(-f * E / 2))
        admittance = slope + self._oxidation(E)[1] + self.parameters.leak_conductance_S
        return self.resistance_ohm(temperature_C) + 1 / (admittance + 2j * math.pi * frequency_Hz * self._capacitance_F)

    # ------------------------------------------------------------ time
    def at_current(self, current_A: float, seconds: float, temperature_C: float, high_phase: float = 1.0) -> float:
        left_s = step_s = seconds
        tries = 0
        while left_s > 0:  # the same potentials whether a rest is looked at often or once
            before, tries = self._state, tries + 1
            step_s = left_s if tries >= TRIES_MOST else min(step_s, left_s)
            self._settle(0.0, 1.0, current_A, step_s, temperature_C)
            moved_V = abs(self._state.electrode_V - before.electrode_V)
            if moved_V > MOVES_MOST_V and step_s > SHORTEST_s and tries < TRIES_MOST:
                self._state, step_s = before, step_s / 4
                continue
            left_s -= step_s
            step_s *= 2
        return self._state.electrode_V + current_A * self.resistance_ohm(temperature_C)

    def at_voltage(self, voltage_V: float, seconds: float, temperature_C: float, high_phase: float = 1.0) -> float:
        resistance = self.resistance_ohm(temperature_C)
        if seconds > 0:  # in one implicit step the double layer would be charged over all of it, as in a ramp
            count = 1 if seconds <= STEP_s else min(STEPS_MOST, math.ceil(seconds / STEP_s - 1e-9))
            for _ in range(count):
                self._settle(1.0, resistance, voltage_V, seconds / count, temperature_C)
        return (voltage_V - self._state.electrode_V) / resistance

    def project(self, current_A: float, seconds: NDArray[np.float64], temperature_C: float) -> None:
        """Only step by step."""

    def _settle(self, of_potential: float, of_current: float, wanted: float, seconds: float, at_C: float) -> None:
        """An implicit step to where of_potential E + of_current I(E) = wanted, by Newton's steps inside a bracket.

        Steps that go to and fro, or come back from far below 0 V by 1 / half_f each, are halvings by turns.

        Plated is, after the step at a potential E, the positive root q' of a quadratic:
        q' = q - dt I0 (q'/(q' + q_s) exp(fE/2) - exp(-fE/2)). Written out in local names: this is most of the time of
        a voltammogram, and a call costs as much as what it would do here.
        """
        state, p, half_f = self._state, self.parameters, FARADAY_OVER_GAS_K_per_V / (at_C + 273.15) / 2
        stored_S = self._capacitance_F / seconds
        conductance_S = stored_S + p.leak_conductance_S
        constant_A = stored_S * state.electrode_V + p.leak_conductance_S * p.open_circuit_potential_V
        before_C, unit_C, scale_C = state.plated_C, seconds * self._exchange_A, self._deposit_C
        onset_V, tafel_V, onset_A, limit_A = p.oxidation_onset_V, self._tafel_V, self._onset_A, self._limit_A
        E, plated_C, lowest, highest, exp = state.electrode_V, before_C, LOWEST_V, HIGHEST_V, math.exp
        for taken in range(STEPS_OF_NEWTON_MOST):
            exponent = half_f * E
            factor = exp(exponent) if -LARGEST_EXPONENT < exponent < LARGEST_EXPONENT else _exp(exponent)
            strip_C, plate_C = unit_C * factor, unit_C / factor
            have_C = before_C + plate_C
            b = scale_C - have_C + strip_C
            root = math.sqrt(b * b + 4 * have_C * scale_C)
            plated_C = 2 * have_C * scale_C / (b + root) if b > 0 else (root - b) / 2
            falls_C_per_V = half_f * (plated_C * (strip_C + plate_C) + plate_C * scale_C) / root
            exponent = (E - onset_V) / tafel_V  # and its limit, as in `_oxidation`
            if exponent <= -LARGEST_EXPONENT:  # more than half of a voltammogram lies this far below the onset
                tafel_A = onset_A * LEAST_FACTOR
            else:
                tafel_A = onset_A * exp(min(exponent, LARGEST_EXPONENT))
            share = 1 / (1 + tafel_A / limit_A)
            current_A = conductance_S * E - constant_A + tafel_A * share + (before_C - plated_C) / seconds
            off = of_potential * E + of_current * current_A - wanted
            slope_S = conductance_S + tafel_A * share * share / tafel_V + falls_C_per_V / seconds
            if off > 0:
                highest = E
            else:
                lowest = E
            step_V = -off / (of_potential + of_current * slope_S)
            if (taken > NEWTON_ALONE and taken % 2) or not lowest <= E + step_V <= highest:
                step_V = (lowest + highest) / 2 - E
            E += step_V
            plated_C -= falls_C_per_V * step_V
            if -FOUND_WITHIN_V < step_V < FOUND_WITHIN_V:
                break
        gained_C = plated_C - before_C
        lost_C = p.dead_lithium_fraction * gained_C if gained_C > 0 else 0.0
        self._state = GoldState(E, plated_C - lost_C)

    def _oxidation(self, E: float) -> tuple[float, float]:
        """Current and its slope: Tafel from the onset, at most the limit."""
        tafel_A = self._onset_A * _exp((E - self.parameters.oxidation_onset_V) / self._tafel_V)
        share = 1 / (1 + tafel_A / self._limit_A)
        return tafel_A * share, tafel_A * share * share / self._tafel_V


def _exp(exponent: float) -> float:
    return math.exp(min(max(exponent, -LARGEST_EXPONENT), LARGEST_EXPONENT))
