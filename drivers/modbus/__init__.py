"""Modbus RTU and TCP, with a barrier against late replies."""

from drivers.modbus.frames import FrameError
from drivers.modbus.line import ModbusLine, read_floats, read_word, refusal, write_float, write_word
from drivers.modbus.rtu import RtuLine
from drivers.modbus.tcp import TcpLine

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
