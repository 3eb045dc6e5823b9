"""What faults of the line do to a Neware tester's records: ours beside aurora-neware, on the same simulated server.

    python benchmarks/neware_faults.py [--reads 100]

A read asks for twenty records of a test that has ended, whose records are known. Ours waits 30 s for an answer, in
virtual time; aurora-neware sets no limit, here 0.2 s is set on its socket. A flipped bit is not among the faults: TCP
has a check sum of its own, the API has none.
"""

from __future__ import annotations

import argparse
import logging
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.etree.ElementTree import ParseError

from aurora_neware import NewareAPI

from daq.bench import DriverContext, SharedParts
from daq.clock import wall_sleep
from daq.errors import InstrumentError
from daq.virtual_clock import VirtualClock
from drivers.schedule import Current, End, Loop, Protection, Record, Schedule
from drivers.simulated.wire.mounts import TcpMount
from drivers.simulated.wire.neware_core import NewareCore
from drivers.simulated.wire.neware_twin import SimulatedNeware

FAULTS = ("silence", "cut", "late", "doubled", "garbage", "noise", "oversized", "truncated list")
SHARE, TIMEOUT_s, MANY = 0.1, 0.2, 20
END = (End("time_s", "above", 600.0),)
SCHEDULE = Schedule(
    "to and fro",
    (Current(5e-5, END, Record(10.0)), Current(-5e-5, END, Record(10.0)), Loop(1, 5)),
    Protection(-4.5, 4.5, 1e-3),
)
Read = Callable[[int], list[float]]  # the voltages of MANY records from a number on


@contextmanager
def server(folder: Path) -> Iterator[tuple[SimulatedNeware, VirtualClock, str, list[float]]]:
    """A twin with a test that has ended; its ref, and the voltages of its records."""
    clock, shared = VirtualClock(), SharedParts()
    place = "benchmark, instruments.cycler"
    driver = SimulatedNeware(DriverContext("cycler", {}, {}, clock, folder, {"cell": "symmetric"}, place, shared))
    with clock.attached():
        driver.connect()
        ref = driver.submit(1, SCHEDULE, "cell")
        clock.sleep(7200)
        truth = [one.voltage_V for one in driver.records(ref)]
        yield driver, clock, ref, truth
        driver.disconnect()
        shared.close()


def ours(driver: SimulatedNeware, ref: str) -> Read:
    return lambda first: [one.voltage_V for one in driver.records(ref, first - 1, MANY)]


class Aurora:
    """Its `download` gives the last records; a read takes the twenty asked for from them."""

    def __init__(self, port: int, *, anew: bool) -> None:
        self._port, self._anew = port, anew
        self._client = self._connected()

    def _connected(self) -> NewareAPI:
        client = NewareAPI(port=self._port)
        client.neware_socket.settimeout(TIMEOUT_s)
        for _ in range(50):
            with suppress(OSError, ValueError, ParseError, KeyError, TypeError, AttributeError):
                client.connect()
                break
            client = NewareAPI(port=self._port)
            client.neware_socket.settimeout(TIMEOUT_s)
        return client

    def __call__(self, first: int, count: int) -> list[float]:
        try:
            found = self._client.download("21-1-1", last_n_points=count - first + 1)
            return [float(one) for one in found["volt"][:MANY]]
        except Exception:
            if self._anew:
                self._client.disconnect()
                self._client = self._connected()
            raise

    def close(self) -> None:
        self._client.disconnect()


def study(read: Read, truth: list[float], reads: int) -> tuple[int, int, int]:
    """Right, reported, wrong."""
    draw = random.Random(1)
    right = reported = wrong = 0
    for _ in range(reads):
        first = draw.randrange(1, len(truth) - MANY)
        try:
            found = read(first)
        except (OSError, InstrumentError, ValueError, ParseError, KeyError, TypeError, AttributeError):
            reported += 1
            continue
        expected = truth[first - 1 : first - 1 + MANY]
        is_right = len(found) == MANY and max(abs(a - b) for a, b in zip(found, expected, strict=True)) < 1e-6
        right, wrong = (right + 1, wrong) if is_right else (right, wrong + 1)
    return right, reported, wrong


def set_fault(core: NewareCore, fault: str, late_s: float) -> None:
    core.faults.clear()
    core.quirks.rows_most = 7 if fault == "truncated list" else 1000
    if fault and fault != "truncated list":
        core.faults.late_s = late_s
        setattr(core.faults, fault, SHARE)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reads", type=int, default=100)
    reads = parser.parse_args().reads
    logging.disable(logging.WARNING)
    our_wrong = 0
    with TemporaryDirectory() as folder, server(Path(folder)) as (driver, _, ref, truth):
        core = driver.peer.core
        print(f"{reads} reads of {MANY} records, {SHARE:.0%} of the replies faulty; right / reported / wrong")
        print("| client | " + " | ".join(FAULTS) + " |")
        print("|---" * (1 + len(FAULTS)) + "|")
        for name in ("ours", "aurora-neware", "aurora-neware, connected anew after an error"):
            cells = []
            for fault in FAULTS:
                if name == "ours":
                    set_fault(core, fault, 40.0)
                    counts = study(ours(driver, ref), truth, reads)
                    our_wrong += counts[2]
                else:
                    counts = of_aurora(core, fault, truth, reads, anew="anew" in name)
                set_fault(core, "", 0.0)
                cells.append("/".join(map(str, counts)))
            print(f"| {name} | " + " | ".join(cells) + " |", flush=True)
    print(f"\nwrong records, ours: {our_wrong} (must be 0)")
    return 1 if our_wrong else 0


def of_aurora(core: NewareCore, fault: str, truth: list[float], reads: int, *, anew: bool) -> tuple[int, int, int]:
    mount = TcpMount(lambda: NewareCore(core.tester, core.quirks, core.faults))
    client = Aurora(int(mount.port.rpartition(":")[2]), anew=anew)
    set_fault(core, fault, 1.5 * TIMEOUT_s)
    try:
        return study(lambda first: client(first, len(truth)), truth, reads)
    finally:
        set_fault(core, "", 0.0)
        wall_sleep(2 * TIMEOUT_s)
        client.close()
        mount.close()


if __name__ == "__main__":
    sys.exit(main())
