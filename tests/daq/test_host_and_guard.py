"""A run outlives whoever started it, and the heater goes off when the program that ran it is gone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from host_bench import SIMULATED, WIRE, ended_with_the_test, guards_of, peer, shown, until, write_bench, write_plan

from daq.bench_lock import bench_lock
from daq.catalog import list_runs
from daq.clock import wall_monotonic
from daq.errors import BenchBusy
from daq.host_client import run_in_host, start_host
from daq.host_note import QUEUE, HostNote, find_host
from daq.plan import load_plan
from daq.run_queue import RunQueue
from daq.runfile.reader import RunFile
from daq.runner import Watcher
from daq.system import ProcessId, System, write_private

CELLRIG = [sys.executable, "-P", "-m", "cellrig"]
SAFE_WITHIN_S = 9.0 + 5.0  # the furnace's own safe_within_s, and what the guard may take


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CELLRIG_STATE", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)


def running(folder: Path) -> list[Path]:
    return [one.path for one in list_runs(folder / "runs")]


def test_the_host_is_killed_and_its_guard_switches_the_heater_off(tmp_path: Path) -> None:
    """By the peer's own furnace; the run reads interrupted, tells what the guard did, and goes on to its end."""
    config = write_bench(tmp_path, WIRE, 600)
    plan = write_plan(tmp_path, [40])
    with ended_with_the_test(config), peer(tmp_path / "bench.toml") as furnace:
        with subprocess.Popen([*CELLRIG, "run", str(plan)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as cli:
            until(lambda: running(tmp_path), 30, "no run")
            until(lambda: "heater_on=True" in shown(furnace), 30, "the furnace does not heat")
            note = find_host(config)
            assert note is not None
            killed_s = wall_monotonic()
            os.kill(note.process.pid, signal.SIGKILL)
            until(lambda: "heater_on=False" in shown(furnace), SAFE_WITHIN_S, "the heater stays on")
            assert wall_monotonic() - killed_s < SAFE_WITHIN_S
            assert cli.wait(40) == 3
            assert cli.stdout is not None
            assert "the bench host died" in cli.stdout.read().decode()
        (path,) = running(tmp_path)
        with RunFile.open(path) as run:
            assert run.outcome == "interrupted"
            said = [event.text for event in run.events() if event.source == "guard"]
        assert any("furnace: made safe: heater off" in text and "read back" in text for text in said)
        done = subprocess.run([*CELLRIG, "resume", "last", "--json"], capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["outcome"] == "finished"


def test_whoever_started_it_may_die_and_the_run_goes_on(tmp_path: Path) -> None:
    config = write_bench(tmp_path, SIMULATED, 600)
    plan = write_plan(tmp_path, [30])
    with ended_with_the_test(config):
        with subprocess.Popen([*CELLRIG, "run", str(plan)], stdout=subprocess.DEVNULL) as cli:
            until(lambda: running(tmp_path), 30, "no run")
            cli.kill()
        until(lambda: list_runs(tmp_path / "runs")[0].outcome == "finished", 40, "the run did not finish")
        until(lambda: find_host(config) is None, 10, "the host stays")
    queue = RunQueue(tmp_path / "state" / "benches" / _bench_folder(tmp_path) / QUEUE)
    assert [one.state for one in queue.entries()] == ["finished"]
    queue.close()


def test_a_driver_that_hangs_for_good_holds_up_neither_the_run_nor_the_next(tmp_path: Path) -> None:
    """The run ends at its deadline, the furnace is off, the host with the driver in it is gone; the bench is free."""
    hang = '[[simulation.faults]]\ninstrument = "potentiostat"\nkind = "hang"\nafter_s = 300\nfor_s = 1e9\n'
    config = write_bench(tmp_path, WIRE + hang, 150, "leave_within_s = 1\nhung_after_s = 900")
    plan = load_plan(write_plan(tmp_path, [40, 60]))
    with ended_with_the_test(config), peer(tmp_path / "bench.toml") as furnace:
        (ended,) = run_in_host(plan, tmp_path / "runs", Watcher())
        assert ended.end.outcome == "failed"
        assert "heater_on=False" in shown(furnace)
        until(lambda: find_host(config) is None, 20, "the host stays")
        until(lambda: not guards_of(tmp_path), 40, "the guard stays")
        with bench_lock(config, "the test"):
            pass
    with RunFile.open(ended.path) as run:
        assert run.outcome == "failed"
        assert "potentiostat" in run.reason or "hangs" in run.reason


def test_a_guard_that_dies_is_replaced(tmp_path: Path) -> None:
    config = write_bench(tmp_path, WIRE, 300)
    with ended_with_the_test(config), peer(tmp_path / "bench.toml"):
        note = start_host(config, tmp_path / "runs")
        assert note is not None
        client = note.client()
        until(lambda: client.ask("status")["guard"] == "watching", 10, "no guard")
        first = guards_of(tmp_path)
        for process in first:
            process.kill()
        until(lambda: set(guards_of(tmp_path)) - set(first), 20, "no new guard")
        client.ask("end")
        client.close()
        until(lambda: find_host(config) is None and not guards_of(tmp_path), 15, "host or guard stay")


def test_the_second_host_is_told_who_has_the_bench(tmp_path: Path) -> None:
    config = write_bench(tmp_path, SIMULATED, 60)
    plan = load_plan(write_plan(tmp_path, [30]))
    with ended_with_the_test(config):
        note = start_host(config, tmp_path / "runs")
        assert note is not None
        with pytest.raises(BenchBusy, match=f"process {note.process.pid}"):
            start_host(config, tmp_path / "runs")
        with pytest.raises(BenchBusy, match=f"process {note.process.pid}"):
            run_in_host(plan, tmp_path / "runs", Watcher())
        client = note.client()
        client.ask("end")
        client.close()
        until(lambda: not System().is_alive(note.process), 10, "the host stays")
    with bench_lock(config, "a script of mine"), pytest.raises(BenchBusy, match="a script of mine"):
        start_host(config, tmp_path / "runs")


def test_a_note_of_a_dead_host_is_no_host(tmp_path: Path) -> None:
    config = write_bench(tmp_path, SIMULATED, 60)
    folder = tmp_path / "state" / "benches" / _bench_folder(tmp_path)
    process = ProcessId(os.getpid(), 1.0)  # the number is in use again, by somebody else
    HostNote(process, 1, "token", "runs", config.as_dict(), False).write(folder)
    assert find_host(config) is None
    (folder / "host.json").write_text("{", encoding="utf-8")
    assert find_host(config) is None


def test_private_files_are_private(tmp_path: Path) -> None:
    """Linux only: the mode of the file is looked at."""
    write_private(tmp_path / "token", "secret")
    assert (tmp_path / "token").stat().st_mode & 0o777 == 0o600
    write_private(tmp_path / "token", "another")
    assert (tmp_path / "token").read_text(encoding="utf-8") == "another"


def test_ending_takes_what_a_process_started_with_it(tmp_path: Path) -> None:
    words = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])"
    with subprocess.Popen([sys.executable, "-c", words]) as parent:
        system = System()
        me = ProcessId(parent.pid, _started(parent.pid))
        until(lambda: system.children(me), 10, "no child")
        children = system.children(me)
        assert system.end([me]) == []
        assert not any(system.is_alive(one) for one in (me, *children))


def _started(pid: int) -> float:
    import psutil

    return psutil.Process(pid).create_time()


def _bench_folder(folder: Path) -> str:
    from daq.bench import load_bench
    from daq.bench_lock import bench_folder

    return bench_folder(load_bench(folder / "bench.toml")).name
