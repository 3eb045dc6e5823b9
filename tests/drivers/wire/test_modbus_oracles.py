"""Independent programs agree: minimalmodbus and pymodbus read our peer, our driver reads a pymodbus server."""

from __future__ import annotations

import asyncio
import logging
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import minimalmodbus
import pytest
from pymodbus.client import ModbusSerialClient, ModbusTcpClient
from pymodbus.framer import FramerType
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice
from wire_bench import driver_context, eurotherm_on_pty, world_in

from daq.bench import SharedParts
from drivers.eurotherm import Eurotherm
from drivers.simulated.wire.eurotherm_device import EurothermDevice
from drivers.simulated.wire.modbus_core import RtuCore, TcpCore
from drivers.simulated.wire.mounts import TcpMount


def test_minimalmodbus_reads_and_writes_our_peer(tmp_path: Path) -> None:
    with eurotherm_on_pty(tmp_path) as peer:
        client = minimalmodbus.Instrument(peer.mount.port, 1)
        assert client.serial is not None
        client.serial.timeout = 0.5
        client.serial.baudrate = 9600
        assert client.read_register(122) == 0x2480
        client.write_float(0x8000 + 2 * 2, 61.5)
        assert client.read_float(0x8004) == 61.5
        assert client.read_register(2, 1) == 61.5  # the integer view, full resolution
        client.write_register(2, 25.0, 1, functioncode=6)
        assert peer.device.target_C == 25
        with pytest.raises(minimalmodbus.IllegalRequestError):
            client.write_register(1, 5, functioncode=6)  # read only
        client.write_register(4000, 5)  # a block write to nowhere: acknowledged, discarded
        client.serial.close()


@pytest.mark.parametrize("kind", ["serial", "rtu over tcp", "tcp"])
def test_pymodbus_reads_our_peer(kind: str, tmp_path: Path) -> None:
    world = world_in(tmp_path)
    device = EurothermDevice(world)
    device.target_C = 42.25
    with eurotherm_on_pty(tmp_path / "pty") as peer:
        peer.device.target_C = 42.25
        rtu, tcp = TcpMount(lambda: RtuCore({1: device})), TcpMount(lambda: TcpCore({1: device}))
        client = {
            "serial": lambda: ModbusSerialClient(peer.mount.port, baudrate=9600, timeout=0.5, retries=0),
            "rtu over tcp": lambda: ModbusTcpClient("127.0.0.1", port=number(rtu), framer=FramerType.RTU, timeout=0.5),
            "tcp": lambda: ModbusTcpClient("127.0.0.1", port=number(tcp), timeout=0.5),
        }[kind]()
        assert client.connect()
        registers = client.read_holding_registers(0x8004, count=2, device_id=1).registers
        assert struct.unpack(">f", struct.pack(">HH", *registers)) == (42.25,)
        client.write_registers(0x8004, [0x4270, 0], device_id=1)  # 60.0
        assert {60.0, 42.25} >= {device.target_C, peer.device.target_C} != {42.25}
        client.close()
        rtu.close()
        tcp.close()


def number(mount: TcpMount) -> int:
    return int(mount.port.rpartition(":")[2])


def test_our_driver_over_modbus_tcp_and_rtu_over_tcp(tmp_path: Path) -> None:
    for make, scheme in ((RtuCore, "socket"), (TcpCore, "modbus-tcp")):
        world = world_in(tmp_path / scheme)
        device = EurothermDevice(world)
        mount = TcpMount(lambda make=make, device=device: make({1: device}), scheme=scheme)
        shared = SharedParts()
        driver = Eurotherm(driver_context({"port": mount.port}, tmp_path, shared=shared))
        driver.connect()
        driver.set_target(60, 3)
        assert driver.read_temperature().setpoint_C == 60
        assert driver.make_safe("finished").verified
        shared.close()
        mount.close()


@contextmanager
def pymodbus_server(words: dict[int, int]) -> Iterator[int]:
    """A pymodbus server with these holding registers, on a free port, in a loop and thread of its own."""
    block = [words.get(address, 0) for address in range(0x10000 - 1)]
    device = SimDevice(1, simdata=[SimData(0, values=block, datatype=DataType.REGISTERS)])
    ready, port = threading.Event(), []
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        server = ModbusTcpServer(device, address=("127.0.0.1", 0))
        await server.serve_forever(background=True)
        assert server.transport is not None
        port.append(server.transport.sockets[0].getsockname()[1])  # type: ignore[attr-defined]
        ready.set()
        stop = asyncio.Event()
        loop.stop_soon = stop.set  # type: ignore[attr-defined]
        await stop.wait()
        await server.shutdown()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield port[0]
    finally:
        loop.call_soon_threadsafe(loop.stop_soon)  # type: ignore[attr-defined]
        thread.join(5)
        loop.close()


def test_our_driver_reads_a_pymodbus_server(tmp_path: Path) -> None:
    logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
    words = {122: 0x2480, 107: 0x0304, 525: 1, 531: 1}
    for register, value in {1: 59.75, 2: 60.0, 4: 12.5, 5: 60.0, 111: 500.0, 34: 15.0, 30: 100.0}.items():
        high, low = struct.unpack(">HH", struct.pack(">f", value))
        words |= {0x8000 + 2 * register: high, 0x8001 + 2 * register: low}
    with pymodbus_server(words) as port:
        shared = SharedParts()
        driver = Eurotherm(driver_context({"port": f"modbus-tcp://127.0.0.1:{port}"}, tmp_path, shared=shared))
        driver.connect()
        assert driver.identity().firmware == "3.04"
        reading = driver.read_temperature()
        assert (reading.temperature_C, reading.setpoint_C, reading.output_percent) == (59.75, 60.0, 12.5)
        driver.set_target(80, 3)
        assert driver.read_temperature().setpoint_C == 80
        shared.close()
