"""The 2450's wire peer: strict as SCPI is, and right to a client that is not ours: pymeasure's class over pyvisa-py."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keithley2450_bench import AT_AMBIENT, LFP, OHM, connected
from pymeasure.adapters import VISAAdapter
from pymeasure.instruments.keithley import Keithley2450

from daq.clock import SystemClock
from daq.errors import InstrumentError
from drivers.simulated.simulation import read_simulation
from drivers.simulated.wire.keithley2450_device import Keithley2450Device
from drivers.simulated.wire.mounts import PtyMount, TcpMount
from drivers.simulated.wire.scpi_core import ScpiCore, ScpiError, choice, header_pattern
from drivers.simulated.world import World
from drivers.techniques import OpenCircuit


@contextmanager
def core(folder: Path, cell: str = "symmetric") -> Iterator[ScpiCore]:
    simulation = read_simulation({"cell": cell, "parameters": AT_AMBIENT}, "test")
    world = World(simulation, SystemClock(), folder)
    yield ScpiCore(Keithley2450Device(world, power_up="NORM"))
    world.close()


def ask(peer: ScpiCore, message: str) -> str:
    return b"".join(reply for _, reply in peer.feed(message.encode() + b"\n", 0.0)).decode().rstrip("\n")


def errors_of(peer: ScpiCore) -> list[int]:
    found = list(peer.errors)
    peer.errors.clear()
    return found


# ---------------------------------------------------------------- SCPI
@pytest.mark.parametrize(
    "header",
    [":SOUR:CURR:VLIM", "SOURCE1:CURRENT:VLIMIT:LEVEL", "sour:curr:vlim:lev", ":SOURce:CURR:VLIMit"],
)
def test_short_and_long_headers_mean_the_same(header: str, tmp_path: Path) -> None:
    with core(tmp_path) as peer:
        ask(peer, f"{header} 3.8")
        assert ask(peer, f"{header}?") == "3.800000E+00"
        assert errors_of(peer) == []


@pytest.mark.parametrize("header", ["SOURC:CURR:VLIM", "SOUR:CURR", "SOURCE2:CURR:VLIM", ":SOUR::CURR:VLIM"])
def test_what_lies_between_short_and_long_is_no_header(header: str) -> None:
    assert not header_pattern("SOURce[1]:CURRent:VLIMit[:LEVel]").fullmatch(header.removeprefix(":"))


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (":SENS:VOLT:PROT 3.8", -113),  # of the 2400, and of the command set "SCPI 2400"
        (":SOUR:CURR:VLIM", -109),
        (":SOUR:CURR:VLIM 3.8,4", -108),
        (":SOUR:CURR:VLIM high", -224),
        (":SOUR:CURR:VLIM 0.01", -222),
        (":SOUR:CURR:LEV 1.2", -222),
        (":OUTP:CURR:SMOD OPEN", -224),
        (":OUTP MAYBE", -224),
        (":READ", -113),
        (":FETC?", -230),
        (":SENS:VOLT:RANG 20;:SOUR:CURR:VLIM 2", -221),  # a limit below 10.6 % of a fixed range
        (":SOUR:VOLT:PROT PROT5;:SOUR:CURR:VLIM 6", -221),
        (":SOUR:VOLT:ILIM 0.5;:SOUR:VOLT 100", -221),  # 50 W
        (":SOUR:CURR:RANG 1e-3;:SOUR:CURR 0.01", -221),
    ],
)
def test_mistakes_wait_in_the_error_queue_and_change_nothing(message: str, code: int, tmp_path: Path) -> None:
    with core(tmp_path) as peer:
        assert ask(peer, message) == ""
        assert ask(peer, ":SYST:ERR:COUN?") == "1"
        assert ask(peer, "SYST:ERR?").startswith(f'{code},"')
        assert ask(peer, "SYST:ERR?").startswith('0,"No error')
        assert ask(peer, ":SOUR:CURR:LEV?;:OUTP?") == "0.000000E+00;0"


def test_a_message_is_dropped_from_its_mistake_on(tmp_path: Path) -> None:
    with core(tmp_path) as peer:
        assert ask(peer, "*ESE 7;:SOUR:FUNC?;:NO:SUCH?;*ESE?") == "VOLT"
        assert errors_of(peer) == [-113]
        assert ask(peer, "*ESE?") == "7"
        assert ask(peer, ":SOUR:VOLT:ILIM 1e-3;LEV?;:SOUR:VOLT:ILIM?").endswith(";1.000000E-03")  # a relative header
        assert errors_of(peer) == []


def test_words_are_taken_in_their_short_form() -> None:
    assert choice(["'VOLT'"], ("VOLTage[:DC]", "CURRent[:DC]"))[:4] == "VOLT"
    assert choice(["HIMPedance"], ("NORMal", "HIMPedance")) == "HIMP"
    with pytest.raises(ScpiError):
        choice(["HIMPED"], ("NORMal", "HIMPedance"))


def test_reset_makes_off_a_source_of_nothing_volts(tmp_path: Path) -> None:
    """What a driver must know: a charged cell on an output that is "off" is discharged."""
    with core(tmp_path, "lfp") as peer:
        device: Any = peer.device
        ask(peer, ":OUTP:VOLT:SMOD HIMP;:OUTP:CURR:SMOD HIMP")
        assert device.cell.how is None
        ask(peer, "*RST")
        assert ask(peer, ":OUTP?;:OUTP:VOLT:SMOD?") == "0;NORM"
        assert device.cell.how.level_V == 0


# ---------------------------------------------------------------- nonsense, both ways
WORDS = st.sampled_from(
    [
        "*ESE",
        "*IDN?",
        ":READ?",
        ":FETC?",
        ":SOUR",
        ":CURR",
        ":VLIM",
        ":LEV",
        "?",
        ";",
        ",",
        " ",
        "'",
        '"',
        "1e99",
        "nan",
    ]
)
SCPI_LIKE = st.lists(WORDS, max_size=20).map(lambda words: "".join(words).encode() + b"\n")


@given(st.lists(st.one_of(st.binary(max_size=60), SCPI_LIKE), max_size=12))
@settings(max_examples=60, deadline=None)
def test_the_peer_swallows_anything(chunks: list[bytes]) -> None:
    with TemporaryDirectory() as folder, core(Path(folder)) as peer:
        for number, chunk in enumerate(chunks):
            assert all(delay >= 0 for delay, _ in peer.feed(chunk, float(number)))


class Turncoat:
    """A good peer that, once `replies` are set, says these instead, one per question; then it is good again."""

    def __init__(self, peer: Any) -> None:
        self.replies: list[bytes] = []
        self._peer = peer

    def feed(self, data: bytes, now: float) -> Any:
        good = self._peer.feed(data, now)
        return [(0.01, self.replies.pop(0))] if self.replies and good else good


ANSWERS = st.sampled_from([b"0;0;%d\n" % tag for tag in range(20, 40)] + [b"1;1;30\n", b"HIMP;HIMP;31\n", b"\n", b"0"])


@given(st.lists(st.one_of(st.binary(max_size=60), ANSWERS), min_size=1, max_size=14))
@settings(max_examples=40, deadline=None)
def test_an_instrument_that_talks_nonsense_is_an_instrument_error_and_heals(replies: list[bytes]) -> None:
    with TemporaryDirectory() as folder, connected(Path(folder), LFP) as it:
        truth_V = it.truth()[0]
        liar = Turncoat(it.driver.peer)
        it.driver.cable._core = liar
        calls: list[Any] = [it.driver.read, it.driver.self_test, lambda: it.take(OpenCircuit(2.0))]
        for call in calls:
            liar.replies = list(replies)
            with suppress(InstrumentError):
                call()
        liar.replies = list(replies)
        began = it.clock.monotonic()
        with suppress(InstrumentError):
            assert it.driver.make_safe("failed").verified
        assert it.clock.monotonic() - began <= it.driver.safe_within_s
        liar.replies = []
        it.clock.sleep(5)
        assert it.take(OpenCircuit(2.0))[-1].voltage_V == pytest.approx(truth_V, abs=1e-3)
        assert it.driver.make_safe("failed").verified
        assert not it.device.output


# ---------------------------------------------------------------- a client that is not ours
@pytest.mark.parametrize("kind", ["tcp", "pty"])
def test_pymeasures_own_class_over_pyvisa_measures_the_cell(kind: str, tmp_path: Path) -> None:
    with core(tmp_path / "world") as peer:
        if kind == "tcp":
            mount: Any = TcpMount(lambda: peer)
            number = mount.port.rpartition(":")[2]
            resource = f"TCPIP::127.0.0.1::{number}::SOCKET"
        else:
            mount = PtyMount(peer, tmp_path / "smu")
            resource = f"ASRL{tmp_path / 'smu'}::INSTR"
        adapter = VISAAdapter(resource, "@py", read_termination="\n", write_termination="\n", timeout=2000)
        smu = Keithley2450(adapter)
        assert "MODEL 2450" in smu.id
        smu.apply_current(current_range=1e-3, compliance_voltage=5)
        smu.source_current = 2e-4
        smu.current_output_off_state = "HIMP"
        smu.enable_source()
        smu.measure_voltage()
        assert smu.source_enabled is True
        assert smu.voltage == pytest.approx(2e-4 * OHM, rel=1e-3)
        assert smu.compliance_voltage == 5
        smu.apply_voltage(compliance_current=1e-3)
        assert smu.source_enabled is False  # another function switches it off
        smu.source_voltage = 0.05
        smu.enable_source()
        smu.measure_current()
        assert smu.current == pytest.approx(0.05 / OHM, rel=2e-3)
        smu.shutdown()
        assert smu.source_enabled is False
        assert smu.check_errors() == []
        adapter.close()
        mount.close()
