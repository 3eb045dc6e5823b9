"""Modbus RTU and TCP, with a barrier against late replies."""

from drivers.modbus.bus import (
    ModbusLine,
    RtuLine,
    TcpLine,
    read_floats,
    read_word,
    refusal,
    write_float,
    write_word,
)
from drivers.modbus.frames import FrameError

__all__ = [
    "FrameError",
    "ModbusLine",
    "RtuLine",
    "TcpLine",
    "read_floats",
    "read_word",
    "refusal",
    "write_float",
    "write_word",
]
