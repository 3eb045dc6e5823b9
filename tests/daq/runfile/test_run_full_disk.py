"""A disk that takes no more: the run ends with an intact file that says why. Linux: the limit is RLIMIT_FSIZE."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from daq.runfile.reader import RunFile

CHILD = Path(__file__).with_name("full_disk_child.py")


@pytest.mark.parametrize("asked", ["failed", "finished"])
def test_a_full_disk_ends_the_run_with_the_truth_written(tmp_path: Path, asked: str) -> None:
    words = [sys.executable, str(CHILD), str(tmp_path), asked]
    done = subprocess.run(words, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    (folder,) = tmp_path.iterdir()
    assert "could not be written" in told["error"]
    assert str(folder) in told["error"]
    assert "Free some space" in told["error"]
    assert told["again"] == told["error"], "no row is taken any more"
    assert told["recorded"] > 1000, "the limit was met while recording"
    assert told["reserve"] is False, "the reserve is given back"
    with RunFile.open(folder) as run:
        assert [run.outcome, run.reason] == told["written"]
        assert run.outcome == "failed", "a run with a write that failed is no success, whoever says so"
        assert run.reason == ("all steps done" if asked == "failed" else told["error"])
        assert run.events()[-1].text == "the disk is full"
        assert run.steps()[0].state == "failed"
        assert run.results()[0].name == "voltage"
        rows = run.table("cell")
    assert rows["id"].size >= told["recorded"], "what was durable before is still there"
    np.testing.assert_array_equal(rows["voltage_V"], np.arange(rows["id"].size))
    connection = sqlite3.connect(folder / "run.db")
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
