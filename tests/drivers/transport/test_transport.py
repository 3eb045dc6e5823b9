"""The transport as a driver meets it: one owner, deadlines, a cable pulled and put back, bytes kept and replayed."""

from __future__ import annotations

import socket
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from pymeasure.instruments import Instrument

from daq.clock import SystemClock, wall_monotonic, wall_sleep
from daq.errors import BadInput
from daq.virtual_clock import VirtualClock
from drivers.simulated.wire.mounts import PtyMount, TcpMount
from drivers.transport import (
    LineSettings,
    MemoryLink,
    NoReply,
    PortGone,
    ReplayLink,
    SerialLink,
    SocketLink,
    Transport,
    load_trace,
    make_link,
)
from drivers.transport.trace import ENTRIES_MAX


class Parrot:
    """Answers each line with itself in capitals, after `delay_s`."""

    def __init__(self, delay_s: float = 0.0) -> None:
        self.delay_s = delay_s

    def feed(self, data: bytes, now: float) -> Sequence[tuple[float, bytes]]:
        return [(self.delay_s, data.upper())]


class Chatter:
    """Never stops talking once it was spoken to."""

    def feed(self, data: bytes, now: float) -> Sequence[tuple[float, bytes]]:
        return [(n * 0.001, b"\xaa" * 100) for n in range(100_000)]


def ask(transport: Transport, text: bytes) -> bytes:
    with transport.owner():
        transport.discard()
        transport.send(text)
        return transport.receive(len(text), transport.deadline())


@pytest.fixture
def pty_parrot(tmp_path: Path):
    mount = PtyMount(Parrot(), tmp_path / "parrot")
    yield mount
    mount.close()


def on_pty(mount: PtyMount, timeout_s: float = 0.3) -> Transport:
    return Transport(SerialLink(mount.port, LineSettings()), "parrot", timeout_s)


def test_bytes_pass_on_every_kind_of_port(pty_parrot: PtyMount) -> None:
    tcp = TcpMount(Parrot)
    try:
        links = [
            make_link(pty_parrot.port, LineSettings()),
            make_link(tcp.port, LineSettings()),
            MemoryLink(Parrot(), SystemClock()),
        ]
        for link in links:
            transport = Transport(link, "parrot")
            assert ask(transport, b"hello\n") == b"HELLO\n", link
            transport.close()
    finally:
        tcp.close()


def test_bytes_above_127_pass_through_visa(pty_parrot: PtyMount, tmp_path: Path) -> None:
    port = str((tmp_path / "parrot").resolve())
    transport = Transport(make_link(f"visa:ASRL{port}::INSTR", LineSettings()), "parrot", 0.5)
    assert ask(transport, b"\x80\x0a\xff\x0d") == b"\x80\x0a\xff\x0d"
    with pytest.raises(NoReply), transport.owner():
        transport.receive(1, transport.deadline())
    transport.close()


def test_a_short_reply_is_an_error_not_data(pty_parrot: PtyMount) -> None:
    transport = on_pty(pty_parrot)
    began = wall_monotonic()
    with transport.owner():
        transport.send(b"ab")
        with pytest.raises(NoReply, match="only 41 42") as caught:
            transport.receive(3, transport.deadline())
    assert caught.value.got == b"AB"
    assert 0.25 < wall_monotonic() - began < 3
    transport.close()


def test_an_endless_reply_is_bounded_in_time_and_memory() -> None:
    clock = VirtualClock()
    with clock.attached():
        transport = Transport(MemoryLink(Chatter(), clock), "chatter")
        with transport.owner():
            transport.send(b"?")
            assert transport.drain(quiet_s=0.5, at_most_s=2.0) is False
            assert clock.monotonic() < 3
            with pytest.raises(NoReply):
                transport.receive_until(b"\n", 100, transport.deadline())
    assert len(transport.trace.passages()) <= ENTRIES_MAX


def test_one_owner_at_a_time(pty_parrot: PtyMount) -> None:
    transport = on_pty(pty_parrot)
    wrong = []

    def talk(text: bytes) -> None:
        for _ in range(100):
            if ask(transport, text) != text.upper():
                wrong.append(text)

    threads = [threading.Thread(target=talk, args=(bytes([97 + n]) * (n + 1),)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    transport.close()


def test_the_owner_in_virtual_time_waits_on_the_clock() -> None:
    clock = VirtualClock()
    transport = Transport(MemoryLink(Parrot(delay_s=0.5), clock), "parrot")
    answers: list[bytes] = []

    def talk(text: bytes) -> None:
        answers.append(ask(transport, text))

    with clock.attached():
        threads = [clock.spawn(lambda n=n: talk(n), n.decode()) for n in (b"a", b"bb", b"ccc")]
        for thread in threads:
            thread.join()
    assert sorted(answers) == [b"A", b"BB", b"CCC"]
    assert clock.monotonic() == pytest.approx(1.5, abs=0.1)


def test_a_second_program_is_kept_off_the_port(pty_parrot: PtyMount) -> None:
    first, second = on_pty(pty_parrot), on_pty(pty_parrot)
    assert ask(first, b"a") == b"A"
    with pytest.raises(PortGone, match="check cable"):
        ask(second, b"b")
    first.close()
    second.forgive()
    assert ask(second, b"b") == b"B"
    second.close()


def test_a_pulled_cable_is_told_at_once_and_heals_when_it_is_back(pty_parrot: PtyMount) -> None:
    transport = on_pty(pty_parrot)
    assert ask(transport, b"a") == b"A"
    opened = transport.opened
    pty_parrot.unplug()
    for _ in range(3):
        with pytest.raises(PortGone):
            ask(transport, b"b")
    pty_parrot.plug()
    transport.forgive()
    assert ask(transport, b"c") == b"C"
    assert transport.opened == opened + 1
    transport.close()


def test_a_socket_heals_too() -> None:
    mount = TcpMount(Parrot)
    transport = Transport(make_link(mount.port, LineSettings()), "parrot", 0.3)
    assert ask(transport, b"a") == b"A"
    mount.unplug()
    wall_sleep(0.05)
    with pytest.raises(PortGone):
        ask(transport, b"b")
    mount.plug()
    transport.forgive()
    assert ask(transport, b"c") == b"C"
    transport.close()
    mount.close()


def test_a_port_that_is_not_there_is_not_hammered(tmp_path: Path) -> None:
    transport = Transport(SerialLink(str(tmp_path / "none"), LineSettings()), "furnace")
    tries = []
    transport.link.open = lambda: tries.append(1) or (_ for _ in ()).throw(OSError("none"))  # type: ignore[method-assign]
    for _ in range(50):
        with pytest.raises(PortGone, match="none is not there"):
            transport.open()
    assert len(tries) == 1


def test_a_recorded_trace_plays_again(pty_parrot: PtyMount, tmp_path: Path) -> None:
    transport = on_pty(pty_parrot)
    assert ask(transport, b"first\x80") == b"FIRST\x80"
    assert ask(transport, b"second") == b"SECOND"
    transport.close()
    transport.trace.save(tmp_path / "trace.jsonl")

    replay = ReplayLink(load_trace(tmp_path / "trace.jsonl"))
    again = Transport(replay, "parrot")
    assert ask(again, b"first\x80") == b"FIRST\x80"
    with pytest.raises(AssertionError, match="the trace has 73 65"):
        ask(again, b"other!")
    assert replay.all_played()


@pytest.mark.parametrize("text", ["", "{", '{"t_s": 1}', '{"t_s": 1, "way": "up", "hex": "", "text": ""}', "[1]"])
def test_what_is_no_trace_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    path.write_text(text, encoding="utf-8")
    if text:
        with pytest.raises(BadInput, match=r"trace\.jsonl"):
            load_trace(path)
    else:
        assert load_trace(path) == []


@pytest.mark.parametrize(
    "port", ["socket://", "socket://host", "http://host:80", "socket://host:99999999", "tcp://[::"]
)
def test_what_is_no_port_is_refused(port: str) -> None:
    with pytest.raises(BadInput, match="no port"):
        make_link(port, LineSettings())


def test_a_pymeasure_instrument_works_on_our_transport(pty_parrot: PtyMount) -> None:
    class Words(Instrument):
        word = Instrument.measurement("word", "Get a word.", cast=str)

    adapter = on_pty(pty_parrot)
    instrument = Words(adapter, "words", includeSCPI=False)
    assert instrument.word == "WORD"
    instrument.write_bytes(b"\x80abc")
    assert instrument.read_bytes(4) == b"\x80ABC"
    instrument.write_bytes(b"rest")
    assert instrument.read_bytes(-1) == b"REST"
    with pytest.raises(NoReply):
        instrument.read()
    adapter.close()


def test_a_server_that_hangs_up_is_a_port_that_is_gone() -> None:
    server = socket.create_server(("127.0.0.1", 0))
    transport = Transport(SocketLink(*server.getsockname()), "instrument", 0.3)
    transport.open()
    connection, _ = server.accept()
    connection.close()
    with pytest.raises(PortGone), transport.owner():
        transport.receive(1, transport.deadline())
    server.close()
