"""What a Modbus line offers, RTU or TCP, and the questions that drivers ask on it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from daq.errors import InstrumentError
from drivers.modbus import frames
from drivers.transport import BadReply, Refused, Transport

REPEATS = 3


class ModbusLine(Protocol):
    """RTU or TCP alike. Raises NoReply, BadReply, PortGone, Refused."""

    transport: Transport

    def query(self, unit: int, pdu: bytes, repeats: int = REPEATS) -> bytes:
        """The data of the reply to `pdu`. `repeats` is how often it may be asked again (0 for writes)."""
        ...

    def owner(self) -> AbstractContextManager[None]: ...
    def meet(self, unit: int) -> None:
        """Called once after each opening, before the first question to `unit`."""
        ...

    def close(self) -> None: ...


def refusal(instrument: str, code: int) -> Refused:
    """An exception reply as an error."""
    meaning = frames.EXCEPTIONS.get(code, "it does not say why")
    return Refused(instrument, f"refuses (Modbus exception {code}: {meaning})", code)


def read_floats(line: ModbusLine, unit: int, address: int, count: int) -> list[float]:
    """`count` float32 from `address` on, two words each, in one request: they belong to one moment."""
    data = line.query(unit, frames.read_words(address, 2 * count))
    try:
        return frames.floats_of(data)
    except frames.FrameError as error:
        raise BadReply(line.transport.name, f"a reply can't be true: {error}") from error


def read_word(line: ModbusLine, unit: int, address: int) -> int:
    """One unsigned word."""
    return frames.words_of(line.query(unit, frames.read_words(address, 1)))[0]


def write_float(line: ModbusLine, unit: int, address: int, value: float) -> None:
    """Asked once: whoever writes reads back, and writes again only when the old value is still there."""
    try:
        words: Sequence[int] = frames.words_of_float(value)
    except frames.FrameError as error:
        raise InstrumentError(line.transport.name, str(error)) from error
    line.query(unit, frames.write_words(address, words), repeats=0)


def write_word(line: ModbusLine, unit: int, address: int, value: int) -> None:
    """Asked once, as `write_float`."""
    line.query(unit, frames.write_word(address, value & 0xFFFF), repeats=0)
