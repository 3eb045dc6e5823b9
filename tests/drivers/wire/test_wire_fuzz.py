"""Nonsense on the wire, both ways: drivers raise nothing but their own errors, peers raise nothing at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wire_bench import driver_context, world_in

from daq.bench import SharedParts, dry_bench, load_bench
from daq.errors import InstrumentError
from daq.virtual_clock import VirtualClock
from drivers.eurotherm import Eurotherm
from drivers.linkam import Linkam
from drivers.modbus import frames
from drivers.simulated.wire.eurotherm_device import EurothermDevice
from drivers.simulated.wire.linkam_core import LinkamCore
from drivers.simulated.wire.modbus_core import RtuCore, TcpCore
from drivers.simulated.world import World
from drivers.transport import Core, MemoryLink, lay

BENCHES = sorted((Path(__file__).resolve().parents[3] / "examples" / "benches").glob("*.toml"))
CHUNKS = st.lists(st.binary(max_size=40), max_size=12)


class Turncoat:
    """A good peer that, once `replies` are set, says these instead, one per question; then it is good again."""

    def __init__(self, core: Core) -> None:
        self.replies: list[bytes] = []
        self._core = core

    def feed(self, data: bytes, now: float) -> Sequence[tuple[float, bytes]]:
        good = self._core.feed(data, now)
        return [(0.01, self.replies.pop(0))] if self.replies else good


def framed(pdu: bytes) -> bytes:
    return frames.rtu_frame(1, pdu)


NONSENSE = st.one_of(st.binary(max_size=300), st.binary(min_size=1, max_size=60).map(framed))


@given(st.lists(NONSENSE, min_size=1, max_size=12))
@settings(max_examples=40, deadline=None)
def test_a_eurotherm_that_talks_nonsense_is_an_instrument_error_and_heals(replies: list[bytes]) -> None:
    walk(Eurotherm, "memory-a", lambda world: RtuCore({1: EurothermDevice(world)}), replies)
    walk(Eurotherm, "modbus-tcp://memory:502", lambda world: TcpCore({1: EurothermDevice(world)}), replies)


@given(st.lists(st.binary(max_size=60), min_size=1, max_size=12))
@settings(max_examples=40, deadline=None)
def test_a_linkam_that_talks_nonsense_is_an_instrument_error_and_heals(replies: list[bytes]) -> None:
    walk(Linkam, "memory-b", LinkamCore, replies)


def walk(
    driver: type[Eurotherm] | type[Linkam], port: str, make: Callable[[World], Core], replies: list[bytes]
) -> None:
    clock = VirtualClock()
    with TemporaryDirectory() as folder, clock.attached():
        peer = Turncoat(make(world_in(Path(folder), clock)))
        context = driver_context({"port": port}, Path(folder), clock, shared=SharedParts())
        lay(context, port, MemoryLink(peer, clock))
        built = driver(context)
        built.connect()
        for call in (built.read, lambda: built.set_target(60.0, 3.0), built.hold, built.identity):
            peer.replies = list(replies)
            began = clock.monotonic()
            with suppress(InstrumentError):
                call()
            assert clock.monotonic() - began < 90
        peer.replies = list(replies)
        began = clock.monotonic()
        with suppress(InstrumentError):
            assert built.make_safe("failed").verified
        assert clock.monotonic() - began <= built.safe_within_s
        peer.replies = []
        clock.sleep(5)
        with suppress(InstrumentError):
            built.read()
        assert built.read_temperature().temperature_C == pytest.approx(20, abs=5)
        assert built.make_safe("failed").verified


@given(CHUNKS)
@settings(max_examples=60, deadline=None)
def test_peers_swallow_anything(chunks: list[bytes]) -> None:
    with TemporaryDirectory() as folder:
        world = world_in(Path(folder), VirtualClock())
        device = EurothermDevice(world)
        cores = [RtuCore({1: device}), TcpCore({1: device}), LinkamCore(world)]
        for core in cores:
            for number, chunk in enumerate(chunks):
                replies = core.feed(chunk, number * 0.3)
                assert all(delay >= 0 for delay, _ in replies)
        for chunk in chunks:
            cores[0].feed(framed(chunk), 100.0)


@pytest.mark.parametrize("path", BENCHES, ids=lambda path: path.stem)
def test_the_example_benches_are_in_order(path: Path) -> None:
    bench = dry_bench(load_bench(path))
    roles = {getattr(one, "role", "") for one in bench.instruments.values()}
    assert roles & {"potentiostat", "cycler"}
    assert "temperature" not in roles or bench.by_role("temperature").limits()
    bench.close()


def test_there_are_example_benches_of_both_kinds() -> None:
    assert {path.stem for path in BENCHES} >= {"eurotherm-peer", "linkam-peer", "eurotherm-in-process"}
