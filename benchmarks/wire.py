"""The wire: how quickly a Eurotherm snapshot is read, and what faults of the line do to readings.

Ours beside minimalmodbus and pymodbus, all on the same peer in a process of its own, on an unpaced pseudo-terminal.
`--reads` per fault and client (300 for the numbers in the docs, about four minutes).
"""

from __future__ import annotations

import argparse
import logging
import statistics
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import minimalmodbus
from pymodbus.client import ModbusSerialClient
from pymodbus.exceptions import ModbusException

from daq.clock import wall_monotonic, wall_sleep
from daq.errors import InstrumentError
from drivers.linkam import protocol
from drivers.linkam.exchange import JUMP_K
from drivers.linkam.protocol import Status, StatusError
from drivers.modbus import RtuLine, read_floats
from drivers.transport import LineSettings, SerialLink, Transport

SNAPSHOT, TARGET, RATE = 0x8002, 0x8004, 0x8046
TRUTH = {TARGET: 20.0, RATE: 0.0}
FAULTS = ("silence", "corrupt", "noise", "cut", "late", "doubled", "garbage")
SHARE, TIMEOUT_s, LATE_s = 0.1, 0.1, 0.15

Read = Callable[[int, int], list[float]]


class PeerProcess:
    """`cellrig simulate eurotherm` on a pseudo-terminal; `tell` types a command."""

    def __init__(self, folder: Path) -> None:
        self.port = str(folder / "eurotherm")
        words = [sys.executable, "-P", "-m", "drivers.simulated.wire", "eurotherm", "--pty", self.port, "--speed", "2"]
        self._child = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8")
        self._line()

    def _line(self) -> str:
        assert self._child.stdout is not None
        return self._child.stdout.readline()

    def tell(self, command: str) -> None:
        assert self._child.stdin is not None
        self._child.stdin.write(command + "\n")
        self._child.stdin.flush()
        self._line()

    def close(self) -> None:
        self._child.communicate("quit\n", timeout=10)


# ---------------------------------------------------------------- clients
@contextmanager
def ours(port: str) -> Iterator[Read]:
    transport = Transport(SerialLink(port, LineSettings()), "furnace", TIMEOUT_s)
    line = RtuLine(transport)  # no pause between frames: nothing paces this line
    line.meet(1)
    yield lambda address, count: read_floats(line, 1, address, count)
    transport.close()


@contextmanager
def with_minimalmodbus(port: str) -> Iterator[Read]:
    client = minimalmodbus.Instrument(port, 1)
    assert client.serial is not None
    client.serial.baudrate, client.serial.timeout = 9600, TIMEOUT_s
    yield lambda address, count: floats(client.read_registers(address, 2 * count))
    client.serial.close()


@contextmanager
def with_pymodbus(port: str, retries: int = 0) -> Iterator[Read]:
    logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
    client: Any = ModbusSerialClient(port, baudrate=9600, timeout=TIMEOUT_s, retries=retries)
    client.connect()

    def read(address: int, count: int) -> list[float]:
        reply = client.read_holding_registers(address, count=2 * count, device_id=1)
        if reply.isError():
            raise OSError(str(reply))
        return floats(reply.registers)

    yield read
    client.close()


def floats(words: list[int]) -> list[float]:
    return list(struct.unpack(f">{len(words) // 2}f", struct.pack(f">{len(words)}H", *words)))


CLIENTS: dict[str, Callable[[str], Any]] = {
    "ours": ours,
    "minimalmodbus": with_minimalmodbus,
    "pymodbus": with_pymodbus,
    "pymodbus, 3 retries": lambda port: with_pymodbus(port, 3),
}


# ---------------------------------------------------------------- measurements
def speed(port: str, reads: int) -> None:
    medians = {}
    for name in ("ours", "minimalmodbus", "pymodbus"):
        with CLIENTS[name](port) as read:
            took = []
            for _ in range(reads):
                began = wall_monotonic()
                read(SNAPSHOT, 5)
                took.append(1000 * (wall_monotonic() - began))
            medians[name] = statistics.median(took)
            p99 = sorted(took)[int(0.99 * len(took))]
            print(f"snapshot of 5 numbers, ms, {name}: median {medians[name]:.3f}, p99 {p99:.2f}")
    for other in ("minimalmodbus", "pymodbus"):
        print(f"snapshot, ours / {other}: {medians['ours'] / medians[other]:.3f} (at most 0.2)")
    print(f"snapshot, ours: {medians['ours']:.3f} ms (at most 0.5)")


def study(read: Read, reads: int) -> tuple[int, int, int]:
    """Right, reported, wrong, of reads of two registers in turn."""
    right = reported = wrong = 0
    for number in range(reads):
        address = (TARGET, RATE)[number % 2]
        try:
            value = read(address, 1)[0]
        except (OSError, InstrumentError, ValueError, struct.error, ModbusException):
            reported += 1
        else:
            right, wrong = (right + 1, wrong) if abs(value - TRUTH[address]) < 1e-3 else (right, wrong + 1)
    return right, reported, wrong


def fault_table(peer: PeerProcess, reads: int) -> int:
    """Prints the table; returns our wrong values."""
    our_wrong = 0
    print(f"\n{reads} reads, {SHARE:.0%} of the replies faulty, time-out {TIMEOUT_s} s; right / reported / wrong")
    print("| client | " + " | ".join(FAULTS) + " |")
    print("|---" * (1 + len(FAULTS)) + "|")
    for name, client in CLIENTS.items():
        cells = []
        for fault in FAULTS:
            with client(peer.port) as read:
                peer.tell(f"fault late_s={LATE_s} {fault}={SHARE}")
                counts = study(read, reads)
                peer.tell("clear")
                wall_sleep(2 * LATE_s)
            cells.append("/".join(str(count) for count in counts))
            our_wrong += counts[2] if name == "ours" else 0
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)
    return our_wrong


def without_check_sum() -> None:
    """Which one-bit errors of a Linkam status reply pass for a value, over all temperatures from 25 to 120 degC."""
    tried = passed = 0
    worst_K = 0.0
    for tenths in range(250, 1201):
        truth = Status(protocol.HEATING, 0, 0, tenths / 10)
        reply = protocol.status_bytes(truth)
        for bit in range(8 * len(reply)):
            tried += 1
            changed = bytearray(reply)
            changed[bit // 8] ^= 1 << bit % 8
            try:
                status = protocol.read_status(bytes(changed))
            except StatusError:
                continue
            error_K = abs(status.temperature_C - truth.temperature_C)
            if (status.state, status.errors) == (truth.state, truth.errors) and 0 < error_K <= JUMP_K:
                passed, worst_K = passed + 1, max(worst_K, error_K)
    print(
        f"\nlinkam has no check sum: {passed / tried:.1%} of the one-bit errors of a status can't be told, and are "
        f"at most {worst_K:.1f} K wrong; all others are refused or asked again"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reads", type=int, default=100)
    reads = parser.parse_args().reads
    logging.disable(logging.WARNING)
    with TemporaryDirectory() as folder:
        peer = PeerProcess(Path(folder))
        try:
            speed(peer.port, 500)
            our_wrong = fault_table(peer, reads)
        finally:
            peer.close()
    print(f"\nwrong values, ours: {our_wrong} (must be 0)")
    without_check_sum()
    return 1 if our_wrong else 0


if __name__ == "__main__":
    sys.exit(main())
