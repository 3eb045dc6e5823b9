"""A person's hand at the panel, told from what this driver asked for last."""

from __future__ import annotations

from drivers.eurotherm import registers as reg
from drivers.eurotherm.registers import Registers, tolerance

MANUAL_BIT, BREAK_BIT = 4, 5
RATE_CHECKED_EVERY = 10
RATE_SHARE = 0.02  # a controller may round a rate; by more is another rate


class PanelWatch:
    """What was asked for last, and the readings compared with it. `off`: manual with output 0, by us."""

    def __init__(self) -> None:
        self.target_C: float | None = None
        self.off = False
        self._rate: float | None = None
        self._rate_fault: str | None = None
        self._readings = 0

    @property
    def has_commanded(self) -> bool:
        return self.target_C is not None

    def rate_set(self, rate: float) -> None:
        self._rate, self._rate_fault = rate, None

    def faults(
        self, registers: Registers, target_C: float, output_percent: float, status: int, decimals: int
    ) -> list[str]:
        """What differs, in words. The rate is read at every tenth reading only.

        Manual with output 0 is how the last run was made safe: before the first target it is no fault.
        """
        found = []
        is_manual = bool(status >> MANUAL_BIT & 1)
        if is_manual and not self.off and (self.has_commanded or output_percent != 0):
            found.append("it is in manual control")
        if self.target_C is not None and abs(target_C - self.target_C) > tolerance(decimals):
            found.append(f"the set-point was changed at the panel, to {target_C:g} from {self.target_C:g} °C")
        if self._rate is not None and self._readings % RATE_CHECKED_EVERY == 0:
            rate = registers.number(reg.RATE_LIMIT)
            changed = abs(rate - self._rate) > max(RATE_SHARE * self._rate, 1e-6)
            self._rate_fault = f"the ramp was changed at the panel, to {rate:g}" if changed else None
        self._readings += 1
        return found + ([self._rate_fault] if self._rate_fault else [])
