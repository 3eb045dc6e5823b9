"""Whole runs over the wire: outages in the middle, a furnace in another process, the doctor before it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from daq.clock import wall_monotonic, wall_sleep, wall_unix
from daq.errors import BadInput, InstrumentError
from daq.plan import load_plan
from daq.runfile.reader import RunFile
from daq.runner import Watcher, run_plan
from drivers.simulated.published import FollowingWorld, PublishedWorld
from drivers.simulated.simulation import read_simulation
from drivers.simulated.wire.process import Peer, PeerRequest
from procedures.cli.examining import doctor_command

TRUTH_S_CM = {25: 4.39e-6, 40: 1.27e-5, 60: 4.43e-5}
BENCH = """
[bench]
name = "wire"
{speed}
[instruments.furnace]
{furnace}
limits = {{ max_temperature_C = 150 }}
[instruments.potentiostat]
driver = "simulated-potentiostat"
[simulation]
preset = "K001"
{simulation}
"""
PLAN = """
bench = "bench.toml"
[sample]
name = "K001"
pellet = {{ thickness_mm = 0.9, diameter_mm = 10 }}
[[run]]
procedure = "eis-sweep"
temperatures_C = {temperatures}
"""


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CELLRIG_STATE", str(tmp_path / "state"))


def write_bench(folder: Path, furnace: str, speed: str = "", simulation: str = "") -> Path:
    path = folder / "bench.toml"
    path.write_text(BENCH.format(furnace=furnace, speed=speed, simulation=simulation), encoding="utf-8")
    return path


def sweep(folder: Path, temperatures: list[int]) -> RunFile:
    (folder / "plan.toml").write_text(PLAN.format(temperatures=temperatures), encoding="utf-8")
    ended = run_plan(load_plan(folder / "plan.toml"), folder / "runs", Watcher())
    assert ended[0].end.outcome == "finished", ended[0].end
    return RunFile.open(ended[0].path)


def conductivities(run: RunFile) -> dict[int, float]:
    return {
        round(result.at["temperature_C"]): result.value
        for result in run.results()
        if result.name == "conductivity" and result.value is not None
    }


def texts(run: RunFile) -> list[str]:
    return [event.text for event in run.events()]


@pytest.mark.parametrize("driver", ["simulated-eurotherm", "simulated-linkam"])
def test_a_sweep_goes_on_over_outages_and_says_where_they_were(driver: str, tmp_path: Path) -> None:
    """One outage in the soak, one that reaches into the first spectrum, and every tenth reply faulty on top."""
    outages = "[{ after_s = 300, for_s = 30 }, { after_s = 815, for_s = 30 }, { after_s = 1300, for_s = 30 }]"
    faults = "{ late = 0.02, silence = 0.02, cut = 0.02, doubled = 0.02, noise = 0.02 }"
    write_bench(tmp_path, f'driver = "{driver}"\npeer = {{ unplugged = {outages}, faults = {faults} }}')
    with sweep(tmp_path, [25, 40]) as run:
        found = conductivities(run)
        said = texts(run)
        temperatures = run.table("temperature")["temperature_C"]
    assert found == {25: pytest.approx(TRUTH_S_CM[25], rel=0.03), 40: pytest.approx(TRUTH_S_CM[40], rel=0.03)}
    assert sum("a reading is missing" in text and "cable" in text for text in said) == 3
    assert sum("answers again after" in text for text in said) >= 3
    assert all(15 < value < 45 for value in temperatures)


@pytest.mark.parametrize(("driver", "out_s"), [("simulated-eurotherm", 845), ("simulated-linkam", 845)])
def test_a_spectrum_that_nobody_watched_over_is_taken_again(driver: str, out_s: int, tmp_path: Path) -> None:
    """The cable is out for half a minute of the first spectrum; what passed on the line is in the run's log."""
    write_bench(tmp_path, f'driver = "{driver}"\npeer = {{ unplugged = [{{ after_s = {out_s}, for_s = 30 }}] }}')
    with sweep(tmp_path, [25, 40]) as run:
        found = conductivities(run)
        said = texts(run)
        spectra, points = run.table("spectra"), run.table("impedance")
    assert sum("gave no reading for" in text and "is taken again" in text for text in said) == 1
    assert len(spectra["spectrum"]) == 2
    assert set(points["spectrum"]) == {1, 2, 3}  # the blind one is kept, and does not count
    assert list(spectra["spectrum"]) == [2, 3]
    assert all(spectra["settled"] == 1)
    trace, after = [text for text in said if "last bytes on the line" in text]
    assert "opened" in after, "and what passed when it answered again"
    assert 10 < len(trace.splitlines()) <= 41
    assert " sent " in trace
    assert "lost" in trace.splitlines()[-1]
    assert found == {25: pytest.approx(TRUTH_S_CM[25], rel=0.03), 40: pytest.approx(TRUTH_S_CM[40], rel=0.03)}


def test_a_cable_pulled_in_the_middle_of_a_command_heals_by_itself(tmp_path: Path) -> None:
    """It goes out while the furnace is given its set-point, for 40 s: the step is begun again when it answers."""
    write_bench(tmp_path, 'driver = "simulated-eurotherm"\npeer = { unplugged = [{ after_s = 1, for_s = 40 }] }')
    with sweep(tmp_path, [40]) as run:
        assert [(one.attempt, one.state) for one in run.attempts()] == [(1, "broken"), (2, "finished")]
        assert 41 <= (run.attempts()[1].started_t_s or 0) < 46
        assert any("the run waits for it to answer" in text for text in texts(run))
        assert conductivities(run) == {40: pytest.approx(TRUTH_S_CM[40], rel=0.03)}


# ---------------------------------------------------------------- two processes
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_peer_ends_with_whoever_started_it(number: int) -> None:
    """Its port is free again, however the command was ended. Linux only: the other side of the port is looked at."""
    command = [sys.executable, "-P", "-m", "cellrig", "simulate", "eurotherm", "--tcp", "0"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, encoding="utf-8") as child:
        assert child.stdout is not None
        port = int(child.stdout.readline().partition(";")[0].rpartition(":")[2])
        os.kill(child.pid, number)
        child.wait(10)
        until = wall_monotonic() + 10
        while wall_monotonic() < until:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) != 0:
                    return
            wall_sleep(0.1)
    raise AssertionError("the peer still answers")


def test_a_followed_world_is_the_published_one(tmp_path: Path) -> None:
    simulation = read_simulation({"furnace": "peer"}, "test")
    with pytest.raises(InstrumentError, match="cellrig simulate eurotherm"):
        FollowingWorld(simulation, "cell", tmp_path)
    published = PublishedWorld(simulation, 1000.0, wall_unix(), tmp_path)
    published.set_target(60.0, 0.05)
    following = FollowingWorld(simulation, "cell", tmp_path)
    for step in range(4):
        wall_sleep(0.1)
        before = published.sample(1).temperature_C  # it rises all the time
        ours = following.sample(1).temperature_C
        assert before - 0.1 <= ours <= published.sample(1).temperature_C + 0.1
        if step == 1:
            published.hold()
    assert following.furnace().setpoint_C == pytest.approx(published.furnace().setpoint_C)
    assert following.furnace().setpoint_C < 60
    with pytest.raises(InstrumentError, match="command it there"):
        following.set_target(30.0, None)
    with pytest.raises(BadInput, match="another process"):
        PublishedWorld(simulation, 1.0, wall_unix(), tmp_path)
    with pytest.raises(BadInput, match="other parameters"):
        FollowingWorld(read_simulation({"seed": 5}, "test"), "cell", tmp_path)
    following.close()
    published.close()


@contextmanager
def simulate(*words: str) -> Iterator[subprocess.Popen[str]]:
    """`cellrig simulate` in a process of its own, answering."""
    command = [sys.executable, "-P", "-m", "cellrig", "simulate", *words]
    child = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8", env=dict(os.environ)
    )
    assert child.stdout is not None
    assert "answers at" in child.stdout.readline()
    try:
        yield child
    finally:
        child.communicate("quit\n", timeout=10)


def test_a_sweep_on_a_furnace_in_another_process(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    link = tmp_path / "eurotherm"
    bench = write_bench(
        tmp_path,
        f'driver = "eurotherm"\nport = "{link}"\ntimeout_s = 0.05',
        speed="speed = 300\nlost_after_s = 900",
        simulation='furnace = "peer"',
    )
    assert doctor_command(bench, self_test=False, json=False) == 1
    told = " ".join(capsys.readouterr().out.split())
    assert "check cable, power and the port's name" in told
    assert "start it with: cellrig simulate eurotherm" in told
    with simulate("eurotherm", "--bench", str(bench), "--fault", "cut=0.003") as child:
        assert doctor_command(bench, self_test=True, json=True) == 0
        found = json.loads(capsys.readouterr().out)
        assert found[0]["identity"]["model"] == "2408"
        assert found[0]["self_test"][0].startswith("20 readings")
        with sweep(tmp_path, [40]) as run:
            assert conductivities(run) == {40: pytest.approx(TRUTH_S_CM[40], rel=0.03)}
            assert any("output 0 % read back" in text for text in texts(run))
        assert child.poll() is None


# ---------------------------------------------------------------- a person at the peer
def test_what_is_typed_at_a_peer(tmp_path: Path) -> None:
    peer = Peer(PeerRequest("eurotherm", tcp=0, faults=["late=0.1"]))
    device: Any = peer.device
    try:
        assert peer.faults.late == 0.1
        for line in ("fault cut=0.2 echoed=on", "panel 55", "manual on 10", "break on", "power 3", "unplug 0.2"):
            assert peer.do(line) == "done"
        assert (peer.faults.cut, peer.faults.echoed, device.target_C, device.manual) == (0.2, True, 55, True)
        peer.do("clear")
        assert (peer.faults.cut, peer.faults.late) == (0, 0)
        assert "temperature_C" in peer.do("show")
        for line in ("fault cut=2", "fault nonsense=1", "panel", "panel hot", "break perhaps", "dance", "manual"):
            with pytest.raises(BadInput):
                peer.do(line)
    finally:
        peer.close()


def test_a_cable_pulled_at_the_peer_comes_back_by_itself(tmp_path: Path) -> None:
    peer = Peer(PeerRequest("linkam", pty=tmp_path / "linkam"))
    peer.do("unplug 0.2")
    assert not (tmp_path / "linkam").exists()
    deadline = wall_monotonic() + 5
    while not (tmp_path / "linkam").exists() and wall_monotonic() < deadline:
        wall_sleep(0.05)
    assert (tmp_path / "linkam").exists()
    with pytest.raises(BadInput, match="no command"):
        peer.do("panel 30")
    peer.close()


@pytest.mark.parametrize(
    ("words", "match"),
    [
        (["teapot"], "no peer 'teapot'"),
        (["eurotherm", "--fault", "late=7"], "0 to 1"),
        (["eurotherm", "--bench", "none.toml"], "no such file"),
        (["linkam", "--tcp", "99999999"], "65535"),
    ],
)
def test_typing_mistakes_are_one_line(words: list[str], match: str) -> None:
    child = subprocess.run(
        [sys.executable, "-P", "-m", "cellrig", "simulate", *words],
        capture_output=True,
        check=False,
        encoding="utf-8",
        timeout=30,
        stdin=subprocess.DEVNULL,
    )
    assert child.returncode == 2
    assert match in child.stderr
    assert "Traceback" not in child.stderr


def test_a_pseudo_terminal_in_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="there is no folder"):
        Peer(PeerRequest("linkam", pty=tmp_path / "nowhere" / "linkam"))
