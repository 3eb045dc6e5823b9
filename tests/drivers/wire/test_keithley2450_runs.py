"""Whole runs on a 2450 in another process: the truth of the run in this one, and a computer that dies in a charge."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from daq.clock import wall_monotonic, wall_sleep
from daq.errors import BadInput, InstrumentError
from daq.plan import load_plan
from daq.runfile.reader import RunFile
from daq.runner import Watcher, run_plan
from drivers.simulated.wire.process import Peer, PeerRequest
from drivers.simulated.wire.scpi_core import ScpiCore
from procedures.cli.examining import doctor_command

SPEED = 60
BENCH = """
[bench]
name = "source-meter"
{speed}
[instruments.source]
{source}
limits = {{ max_voltage_V = 6 }}
[simulation]
cell = "{cell}"
[simulation.parameters]
{parameters}
"""
PLAN = """
bench = "bench.toml"
[sample]
name = "Li-K001-Li"
electrode = { diameter_mm = 9 }
[[run]]
procedure = "symmetric-cycling"
currents = ["0.1 mA/cm2"]
half_h = 0.02
stage_h = 0.08
record_s = 4
[[run]]
procedure = "critical-current"
currents = ["0.3 mA/cm2", "0.6 mA/cm2", "1.5 mA/cm2"]
half_min = 0.75
interval_s = 1.5
"""


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CELLRIG_STATE", str(tmp_path / "state"))


def write_bench(folder: Path, source: str, speed: float | None, cell: str = "symmetric", parameters: str = "") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    text = BENCH.format(
        source=source,
        speed="" if speed is None else f"speed = {speed:g}",
        cell=cell,
        parameters=f"reference_temperature_C = 20\n{parameters}",
    )
    (folder / "bench.toml").write_text(text, encoding="utf-8")
    return folder / "bench.toml"


@contextmanager
def simulate(bench: Path) -> Iterator[subprocess.Popen[str]]:
    """`cellrig simulate keithley2450` in a process of its own, answering."""
    command = [sys.executable, "-P", "-m", "cellrig", "simulate", "keithley2450", "--bench", str(bench)]
    child = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8", env=dict(os.environ)
    )
    assert child.stdout is not None
    assert "answers at" in child.stdout.readline()
    try:
        yield child
    finally:
        child.communicate("quit\n", timeout=10)


def told(child: subprocess.Popen[str], command: str) -> str:
    """What the peer says to a typed command."""
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(command + "\n")
    child.stdin.flush()
    return child.stdout.readline()


def found_by(folder: Path) -> dict[str, list[float]]:
    """Numbers by name, of both runs of the plan."""
    (folder / "plan.toml").write_text(PLAN, encoding="utf-8")
    numbers: dict[str, list[float]] = {}
    for ended in run_plan(load_plan(folder / "plan.toml"), folder / "runs", Watcher()):
        assert ended.end.outcome == "finished", ended.end
        with RunFile.open(ended.path) as run:
            for one in run.results():
                if one.value is not None:
                    numbers.setdefault(one.name, []).append(one.value)
    return numbers


def test_cycling_and_critical_current_on_the_wire_are_those_in_process(tmp_path: Path) -> None:
    """Both are the truth of the cell: 247 ohm cm2, shorted above 0.72 mA/cm2."""
    here = tmp_path / "here"
    write_bench(here, 'driver = "simulated-keithley2450"', None)
    truth = found_by(here)
    wire = tmp_path / "wire"
    bench = write_bench(wire, f'driver = "keithley2450"\nport = "{tmp_path / "smu"}"', SPEED)
    assert doctor_command(bench, self_test=False, json=False) == 1
    with simulate(bench) as child:
        assert doctor_command(bench, self_test=True, json=False) == 0
        found = found_by(wire)
        assert told(child, "show").startswith("output off")
    assert truth["critical_current_density"] == [pytest.approx(0.6, rel=1e-3)]
    assert found["critical_current_density"] == [pytest.approx(0.6, rel=1e-3)]
    assert truth["polarisation"][0] == pytest.approx(24.7, rel=1e-3)
    assert found["polarisation"] == [pytest.approx(one, rel=1e-3) for one in truth["polarisation"]]
    for resistance in found["area_specific_resistance"]:
        assert resistance == pytest.approx(247, rel=2e-3)
    assert found["hours_cycled"] == [pytest.approx(truth["hours_cycled"][0], rel=0.02)]


DIES = """
import os, sys
from pathlib import Path
from daq.bench import build_bench, load_bench
from daq.clock import ScaledClock
from drivers.techniques import ConstantCurrent, CutOffs

bench = build_bench(load_bench(Path(sys.argv[1])), ScaledClock(float(sys.argv[2])), Path(sys.argv[3]))
bench.connect()
charge = ConstantCurrent(1.7e-4, 1e5, 10.0, CutOffs(voltage_min_V=2.9, voltage_max_V=3.8))
for number, point in enumerate(bench.by_role("potentiostat").measure(charge)):
    if number == 3:
        os.kill(os.getpid(), 9)
"""


def test_a_computer_that_is_killed_in_a_charge_leaves_a_cell_at_its_cut_off(tmp_path: Path) -> None:
    """kill -9 a minute after the start of a charge at 1 C; the instrument goes on for hours, and stops at 3.8 V."""
    speed = 1800
    source = f'driver = "keithley2450"\nport = "{tmp_path / "smu"}"'
    bench = write_bench(tmp_path, source, speed, "lfp", "initial_state_of_charge = 0.7")
    with simulate(bench) as child:
        words = [sys.executable, "-P", "-c", DIES, str(bench), str(speed), str(tmp_path / "state")]
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
        dead = subprocess.run(words, check=False, timeout=30, env=environment)
        assert dead.returncode == -9
        seen: list[tuple[float, float]] = []
        until = wall_monotonic() + 3  # an hour and a half of the cell's time
        while wall_monotonic() < until:
            text = told(child, "show")
            numbers = re.fullmatch(r"output on, cell at (\S+) V, (\S+) A\n", text)
            assert numbers, text
            seen.append((float(numbers[1]), float(numbers[2])))
            wall_sleep(0.02)
    assert seen[0][1] == pytest.approx(1.7e-4, rel=1e-3)
    assert max(volts for volts, _ in seen) <= 3.8 + 1e-4
    assert max(amperes for _, amperes in seen) <= 1.7e-4 * (1 + 1e-6)
    assert seen[-1][0] == pytest.approx(3.8, abs=1e-4)
    assert seen[-1][1] < 1e-6


def test_beside_a_furnace_that_is_a_peer_too_its_cell_is_in_that_furnace(tmp_path: Path) -> None:
    """One world for three processes: whoever asks at 80 degC finds the cell's resistance of 80 degC."""
    text = BENCH.format(
        source='driver = "keithley2450"\nport = "socket://127.0.0.1:1"', speed="speed = 5000", cell="symmetric",
        parameters="",
    )  # fmt: skip
    furnace = '[instruments.furnace]\ndriver = "eurotherm"\nport = "socket://127.0.0.1:2"\n'
    furnace += 'limits = { max_temperature_C = 150 }\n[simulation]\nfurnace = "peer"'
    path = tmp_path / "bench.toml"
    path.write_text(text.replace("[simulation]", furnace), encoding="utf-8")
    with pytest.raises(InstrumentError, match="start it with: cellrig simulate eurotherm"):
        Peer(PeerRequest("keithley2450", bench=path, pty=tmp_path / "smu"))
    hot = Peer(PeerRequest("eurotherm", bench=path, pty=tmp_path / "furnace"))
    smu = Peer(PeerRequest("keithley2450", bench=path, pty=tmp_path / "smu"))
    device: Any = smu.device
    try:
        hot.do("panel 80")
        until = wall_monotonic() + 5
        while wall_monotonic() < until and abs(smu.world.sample(1).temperature_C - 80) > 0.3:
            wall_sleep(0.05)
        core = ScpiCore(device)
        core.feed(b":SOUR:FUNC CURR;:SENS:FUNC 'VOLT';:SOUR:CURR 1e-4;:OUTP ON\n", 0.0)
        ((_, reply),) = core.feed(b":READ?\n", 0.0)
        assert float(reply) / 1e-4 == pytest.approx(247 / 0.6362, rel=0.02)
    finally:
        smu.close()
        hot.close()


def test_what_is_typed_at_a_peer(tmp_path: Path) -> None:
    peer = Peer(PeerRequest("keithley2450", tcp=0, faults=["late=0.1"]))
    try:
        assert peer.do("show").startswith("output off, cell at")
        assert peer.do("output on") == "done"
        assert peer.do("show").startswith("output on")
        for line in ("power 1", "break on", "fault silence=0.2", "unplug", "plug"):
            assert peer.do(line) == "done"
        with pytest.raises(BadInput, match="no command"):
            peer.do("panel 30")
    finally:
        peer.close()
