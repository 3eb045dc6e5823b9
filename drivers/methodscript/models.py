"""The models that speak MethodSCRIPT: ranges, modes and what each can reach.

Range indices are from PalmSens' public tables. Potential, frequency and the limits of a model are from its public
descriptions and unproven here: an instrument that refuses answers with its own error, which is told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Model:
    """`current_ranges_A` by range index, of the modes that are used here. `slow` and `fast` are its pgstat modes."""

    name: str
    prefix: str
    current_ranges_A: Mapping[int, float]
    voltage_max_V: float
    frequency_max_Hz: float
    has_galvanostat: bool
    needs_prefix: bool = False
    slow: int = 2
    fast: int = 3

    @property
    def ranges_A(self) -> tuple[float, ...]:
        """Full scales, largest first."""
        return tuple(sorted(set(self.current_ranges_A.values()), reverse=True))

    def range_of(self, index: int | None) -> float | None:
        return None if index is None else self.current_ranges_A.get(index)

    def index_of(self, range_A: float) -> int:
        """The index of a range, the highest where two have it."""
        return max(index for index, value in self.current_ranges_A.items() if value == range_A)


PICO = {
    0: 100e-9, 1: 2e-6, 2: 4e-6, 3: 8e-6, 4: 16e-6, 5: 32e-6, 6: 63e-6, 7: 125e-6, 8: 250e-6, 9: 500e-6,
    10: 1e-3, 11: 5e-3, 128: 100e-9, 129: 1e-6, 130: 6e-6, 131: 13e-6, 132: 25e-6, 133: 50e-6, 134: 100e-6,
    135: 200e-6, 136: 1e-3, 137: 5e-3,
}  # fmt: skip
EMSTAT4 = {3: 1e-9, 6: 10e-9, 9: 100e-9, 12: 1e-6, 15: 10e-6, 18: 100e-6, 21: 1e-3, 24: 10e-3, 27: 100e-3}
LOW_RANGE = {index: value for index, value in EMSTAT4.items() if value <= 10e-3}
HIGH_RANGE = {index: value for index, value in EMSTAT4.items() if index != 6}
NEXUS = {
    16: 100e-12, 0: 1e-9, 1: 10e-9, 2: 100e-9, 3: 1e-6, 4: 10e-6, 5: 100e-6, 6: 1e-3, 7: 10e-3, 8: 1e-3, 9: 10e-3,
    10: 100e-3, 11: 1.0,
}  # fmt: skip
GALVANOSTATIC = 32  # added to the index by a Nexus as a galvanostat

MODELS = (
    Model("EmStat Pico", "espico", PICO, 2.0, 200e3, has_galvanostat=False, needs_prefix=True),
    Model("Sensit Wearable", "senswb", PICO, 2.0, 200e3, has_galvanostat=False, needs_prefix=True),
    Model("EmStat4 HR", "es4_hr", HIGH_RANGE, 6.0, 200e3, has_galvanostat=True),
    Model("EmStat4 LR", "es4_lr", LOW_RANGE, 3.0, 200e3, has_galvanostat=True),
    Model("MultiEmStat4 HR", "mes4hr", HIGH_RANGE, 6.0, 200e3, has_galvanostat=True),
    Model("MultiEmStat4 LR", "mes4lr", LOW_RANGE, 3.0, 200e3, has_galvanostat=True),
    Model(
        "Nexus",
        "nexus1",
        {**NEXUS, **{index + GALVANOSTATIC: value for index, value in NEXUS.items() if index < 16}},
        10.0,
        1e6,
        has_galvanostat=True,
    ),
)
BOOTLOADER = "espbl"


def model_of(firmware: str) -> Model | None:
    """The model by the reply to `t`, without its echo; None for one that is not known."""
    return next((model for model in MODELS if firmware.startswith(model.prefix)), None)
