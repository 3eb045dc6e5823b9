"""Bytes to and from one port: serial, TCP socket, VISA. A link knows no protocol and heals nothing by itself.

Every link owns the time of its deadlines: the wall's for ports of the real world.
"""

from __future__ import annotations

import socket
import threading
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import serial
from serial.tools import list_ports

from daq.clock import wall_monotonic, wall_sleep

SLICE_s = 0.02  # a serial read comes back at the latest after this, to look at its deadline
CONNECT_s = 5.0


class Link(Protocol):
    """`read` returns at least one byte, or b"" when none came within `timeout_s`. OSError: the port is gone."""

    where: str

    def open(self) -> None: ...
    def close(self) -> None: ...
    def write(self, data: bytes) -> None: ...
    def read(self, at_most: int, timeout_s: float) -> bytes: ...
    def waiting(self) -> bytes:
        """What has arrived already, without waiting (at most a few kilobytes)."""
        ...

    def now(self) -> float: ...
    def sleep(self, seconds: float) -> None: ...
    def lock(self) -> AbstractContextManager[object]:
        """A new re-entrant lock that may be held over a wait on this link."""
        ...


@dataclass(frozen=True)
class LineSettings:
    """Of a serial line. Linux pseudo-terminals take 8 data bits only."""

    baud: int = 9600
    data_bits: Literal[7, 8] = 8
    parity: Literal["none", "even", "odd"] = "none"
    stop_bits: Literal[1, 2] = 1
    hardware_handshake: bool = False

    @property
    def character_s(self) -> float:
        """Seconds for one character, start bit and all."""
        return (1 + self.data_bits + (self.parity != "none") + self.stop_bits) / self.baud


class WallLink:
    """What links of the real world have in common: the wall's time, an ordinary lock."""

    def now(self) -> float:
        return wall_monotonic()

    def sleep(self, seconds: float) -> None:
        wall_sleep(max(0.0, seconds))

    def lock(self) -> AbstractContextManager[object]:
        return threading.RLock()


class SerialLink(WallLink):
    """A serial port by its name, or `usb:SERIAL` by the serial number of its USB adapter, looked up at each opening."""

    def __init__(self, port: str, settings: LineSettings) -> None:
        self.where = port
        self.settings = settings
        self._port: Any = None

    def open(self) -> None:
        line = self.settings
        try:
            self._port = serial.Serial(
                port_by_usb_serial(self.where) if self.where.startswith("usb:") else self.where,
                baudrate=line.baud,
                bytesize=line.data_bits,
                parity={"none": "N", "even": "E", "odd": "O"}[line.parity],
                stopbits=line.stop_bits,
                rtscts=line.hardware_handshake,
                timeout=SLICE_s,
                write_timeout=CONNECT_s,
                exclusive=True,
            )
        except ValueError as error:  # pyserial's answer to settings that the port can't have
            raise OSError(str(error)) from error

    def close(self) -> None:
        port, self._port = self._port, None
        if port is not None:
            with suppress(OSError), _AsOSError():
                port.close()

    def write(self, data: bytes) -> None:
        with _AsOSError():
            self._there().write(data)

    def read(self, at_most: int, timeout_s: float) -> bytes:
        deadline = wall_monotonic() + timeout_s
        with _AsOSError():
            port = self._there()
            while True:
                got = port.read(at_most)
                if got or wall_monotonic() >= deadline:
                    return got

    def waiting(self) -> bytes:
        with _AsOSError():
            port = self._there()
            count = port.in_waiting
            return port.read(min(count, 4096)) if count else b""

    def _there(self) -> Any:
        if self._port is None:
            raise OSError("the port is not open")
        return self._port


class _AsOSError(AbstractContextManager[None]):
    """pyserial raises TypeError and termios.error from a port that vanished under it; to us it is gone."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if error is not None and not isinstance(error, OSError) and isinstance(error, Exception):
            raise OSError(f"the port failed: {error}") from error


def port_by_usb_serial(name: str) -> str:
    """`usb:A50285BI` as the port that has this adapter now. Raises OSError naming those that are there."""
    wanted = name.removeprefix("usb:")
    found = [(port.serial_number, port.device) for port in list_ports.comports() if port.serial_number]
    for number, device in found:
        if number == wanted:
            return device
    there = ", ".join(f"usb:{number}" for number, _ in found) or "none"
    raise OSError(f"no USB serial adapter with the number {wanted!r} (there: {there})")


class SocketLink(WallLink):
    """A raw TCP socket: a serial device server, an instrument's own port, a peer."""

    def __init__(self, host: str, port: int) -> None:
        self.where = f"socket://{host}:{port}"
        self._address = (host, port)
        self._socket: socket.socket | None = None

    def open(self) -> None:
        self._socket = socket.create_connection(self._address, timeout=CONNECT_s)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

    def close(self) -> None:
        connection, self._socket = self._socket, None
        if connection is not None:
            connection.close()

    def write(self, data: bytes) -> None:
        connection = self._there()
        connection.settimeout(CONNECT_s)
        connection.sendall(data)

    def read(self, at_most: int, timeout_s: float) -> bytes:
        connection = self._there()
        connection.settimeout(max(timeout_s, 1e-4))
        try:
            got = connection.recv(at_most)
        except TimeoutError:
            return b""
        if not got:
            raise ConnectionError("the other end closed the connection")
        return got

    def waiting(self) -> bytes:
        connection = self._there()
        connection.setblocking(False)
        try:
            got = connection.recv(4096)
        except BlockingIOError:
            return b""
        if not got:
            raise ConnectionError("the other end closed the connection")
        return got

    def _there(self) -> socket.socket:
        if self._socket is None:
            raise OSError("the connection is not open")
        return self._socket
