"""What the first records under current say of a cell whose rest cannot tell: a shorted symmetric cell rests at 0 V,
like a sound one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from drivers.schedule import CyclerRecord
from procedures.dc_taking import LEAST_OHM

LOOKED_AT = 10  # records under current


class ShortedFromTheStart:
    """A check of new records: a text when the first ten under current show less than 1 ohm between them.

    Voltage over current, the median of the ten, as the check on a potentiostat asks at 10 Hz. A tester whose zero is
    off by more than 1 ohm times the current hides the short; then nothing is said. Not for records after a break.
    """

    def __init__(self, label: str) -> None:
        self._label = label
        self._seen: list[tuple[float, float]] = []  # volt, ampere

    def __call__(self, records: Sequence[CyclerRecord]) -> str:
        missing = LOOKED_AT - len(self._seen)
        if missing <= 0:
            return ""
        self._seen += [(one.voltage_V, one.current_A) for one in records if one.current_A][:missing]
        if len(self._seen) < LOOKED_AT:
            return ""
        ohm = float(np.median([abs(volt / ampere) for volt, ampere in self._seen]))
        if ohm >= LEAST_OHM:
            return ""
        return (
            f"{self._label} is shorted ({ohm:.2g} Ω in the first {LOOKED_AT} records under current): its schedule "
            "was stopped there; take the cell out and measure it"
        )
