"""The 2450's wire peer: strict as SCPI is, and right to a client that is not ours: pymeasure's class over pyvisa-py."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from keithley2450_bench import AT_AMBIENT, OHM
from pymeasure.adapters import VISAAdapter
from pymeasure.instruments.keithley import Keithley2450

from daq.clock import SystemClock
from drivers.simulated.simulation import read_simulation
from drivers.simulated.wire.keithley2450_device import Keithley2450Device
from drivers.simulated.wire.mounts import PtyMount, TcpMount
from drivers.simulated.wire.scpi_core import ScpiCore, ScpiError, choice, header_pattern
from drivers.simulated.world import World


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
