"""The Eurotherm driver as an owner of the furnace would try it: guards, hands at the panel, breaks, cables, faults."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from wire_bench import driver_context, eurotherm_on_pty

from daq.bench import SharedParts
from daq.clock import wall_monotonic, wall_sleep
from daq.errors import BadInput, InstrumentError, InstrumentLost, NotSafe
from daq.virtual_clock import VirtualClock
from drivers.eurotherm import Eurotherm
from drivers.simulated.wire.eurotherm_device import EurothermDevice, Family
from drivers.simulated.wire.faults import WireFaults
from drivers.simulated.wire.in_process import SimulatedEurotherm
from drivers.transport import PortGone


@dataclass
class Rig:
    """A driver with its peer, in virtual time."""

    driver: SimulatedEurotherm
    clock: VirtualClock

    @property
    def device(self) -> EurothermDevice:
        return self.driver.peer.device

    @property
    def faults(self) -> WireFaults:
        return self.driver.peer.faults

    def after(self, seconds: float) -> list[str]:
        """Let bench time pass, read every second as the monitor does; the faults that were told."""
        told: list[str] = []
        end_s = self.clock.monotonic() + seconds
        while self.clock.monotonic() < end_s:
            self.clock.sleep(1)
            told += [one for one in self.driver.read().faults if one not in told]
        return told


@contextmanager
def rig(folder: Path, family: Family = "2400", *, connect: bool = True, **options: Any) -> Iterator[Rig]:
    clock, shared = VirtualClock(), SharedParts()
    options = {"peer": {"family": family}, **options}
    driver = SimulatedEurotherm(driver_context(options, folder, clock, shared=shared))
    with clock.attached():
        if connect:
            driver.connect()
        yield Rig(driver, clock)
        shared.close()


# ---------------------------------------------------------------- identity
@pytest.mark.parametrize(("family", "model"), [("2400", "2408"), ("2200", "2208")])
def test_it_tells_its_family_by_its_identity(family: Family, model: str, tmp_path: Path) -> None:
    with rig(tmp_path, family) as it:
        identity = it.driver.identity()
    assert (identity.maker, identity.model, identity.firmware) == ("Eurotherm", model, "4.61")


def test_an_unknown_family_has_to_be_named(tmp_path: Path) -> None:
    with rig(tmp_path, "3200", connect=False) as it, pytest.raises(InstrumentError, match=r'model = "3200"'):
        it.driver.connect()
    with rig(tmp_path, "3200", model="3200") as it:
        assert it.driver.identity().model.startswith("3200 series")
    with rig(tmp_path, "2400", connect=False, model="2200") as it, pytest.raises(InstrumentError, match="it is a 2400"):
        it.driver.connect()


@pytest.mark.parametrize(
    ("register", "value", "match"), [(516, 1, "Fahrenheit"), (516, 2, "kelvin"), (531, 7, "rate units 7")]
)
def test_what_would_be_read_wrongly_is_refused(register: int, value: int, match: str, tmp_path: Path) -> None:
    with rig(tmp_path, connect=False) as it:
        if register == 531:
            it.device.rate_unit = value
        else:
            it.device.settings[register] = value
        with pytest.raises(InstrumentError, match=match):
            it.driver.connect()


@pytest.mark.parametrize(("mode", "match"), [(1, "standby"), (2, "configuration"), (5, "mode 5")])
def test_only_a_controller_in_operation_is_used_and_its_mode_never_written(
    mode: int, match: str, tmp_path: Path
) -> None:
    with rig(tmp_path, connect=False) as it:
        it.device.mode = mode
        with pytest.raises(InstrumentError, match=match):
            it.driver.connect()
        assert it.device.mode == mode
        assert not it.device.wiped


# ---------------------------------------------------------------- guards and targets
def test_it_sets_its_own_guards_and_spares_the_memory(tmp_path: Path) -> None:
    with rig(tmp_path, max_output_percent=60) as it:
        assert it.device.settings[111] == 150
        assert it.device.settings[34] == 0
        assert it.device.settings[30] == 60
        written = it.device.eeprom_writes
        it.driver.disconnect()
        it.driver.connect()
        it.driver.set_target(60, 3)
        after_first = it.device.eeprom_writes
        for _ in range(5):
            it.driver.set_target(60, 3)
            it.after(3)
        assert it.device.eeprom_writes == after_first
        assert after_first - written == 2  # rate and set-point


@pytest.mark.parametrize("family", ["2200", "2400", "3200", "3500"])
def test_the_ramp_is_the_one_asked_for_on_every_family(family: Family, tmp_path: Path) -> None:
    options: dict[str, Any] = {"model": family} if family in ("3200", "3500") else {}
    with rig(tmp_path, family, **options) as it:
        it.driver.set_target(100, 3)
        it.after(600)
        reading = it.driver.read_temperature()
    assert reading.working_setpoint_C == pytest.approx(20 + 30, abs=0.3)
    assert reading.setpoint_C == 100
    assert not reading.faults


def test_wrong_ramp_units_are_noticed(tmp_path: Path) -> None:
    with rig(tmp_path, "2200", ramp_units="K/s") as it:  # 3 K/min = 0.05 K/s; this one takes it for K/min
        it.driver.set_target(100, 3)
        told = it.after(200)
    assert [one for one in told if "check ramp_units" in one]


def test_without_a_ramp_the_set_point_jumps(tmp_path: Path) -> None:
    with rig(tmp_path) as it:
        it.driver.set_target(80)
        it.after(5)
        assert it.driver.read_temperature().working_setpoint_C == 80


@pytest.mark.parametrize(
    ("target", "ramp"), [(151, None), (-1, None), (math.nan, None), (60, 0), (60, -3), (60, 21), (60, math.nan)]
)
def test_beyond_the_limits_nothing_is_sent(target: float, ramp: float | None, tmp_path: Path) -> None:
    with rig(tmp_path) as it:
        requests = it.driver.peer.core.requests
        with pytest.raises(BadInput, match="out of reach"):
            it.driver.set_target(target, ramp)
        assert it.driver.peer.core.requests == requests


def test_hold_stops_the_ramp_where_it_is(tmp_path: Path) -> None:
    with rig(tmp_path) as it:
        it.driver.set_target(100, 6)
        it.after(300)
        it.driver.hold()
        held = it.driver.read_temperature().setpoint_C
        assert held == pytest.approx(50, abs=0.5)
        assert it.after(300) == []
        assert it.driver.read_temperature().working_setpoint_C == pytest.approx(held, abs=0.05)


# ---------------------------------------------------------------- somebody else's hand
def test_a_hand_at_the_panel_is_told(tmp_path: Path) -> None:
    with rig(tmp_path) as it:
        it.driver.set_target(60, 3)
        assert it.after(20) == []
        it.device.panel_target(75)
        assert it.after(3) == ["the set-point was changed at the panel, to 75 from 60 °C"]
        it.driver.set_target(60, 3)
        assert it.after(3) == []
        it.device.rate = 9.0
        assert it.after(15) == ["the ramp was changed at the panel, to 9"]
        it.device.panel_manual(True, 30)
        assert "it is in manual control" in it.after(2)
        with pytest.raises(InstrumentError, match="put it back to automatic"):
            it.driver.set_target(80, 3)


def test_a_broken_sensor_is_told_and_not_heated(tmp_path: Path) -> None:
    with rig(tmp_path) as it:
        it.driver.set_target(60, 3)
        it.after(60)
        it.device.sensor_break(True)
        snapshot = it.driver.read()
        assert "the sensor is broken" in snapshot.faults
        assert snapshot.values["output_percent"] == 0
        assert snapshot.values["temperature_C"] == pytest.approx(1372)  # beyond every limit: the run ends


# ---------------------------------------------------------------- safe
@pytest.mark.parametrize("family", ["2200", "2400"])
def test_off_is_manual_with_output_zero_read_back(family: Family, tmp_path: Path) -> None:
    with rig(tmp_path, family) as it:
        it.driver.set_target(100)
        it.after(60)
        assert it.driver.read_temperature().output_percent > 20
        for _ in range(2):
            report = it.driver.make_safe("stopped")
            assert report.verified
            assert "output 0 %" in report.text
        assert it.device.manual
        assert it.driver.read_temperature().output_percent == 0
        assert it.after(5) == []
        it.driver.set_target(60, 3)  # and it can be used again
        assert not it.device.manual


def test_a_controller_made_safe_heats_again_after_it_was_off_itself(tmp_path: Path) -> None:
    """Set-point and manual are kept: the same set-point once more has to put it back to automatic."""
    with rig(tmp_path) as it:
        it.driver.set_target(100, 5)
        it.after(60)
        it.driver.make_safe("engine_lost")
    with rig(tmp_path) as it:
        before_C = it.driver.read_temperature().temperature_C
        assert (it.device.target_C, it.device.manual) == (100, True)
        assert it.after(60) == []
        assert it.driver.read_temperature().output_percent == 0
        it.driver.set_target(100, 5)
        it.after(600)
        assert it.driver.read_temperature().temperature_C > before_C + 20


def test_what_takes_a_set_point_and_cannot_heat_is_refused(tmp_path: Path) -> None:
    with rig(tmp_path) as it:
        it.device.settings[30] = 0.0
        with pytest.raises(InstrumentError, match="output limit"):
            it.driver.set_target(100, 5)
        it.device.settings[30] = 100.0
        it.device.mode = 1
        with pytest.raises(InstrumentError, match="on standby"):
            it.driver.set_target(100, 5)
        assert it.device.target_C != 100


def test_safe_states_of_the_bench_file(tmp_path: Path) -> None:
    with rig(tmp_path / "cool", safe_state="cool") as it:
        it.driver.set_target(100)
        it.driver.make_safe("failed")
        assert it.device.target_C == 0
    with rig(tmp_path / "hold", safe_state="hold") as it:
        it.driver.set_target(100)
        it.after(300)
        measured = it.driver.read_temperature().temperature_C
        it.driver.make_safe("engine_lost")
        assert it.device.target_C == pytest.approx(measured, abs=1)
        assert not it.device.manual


@pytest.mark.parametrize("policy", ["hold", "cool"])
def test_no_policy_holds_what_a_broken_sensor_or_a_hand_has(policy: str, tmp_path: Path) -> None:
    for trouble in ("break", "manual"):
        with rig(tmp_path / trouble, safe_state=policy) as it:
            it.driver.set_target(100)
            it.after(60)
            if trouble == "break":
                it.device.sensor_break(True)
            else:
                it.device.panel_manual(True, 40)
            assert "output 0 %" in it.driver.make_safe("failed").text
            it.device.sensor_break(False)
            assert it.device.physics.furnace().output_percent == 0
            assert it.device.target_C == 100  # not set to where a broken sensor stands


def test_manual_and_off_is_well_before_a_run_and_manual_with_power_is_not(tmp_path: Path) -> None:
    with rig(tmp_path) as it:
        it.driver.set_target(60, 3)
        it.driver.make_safe("finished")
        it.driver.disconnect()
        it.driver.connect()
        assert it.after(3) == []
        it.device.panel_manual(True, 20)
        assert it.after(3) == ["it is in manual control"]


def test_safe_under_faults_or_said_not_to_be(tmp_path: Path) -> None:
    with rig(tmp_path) as it:
        it.driver.set_target(100)
        for share in ("silence", "late", "cut", "corrupt", "doubled"):
            setattr(it.faults, share, 0.05)
        for _ in range(30):
            it.device.panel_manual(False)
            it.driver.make_safe("failed")
            assert it.device.manual
            assert it.device.physics.furnace().output_percent == 0
        it.faults.mute = True
        began = it.clock.monotonic()
        with pytest.raises(NotSafe, match="switch the furnace off"):
            it.driver.make_safe("failed")
        assert it.clock.monotonic() - began < it.driver.safe_within_s


# ---------------------------------------------------------------- power and cable
def test_after_a_power_cut_the_guards_are_checked_again(tmp_path: Path) -> None:
    with rig(tmp_path) as it:
        it.driver.set_target(60, 3)
        it.after(30)
        it.device.power_cycle(8)
        with pytest.raises(InstrumentLost):
            it.driver.read()
        it.device.settings[34] = 15.0  # as from the factory
        it.clock.sleep(10)
        assert it.driver.read_temperature().setpoint_C == 60
        assert it.device.settings[34] == 0


def test_another_instrument_on_the_same_cable_is_refused(tmp_path: Path) -> None:
    with rig(tmp_path) as it:
        it.driver.set_target(60, 3)
        it.driver.cable.unplugged = True
        with pytest.raises(PortGone):
            it.driver.read()
        it.device.identity = 0x2460
        it.driver.cable.unplugged = False
        it.clock.sleep(2)
        writes = it.device.eeprom_writes
        for call in (it.driver.read, it.driver.hold, lambda: it.driver.set_target(60, 3)):
            with pytest.raises(InstrumentError, match="another instrument answers"):
                call()
        with pytest.raises(NotSafe, match="another instrument"):
            it.driver.make_safe("failed")
        assert it.device.eeprom_writes == writes
        it.device.identity = 0x2480
        assert it.driver.read_temperature().setpoint_C == 60


def test_unplugged_and_back_on_a_real_port(tmp_path: Path) -> None:
    with eurotherm_on_pty(tmp_path) as peer:
        driver = Eurotherm(peer.context())
        driver.connect()
        driver.set_target(60, 3)
        peer.mount.unplug()
        began = wall_monotonic()
        for _ in range(3):
            with pytest.raises(PortGone, match="check cable"):
                driver.read()
        assert wall_monotonic() - began < 5
        peer.mount.plug()
        wall_sleep(0.6)
        assert driver.read_temperature().setpoint_C == 60
        driver.disconnect()


def test_two_controllers_on_one_line(tmp_path: Path) -> None:
    with eurotherm_on_pty(tmp_path) as peer:
        second = EurothermDevice(peer.world)
        second.target_C = 77.0
        peer.core.units[5] = second
        drivers = [Eurotherm(peer.context(unit=unit)) for unit in (1, 5)]
        for driver in drivers:
            driver.connect()
        assert [round(driver.read_temperature().setpoint_C) for driver in drivers] == [20, 77]
        drivers[0].disconnect()
        assert drivers[1].read_temperature().setpoint_C == 77
        with pytest.raises(BadInput, match="other line settings"):
            Eurotherm(peer.context(unit=3, baud=19200))
        drivers[1].disconnect()


# ---------------------------------------------------------------- every fault, in virtual time
@pytest.mark.parametrize("share", ["silence", "late", "cut", "corrupt", "garbage", "doubled", "noise", "oversized"])
def test_no_fault_of_the_line_makes_a_wrong_reading(share: str, tmp_path: Path) -> None:
    with rig(tmp_path) as it:
        it.driver.set_target(90, 5)
        setattr(it.faults, share, 0.1)
        missing = 0
        for _ in range(150):
            it.clock.sleep(1)
            try:
                reading = it.driver.read_temperature()
            except InstrumentError:
                missing += 1
                continue
            truth = it.device.physics.furnace()
            assert reading.setpoint_C == 90
            assert reading.temperature_C == pytest.approx(truth.temperature_C, abs=0.5)
            assert reading.working_setpoint_C == pytest.approx(truth.working_setpoint_C, abs=0.5)
            assert not reading.faults
        assert missing <= 8


def test_set_points_are_right_or_refused_under_faults(tmp_path: Path) -> None:
    with rig(tmp_path) as it:
        for share in ("silence", "late", "cut", "corrupt", "doubled", "refused"):
            setattr(it.faults, share, 0.05)
        done = 0
        for target in range(30, 130):
            with suppress(InstrumentError):
                it.driver.set_target(target, 3)
                done += 1
                assert it.device.target_C == target
                assert it.device.rate == pytest.approx(3)
        assert done > 30


def test_a_day_of_soak_with_one_exchange_in_twenty_faulty(tmp_path: Path) -> None:
    """A day of virtual time, read every 30 s as a long hold is."""
    with rig(tmp_path) as it:
        it.driver.set_target(60, 3)
        for share in ("silence", "late", "cut", "corrupt", "doubled"):
            setattr(it.faults, share, 0.01)
        it.clock.sleep(2 * 3600)
        missing = 0
        for _ in range(22 * 120):
            it.clock.sleep(30)
            try:
                snapshot = it.driver.read()
            except InstrumentError:
                missing += 1
                continue
            assert snapshot.values["setpoint_C"] == 60
            assert snapshot.values["temperature_C"] == pytest.approx(60, abs=0.3)
            assert not snapshot.faults
        assert missing < 10
        assert len(it.driver.transport.trace.passages()) <= 200


def test_an_error_shows_the_last_bytes_of_the_line(tmp_path: Path) -> None:
    with rig(tmp_path) as it:
        it.faults.cut = 1.0
        with pytest.raises(InstrumentError, match=r"last bytes: .*> 01 (03|08).* < 01"):
            it.driver.read()


# ---------------------------------------------------------------- the bench file
@pytest.mark.parametrize(
    ("options", "limits", "match"),
    [
        ({}, {"max_temperature_C": 150}, "port"),
        ({"port": "COM4", "unit": 0}, {"max_temperature_C": 150}, "unit"),
        ({"port": "COM4", "bauds": 9600}, {"max_temperature_C": 150}, "did you mean 'baud'"),
        ({"port": "http://x"}, {"max_temperature_C": 150}, "no port"),
        ({"port": "COM4"}, {}, "max_temperature_C is missing"),
        ({"port": "COM4"}, {"max_temperature_C": 15000}, "out of range"),
        ({"port": "COM4"}, {"max_temperature_C": 20, "min_temperature_C": 30}, "not below"),
        ({"port": "COM4"}, {"max_temperature": 20}, "did you mean 'max_temperature_C'"),
        ({"port": "COM4", "model": "2500"}, {"max_temperature_C": 150}, "model"),
    ],
)
def test_typing_mistakes_are_told(
    options: dict[str, Any], limits: dict[str, float], match: str, tmp_path: Path
) -> None:
    with pytest.raises(BadInput, match=match):
        Eurotherm.check(driver_context(options, tmp_path, limits=limits))
