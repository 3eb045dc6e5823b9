"""Modbus frames and data units, both ways, without I/O. Source: Modbus application protocol and serial line guides.

A PDU is a function code and its data; an RTU frame is unit, PDU, CRC; a TCP frame is a header with a
transaction number, then the PDU.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence

READ_WORDS = 3
WRITE_WORD = 6
FAST_STATUS = 7
LOOPBACK = 8
WRITE_WORDS = 16
EXCEPTION_BIT = 0x80
EXCEPTIONS = {
    1: "it does not know this function",
    2: "it has no such register",
    3: "it does not take this value here",
    4: "it failed inside",
    6: "it is busy",
}


class FrameError(ValueError):
    """Bytes that are not the answer to the question that was asked; the text says why."""


def _crc_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
        table.append(crc)
    return tuple(table)


_CRC = _crc_table()


def crc16(data: bytes) -> bytes:
    """The two check bytes of an RTU frame, low byte first: start 0xFFFF, polynomial 0xA001."""
    crc = 0xFFFF
    for byte in data:
        crc = (crc >> 8) ^ _CRC[(crc ^ byte) & 0xFF]
    return struct.pack("<H", crc)


# ---------------------------------------------------------------- what is asked
def read_words(address: int, count: int) -> bytes:
    return struct.pack(">BHH", READ_WORDS, address, count)


def write_word(address: int, value: int) -> bytes:
    return struct.pack(">BHH", WRITE_WORD, address, value)


def write_words(address: int, words: Sequence[int]) -> bytes:
    return struct.pack(f">BHHB{len(words)}H", WRITE_WORDS, address, len(words), 2 * len(words), *words)


def loopback(nonce: bytes) -> bytes:
    """A request that comes back as it is; `nonce` is two bytes."""
    return struct.pack(">BH", LOOPBACK, 0) + nonce


def reply_length(request: bytes) -> int:
    """Length of the PDU that answers `request` when all is well. Raises FrameError for a function not used here."""
    function = request[0]
    if function == READ_WORDS:
        return 2 + 2 * struct.unpack(">H", request[3:5])[0]
    if function == FAST_STATUS:
        return 2
    if function in (WRITE_WORD, LOOPBACK, WRITE_WORDS):
        return 5
    raise FrameError(f"function {function} is not used")


# ---------------------------------------------------------------- what comes back
def exception_code(request: bytes, reply: bytes) -> int | None:
    """The code of an exception reply to `request`, None when `reply` is none."""
    if len(reply) == 2 and reply[0] == request[0] | EXCEPTION_BIT:
        return reply[1]
    return None


def check_reply(request: bytes, reply: bytes) -> bytes:
    """The data of the PDU `reply`, which must be the whole and only answer to `request`. Raises FrameError."""
    if not reply or reply[0] != request[0]:
        raise FrameError(f"function {reply[:1].hex() or 'none'} in place of {request[:1].hex()}")
    if len(reply) != reply_length(request):
        raise FrameError(f"{len(reply)} bytes in place of {reply_length(request)}")
    if request[0] == READ_WORDS:
        if reply[1] != len(reply) - 2:
            raise FrameError("its byte count is wrong")
        return reply[2:]
    if request[0] == FAST_STATUS:
        return reply[1:]
    if reply != request[:5]:
        raise FrameError("it does not repeat what was written")
    return reply[1:]


def rtu_frame(unit: int, pdu: bytes) -> bytes:
    body = bytes((unit,)) + pdu
    return body + crc16(body)


def open_rtu(unit: int, frame: bytes) -> bytes:
    """The PDU of an RTU frame from `unit`. Raises FrameError."""
    if len(frame) < 4 or crc16(frame[:-2]) != frame[-2:]:
        raise FrameError("the check sum is wrong")
    if frame[0] != unit:
        raise FrameError(f"it came from unit {frame[0]}")
    return frame[1:-2]


def tcp_frame(transaction: int, unit: int, pdu: bytes) -> bytes:
    return struct.pack(">HHHB", transaction, 0, len(pdu) + 1, unit) + pdu


def open_tcp_header(header: bytes) -> tuple[int, int, int]:
    """Transaction, unit and length of the PDU that follows, of the seven bytes of a header. Raises FrameError."""
    if len(header) != 7:
        raise FrameError("the header is cut")
    transaction, protocol, length, unit = struct.unpack(">HHHB", header)
    if protocol != 0 or not 2 <= length <= 254:
        raise FrameError("this is no Modbus TCP header")
    return transaction, unit, length - 1


# ---------------------------------------------------------------- numbers
def words_of(data: bytes) -> list[int]:
    """Unsigned 16-bit words. Raises FrameError for an odd number of bytes."""
    if len(data) % 2:
        raise FrameError("half a word is missing")
    return list(struct.unpack(f">{len(data) // 2}H", data))


def floats_of(data: bytes) -> list[float]:
    """float32 values, high word first. Raises FrameError for a wrong number of bytes and for nan or infinity."""
    if len(data) % 4:
        raise FrameError("half a number is missing")
    values = list(struct.unpack(f">{len(data) // 4}f", data))
    if not all(math.isfinite(value) for value in values):
        raise FrameError("it holds a number that is none")
    return values


def words_of_float(value: float) -> list[int]:
    """The two words of a float32. Raises FrameError when it is too large for one."""
    try:
        return list(struct.unpack(">HH", struct.pack(">f", value)))
    except OverflowError as error:
        raise FrameError(f"{value:g} does not fit into a float32") from error


def signed(word: int) -> int:
    return word - 0x10000 if word & 0x8000 else word
