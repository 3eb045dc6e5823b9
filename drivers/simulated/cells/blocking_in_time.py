"""The blocking cell in time: the same elements as its impedance, memory of the constant-phase elements included.

Stray and geometric capacitance and the lead's inductance act in microseconds and are left out.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from drivers.simulated.cells.blocking import BlockingCell, activation
from drivers.simulated.cells.ladder import Ladder, TIMES_s, arc, constant_phase

TEMPERATURE_STEP_K = 0.05  # the ladder is made anew when the temperature has moved by this


class BlockingCellInTime(BlockingCell):
    """Exact for a constant current; a held potential takes the current as constant within a step."""

    noise_A = 0.0
    _made_at: tuple[float, float] | None = None
    _made: Ladder
    _charge_C = 0.0
    _seconds = -1.0

    def __init__(self, blocking: BlockingCell) -> None:
        super().__init__(blocking.parameters)
        self._voltages_V = np.zeros_like(TIMES_s)

    def state(self) -> dict[str, float]:
        return {"charge_C": self._charge_C} | {f"element_{n}_V": float(v) for n, v in enumerate(self._voltages_V)}

    def adopt(self, state: Mapping[str, float]) -> None:
        self._charge_C = state["charge_C"]
        self._voltages_V = np.array([state[f"element_{n}_V"] for n in range(len(TIMES_s))])

    def ladder(self, temperature_C: float, high_phase: float = 1.0) -> Ladder:
        here = (round(temperature_C / TEMPERATURE_STEP_K) * TEMPERATURE_STEP_K, round(high_phase, 4))
        if here == self._made_at:
            return self._made
        p = self.parameters
        bulk, boundary = self.resistances_ohm(*here)
        blocking_S_sn = p.blocking_cpe_S_sn / activation(p.blocking_activation_energy_eV, here[0])
        electrode = constant_phase(blocking_S_sn, p.blocking_exponent)
        grain = arc(boundary, boundary * p.grain_boundary_capacitance_F, p.grain_boundary_exponent)
        self._made = Ladder(
            bulk + p.lead_resistance_ohm + electrode.series_ohm,
            electrode.elastance_per_F,
            electrode.resistances_ohm + grain.resistances_ohm,
        )
        self._made_at, self._seconds = here, -1.0
        return self._made

    def at_current(self, current_A: float, seconds: float, temperature_C: float, high_phase: float = 1.0) -> float:
        made = self.ladder(temperature_C, high_phase)
        left = self._left(seconds)
        self._voltages_V = left * self._voltages_V + (1 - left) * made.resistances_ohm * current_A
        self._charge_C += current_A * seconds
        return self._potential_V(made, current_A, temperature_C)

    def at_voltage(self, voltage_V: float, seconds: float, temperature_C: float, high_phase: float = 1.0) -> float:
        made = self.ladder(temperature_C, high_phase)
        left = self._left(seconds)
        decayed = left * self._voltages_V
        gained = (1 - left) * made.resistances_ohm
        drive_V = voltage_V - self._rest_V(temperature_C) - float(decayed.sum())
        drive_V -= made.elastance_per_F * self._charge_C
        current_A = drive_V / (made.series_ohm + float(gained.sum()) + made.elastance_per_F * seconds)
        self._voltages_V = decayed + gained * current_A
        self._charge_C += current_A * seconds
        return current_A

    def project(self, current_A: float, seconds: NDArray[np.float64], temperature_C: float) -> None:
        """Only step by step."""

    def open_circuit_V(self, temperature_C: float) -> float:
        memory_V = float(self._voltages_V.sum())
        if self._made_at is not None:
            memory_V += self._made.elastance_per_F * self._charge_C
        return self._rest_V(temperature_C) + memory_V

    def _rest_V(self, temperature_C: float) -> float:
        return super().open_circuit_V(temperature_C)

    def _potential_V(self, made: Ladder, current_A: float, temperature_C: float) -> float:
        return self.open_circuit_V(temperature_C) + made.series_ohm * current_A

    def _left(self, seconds: float) -> np.ndarray:
        if seconds != self._seconds:
            self._shares, self._seconds = np.exp(-seconds / TIMES_s), seconds
        return self._shares
