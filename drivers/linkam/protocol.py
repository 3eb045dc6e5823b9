"""What a Linkam T95 (TMS 94, CI 94) is told and what it tells, as bytes. From public driver code; unproven by us.

Commands and replies end in CR. `T` is answered by ten bytes and CR: state, errors, pump, three spare, and the
temperature as four hex digits in 0.1 degC. There is no check sum and no identity.
"""

from __future__ import annotations

from dataclasses import dataclass

END = b"\r"
STATUS_BYTES = 11
ASK_STATUS, START, STOP, HOLD = b"T\r", b"S\r", b"E\r", b"O\r"

STOPPED, HEATING, COOLING, AT_LIMIT, LIMIT_TIME, HOLDING = 0x01, 0x10, 0x20, 0x30, 0x40, 0x50
STATES = {
    STOPPED: "stopped",
    HEATING: "heating",
    COOLING: "cooling",
    AT_LIMIT: "at the limit",
    LIMIT_TIME: "holding the limit time",
    HOLDING: "holding",
}
ERRORS = {
    0: "it cools faster than its pump can",
    1: "the sensor's circuit is open",
    2: "its power is overloaded",
    3: "the stage is above its exit temperature of 300 °C",
    5: "the link to the stage has failed",
}
ALWAYS_SET = 0x80


class StatusError(ValueError):
    """Bytes that are no status reply; the text says why."""


@dataclass(frozen=True)
class Status:
    """One status reply. `errors` are the bits of the second byte without the one that is always set."""

    state: int
    errors: int
    pump: int
    temperature_C: float

    @property
    def state_text(self) -> str:
        return STATES.get(self.state, f"in the unknown state {self.state:#04x}")

    @property
    def faults(self) -> tuple[str, ...]:
        known = tuple(text for bit, text in ERRORS.items() if self.errors >> bit & 1)
        unknown = self.errors & ~sum(1 << bit for bit in ERRORS)
        return (*known, f"it reports the unknown error bits {unknown:#04x}") if unknown else known


def read_status(data: bytes) -> Status:
    """The eleven bytes of a status reply. Raises StatusError for anything that differs in length or shape."""
    if len(data) != STATUS_BYTES or not data.endswith(END):
        raise StatusError(f"{len(data)} bytes, or no CR at the end")
    if any(not byte & ALWAYS_SET for byte in data[1:6]):
        raise StatusError("a status byte lacks its top bit")
    if any(digit not in b"0123456789abcdefABCDEF" for digit in data[6:10]):
        raise StatusError("the temperature is not four hex digits")
    tenths = int(data[6:10], 16)
    if tenths >= 0x8000:  # the sign before the scale
        tenths -= 0x10000
    return Status(data[0], data[1] & 0x7F, data[2] & 0x7F, tenths / 10)


def status_bytes(status: Status) -> bytes:
    """The same as bytes: what a controller sends."""
    digits = f"{round(status.temperature_C * 10) & 0xFFFF:04x}".encode("ascii")
    head = (status.state, ALWAYS_SET | status.errors, ALWAYS_SET | status.pump, ALWAYS_SET, ALWAYS_SET, ALWAYS_SET)
    return bytes(head) + digits + END


def rate_command(rate_K_per_min: float) -> bytes:
    """`R1300` for 3 K/min; hundredths, 1 to 15000."""
    return b"R1%d\r" % round(rate_K_per_min * 100)


def limit_command(temperature_C: float) -> bytes:
    """`L1250` for 25 degC; tenths, with a minus sign below zero (unproven on the unit)."""
    return b"L1%d\r" % round(temperature_C * 10)
