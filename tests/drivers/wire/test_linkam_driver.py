"""The Linkam driver and its protocol: shapes, states, what a line without check sums can and can't tell."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire_bench import driver_context, world_in

from daq.bench import SharedParts
from daq.errors import BadInput, InstrumentError, InstrumentLost, NotSafe
from daq.virtual_clock import VirtualClock
from drivers.linkam import Linkam, protocol
from drivers.linkam.protocol import Status, StatusError
from drivers.simulated.wire.in_process import SimulatedLinkam
from drivers.simulated.wire.linkam_core import LinkamCore
from drivers.simulated.wire.mounts import TcpMount
from drivers.transport import PortGone


@dataclass
class Rig:
    driver: SimulatedLinkam
    clock: VirtualClock

    @property
    def core(self) -> LinkamCore:
        return self.driver.peer.device

    def after(self, seconds: float) -> list[str]:
        told: list[str] = []
        end_s = self.clock.monotonic() + seconds
        while self.clock.monotonic() < end_s:
            self.clock.sleep(1)
            told += [one for one in self.driver.read().faults if one not in told]
        return told


@contextmanager
def rig(folder: Path, **options: Any) -> Iterator[Rig]:
    clock, shared = VirtualClock(), SharedParts()
    driver = SimulatedLinkam(driver_context(options, folder, clock, shared=shared))
    with clock.attached():
        driver.connect()
        yield Rig(driver, clock)
        shared.close()


# ---------------------------------------------------------------- bytes
@pytest.mark.parametrize(
    ("data", "status"),
    [
        ("01 80 80 80 80 80 30 30 46 61 0D", Status(protocol.STOPPED, 0, 0, 25.0)),
        ("20 80 9E 80 80 80 66 66 36 61 0D", Status(protocol.COOLING, 0, 30, -15.0)),
        ("20 80 9E 80 80 80 46 46 36 41 0D", Status(protocol.COOLING, 0, 30, -15.0)),
        ("10 A2 80 80 80 80 30 30 46 41 0D", Status(protocol.HEATING, 0x22, 0, 25.0)),
    ],
)
def test_status_replies_are_read(data: str, status: Status) -> None:
    assert protocol.read_status(bytes.fromhex(data)) == status


def test_commands_are_as_the_controller_wants_them() -> None:
    assert protocol.rate_command(3) == b"R1300\r"
    assert protocol.rate_command(0.01) == b"R11\r"
    assert protocol.limit_command(60) == b"L1600\r"
    assert protocol.limit_command(-15.5) == b"L1-155\r"


@given(st.binary(max_size=30))
def test_no_bytes_raise_anything_but_a_status_error(data: bytes) -> None:
    with suppress(StatusError):
        protocol.read_status(data)


@given(st.sampled_from(sorted(protocol.STATES)), st.integers(0, 127), st.integers(0, 30), st.integers(-1960, 6000))
def test_statuses_come_back_as_they_were(state: int, errors: int, pump: int, tenths: int) -> None:
    status = Status(state, errors, pump, tenths / 10)
    assert protocol.read_status(protocol.status_bytes(status)) == status


# ---------------------------------------------------------------- the driver
def test_it_heats_at_the_rate_and_says_when_it_is_there(tmp_path: Path) -> None:
    with rig(tmp_path) as it:
        it.driver.set_target(60, 3)
        assert it.driver.read_temperature().working_setpoint_C < 30
        it.after(400)
        assert it.core.physics.furnace().working_setpoint_C == pytest.approx(20 + 3 * 400 / 60, abs=1)
        it.after(1800)
        reading = it.driver.read_temperature()
    assert reading.working_setpoint_C == reading.setpoint_C == 60
    assert not reading.faults
    assert it.core.lost_commands == 0


def test_hold_and_stop_are_told_by_its_state(tmp_path: Path) -> None:
    with rig(tmp_path) as it:
        it.driver.set_target(100, 10)
        it.after(200)
        it.driver.hold()
        held = it.driver.read_temperature()
        assert held.setpoint_C == pytest.approx(held.temperature_C, abs=1)
        for _ in range(2):
            assert it.driver.make_safe("stopped").verified
        assert it.driver.read_temperature().output_percent == 0
        assert not it.core.physics.furnace().heater_on
        it.driver.hold()  # what is off stays off
        assert not it.core.physics.furnace().heater_on


def test_safe_state_hold(tmp_path: Path) -> None:
    with rig(tmp_path, safe_state="hold") as it:
        it.driver.set_target(100, 10)
        it.after(100)
        assert "holding" in it.driver.make_safe("engine_lost").text
        it.driver.set_target(100, 10)
        it.core.error_bits = 2  # what an open sensor shows is nothing to hold at
        assert "stopped" in it.driver.make_safe("engine_lost").text


def test_a_hand_a_break_and_a_power_cut_are_told(tmp_path: Path) -> None:
    with rig(tmp_path) as it:
        it.driver.set_target(100, 10)
        it.core.panel_stop()
        assert "it stopped by itself" in it.after(2)[0]
        it.driver.set_target(100, 10)
        it.core.sensor_break(True)
        assert "the sensor's circuit is open" in it.after(2)
        it.core.sensor_break(False)
        it.core.power_cycle(6)
        with pytest.raises(InstrumentLost):
            it.driver.read()
        it.clock.sleep(10)
        assert "it stopped by itself" in it.after(3)[0]
        it.driver.set_target(100, 10)
        assert it.after(3) == []


def test_the_cable_out_and_back(tmp_path: Path) -> None:
    with rig(tmp_path) as it:
        it.driver.cable.unplugged = True
        with pytest.raises(PortGone):
            it.driver.read()
        it.driver.cable.unplugged = False
        it.clock.sleep(1)
        assert it.driver.read_temperature().temperature_C == pytest.approx(20, abs=0.3)


def test_mute_is_not_safe_and_says_so_in_time(tmp_path: Path) -> None:
    with rig(tmp_path) as it:
        it.driver.peer.faults.mute = True
        began = it.clock.monotonic()
        with pytest.raises(NotSafe, match="switch the controller off"):
            it.driver.make_safe("failed")
        assert it.clock.monotonic() - began < it.driver.safe_within_s


@pytest.mark.parametrize("share", ["silence", "late", "cut", "garbage", "doubled", "noise", "oversized", "corrupt"])
def test_faults_of_the_line_are_healed_or_reported(share: str, tmp_path: Path) -> None:
    """Without a check sum a bit in the last hex digit can't be told: at most 0.8 K wrong, never more."""
    with rig(tmp_path) as it:
        it.driver.set_target(60, 5)
        setattr(it.driver.peer.faults, share, 0.1)
        missing = wrong = 0
        for _ in range(150):
            it.clock.sleep(1)
            try:
                reading = it.driver.read_temperature()
            except InstrumentError:
                missing += 1
                continue
            error = abs(reading.temperature_C - it.core.physics.furnace().temperature_C)
            assert error < 1.2
            wrong += error > 0.35
            assert not reading.faults
        assert missing <= 8
        assert wrong <= (3 if share == "corrupt" else 0)


@pytest.mark.parametrize(("target", "ramp"), [(151, 3), (-1, 3), (math.nan, 3), (60, 0), (60, 31), (60, math.nan)])
def test_beyond_the_limits_nothing_is_sent(target: float, ramp: float, tmp_path: Path) -> None:
    with rig(tmp_path) as it, pytest.raises(BadInput, match="out of reach"):
        it.driver.set_target(target, ramp)


def test_over_a_real_socket(tmp_path: Path) -> None:
    world = world_in(tmp_path)
    mount = TcpMount(lambda: LinkamCore(world))
    driver = Linkam(driver_context({"port": mount.port}, tmp_path))
    driver.connect()
    driver.set_target(60, 3)
    assert driver.read_temperature().setpoint_C == 60
    assert world.furnace().setpoint_C == 60
    assert driver.make_safe("finished").verified
    driver.disconnect()
    mount.close()
    world.close()
