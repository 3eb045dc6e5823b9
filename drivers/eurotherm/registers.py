"""The registers of one controller: floats by the IEEE view, enumerations as words, every write read back.

A block write to a register that does not exist is acknowledged and discarded, so only the read-back tells. Writing
costs life of the controller's EEPROM: what is there already is not written again.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Final

from daq.errors import InstrumentError
from drivers.modbus import ModbusLine, read_floats, read_word, write_float, write_word
from drivers.transport import BadReply, NoReply

IEEE: Final = 0x8000
WRITES = 3

PROCESS_VALUE, TARGET, OUTPUT, WORKING_OUTPUT, WORKING_SETPOINT = 1, 2, 3, 4, 5
SETPOINT_SELECT, OUTPUT_HIGH, BREAK_POWER, RATE_LIMIT = 15, 30, 34, 35
STATUS, RATE_DISABLE, FIRMWARE, SETPOINT_HIGH, SETPOINT_LOW, IDENTITY = 75, 78, 107, 111, 112, 122
MODE, POWER_FAILED, MANUAL, UNITS, DECIMALS, RATE_UNITS = 199, 259, 273, 516, 525, 531


def tolerance(decimals: int) -> float:
    """Half of the last digit that a controller keeps, and a hair: how near a read-back has to be."""
    return 0.51 * 10.0**-decimals


class Registers:
    """One controller at `unit` of `line`. Raises NoReply, BadReply, PortGone, Refused, InstrumentError."""

    def __init__(self, line: ModbusLine, unit: int, name: str) -> None:
        self.line = line
        self.unit = unit
        self.name = name
        self.writes = 0

    def numbers(self, first: int, count: int) -> list[float]:
        """`count` consecutive parameters of one moment."""
        return read_floats(self.line, self.unit, IEEE + 2 * first, count)

    def number(self, register: int) -> float:
        return self.numbers(register, 1)[0]

    def word(self, register: int) -> int:
        return read_word(self.line, self.unit, register)

    def set_number(self, register: int, value: float, what: str, tolerance: float) -> bool:
        """Write unless it is so already, and read back. True when something was written."""

        def write() -> None:
            write_float(self.line, self.unit, IEEE + 2 * register, value)

        def is_so(found: float) -> bool:
            return abs(found - value) <= tolerance

        return self._verified(write, lambda: self.number(register), is_so, f"{what} ({register}) to {value:g}")

    def set_word(self, register: int, value: int, what: str) -> bool:
        """The same for an enumeration."""

        def write() -> None:
            write_word(self.line, self.unit, register, value)

        return self._verified(
            write, lambda: self.word(register), lambda found: found == value, f"{what} ({register}) to {value}"
        )

    def _verified(
        self, write: Callable[[], None], read: Callable[[], float], is_so: Callable[[float], bool], what: str
    ) -> bool:
        found = read()
        if is_so(found):
            return False
        for _ in range(WRITES):
            self.writes += 1
            with suppress(NoReply, BadReply):  # whether it arrived, the read-back tells
                write()
            found = read()
            if is_so(found):
                return True
        raise InstrumentError(
            self.name, f"does not take {what}: it reads back {found:g}; look at its panel for locks and limits"
        )
