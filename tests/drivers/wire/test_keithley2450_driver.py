"""The Keithley 2450 driver: who it talks to, what it applies, what the instrument keeps when this computer is gone."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from keithley2450_bench import LFP, OHM, SYMMETRIC, connected, left_alone, rig

from daq.errors import BadInput, InstrumentError, InstrumentLost, NotSafe
from drivers.keithley2450.drive import Drive, drive_for, is_beyond
from drivers.techniques import (
    ConstantCurrent,
    ConstantPotential,
    CutOffs,
    CyclicVoltammetry,
    GalvanostaticSpectrum,
    OpenCircuit,
    Spectrum,
    Technique,
)

UPPER_V, LOWER_V = 3.8, 2.9
CHARGE = ConstantCurrent(1e-4, 1e5, 10.0, CutOffs(voltage_max_V=UPPER_V))
DISCHARGE = ConstantCurrent(-1e-4, 1e5, 10.0, CutOffs(voltage_min_V=LOWER_V))


# ---------------------------------------------------------------- who it is
def test_it_knows_its_instrument_and_leaves_the_cell_alone(tmp_path: Path) -> None:
    with connected(tmp_path, LFP) as it:
        before = it.device.cell.pass_time()
        identity = it.driver.identity()
        assert (identity.model, identity.firmware) == ("2450", "1.7.12b")
        assert it.driver.self_test()[1] == "output off, off state HIMP"
        assert it.driver.read().values == {"channel": 1, "voltage_V": None, "current_A": 0.0}
        assert (it.device.off_state, it.device.protection) == ({"VOLT": "HIMP", "CURR": "HIMP"}, "PROT20")
        it.clock.sleep(3600)
        assert it.truth() == pytest.approx(before, abs=1e-6)


@pytest.mark.parametrize(
    ("name", "value", "match"),
    [
        ("identity", "KEITHLEY INSTRUMENTS INC.,MODEL 2400,0,C30", "no Keithley 2450"),
        ("language", "TSP", "set MENU > System > Settings > Command Set to SCPI"),
        ("language", "SCPI2400", "not SCPI"),
        ("settings", {"terminals": "REAR"}, "uses its rear terminals, the bench file says front"),
    ],
)
def test_another_instrument_language_or_terminals_are_refused(
    name: str, value: Any, match: str, tmp_path: Path
) -> None:
    with rig(tmp_path) as it:
        if name == "settings":
            it.device.settings.update(value)
        else:
            setattr(it.device, name, value)
        with pytest.raises(InstrumentError, match=match):
            it.driver.connect()
        with pytest.raises(InstrumentError, match="not connected"):
            it.driver.read()


def test_an_output_found_on_goes_off(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with rig(tmp_path) as it:
        it.device.switch(True)
        it.driver.connect()
        assert not it.device.output
        assert "its output was on when it was connected" in caplog.text


def test_a_power_up_in_the_normal_off_state_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The maker's default is 0 V on the cell: it is told, and over as soon as the driver is there."""
    with rig(tmp_path, LFP) as it:
        it.device.power_up = "NORM"
        it.device.power_cycle(1)
        it.driver.connect()
        assert "it may put 0 V on the cell" in caplog.text
        it.device.off_state["VOLT"] = "NORM"
        assert "not HIMP" in it.driver.read().faults[0]
        assert it.driver.make_safe("stopped").verified
        assert it.device.off_state["VOLT"] == "HIMP"


def test_it_is_never_reset_and_never_ramped_to_nothing(tmp_path: Path) -> None:
    """After *RST "off" is a 0 V source; pymeasure's shutdown() brings a cell to 0 V."""
    with connected(tmp_path, LFP) as it:
        it.take(ConstantCurrent(1e-4, 5, 1.0, CutOffs(voltage_max_V=UPPER_V)))
        it.driver.make_safe("finished")
        it.driver.disconnect()
        sent = " ".join(str(one.data) for one in it.driver.transport.trace.passages() if one.way == "sent")
    assert "*RST" not in sent
    assert "VOLT:LEV 0" not in sent


# ---------------------------------------------------------------- truths
def test_the_open_circuit_is_read_without_a_current(tmp_path: Path) -> None:
    with connected(tmp_path, LFP) as it:
        truth_V = it.truth()[0]
        points = it.take(OpenCircuit(60, 5))
        assert [point.voltage_V for point in points] == [pytest.approx(truth_V, abs=1e-4)] * 13
        assert not any(point.overload for point in points)
        assert it.truth()[0] == pytest.approx(truth_V, abs=1e-6)
        assert not it.device.output
        it.device.sensor_break(True)  # a lead falls off: the source of 0 A goes to its limit
        assert it.take(OpenCircuit(2))[-1].overload


@pytest.mark.parametrize("current_A", [1e-4, -2.5e-4])
def test_constant_current_tells_the_resistance(current_A: float, tmp_path: Path) -> None:
    with connected(tmp_path) as it:
        points = it.take(ConstantCurrent(current_A, 60, 1.0, CutOffs(voltage_min_V=-5, voltage_max_V=5)))
    assert len(points) == 60
    assert points[-1].voltage_V / points[-1].current_A == pytest.approx(OHM, rel=1e-3)
    assert points[-1].charge_C == pytest.approx(current_A * 60, rel=2e-3)
    assert points[-1].ended == "duration"


def test_charge_ends_at_its_amount(tmp_path: Path) -> None:
    with connected(tmp_path) as it:
        points = it.take(ConstantCurrent(1e-4, 1e4, 7.0, CutOffs(charge_C=2e-3)))
    assert points[-1].ended == "charge_C"
    assert points[-1].charge_C == pytest.approx(2e-3, rel=5e-3)


def test_potentials_and_staircases_tell_the_same_resistance(tmp_path: Path) -> None:
    with connected(tmp_path) as it:
        held = it.take(ConstantPotential(0.05, 10))
        sweep = it.take(CyclicVoltammetry(0.1, -0.1, 0.05, start_V=0.0, step_V=0.01))
    assert held[-1].current_A == pytest.approx(0.05 / OHM, rel=1e-3)
    assert max(point.voltage_V for point in sweep) == pytest.approx(0.1, abs=1e-4)
    assert sweep[-1].ended == "end of sweep"
    assert all(point.current_A * OHM == pytest.approx(point.voltage_V, abs=2e-3) for point in sweep)


@pytest.mark.parametrize(("technique", "level_V"), [(CHARGE, UPPER_V), (DISCHARGE, LOWER_V)])
def test_a_half_cycle_ends_at_its_cut_off_with_the_cells_capacity(
    technique: ConstantCurrent, level_V: float, tmp_path: Path
) -> None:
    """Half of 1.4 mg x 121.1 mAh/g either way, less what polarisation leaves."""
    with connected(tmp_path, LFP, watch_interval_s=10) as it:
        points = it.take(technique)
    last = points[-1]
    assert last.ended == ("voltage_max_V" if technique.current_A > 0 else "voltage_min_V")
    assert last.voltage_V == pytest.approx(level_V, abs=1e-3)
    assert abs(last.charge_C) / 3.6 == pytest.approx(0.5 * 0.1695, rel=0.1)
    assert all(point.current_A == pytest.approx(technique.current_A, rel=1e-3) for point in points[:-2])


# ---------------------------------------------------------------- which source for which step
@pytest.mark.parametrize(
    ("technique", "drive"),
    [
        (ConstantCurrent(1e-3, 1), Drive("current", 1e-3, 10)),
        (ConstantCurrent(0.0, 1, 1.0, CutOffs(2.0, 4.0)), Drive("current", 0.0, 10)),
        (ConstantCurrent(-1e-3, 1, 1.0, CutOffs(-5, 5)), Drive("current", -1e-3, 5, "voltage_min_V")),
        (ConstantCurrent(1e-3, 1, 1.0, CutOffs(2.9, 3.8)), Drive("voltage", 3.8, 1e-3, "voltage_max_V")),
        (ConstantCurrent(-1e-3, 1, 1.0, CutOffs(2.9, 3.8)), Drive("voltage", 2.9, 1e-3, "voltage_min_V")),
        (ConstantCurrent(-1e-3, 1, 1.0, CutOffs(voltage_max_V=3.8)), Drive("current", -1e-3, 10)),
        (ConstantPotential(0.3, 1), Drive("voltage", 0.3, 0.1)),
        (ConstantPotential(0.3, 1, 1.0, CutOffs(current_max_A=1e-3)), Drive("voltage", 0.3, 1.05 * 1e-3)),
    ],
)
def test_the_drive_keeps_the_cut_off_that_lies_ahead(technique: Any, drive: Drive) -> None:
    assert drive_for(technique, getattr(technique, "voltage_V", 0.0), 10.0, 0.1) == drive


def test_a_cell_beyond_its_cut_off_is_not_driven_back(tmp_path: Path) -> None:
    """A voltage source below a charged cell would discharge it, with the current of the charge."""
    assert is_beyond(CHARGE, drive_for(CHARGE, 0, 10, 0.1), 3.9)
    with connected(tmp_path, LFP) as it:
        rest_V = it.truth()[0]
        points = it.take(ConstantCurrent(1e-4, 100, 1.0, CutOffs(voltage_max_V=rest_V - 0.1)))
        assert [point.ended for point in points] == ["voltage_max_V"]
        assert points[0].current_A == 0
        assert it.truth()[0] == pytest.approx(rest_V, abs=1e-4)


# ---------------------------------------------------------------- this computer is gone
@pytest.mark.parametrize(("technique", "level_V"), [(CHARGE, UPPER_V), (DISCHARGE, LOWER_V)])
def test_with_this_computer_dead_the_cell_never_passes_its_cut_off(
    technique: ConstantCurrent, level_V: float, tmp_path: Path
) -> None:
    """Nobody reads, nobody stops it: for twelve hours the instrument holds what it was given."""
    way = 1 if technique.current_A > 0 else -1
    with connected(tmp_path, LFP) as it, left_alone(it, technique, 5):
        found = it.after(12)
        assert it.device.output
        assert max(way * (volts - level_V) for volts, _ in found) < 1e-4
        assert max(abs(amperes) for _, amperes in found) <= 1e-4 * (1 + 1e-6)
        assert found[-1][0] == pytest.approx(level_V, abs=1e-4)
        assert abs(found[-1][1]) < 1e-6  # held there: nothing flows any more


def test_with_this_computer_dead_a_symmetric_cell_stays_within_the_limit(tmp_path: Path) -> None:
    """At 20 degC it has 17 kilo-ohm: 1 mA would be 17 V."""
    technique = ConstantCurrent(1e-3, 1e5, 1.0, CutOffs(voltage_min_V=-2, voltage_max_V=2))
    with connected(tmp_path, {"cell": "symmetric"}) as it, left_alone(it, technique, 1):
        found = it.after(1)
        assert it.device.output
        assert max(volts for volts, _ in found) == pytest.approx(2, abs=1e-6)


def test_a_cable_that_comes_back_in_time_costs_points_not_the_measurement(tmp_path: Path) -> None:
    with connected(tmp_path) as it:

        def plug_later() -> None:
            it.clock.sleep(12)
            it.driver.cable.unplugged = False

        points = []
        for point in it.driver.measure(ConstantCurrent(1e-4, 60, 1.0, CutOffs(-5, 5))):
            points.append(point)
            if len(points) == 10:
                it.driver.cable.unplugged = True
                it.clock.spawn(plug_later, "plug")
        assert points[-1].ended == "duration"
        assert points[-1].charge_C == pytest.approx(6e-3, rel=5e-3)  # the gap counts: the instrument went on


def test_a_cable_that_stays_out_ends_it_and_says_what_is_on(tmp_path: Path) -> None:
    with connected(tmp_path) as it:
        measuring = it.driver.measure(CHARGE)
        next(measuring)
        it.driver.cable.unplugged = True
        with pytest.raises(InstrumentError, match="its output may still be on"):
            for _ in measuring:
                pass
        with pytest.raises(NotSafe, match="press OUTPUT at its panel"):
            it.driver.make_safe("failed")
        it.driver.cable.unplugged = False
        assert it.driver.make_safe("failed").verified
        assert not it.device.output


# ---------------------------------------------------------------- hands, faults, silence
def test_a_hand_on_its_output_key_is_told(tmp_path: Path) -> None:
    with connected(tmp_path) as it:
        measuring = it.driver.measure(ConstantCurrent(1e-4, 100))
        next(measuring)
        it.device.person(lambda: it.device.switch(False))
        with pytest.raises(InstrumentError, match="its output went off by itself"):
            next(measuring)
        it.device.switch(True)
        assert "not by this program" in it.driver.read().faults[0]


def test_a_power_cut_in_a_measurement_is_told(tmp_path: Path) -> None:
    with connected(tmp_path) as it:
        measuring = it.driver.measure(ConstantCurrent(1e-4, 100))
        next(measuring)
        it.device.power_cycle(4)
        with pytest.raises(InstrumentError, match="it lost its power"):
            for _ in measuring:
                pass
        assert it.driver.read().values["current_A"] == 0


def test_made_safe_in_the_middle_the_measurement_ends(tmp_path: Path) -> None:
    with connected(tmp_path) as it:
        told: list[str] = []

        def measure() -> None:
            try:
                it.take(ConstantCurrent(1e-4, 1e4, 50.0))
            except InstrumentError as error:
                told.append(str(error))

        thread = it.clock.spawn(measure, "measure")
        it.clock.sleep(120)
        assert it.driver.read().values["current_A"] == pytest.approx(1e-4, rel=1e-3)
        with pytest.raises(InstrumentError, match="measuring already"):
            next(it.driver.measure(OpenCircuit(1)))
        assert it.driver.make_safe("stopped").text == "output off, high impedance, read back"
        thread.join(5)
        assert "switched off while it measured" in told[0]
        assert not it.device.output


@pytest.mark.parametrize(("end", "on"), [("off", False), ("ocp", True), ("hold", True)])
def test_it_is_left_as_asked(end: Any, on: bool, tmp_path: Path) -> None:
    with connected(tmp_path) as it:
        it.take(ConstantPotential(0.1, 3, end_state=end))
        assert it.device.output is on
        values = it.driver.read().values
        wanted = {"off": None, "ocp": 0.0, "hold": 0.1}[end]
        assert values["voltage_V"] == (wanted if wanted is None else pytest.approx(wanted, abs=1e-3))
        closed = it.driver.measure(ConstantCurrent(1e-4, 100, end_state=end))
        next(closed)
        getattr(closed, "close")()  # noqa: B009  an Iterator by its type
        assert it.device.output is on


FAULTS = ["silence", "late", "cut", "corrupt", "garbage", "doubled", "noise", "oversized", "busy", "refused"]


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_of_the_line_never_make_a_value(fault: str, tmp_path: Path) -> None:
    """Each tenth reply is struck; what is read is right or missing, and what is set is what was asked for."""
    with connected(tmp_path, SYMMETRIC) as it:
        setattr(it.driver.peer.faults, fault, 0.1)
        for _ in range(4):
            for point in it.take(ConstantCurrent(1e-4, 30, 1.0, CutOffs(voltage_min_V=-5, voltage_max_V=5))):
                assert point.voltage_V / OHM == pytest.approx(1e-4, rel=2e-3)
                assert point.current_A == pytest.approx(1e-4, rel=1e-3)
        assert it.device.limit["CURR"] == 5
        it.driver.peer.faults.clear()
        assert it.driver.make_safe("stopped").verified


def test_mute_is_not_safe_and_says_so_in_time(tmp_path: Path) -> None:
    with connected(tmp_path) as it:
        it.driver.peer.faults.mute = True
        began = it.clock.monotonic()
        with pytest.raises(NotSafe, match="press OUTPUT at its panel"):
            it.driver.make_safe("failed")
        assert it.clock.monotonic() - began < it.driver.safe_within_s
        with pytest.raises(InstrumentLost):
            it.driver.read()


# ---------------------------------------------------------------- what it can't do
@pytest.mark.parametrize(
    ("technique", "match"),
    [
        (Spectrum((1e3,)), "it takes no spectra; use a potentiostat"),
        (GalvanostaticSpectrum((1e3,), 1e-5), "no spectra"),
        (ConstantCurrent(0.2, 10), "out of reach"),
        (ConstantPotential(11.0, 10), "beyond its reach"),
        (ConstantCurrent(1e-4, 10, 0.05), "an interval of 0.05 s"),
        (CyclicVoltammetry(1.0, -1.0, 0.1, step_V=0.001), "faster than it reads"),
        (ConstantCurrent(1e-4, 10, 1.0, CutOffs(-0.01, 0.01)), "below what a 2450 can keep"),
        (ConstantCurrent(1e-4, 10, 1.0, CutOffs(voltage_max_V=math.nan)), "cut-off"),
        (ConstantCurrent(1e-4, 10, 1.0, CutOffs(-12, 12)), "beyond the source"),
    ],
)
def test_what_is_beyond_it_is_refused_before_anything_is_applied(
    technique: Technique, match: str, tmp_path: Path
) -> None:
    with connected(tmp_path) as it:
        switched = it.device.switched
        with pytest.raises(BadInput, match=match):
            it.driver.measure(technique)
        assert it.device.switched == switched


def test_limits_of_the_bench_file_bound_source_and_protection(tmp_path: Path) -> None:
    with connected(tmp_path, SYMMETRIC, {"max_voltage_V": 4.5, "max_current_A": 2e-3}, four_wire=True) as it:
        able = it.driver.abilities()
        assert (able.voltage_max_V, able.current_ranges_A[0]) == (4.5, 2e-3)
        assert it.device.protection == "PROT5"
        assert it.device.settings["VOLT rsen"] == it.device.settings["CURR rsen"] == "1"
        assert [limit.maximum for limit in it.driver.limits()] == [4.5, 2e-3]
        it.take(ConstantPotential(0.1, 2))
        assert it.device.limit["VOLT"] == 2e-3
