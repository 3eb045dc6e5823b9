"""The families of Eurotherm controllers: how each is told, what it has, what its status bits mean.

Source: the maker's handbook of 2000 series communications (HA026230) for 2200 and 2400; public driver code only
for 3200 and 3500, which therefore have to be named in the bench file (`model = "3200"`) and checked once by hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

FamilyName = Literal["2200", "2400", "3200", "3500"]

_COMMON = {5: "the sensor is broken", 6: "the control loop is broken", 7: "the heater has failed"}
_SIZES = {3: "32", 4: "04", 6: "16", 8: "08"}


@dataclass(frozen=True)
class Family:
    """`seconds_per_rate_unit`: of the codes of register 531; None: it has no such register, rates are per minute."""

    name: FamilyName
    output_register: int
    seconds_per_rate_unit: tuple[float, float, float] | None
    faults: Mapping[int, str]
    has_rate_disable: bool = False
    has_power_flag: bool = False

    def fault_texts(self, status: int) -> list[str]:
        """The fault bits of the status word (register 75) in words. Alarms 1 to 4 and manual are not among them."""
        return [text for bit, text in self.faults.items() if status >> bit & 1]


FAMILIES: dict[FamilyName, Family] = {
    "2200": Family("2200", 3, None, {**_COMMON, 8: "the load has failed", 11: "the solid-state relay has failed"}),
    "2400": Family(
        "2400",
        4,
        (1, 60, 3600),
        {**_COMMON, 11: "an output module has failed", 14: "input 1 has failed"},
        has_rate_disable=True,
        has_power_flag=True,
    ),
    "3200": Family("3200", 4, (60, 3600, 1), {**_COMMON, 8: "the load has failed"}),
    "3500": Family("3500", 4, (60, 3600, 1), _COMMON),
}


def family_of(identity: int) -> Family | None:
    """The family that register 122 tells, None for a number that is not in the handbook."""
    if identity >> 12 != 2:
        return None
    return {2: FAMILIES["2200"], 4: FAMILIES["2400"]}.get(identity >> 8 & 0xF)


def model_name(identity: int, family: Family) -> str:
    """`2408` of 0x2480; where the number says nothing, the family and the number."""
    size = _SIZES.get(identity >> 4 & 0xF)
    if family_of(identity) is family and size:
        return f"{family.name[:2]}{size}"
    return f"{family.name} series (identity {identity:#06x})"


def firmware_text(word: int) -> str:
    """`4.61` of 0x0461."""
    return f"{word >> 8:x}.{word & 0xFF:02x}"
