"""A VISA resource as a link: GPIB, USB-TMC, or a serial port that only the vendor's VISA can open."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pyvisa
from pyvisa.constants import Parity, StatusCode, StopBits

from drivers.transport.links import LineSettings, WallLink


class VisaLink(WallLink):
    """Bytes through VISA. The library is the vendor's where one is installed, else pyvisa-py (`library = "@py"`)."""

    def __init__(self, resource: str, settings: LineSettings, library: str = "") -> None:
        self.where = resource
        self._settings = settings
        self._library = library
        self._resource: Any = None

    def open(self) -> None:
        try:
            try:
                manager = pyvisa.ResourceManager(self._library)
            except (OSError, ValueError):
                manager = pyvisa.ResourceManager("@py")
            resource: Any = manager.open_resource(self.where)
        except (pyvisa.Error, ValueError) as error:
            raise OSError(f"VISA can't open it: {error}") from error
        if self.where.upper().startswith("ASRL"):
            line = self._settings
            resource.baud_rate = line.baud
            resource.data_bits = line.data_bits
            resource.parity = Parity[line.parity]
            resource.stop_bits = StopBits.one if line.stop_bits == 1 else StopBits.two
            resource.end_input = 0  # bytes, not lines: a byte that looks like a line end is data
        resource.read_termination = None
        resource.write_termination = ""
        self._resource = resource

    def close(self) -> None:
        resource, self._resource = self._resource, None
        if resource is not None:
            with suppress(pyvisa.Error, OSError):
                resource.close()

    def write(self, data: bytes) -> None:
        try:
            self._there().write_raw(data)
        except pyvisa.Error as error:
            raise OSError(f"VISA: {error}") from error

    def read(self, at_most: int, timeout_s: float) -> bytes:
        return self._one(timeout_s) if at_most else b""

    def waiting(self) -> bytes:
        got = bytearray()
        while len(got) < 4096 and (one := self._one(0.001)):
            got += one
        return bytes(got)

    def _one(self, timeout_s: float) -> bytes:
        """One byte: pyvisa throws away what came before a time-out, so it is never asked for more."""
        resource = self._there()
        try:
            resource.timeout = max(1, round(timeout_s * 1000))
            return resource.read_bytes(1)
        except pyvisa.VisaIOError as error:
            if error.error_code == StatusCode.error_timeout:
                return b""
            raise OSError(f"VISA: {error}") from error
        except pyvisa.Error as error:
            raise OSError(f"VISA: {error}") from error

    def _there(self) -> Any:
        if self._resource is None:
            raise OSError("the resource is not open")
        return self._resource
