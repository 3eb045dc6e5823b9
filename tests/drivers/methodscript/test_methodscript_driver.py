"""The MethodSCRIPT driver on the interpreter: physics through scripts and packages, cut-offs without the computer,
aborts, errors, and lines that spoil what passes."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from methodscript_rig import Rig, rig

from daq.errors import BadInput, InstrumentError, InstrumentLost
from drivers.methodscript import MethodScript
from drivers.methodscript.exchange import Exchange
from drivers.methodscript.models import MODELS
from drivers.methodscript.script import Writer
from drivers.simulated.wire.faults import WireFaults
from drivers.techniques import (
    ConstantCurrent,
    ConstantPotential,
    CutOffs,
    CyclicVoltammetry,
    GalvanostaticSpectrum,
    LinearSweep,
    OpenCircuit,
    Spectrum,
    log_frequencies,
)

SPECTRUM = Spectrum(log_frequencies(2e5, 1, 10))
EMSTAT = MODELS[2]


def truth(it: Rig, frequency_Hz: float) -> complex:
    sample = it.core.world.sample(1)
    return it.core.world.cell(1).cell.impedance_ohm(frequency_Hz, sample.temperature_C, sample.high_phase)


# ---------------------------------------------------------------- physics
def test_a_spectrum_is_the_cells_within_a_per_cent(tmp_path: Path) -> None:
    with rig(tmp_path) as it:
        points = it.spectrum(SPECTRUM)
        assert [point.frequency_Hz for point in points] == pytest.approx(SPECTRUM.frequencies_Hz, rel=1e-3)
        for point in points:
            true_ohm = truth(it, point.frequency_Hz)
            assert abs(complex(point.z_real_ohm, point.z_imag_ohm) / true_ohm - 1) < 0.01
            assert point.z_imag_ohm < 0
            assert not point.overload
        assert not it.is_on
        assert len({point.current_range_A for point in points}) > 1


def test_a_galvanostatic_spectrum_is_the_same_cell(tmp_path: Path) -> None:
    with rig(tmp_path) as it:
        for point in it.spectrum(GalvanostaticSpectrum((1e4, 1e3, 1e2), amplitude_A=3e-7)):
            ratio = complex(point.z_real_ohm, point.z_imag_ohm) / truth(it, point.frequency_Hz)
            assert abs(ratio - 1) < 0.01
            modulus_ohm = math.hypot(point.z_real_ohm, point.z_imag_ohm)
            assert point.amplitude_V == pytest.approx(3e-7 * modulus_ohm)


def test_frequencies_out_of_step_are_measured_too(tmp_path: Path) -> None:
    with rig(tmp_path) as it:
        asked = (1e5, 777.0, 5e4, 5e4, 13.0)
        assert [point.frequency_Hz for point in it.spectrum(Spectrum(asked))] == pytest.approx(asked)


def test_a_voltammogram_turns_where_it_is_told_and_counts_its_cycles(tmp_path: Path) -> None:
    sweep = CyclicVoltammetry(0.05, -0.05, 0.01, cycles=3, start_V=0.0, end_V=0.02, step_V=0.01)
    with rig(tmp_path) as it:
        points = it.direct(sweep)
    volts = np.round([point.voltage_V for point in points], 2)
    first = [0, 0.01, 0.02, 0.03, 0.04, 0.05, *np.arange(0.04, -0.051, -0.01)]
    again = [*np.arange(-0.04, 0.051, 0.01), *np.arange(0.04, -0.051, -0.01)]
    assert volts == pytest.approx([*first, *again, *again, *np.arange(-0.04, 0.021, 0.01)], abs=1e-9)
    cycles = [point.cycle for point in points]
    assert cycles == sorted(cycles)
    assert set(cycles) == {1, 2, 3}
    assert [point.ended for point in points if point.ended] == [points[-1].ended] == ["end of sweep"]
    assert np.diff([point.time_s for point in points]) == pytest.approx(1.0, abs=1e-6)


def test_a_charge_is_what_was_asked_for(tmp_path: Path) -> None:
    with rig(tmp_path, cell="lfp") as it:
        points = it.direct(ConstantCurrent(1e-4, 3600, 7, CutOffs(charge_C=0.0331)))
    assert points[-1].ended == "charge_C"
    assert points[-1].charge_C == pytest.approx(0.0331, rel=1e-3)
    assert points[-1].time_s == pytest.approx(331, rel=1e-6)


# ---------------------------------------------------------------- cut-offs
def test_a_cut_off_ends_a_level_between_two_records(tmp_path: Path) -> None:
    """Records are a minute apart; the instrument looks every second."""
    with rig(tmp_path) as it:
        points = it.direct(ConstantCurrent(1e-6, 3600, 60, CutOffs(voltage_max_V=0.9)))
        assert points[-1].ended == "voltage_max_V"
        assert 0.9 < points[-1].voltage_V < 1.1
        assert points[-1].time_s < 30
        assert not it.is_on


@pytest.mark.parametrize(
    ("cut_offs", "name"),
    [
        (CutOffs(voltage_max_V=0.02), "voltage_max_V"),
        (CutOffs(current_max_A=2e-8), "current_max_A"),
        (CutOffs(charge_C=1e-7), "charge_C"),
        (CutOffs(voltage_rate_max_V_s=0.005), "voltage_rate_max_V_s"),
    ],
)
def test_a_sweep_ends_at_its_cut_off_and_says_which(tmp_path: Path, cut_offs: CutOffs, name: str) -> None:
    with rig(tmp_path) as it:
        points = it.direct(CyclicVoltammetry(0.1, -0.1, 0.01, cycles=2, start_V=0.0, step_V=0.01, cut_offs=cut_offs))
        assert points[-1].ended == name
        assert sum(bool(point.ended) for point in points) == 1
        assert not it.is_on
        assert not it.core.is_running


def test_the_instrument_keeps_to_the_cut_off_when_the_computer_is_dead(tmp_path: Path) -> None:
    with rig(tmp_path, cell="lfp") as it:
        script = Writer(EMSTAT, (1e-9, 0.1)).write(ConstantCurrent(1e-5, 3.6e6, 60, CutOffs(voltage_max_V=3.6)), 0.0)
        Exchange(it.driver.transport).start(script.lines)
        it.clock.sleep(10)
        it.core.spoken(it.clock.monotonic())
        assert it.is_on
        it.clock.sleep(4e5)
        it.core.spoken(it.clock.monotonic())
        assert not it.core.is_running
        assert not it.is_on
        assert it.core.world.cell(1).cell.open_circuit_V(25.0) < 3.65


# ---------------------------------------------------------------- stop, hold, abort
def test_left_early_it_is_off_at_once(tmp_path: Path) -> None:
    with rig(tmp_path) as it:
        points = it.driver.measure(ConstantPotential(0.1, 1000, 1))
        next(points)
        assert it.is_on
        began_s = it.clock.monotonic()
        points.close()  # pyright: ignore[reportAttributeAccessIssue]
        assert not it.is_on
        assert it.clock.monotonic() - began_s < 2
        assert not it.core.is_running


def test_a_held_cell_stays_on_and_is_made_safe(tmp_path: Path) -> None:
    with rig(tmp_path) as it:
        it.direct(ConstantPotential(0.1, 5, 1, end_state="hold"))
        assert it.is_on
        assert it.driver.read().values["voltage_V"] == pytest.approx(0.1, abs=1e-3)
        assert it.is_on
        for _ in range(2):
            assert it.driver.make_safe("stopped").verified
        assert not it.is_on


def test_made_safe_from_another_thread_a_measurement_ends_with_a_sentence(tmp_path: Path) -> None:
    with rig(tmp_path) as it:
        told: list[str] = []

        def measure() -> None:
            try:
                it.points(ConstantPotential(0.1, 1000, 1))
            except InstrumentError as error:
                told.append(str(error))

        thread = it.clock.spawn(measure, "measure")
        it.clock.sleep(20)
        began_s = it.clock.monotonic()
        assert it.driver.make_safe("stopped").verified
        assert it.clock.monotonic() - began_s < 2
        thread.join()
        assert told == ["potentiostat: was switched off while it measured"]
        assert not it.is_on


def test_a_script_that_somebody_left_is_ended_at_connect(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with rig(tmp_path) as it:
        points = it.driver.measure(ConstantPotential(0.1, 1000, 1))
        next(points)
        another = MethodScript(replace(it.context, options={"port": "memory-potentiostat", "model": EMSTAT.name}))
        another.connect()
        assert not it.is_on
        assert "somebody else" in caplog.text
        with pytest.raises(InstrumentError):
            list(points)


# ---------------------------------------------------------------- what is refused
def test_a_model_that_is_another_is_told(tmp_path: Path) -> None:
    with rig(tmp_path) as it:
        it.core.model = MODELS[3]
        with pytest.raises(InstrumentError, match="is an EmStat4 LR; the bench file says EmStat4 HR"):
            it.driver.connect()
        it.core.model, it.core.is_in_bootloader = EMSTAT, True
        with pytest.raises(InstrumentError):
            it.driver.connect()
        it.core.is_in_bootloader = False
        it.driver.connect()


def test_a_pico_has_no_galvanostat(tmp_path: Path) -> None:
    with rig(tmp_path, model="EmStat Pico") as it:
        assert "constant-current" not in it.driver.abilities().techniques
        with pytest.raises(BadInput, match="constant-current"):
            it.driver.measure(ConstantCurrent(1e-5, 10))
        assert len(it.spectrum(SPECTRUM)) == 54


@pytest.mark.parametrize(
    "technique",
    [Spectrum((1e6, 1e3)), LinearSweep(7.0, 0.01), ConstantCurrent(0.2, 10), Spectrum((1e3,), current_range_A=3e-3)],
)
def test_what_is_beyond_it_is_refused_before_anything_is_sent(tmp_path: Path, technique: Spectrum) -> None:
    with rig(tmp_path) as it:
        scripts = len(it.core.scripts)
        with pytest.raises(BadInput):
            it.driver.measure(technique)
        assert len(it.core.scripts) == scripts


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"model": "EmStat5"}, "EmStat4 HR"),
        ({"smallest_range_A": 3e-3}, "no range"),
        ({"speed": 4}, "speed"),
        ({"model": "EmStat Pico", "max_voltage_V": 30}, "20"),
    ],
)
def test_a_bench_file_is_checked(tmp_path: Path, options: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInput, match=words), rig(tmp_path, **options):
        pass


def test_an_error_of_the_instrument_is_told_with_its_meaning(tmp_path: Path) -> None:
    with rig(tmp_path) as it:
        it.core.overload_after_s = 5
        with pytest.raises(InstrumentError, match=r"critically overloaded.*error 0032"):
            it.points(ConstantPotential(0.1, 100, 1))
        assert not it.is_on
        assert len(it.direct(ConstantPotential(0.1, 3, 1))) == 3


def test_a_refused_script_is_told_with_its_line(tmp_path: Path) -> None:
    with rig(tmp_path) as it:
        exchange = Exchange(it.driver.transport)
        with pytest.raises(InstrumentError, match=r"does not know a command of the script.*Line 2.*'fail'"):
            exchange.start(["cell_off", "fail"])
        assert exchange.ask("v") == "v01.09.00"[1:]


def test_not_connected_is_a_sentence(tmp_path: Path) -> None:
    with rig(tmp_path) as it:
        it.driver.disconnect()
        with pytest.raises(InstrumentError, match="not connected"):
            it.driver.measure(OpenCircuit(1))


# ---------------------------------------------------------------- a bad line
FAULTS = ("silence", "late", "cut", "corrupt", "garbage", "doubled", "noise", "oversized", "busy")


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_of_the_line_never_make_a_wrong_value(tmp_path: Path, fault: str) -> None:
    """Values are sent twice and compared, for there is no check sum. A measurement is right, or an error is told."""
    with rig(tmp_path, repeat_values=True) as it:
        right = reported = 0
        for number in range(12):
            it.core.faults = WireFaults(late_s=0.6, busy_s=0.2)
            it.core.faults.random.seed(number)
            setattr(it.core.faults, fault, 0.02)
            try:
                for point in it.spectrum(Spectrum(log_frequencies(2e5, 100, 5))):
                    true_ohm = truth(it, point.frequency_Hz)
                    assert abs(complex(point.z_real_ohm, point.z_imag_ohm) / true_ohm - 1) < 0.02, (fault, number)
                right += 1
            except InstrumentError:
                reported += 1
            it.core.faults = WireFaults()
            it.driver.make_safe("stopped")
            assert not it.is_on
        assert right + reported == 12
        assert right > 0


def test_unplugged_in_mid_script_it_is_lost_and_found_again(tmp_path: Path) -> None:
    with rig(tmp_path) as it:
        points = it.driver.measure(ConstantPotential(0.1, 1000, 1))
        next(points)
        it.driver.cable.unplugged = True
        with pytest.raises(InstrumentLost):
            list(points)
        it.clock.sleep(30)
        assert it.is_on  # the script goes on without us
        it.driver.cable.unplugged = False
        assert it.driver.make_safe("stopped").verified
        assert not it.is_on
        assert len(it.direct(ConstantPotential(0.1, 3, 1))) == 3


def test_power_lost_in_mid_script_is_an_error_in_time(tmp_path: Path) -> None:
    with rig(tmp_path) as it:
        points = it.driver.measure(ConstantPotential(0.1, 1000, 1))
        next(points)
        it.core.power_cycle(5)
        began_s = it.clock.monotonic()
        with pytest.raises(InstrumentError):
            list(points)
        assert it.clock.monotonic() - began_s < 30
        assert not it.is_on
