"""What people get wrong with a Neware: told in a sentence, before anything is applied."""

from __future__ import annotations

import json
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from neware_bench import NewareBench, neware_bench, to_and_fro
from wire_bench import world_in

from daq.bench import DriverContext, SharedParts
from daq.clock import SystemClock
from daq.errors import BadInput, InstrumentError
from daq.plan import load_plan
from daq.runfile.reader import RunFile
from daq.runner import Watcher, run_plan
from drivers.neware import Neware
from drivers.schedule import Current, End, Protection, Record, Schedule, Voltage
from drivers.simulated.wire.eurotherm_device import EurothermDevice
from drivers.simulated.wire.modbus_core import TcpCore
from drivers.simulated.wire.mounts import TcpMount
from drivers.simulated.wire.process import Peer, PeerRequest
from procedures.cli.examining import doctor_command

RIGHT: dict[str, Any] = {
    "port": "socket://127.0.0.1:502",
    "step_folder": "steps",
    "step_folder_windows": "C:\\steps",
    "current_max_A": 0.1,
}
BENCH = """[bench]
name = "cycler"
[instruments.furnace]
driver = "simulated-furnace"
limits = {{ max_temperature_C = 150 }}
[instruments.cycler]
{cycler}
[simulation]
cell = "{cell}"
preset = "K001"
"""
PLAN = """bench = "bench.toml"
[sample]
name = "{name}"
channel = {channel}
pellet = {{ thickness_mm = 0.4, diameter_mm = 9 }}
electrode = {{ diameter_mm = 9 }}
active = {{ mass_mg = 1.4, diameter_mm = 10, capacity_mAh_g = 121.1 }}
[[run]]
"""
SYMMETRIC = (
    'procedure = "symmetric-cycling"\ntemperature_C = 80\ncurrents = ["0.1 mA/cm2"]\nhalf_h = 0.5\nstage_h = 2\n'
)


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CELLRIG_STATE", str(tmp_path / "state"))


def context_with(folder: Path, **changes: Any) -> DriverContext:
    options = {name: value for name, value in {**RIGHT, **changes}.items() if value is not None}
    limits = options.pop("limits", {})
    place = "bench.toml, instruments.cycler"
    return DriverContext("cycler", options, limits, SystemClock(), folder, {}, place, SharedParts(), folder)


# ---------------------------------------------------------------- the bench file
@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"current_max_A": None}, "current_max_A"),
        ({"step_folder": None}, "step_folder"),
        ({"step_folder_windows": ""}, "step_folder_windows"),
        ({"poll_s": 1}, "poll_s"),
        ({"port": "COM4"}, "port"),
        ({"port": "modbus-tcp://10.0.0.2"}, "socket"),
        ({"channels": {"1": "21-1-1", "2": "21-1-1"}}, "the same channel"),
        ({"channels": {"one": "21-1-1"}}, "'one' is no channel"),
        ({"channels": {"1": "21-1"}}, "channels.1: '21-1' is no channel of a tester"),
        ({"voltage_min_V": 5, "voltage_max_V": 0}, "not below"),
        ({"limits": {"max_temperature_C": 100}}, "unknown limit"),
        ({"baud": 9600}, "baud"),
    ],
    ids=str,
)
def test_the_bench_file_is_refused_by_its_key(tmp_path: Path, changes: dict[str, Any], match: str) -> None:
    with pytest.raises(BadInput, match=match) as caught:
        Neware.check(context_with(tmp_path, **changes))
    assert "bench.toml, instruments.cycler" in str(caught.value)


def test_a_channel_that_the_tester_has_not_is_told_with_those_it_has(tmp_path: Path) -> None:
    with neware_bench(tmp_path) as bench:
        bench.driver.disconnect()
        bench.driver.options = bench.driver.options.model_copy(update={"channels": {"1": "21-9-1"}})
        with pytest.raises(BadInput, match=r"no channel '21-9-1'.*21-1-1, 21-1-2"):
            bench.driver.connect()


# ---------------------------------------------------------------- the other end
def test_a_client_that_is_not_in_api_mode(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = f"socket://127.0.0.1:{probe.getsockname()[1]}"
    with pytest.raises(InstrumentError, match="API mode"):
        Neware(context_with(tmp_path, port=port)).connect()


def test_the_port_of_something_else(tmp_path: Path) -> None:
    """A Modbus instrument says nothing to XML: 502 is its port too."""
    world = world_in(tmp_path / "peer")
    mount = TcpMount(lambda: TcpCore({1: EurothermDevice(world)}))
    try:
        with pytest.raises(InstrumentError, match="Modbus"):
            Neware(context_with(tmp_path, port=mount.port, timeout_s=0.2)).connect()
    finally:
        mount.close()
        world.close()


class Chatterbox:
    """Answers everything with a page."""

    def feed(self, data: bytes, now: float) -> list[tuple[float, bytes]]:
        return [(0.0, b"HTTP/1.1 400 Bad Request\r\n\r\n<html></bts>\n\n#\r\n")]


def test_a_port_that_answers_something_else(tmp_path: Path) -> None:
    mount = TcpMount(Chatterbox)
    try:
        with pytest.raises(InstrumentError, match="is this the port of BTS Client"):
            Neware(context_with(tmp_path, port=mount.port, timeout_s=0.2)).connect()
    finally:
        mount.close()


# ---------------------------------------------------------------- schedules that a step file can't say
def holding(volt: float) -> Schedule:
    ends = (End("current_A", "below", 1e-6),)
    return Schedule("hold", (Voltage(volt, 1e-4, ends, Record(10.0)),), Protection(-1, 4.5, 1e-3))


def ending(*ends: End, current_A: float = 1e-4) -> Schedule:
    return Schedule("end", (Current(current_A, ends, Record(10.0)),), Protection(-1, 4.5, 1e-3))


@pytest.mark.parametrize(
    ("schedule", "match"),
    [
        (holding(0.0), "0 V"),
        (holding(9.0), "out of reach"),
        (ending(End("voltage_V", "below", 1.0)), "above"),
        (ending(End("voltage_V", "below", 0.0), current_A=-1e-4), "0 V"),
        (ending(End("time_s", "above", 60), current_A=0.5), "out of reach"),
        (ending(End("time_s", "above", 60), current_A=1e-12), "1 nA"),
    ],
    ids=["0 V", "9 V", "the wrong way", "0 V cut-off", "0.5 A", "no current"],
)
def test_a_schedule_beyond_the_tester(tmp_path: Path, schedule: Schedule, match: str) -> None:
    with neware_bench(tmp_path) as bench:
        for refuse in (bench.driver.check_submit, lambda *words: bench.driver.submit(1, *words)):
            with pytest.raises(BadInput, match=match):
                refuse(schedule, "cell")
        assert "start" not in bench.core.asked
        assert not list(Path(bench.driver.options.step_folder).glob("*.xml"))


def test_a_protection_down_to_zero_is_a_bound_and_not_none(tmp_path: Path) -> None:
    schedule = replace(to_and_fro(), protection=Protection(0.0, 4.5, 1e-3))
    with neware_bench(tmp_path) as bench:
        ref = bench.driver.submit(1, schedule, "cell")
        (path,) = Path(bench.driver.options.step_folder).glob("*.xml")
        assert '<Lower Value="1.000000" />' in path.read_text(encoding="utf-8")
        bench.finished(ref)
        assert bench.driver.attach(ref).state == "protected"


# ---------------------------------------------------------------- plans
def failed(folder: Path, name: str = "cell", channel: int = 1, cycler: str = 'driver = "simulated-neware"') -> str:
    text = BENCH.format(cycler=cycler, cell="symmetric")
    (folder / "bench.toml").write_text(text, encoding="utf-8")
    (folder / "plan.toml").write_text(PLAN.format(name=name, channel=channel) + SYMMETRIC, encoding="utf-8")
    (ended,) = run_plan(load_plan(folder / "plan.toml"), folder / "runs", Watcher())
    with RunFile.open(ended.path) as record:
        assert record.outcome == "failed"
        assert len(record.table("cycling")["record"]) == 0
        temperature = record.table("temperature")["temperature_C"]
        assert max(temperature) < 25  # the furnace was left cold
        return record.reason


def test_a_name_that_can_be_no_barcode_is_refused_by_the_check(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="barcode"):
        failed(tmp_path, name="x" * 61)
    assert not (tmp_path / "runs").exists()


def test_a_channel_that_is_not_there_fails_before_the_furnace_heats(tmp_path: Path) -> None:
    assert "no channel 9" in failed(tmp_path, channel=9)


@pytest.mark.parametrize(
    ("word", "match"), [("pause", "nothing was started"), ("waitStart", "'waitStart'"), ("working", "runs")]
)
def test_a_channel_that_is_not_free_fails_before_the_furnace_heats(
    tmp_path: Path, word: str, match: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from drivers.simulated.wire.neware_tester import NewareTester

    monkeypatch.setattr(NewareTester, "word", lambda self, address: word)
    reason = failed(tmp_path)
    assert match in reason
    assert "cycler" in reason


# ---------------------------------------------------------------- the doctor
def test_the_doctor_on_a_peer_in_its_own_world(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The folder is missing at first; then a person at the peer switches quirks, and takes the network away."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number = probe.getsockname()[1]
    cycler = (
        f'driver = "neware"\nport = "socket://127.0.0.1:{number}"\nstep_folder = "steps"\n'
        "step_folder_windows = 'C:\\steps'\ncurrent_max_A = 0.1\ntimeout_s = 0.5\n"
        "channels = { 1 = '21-1-1', 2 = '21-2-3' }"
    )
    bench = tmp_path / "bench.toml"
    bench.write_text(BENCH.format(cycler=cycler, cell="lfp"), encoding="utf-8")
    peer = Peer(PeerRequest("neware", bench=bench))
    try:
        (tmp_path / "steps").rmdir()
        found = diagnosis(bench, capsys)
        assert not found["well"]
        assert "nothing can be started" in found["faults"][0]
        (tmp_path / "steps").mkdir()
        found = diagnosis(bench, capsys)
        assert found["well"], found
        assert found["identity"]["model"] == "BTS85"
        assert "C:\\steps\\cellrig_self_test.xml" in found["self_test"][0]
        assert found["self_test"][1:] == ["21-1-1 finish", "21-2-3 finish"]
        assert "21-2-3 finish" in peer.do("show")
        assert peer.do("quirk wrong_password is_old") == "done"
        assert "refuses the login" in diagnosis(bench, capsys)["problem"]
        for line in ("quirk teapot", "quirk late_upload=off", "panel 20", "power", "break on"):
            with pytest.raises(BadInput):
                peer.do(line)
        peer.do("unplug")
        assert "API mode" in diagnosis(bench, capsys)["problem"]
    finally:
        peer.close()


def diagnosis(bench: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    doctor_command(bench, self_test=True, json=True)
    return next(one for one in json.loads(capsys.readouterr().out) if one["name"] == "cycler")


# ---------------------------------------------------------------- many are stopped
def test_all_that_runs_is_stopped_in_time_and_what_does_not_stop_is_named(tmp_path: Path) -> None:
    with neware_bench(tmp_path, channels=64) as bench:
        refs = [bench.driver.submit(n, to_and_fro(), f"cell {n}") for n in range(1, 65)]
        began_s = bench.clock.monotonic()
        assert bench.driver.make_safe("stopped").text == "64 channels stopped, read back"
        assert bench.clock.monotonic() - began_s < bench.driver.safe_within_s
        assert {bench.driver.attach(ref).state for ref in refs} == {"stopped"}


def test_a_stop_that_is_not_obeyed_is_no_success(tmp_path: Path) -> None:
    with neware_bench(tmp_path) as bench:
        ref = bench.driver.submit(1, to_and_fro(), "cell")
        deaf(bench)
        with pytest.raises(InstrumentError, match="shows 'working'; stop it in BTS Client"):
            bench.driver.stop(ref)
        with pytest.raises(InstrumentError, match="look at BTS Client"):
            bench.driver.make_safe("failed")


def deaf(bench: NewareBench) -> None:
    tester = bench.core.tester
    tester.stop = lambda address: True
