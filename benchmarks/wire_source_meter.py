"""The wire of a source-meter: what faults of the line do to readings of a 2450, ours beside pymeasure's own class.

Both on the same peer in a process of its own, on TCP; pymeasure's over pyvisa-py. A reading is the potential of a cell
under a constant current, whose truth is known; `--reads` per fault and client.
"""

from __future__ import annotations

import argparse
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pyvisa
from pymeasure.adapters import VISAAdapter
from pymeasure.instruments.keithley import Keithley2450

from daq.clock import wall_monotonic, wall_sleep
from daq.errors import InstrumentError
from drivers.keithley2450.drive import Drive
from drivers.keithley2450.options import Keithley2450Options
from drivers.keithley2450.source import Source
from drivers.transport import SocketLink, Transport, host_and_port

FAULTS = ("silence", "corrupt", "noise", "cut", "late", "doubled", "garbage")
SHARE, TIMEOUT_s, LATE_s = 0.1, 0.1, 0.15
CURRENT_A, LIMIT_V = 1e-7, 5.0
NEAR = 2e-3

Read = Callable[[], float]


class PeerProcess:
    """`cellrig simulate keithley2450` on TCP; `tell` types a command. Its cell is the built-in blocking one."""

    def __init__(self) -> None:
        words = [sys.executable, "-P", "-m", "drivers.simulated.wire", "keithley2450", "--speed", "2"]
        self._child = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8")
        self.port = self._line().partition(";")[0].rpartition(" ")[2]

    def _line(self) -> str:
        assert self._child.stdout is not None
        return self._child.stdout.readline()

    def tell(self, command: str) -> str:
        assert self._child.stdin is not None
        self._child.stdin.write(command + "\n")
        self._child.stdin.flush()
        return self._line()

    def truth_V(self) -> float:
        return float(self.tell("show").partition("cell at ")[2].partition(" V")[0])

    def close(self) -> None:
        self._child.communicate("quit\n", timeout=10)


@contextmanager
def ours(port: str) -> Iterator[Read]:
    transport = Transport(SocketLink(*host_and_port(port, ("socket",), "")), "source", TIMEOUT_s)
    source = Source(transport, "source", Keithley2450Options(port=port, nplc=0.01), 10.0)
    source.apply(Drive("current", CURRENT_A, LIMIT_V), lambda: None)
    yield lambda: source.read().voltage_V
    source.off()
    transport.close()


@contextmanager
def with_pymeasure(port: str) -> Iterator[Read]:
    host, number = host_and_port(port, ("socket",), "")
    adapter = VISAAdapter(
        f"TCPIP::{host}::{number}::SOCKET", "@py", read_termination="\n", write_termination="\n",
        timeout=1000 * TIMEOUT_s,
    )  # fmt: skip
    smu: Any = Keithley2450(adapter)
    smu.apply_current(compliance_voltage=LIMIT_V)
    smu.source_current = CURRENT_A
    smu.enable_source()
    smu.measure_voltage()
    yield lambda: float(smu.voltage)
    with suppress(pyvisa.Error):
        smu.disable_source()
    adapter.close()


def study(read: Read, truth_V: Callable[[], float], reads: int) -> tuple[int, int, int]:
    """Right, reported, wrong; the cell is charged slowly, so the truth is asked for beside each reading."""
    right = reported = wrong = 0
    for _ in range(reads):
        before_V = truth_V()
        try:
            value = read()
        except (OSError, InstrumentError, ValueError, TypeError, pyvisa.Error):
            reported += 1
            continue
        after_V = truth_V()
        low, high = sorted((before_V, after_V))
        is_right = low - NEAR * abs(low) - 1e-4 <= value <= high + NEAR * abs(high) + 1e-4
        right, wrong = (right + 1, wrong) if is_right else (right, wrong + 1)
    return right, reported, wrong


def source_meter_table(reads: int) -> int:
    """Prints the table and the time of a reading; returns our wrong values."""
    our_wrong = 0
    peer = PeerProcess()
    print(f"\nsource-meter: {reads} readings, {SHARE:.0%} of the replies faulty; right / reported / wrong")
    print("| client | " + " | ".join(FAULTS) + " |")
    print("|---" * (1 + len(FAULTS)) + "|")
    try:
        for name, client in (("ours", ours), ("pymeasure over pyvisa-py", with_pymeasure)):
            cells = []
            for fault in FAULTS:
                with client(peer.port) as read:
                    peer.tell(f"fault late_s={LATE_s} {fault}={SHARE}")
                    counts = study(read, peer.truth_V, reads)
                    peer.tell("clear")
                    wall_sleep(2 * LATE_s)
                cells.append("/".join(str(count) for count in counts))
                our_wrong += counts[2] if name == "ours" else 0
            print(f"| {name} | " + " | ".join(cells) + " |", flush=True)
        with ours(peer.port) as read:
            began = wall_monotonic()
            for _ in range(200):
                read()
            print(f"a reading of potential, current and output: {(wall_monotonic() - began) * 5:.2f} ms")
    finally:
        peer.close()
    return our_wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reads", type=int, default=100)
    logging.disable(logging.CRITICAL)
    our_wrong = source_meter_table(parser.parse_args().reads)
    print(f"wrong values, ours: {our_wrong} (must be 0)")
    return 1 if our_wrong else 0


if __name__ == "__main__":
    sys.exit(main())
