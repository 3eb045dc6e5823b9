"""The driver with its child process on the double: what it measures, and what happens when the child or SDK fails."""

from __future__ import annotations

import json
import logging
import math
from pathlib import Path
from typing import Any

import pytest
from autolab_bench import autolab_in, autolab_options
from autolab_virtual import virtual_autolab

from daq.clock import ScaledClock, wall_monotonic
from daq.errors import InstrumentError, InstrumentLost, NotSafe
from drivers.autolab.link import ProcessLink
from drivers.autolab.options import AutolabOptions
from drivers.autolab.technique_tables import to_table
from drivers.simulated.simulation import read_simulation
from drivers.techniques import ConstantPotential, CutOffs, LinearSweep, OpenCircuit, Spectrum, log_frequencies

QUICK: dict[str, Any] = {"settle_s": 0.05, "switch_settle_s": 0.1, "deadline_s": 1.0}


def kept_cell(folder: Path) -> bool:
    return json.loads((folder / "sdk" / "autolab_1.json").read_text(encoding="utf-8"))["cell_on"]


def test_a_spectrum_over_the_pipe_is_the_cells(tmp_path: Path) -> None:
    truth = read_simulation({}, "test").channels[0].cell_in_time(1, 1)
    frequencies_Hz = log_frequencies(1e6, 10, 10)
    with autolab_in(tmp_path, **QUICK) as driver:
        points: Any = list(driver.measure(Spectrum(frequencies_Hz)))
    assert [point.frequency_Hz for point in points] == list(frequencies_Hz)
    for point in points:
        expected = truth.impedance_ohm(point.frequency_Hz, 20.0)
        assert complex(point.z_real_ohm, point.z_imag_ohm) == pytest.approx(expected, rel=0.02)
        assert point.z_imag_ohm < 0
    assert len({point.current_range_A for point in points}) > 2


def test_what_is_printed_by_the_sdk_is_no_answer(tmp_path: Path) -> None:
    with autolab_in(tmp_path, faults={"chatter": True}, **QUICK) as driver:
        assert len(list(driver.measure(OpenCircuit(1, 0.5)))) == 3


@pytest.mark.parametrize("call", ["Start", "Sample"])
def test_a_call_that_hangs_is_killed_at_its_deadline_and_said_loudly(
    call: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    technique = Spectrum(log_frequencies(1e4, 1e3, 10)) if call == "Start" else ConstantPotential(0.1, 30, 0.5)
    with autolab_in(tmp_path, faults={"hang_in": call, "hang_after": 6}, **QUICK) as driver:
        began_s = wall_monotonic()
        with pytest.raises(InstrumentLost, match="cell may still be on"):
            list(driver.measure(technique))
        assert wall_monotonic() - began_s < 8
        assert kept_cell(tmp_path), "the double keeps the cell on, as an instrument does"
        assert any(
            record.levelno == logging.ERROR and "cell may still be on" in record.message for record in caplog.records
        )
        report = driver.make_safe("failed")
        assert report.verified
        assert not kept_cell(tmp_path)


def test_make_safe_that_cannot_reach_the_instrument_says_to_switch_it_off(tmp_path: Path) -> None:
    with autolab_in(tmp_path, **QUICK) as driver:
        (tmp_path / "sdk" / "usb_is_out").write_text("", encoding="utf-8")
        with pytest.raises(InstrumentLost):
            driver.read()
        with pytest.raises(NotSafe, match="switch the instrument off"):
            driver.make_safe("failed")


def test_when_the_parent_is_gone_the_child_makes_safe_by_itself(tmp_path: Path) -> None:
    """The pipe's end is all that a child sees of a killed parent."""
    options = autolab_options(tmp_path, **QUICK)
    start = {"name": "p", "channel": 1, "options": options, "speed": 20.0, "epoch_unix": ScaledClock(20.0).unix()}
    start["options"] = AutolabOptions(**options).model_dump()
    link = ProcessLink("p", start)
    link.open()
    assert "done" in next(iter(link.stream({"do": "connect"}, 30)))
    messages: Any = link.stream({"do": "measure", "technique": to_table(ConstantPotential(0.1, 1e4, 0.5))}, 10)
    assert "point" in next(messages)
    assert kept_cell(tmp_path)
    process = link._process
    assert process is not None
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(20) == 0
    assert not kept_cell(tmp_path)
    messages.close()
    link.kill()


def test_a_killed_child_is_told_and_the_next_one_finds_the_cell_on_and_switches_it_off(tmp_path: Path) -> None:
    with autolab_in(tmp_path, **QUICK) as driver:
        points = driver.measure(ConstantPotential(0.1, 1e4, 0.5))
        next(points)
        link = driver._channels[1]._link
        assert isinstance(link, ProcessLink)
        process = link._process
        assert process is not None
        process.kill()
        with pytest.raises(InstrumentLost, match="cell may still be on"):
            for _ in points:
                pass
        assert kept_cell(tmp_path)
        assert driver.read().values["voltage_V"] is not None  # heals
        assert not kept_cell(tmp_path)


def test_make_safe_ends_a_running_measurement_soon(tmp_path: Path) -> None:
    with autolab_in(tmp_path, **QUICK) as driver:
        points = driver.measure(LinearSweep(1.0, 0.001, start_V=0.0))
        next(points)
        began_s = wall_monotonic()
        assert driver.make_safe("stopped").verified
        assert wall_monotonic() - began_s < 3
        assert not kept_cell(tmp_path)
        with pytest.raises(InstrumentError, match="switched off while it measured"):
            list(points)


@pytest.mark.parametrize("end_state", ["off", "hold"])
def test_closed_early_the_cell_goes_to_its_end_state(end_state: str, tmp_path: Path) -> None:
    with autolab_in(tmp_path, **QUICK) as driver:
        points = driver.measure(ConstantPotential(0.1, 1e4, 0.5, end_state=end_state))  # type: ignore[arg-type]
        next(points)
        points.close()  # type: ignore[attr-defined]
        assert kept_cell(tmp_path) == (end_state == "hold")
        assert driver.make_safe("finished").verified
        assert not kept_cell(tmp_path)
        last: Any = list(driver.measure(ConstantPotential(0.1, 5, 0.5, CutOffs(charge_C=1e-12))))[-1]
        assert last.ended == "charge_C"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"faults": {"nova_holds_it": True}}, "close NOVA"),
        ({"faults": {"not_connected": True}}, "firmware_file"),
        ({"faults": {"no_fra": True}}, "no FRA module"),
        ({"firmware_file": "/nowhere/Adk.x"}, "firmware_file /nowhere/Adk.x is not there"),
        ({"hardware_setup_file": "/nowhere/Setup.xml"}, "hardware_setup_file"),
        ({"sdk": "dotnet", "sdk_folder": "/nowhere"}, "SDK is not in /nowhere"),
        ({"faults": {"hang_in": "Connect"}}, "did not come back"),
    ],
)
def test_preflight_names_the_cause(
    changes: dict[str, Any], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drivers.autolab.channel.CONNECT_s", 4.0)
    with pytest.raises(InstrumentError, match=told), autolab_in(tmp_path, **QUICK, **changes):
        pass


def test_a_stuck_latch_is_caught(tmp_path: Path) -> None:
    with (
        autolab_in(tmp_path, faults={"stuck_after": 8}, **QUICK) as driver,
        pytest.raises(InstrumentError, match="equal"),
    ):
        list(driver.measure(OpenCircuit(30, 0.2)))


def test_the_parent_does_not_hold_up_a_spectrum(tmp_path: Path) -> None:
    """Against the same sequence in one process and virtual time, where the driver costs nothing: at most 5 %.

    The best of three, for a machine that does other things too.
    """
    technique = Spectrum(log_frequencies(1e5, 10, 10))
    with virtual_autolab(tmp_path / "virtual") as (driver, clock):
        began_s = clock.monotonic()
        list(driver.measure(technique))
        own_s = clock.monotonic() - began_s
    clock = ScaledClock(8.0)
    added_s: list[float] = []
    with autolab_in(tmp_path, clock) as driver:
        while len(added_s) < 3 and min(added_s, default=math.inf) >= 0.05 * own_s:
            began_s = clock.monotonic()
            list(driver.measure(technique))
            added_s.append((clock.monotonic() - began_s - own_s) / clock.speed)
    assert min(added_s) < 0.05 * own_s, added_s
