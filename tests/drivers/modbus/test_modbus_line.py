"""The line under every fault: late, cut, doubled, echoed, corrupted replies never become another question's answer."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daq.errors import InstrumentError
from daq.virtual_clock import VirtualClock
from drivers.modbus import ModbusLine, RtuLine, TcpLine, read_floats, read_word, write_float, write_word
from drivers.simulated.wire.faults import WireFaults
from drivers.simulated.wire.modbus_core import IllegalValue, RtuCore, TcpCore
from drivers.transport import BadReply, MemoryLink, NoReply, Refused, Transport

SHARES = ("silence", "late", "cut", "corrupt", "garbage", "doubled", "noise", "oversized", "busy", "refused")


class Counter:
    """Register n reads n + 1000 x unit; what is written is kept. The slowest answer a 2400 may take, 0.5 s."""

    def __init__(self, unit: int = 1, loopback: bool = True) -> None:
        self.unit = unit
        self.loopback = loopback
        self.written: dict[int, int] = {}

    def is_dead(self, now: float) -> bool:
        return False

    def has_loopback(self) -> bool:
        return self.loopback

    def read(self, address: int, count: int) -> list[int]:
        return [self.written.get(n, n + 1000 * self.unit) for n in range(address, address + count)]

    def write(self, address: int, words: list[int], single: bool) -> None:
        if address == 999:
            raise IllegalValue
        self.written.update(zip(range(address, address + len(words)), words, strict=True))

    def fast_status(self) -> int:
        return 0x30

    def latency_s(self, function: int) -> float:
        return 0.02


def rtu(clock: VirtualClock, faults: WireFaults, *devices: Counter, baud: int = 9600) -> RtuLine:
    devices = devices or (Counter(),)
    core = RtuCore({device.unit: device for device in devices}, faults, baud)
    line = RtuLine(Transport(MemoryLink(core, clock), "furnace"), gap_s=0.004)
    for device in devices:
        line.meet(device.unit)
    return line


def tcp(clock: VirtualClock, faults: WireFaults, *devices: Counter) -> TcpLine:
    core = TcpCore({device.unit: device for device in devices or (Counter(),)}, faults)
    return TcpLine(Transport(MemoryLink(core, clock), "furnace"))


def faulty(shares: dict[str, float]) -> WireFaults:
    faults = WireFaults()
    for share, value in shares.items():
        setattr(faults, share, value)
    return faults


def study(line: ModbusLine, reads: int) -> tuple[int, int, int]:
    """Reads of two registers in turn: right, reported, wrong."""
    right = reported = wrong = 0
    for number in range(reads):
        register = (17, 35)[number % 2]
        try:
            value = read_word(line, 1, register)
        except InstrumentError:
            reported += 1
            continue
        right, wrong = (right + 1, wrong) if value == 1000 + register else (right, wrong + 1)
    return right, reported, wrong


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("loopback", [True, False], ids=["loopback", "no loopback"])
def test_no_fault_makes_a_wrong_value(share: str, loopback: bool) -> None:
    clock = VirtualClock()
    faults = WireFaults()
    with clock.attached():
        line = rtu(clock, faults, Counter(loopback=loopback))
        setattr(faults, share, 0.1)
        right, reported, wrong = study(line, 300)
    assert wrong == 0
    assert right + reported == 300
    assert reported <= (60 if share == "refused" else 12)


@pytest.mark.parametrize("share", ["silence", "late", "cut", "doubled", "busy"])
def test_the_transaction_number_keeps_tcp_right(share: str) -> None:
    clock = VirtualClock()
    with clock.attached():
        faults = WireFaults()
        line = tcp(clock, faults)
        setattr(faults, share, 0.1)
        right, reported, wrong = study(line, 300)
    assert (wrong, right + reported) == (0, 300)
    assert reported <= 12


def test_everything_at_once() -> None:
    clock = VirtualClock()
    with clock.attached():
        faults = faulty(dict.fromkeys(SHARES, 0.03))
        _, _, wrong = study(rtu(clock, faults), 2000)
    assert wrong == 0


@given(st.fixed_dictionaries({share: st.floats(0, 0.5) for share in SHARES}), st.floats(0, 5), st.booleans())
@settings(max_examples=25, deadline=None)
def test_no_mixture_of_faults_makes_a_wrong_value(shares: dict[str, float], late_s: float, echoed: bool) -> None:
    clock = VirtualClock()
    with clock.attached():
        faults = faulty(shares)
        faults.late_s, faults.echoed = late_s, echoed
        _, _, wrong = study(rtu(clock, faults), 30)
    assert wrong == 0


def test_an_adapter_that_echoes_is_found_out_and_stripped() -> None:
    clock = VirtualClock()
    with clock.attached():
        faults = WireFaults(echoed=True)
        line = rtu(clock, faults)
        assert line.has_echo
        assert study(line, 50) == (50, 0, 0)
        write_word(line, 1, 5, 7)
        assert read_word(line, 1, 5) == 7
        faults.late = 0.1
        assert study(line, 300)[2] == 0


def test_an_echo_without_loopback_is_learned_from_the_first_read() -> None:
    clock = VirtualClock()
    with clock.attached():
        line = rtu(clock, WireFaults(echoed=True, late=0.1), Counter(loopback=False))
        right, _, wrong = study(line, 200)
    assert line.has_echo
    assert wrong == 0
    assert right > 180


def test_an_echo_with_nobody_behind_it_is_told_as_such() -> None:
    clock = VirtualClock()
    with clock.attached():
        line = rtu(clock, WireFaults(echoed=True, mute=True))
        with pytest.raises(NoReply, match="only the adapter's echo"):
            read_word(line, 1, 17)


def test_several_units_on_one_line() -> None:
    clock = VirtualClock()
    with clock.attached():
        faults = WireFaults()
        line = rtu(clock, faults, Counter(1), Counter(2), Counter(7))
        faults.late = faults.cut = 0.1
        wrong = 0
        for number in range(300):
            unit = (1, 2, 7)[number % 3]
            with suppress(InstrumentError):
                wrong += read_word(line, unit, 17) != 1000 * unit + 17
    assert wrong == 0


def test_a_unit_that_is_not_there_does_not_harm_the_others() -> None:
    clock = VirtualClock()
    with clock.attached():
        line = rtu(clock, WireFaults())
        with pytest.raises(NoReply):
            read_word(line, 9, 17)
        assert read_word(line, 1, 17) == 1017


def test_endless_garbage_is_bounded_in_time() -> None:
    clock = VirtualClock()
    with clock.attached():
        faults = WireFaults()
        line = rtu(clock, faults)
        faults.endless = faults.garbage = 1.0
        began = clock.monotonic()
        with pytest.raises((NoReply, BadReply)):
            read_word(line, 1, 17)
        assert clock.monotonic() - began < 9


def test_no_is_an_answer_and_not_asked_again() -> None:
    clock = VirtualClock()
    with clock.attached():
        line = rtu(clock, WireFaults())
        barriers = line.barriers
        with pytest.raises(Refused, match="exception 3") as caught:
            write_word(line, 1, 999, 1)
        assert caught.value.code == 3
        assert read_word(line, 1, 17) == 1017
        assert line.barriers == barriers


@pytest.mark.parametrize("make", [rtu, tcp], ids=["rtu", "tcp"])
def test_floats_are_written_and_read(make: Callable[..., ModbusLine]) -> None:
    clock = VirtualClock()
    with clock.attached():
        line = make(clock, WireFaults())
        write_float(line, 1, 40, -12.625)
        write_float(line, 1, 42, 1e-3)
        assert read_floats(line, 1, 40, 2) == [-12.625, pytest.approx(1e-3, rel=1e-7)]
