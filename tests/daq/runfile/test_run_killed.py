"""A run that is killed: nothing that was acknowledged is lost, it reads as interrupted, and it goes on."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from damaged_run import make_run

from daq.clock import wall_monotonic, wall_sleep
from daq.disk_watch import DiskWatch
from daq.errors import RunFileError
from daq.runfile.checkup import check_up
from daq.runfile.owner import has_owner
from daq.runfile.reader import RunFile
from daq.runfile.writer import RunWriter

CHILD = Path(__file__).with_name("recording_child.py")
KILLS = 12
SLOW_S = 0.05  # more than the 20 ms of a group: each row is durable before `record` returns
GROUP_AND_MARGIN_S = 0.1


class Recorder:
    """The child, from its first acknowledged row on."""

    def __init__(self, folder: Path, pause_s: float, resume: Path | None = None) -> None:
        self._told = folder / "acknowledged"
        self._told.unlink(missing_ok=True)
        self.runs = folder / "runs"
        arguments = [str(self.runs), str(self._told), str(pause_s), *([str(resume)] if resume else [])]
        self.process = subprocess.Popen([sys.executable, str(CHILD), *arguments], stderr=subprocess.PIPE)
        deadline = wall_monotonic() + 30
        while not self._told.exists() or self._told.stat().st_size < 16:
            assert self.process.poll() is None, self.process.communicate()[1].decode()
            assert wall_monotonic() < deadline, "the child does not record"
            wall_sleep(0.01)

    def kill(self) -> np.ndarray:
        """What was acknowledged: `number`, and `at`, the moment."""
        self.process.kill()
        self.process.communicate()
        told = self._told.read_bytes()
        return np.frombuffer(told[: len(told) // 16 * 16], dtype=[("number", "<i8"), ("at", "<f8")])

    @property
    def run(self) -> Path:
        (folder,) = self.runs.iterdir()
        return folder


def test_killed_at_random_moments_and_resumed_each_time(tmp_path: Path) -> None:
    moments = random.Random(20261125)
    run: Path | None = None
    for kill in range(KILLS):
        slow = kill % 2 == 0
        recorder = Recorder(tmp_path, SLOW_S if slow else 0.0, resume=run)
        wall_sleep(moments.uniform(0.0, 0.25))
        acknowledged = recorder.kill()
        run = recorder.run
        with RunFile.open(run) as found:
            assert found.outcome == "interrupted"
            assert found.reason == ""
            rows = found.table("cell")
            attempts = found.attempts()
            began = found.recall("began")
        np.testing.assert_array_equal(rows["number"], np.arange(rows["number"].size))
        np.testing.assert_array_equal(rows["id"], np.arange(1, rows["number"].size + 1))
        gone = acknowledged[acknowledged["number"] > rows["number"][-1]]
        if slow:
            assert not gone.size, "a row was acknowledged and is gone"
        elif gone.size:
            assert gone["at"][-1] - gone["at"][0] < GROUP_AND_MARGIN_S, "more than a group of rows is gone"
        assert (began == 0) if kill == 0 else (began > 0)
        assert [one.state for one in attempts] == ["broken"] * kill + ["running"]
        assert [one.attempt for one in attempts] == list(range(1, kill + 2))
        assert set(rows["attempt"]) <= set(range(1, kill + 2))
    assert run is not None
    writer = RunWriter.reopen(run)
    writer.end_step("hold", writer.begin_step("hold", 1.0), "finished", 2.0)
    writer.close("finished", "all steps done", 3.0)
    with RunFile.open(run) as found:
        assert found.outcome == "finished"
        assert {path.name for path in run.iterdir()} == {"run.db", "run.log"}
    with sqlite3.connect(run / "run.db") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()


def test_one_row_is_on_disk_when_record_returns(tmp_path: Path) -> None:
    """Not even tidied up: the files as the kill left them are copied and read elsewhere."""
    recorder = Recorder(tmp_path, SLOW_S)
    wall_sleep(0.2)
    acknowledged = recorder.kill()
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("run.db", "run.db-wal"):
        shutil.copyfile(recorder.run / name, copy / name)
    connection = sqlite3.connect(copy / "run.db")
    (stored,) = connection.execute("SELECT max(number) FROM cell").fetchone()
    connection.close()
    assert stored >= acknowledged["number"][-1]


def test_a_live_run_is_running_and_belongs_to_its_process(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, 0.0)
    with RunFile.open(recorder.run) as run:
        assert run.outcome == "running"
        sizes = []
        for _ in range(5):
            rows = run.table("cell")
            np.testing.assert_array_equal(rows["number"], np.arange(rows["number"].size))
            sizes.append(rows["number"].size)
            wall_sleep(0.05)
        assert sizes == sorted(sizes)
        assert sizes[0] < sizes[-1], "a reader sees the rows that come while it has the run open"
        with pytest.raises(RunFileError, match=rf"is being run by pid {recorder.process.pid} on "):
            RunWriter.reopen(recorder.run)
        recorder.kill()
        assert run.outcome == "interrupted", "also for a reader that has it open"


def test_a_deleted_lock_lets_no_second_process_into_the_run(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, SLOW_S)
    (recorder.run / "run.lock").unlink()
    with RunFile.open(recorder.run) as run:
        assert run.outcome == "running"
        with pytest.raises(RunFileError, match=rf"by process {recorder.process.pid}, and somebody deleted"):
            RunWriter.reopen(recorder.run)
        assert [one.what for one in check_up(recorder.run)] == ["the run is being written now"]
        before = run.table("cell")["number"].size
        recorder.kill()
        assert run.outcome == "interrupted"
        rows = run.table("cell")
    assert rows["number"].size >= before
    assert set(rows["attempt"]) == {1}
    RunWriter.reopen(recorder.run).close("finished", "", 1e6)


def test_a_deleted_lock_is_put_back_by_the_writer(tmp_path: Path) -> None:
    writer = make_run(tmp_path / "runs", 10)
    told: list[str] = []
    watch = DiskWatch(
        writer.path, lambda *event: told.append(event[-1]), lambda error: None, keep_lock=writer.keep_lock
    )
    watch.look()
    assert not told
    (writer.path / "run.lock").unlink()
    assert not has_owner(writer.path)
    watch.look()
    watch.look()
    assert len(told) == 1
    assert "somebody deleted run.lock" in told[0]
    assert has_owner(writer.path)
    with pytest.raises(RunFileError, match="is being run by"):
        RunWriter.reopen(writer.path)
    writer.close("finished", "", 1.0)
    assert not (writer.path / "run.lock").exists()


def test_the_first_who_opens_a_killed_run_makes_it_one_plain_file(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, 0.0)
    recorder.kill()
    assert (recorder.run / "run.db-wal").stat().st_size > 0
    with RunFile.open(recorder.run) as run:
        rows = run.table("cell")["number"].size
    assert not list(recorder.run.glob("run.db-*"))
    os.chmod(recorder.run, 0o500)
    try:
        with RunFile.open(recorder.run) as run:
            assert run.table("cell")["number"].size == rows
    finally:
        os.chmod(recorder.run, 0o700)
