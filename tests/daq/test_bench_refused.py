"""What a bench's folder holds from before: a queue of another version, a lock of a program that crashed."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from host_bench import SIMULATED, write_bench, write_plan

from daq.bench_lock import bench_folder, bench_lock
from daq.clock import wall_monotonic
from daq.errors import BenchBusy
from daq.run_queue import APPLICATION
from procedures.cli.app import run_app

HOLDER = """
import sys, time
from pathlib import Path
from daq.bench import load_bench
from daq.bench_lock import bench_lock
with bench_lock(load_bench(Path(sys.argv[1])), "a script that crashes"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CELLRIG_STATE", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("words", [["serve", "--port", "0"], ["run", "plan.toml"]], ids=["serve", "run"])
def test_a_queue_of_another_version_is_refused_in_a_sentence_and_left_alone(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = bench_folder(write_bench(tmp_path, SIMULATED, 600))
    write_plan(tmp_path, [30])
    folder.mkdir(parents=True)
    with closing(sqlite3.connect(folder / "queue.db")) as db:
        db.execute("CREATE TABLE entry (id, of_the_future)")
        db.execute("PRAGMA user_version = 99")
        db.execute(f"PRAGMA application_id = {APPLICATION}")
    before = (folder / "queue.db").read_bytes()
    with pytest.raises(SystemExit) as end:
        run_app([*words, "--bench", "bench.toml"])
    said = capsys.readouterr().err
    assert end.value.code == 2
    assert said.count("\n") == 1
    assert "queue.db" in said
    assert "was written by another version of cellrig" in said
    assert "move it away, and a new one is made" in said
    assert (folder / "queue.db").read_bytes() == before
    assert not (tmp_path / "runs").exists()
    assert not (folder / "host.json").exists(), "nothing was started"


def test_the_lock_of_a_program_that_crashed_is_free_and_the_next_holder_is_named(tmp_path: Path) -> None:
    config = write_bench(tmp_path, SIMULATED, 600)
    words = [sys.executable, "-P", "-c", HOLDER, str(config.source)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as crashing:
        assert crashing.stdout is not None
        assert crashing.stdout.readline() == "held\n"
        told = rf"a script that crashes \(process {crashing.pid}\)"
        with pytest.raises(BenchBusy, match=told), bench_lock(config, "the next"):
            pass
        crashing.kill()
        crashing.wait(10)
    assert (bench_folder(config) / "holder.json").exists(), "its note is still there"
    with bench_lock(config, "the next"), pytest.raises(BenchBusy, match="in use by the next"), bench_lock(config, "x"):
        pass
    assert not (bench_folder(config) / "holder.json").exists()


def test_a_lock_that_the_system_still_keeps_for_the_dead_is_waited_for(tmp_path: Path) -> None:
    """The first thread of a killed process is gone before the last one, with which its locks go."""
    config = write_bench(tmp_path, SIMULATED, 600)
    folder = bench_folder(config)
    with bench_lock(config, "the host"):
        with subprocess.Popen([sys.executable, "-c", ""]) as dead:
            pass
        (folder / "holder.json").write_text(json.dumps({"pid": dead.pid, "holder": "the host"}), encoding="utf-8")
        began_s = wall_monotonic()
        with pytest.raises(BenchBusy, match="the host"), bench_lock(config, "cellrig guard", patience_s=0.5):
            pass
        assert 0.5 <= wall_monotonic() - began_s < 5
    with bench_lock(config, "cellrig guard", patience_s=0.5):
        pass
