"""Modbus RTU and TCP as a slave speaks them: framing and faults; what the registers mean is the device's."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Protocol

from drivers.modbus import frames
from drivers.simulated.wire.faults import Replies, WireFaults

FRAME_PAUSE_s = 0.05  # bytes after a longer pause begin a new frame
BUFFER_BYTES_MAX = 512


class IllegalAddress(Exception):
    """Exception 2."""


class IllegalValue(Exception):
    """Exception 3."""


class Device(Protocol):
    """Registers behind a unit address. `latency_s` as the maker gives it, per kind of request."""

    def is_dead(self, now: float) -> bool:
        """Whether it has no power, or starts up."""
        ...

    def has_loopback(self) -> bool: ...
    def read(self, address: int, count: int) -> list[int]: ...
    def write(self, address: int, words: list[int], single: bool) -> None: ...
    def fast_status(self) -> int: ...
    def latency_s(self, function: int) -> float: ...


def answer(device: Device, pdu: bytes) -> bytes | None:
    """The reply to a request PDU; None where the device stays silent (functions it does not know)."""
    try:
        return _answer(device, pdu)
    except IllegalAddress:
        return bytes((pdu[0] | frames.EXCEPTION_BIT, 2))
    except (IllegalValue, struct.error, IndexError):
        return bytes((pdu[0] | frames.EXCEPTION_BIT, 3))


def _answer(device: Device, pdu: bytes) -> bytes | None:
    function = pdu[0]
    if function in (3, 4):
        address, count = struct.unpack(">HH", pdu[1:5])
        words = device.read(address, count)
        return struct.pack(f">BB{count}H", function, 2 * count, *words)
    if function == frames.WRITE_WORD:
        address, word = struct.unpack(">HH", pdu[1:5])
        device.write(address, [word], single=True)
        return pdu[:5]
    if function == frames.WRITE_WORDS:
        address, count, size = struct.unpack(">HHB", pdu[1:6])
        if size != 2 * count or len(pdu) != 6 + size:
            raise IllegalValue
        device.write(address, list(struct.unpack(f">{count}H", pdu[6:])), single=False)
        return pdu[:5]
    if function == frames.FAST_STATUS:
        return bytes((function, device.fast_status()))
    if function == frames.LOOPBACK and device.has_loopback() and pdu[1:3] == b"\0\0":
        return pdu
    return None


class RtuCore:
    """Several units on one line. `baud` paces requests and replies (0: unpaced)."""

    def __init__(self, units: Mapping[int, Device], faults: WireFaults | None = None, baud: int = 0) -> None:
        self.units = dict(units)
        self.faults = faults or WireFaults()
        self.baud = baud
        self.requests = 0
        self._buffer = b""
        self._last_s = 0.0
        self._free_at_s = 0.0  # a slave answers in order: never before its answer to the question before

    def feed(self, data: bytes, now: float) -> Replies:
        """Bytes received at `now`; returns replies, each with its delay in seconds."""
        if now - self._last_s > FRAME_PAUSE_s:
            self._buffer = b""
        self._last_s = now
        self._buffer = (self._buffer + data)[-BUFFER_BYTES_MAX:]
        replies: Replies = [(0.0, data)] if self.faults.echoed else []
        while (length := request_length(self._buffer)) is not None and len(self._buffer) >= length:
            frame, self._buffer = self._buffer[:length], self._buffer[length:]
            replies += self._serve(frame, now)
        return replies

    def _serve(self, frame: bytes, now: float) -> Replies:
        unit, pdu = frame[0], frame[1:-2]
        if frames.crc16(frame[:-2]) != frame[-2:] or self.faults.mute:
            return []
        self.requests += 1
        if unit == 0:
            for device in self.units.values():
                answer(device, pdu)
            return []
        device = self.units.get(unit)
        if device is None or device.is_dead(now):
            return []
        reply = answer(device, pdu)
        if reply is None:
            return []
        if self.faults.strikes("refused"):
            reply = bytes((pdu[0] | frames.EXCEPTION_BIT, 2))
        whole = frames.rtu_frame(unit, reply)
        delay_s = device.latency_s(pdu[0]) + self._pace(len(frame) + len(whole) + 7)
        replies = self.faults.on_reply(whole, max(delay_s, self._free_at_s - now))
        if replies:
            self._free_at_s = now + replies[0][0]
        return replies

    def _pace(self, characters: int) -> float:
        return 10 * characters / self.baud if self.baud else 0.0


class TcpCore:
    """One TCP connection to the units. Make one per connection."""

    def __init__(self, units: Mapping[int, Device], faults: WireFaults | None = None) -> None:
        self.units = units
        self.faults = faults or WireFaults()
        self._buffer = b""

    def feed(self, data: bytes, now: float) -> Replies:
        self._buffer += data
        replies: Replies = [(0.0, data)] if self.faults.echoed else []
        while len(self._buffer) >= 8:
            try:
                transaction, unit, length = frames.open_tcp_header(self._buffer[:7])
            except frames.FrameError:
                self._buffer = b""
                break
            if len(self._buffer) < 7 + length:
                break
            pdu, self._buffer = self._buffer[7 : 7 + length], self._buffer[7 + length :]
            replies += self._serve(transaction, unit, pdu, now)
        return replies

    def _serve(self, transaction: int, unit: int, pdu: bytes, now: float) -> Replies:
        device = self.units.get(unit)
        if device is None or device.is_dead(now) or self.faults.mute:
            return []
        reply = answer(device, pdu) or bytes((pdu[0] | frames.EXCEPTION_BIT, 1))
        if self.faults.strikes("refused"):
            reply = bytes((pdu[0] | frames.EXCEPTION_BIT, 2))
        whole = frames.tcp_frame(transaction, unit, reply)
        return self.faults.on_reply(whole, device.latency_s(pdu[0]))


def request_length(buffer: bytes) -> int | None:
    """Length of the RTU request that `buffer` begins with; None while that can't be told.

    A function that is not known has no known length: the buffer is dropped by the next pause.
    """
    if len(buffer) < 2:
        return None
    function = buffer[1]
    if function in (1, 2, 3, 4, 5, 6, frames.LOOPBACK):
        return 8
    if function == frames.FAST_STATUS:
        return 4
    if function == frames.WRITE_WORDS:
        return 9 + buffer[6] if len(buffer) > 6 else None
    return None
