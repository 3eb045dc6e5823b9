"""The driver of `make chaos`: it goes on where it was broken off, and a part that fails is told and run again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import leftovers
import pytest
import tally
from chaos import BEGIN, END, PARTS, PROCEDURES, STANDS, Part, portions_of, run_all, table, write_page
from kill_kinds import KINDS
from soak_stands import STANDS as SOAKED

POWER = Part("power loss", "power_loss.py", "--rows", 40, "1, 2", 2)
GONE = Part("gone", "there_is_no_such_script.py", "--count", 1, "3")


def test_it_goes_on_where_it_was_broken_off_and_runs_what_failed_again(tmp_path: Path) -> None:
    kept = tmp_path / "chaos" / "kept.json"
    first = run_all(0.1, 7, kept, [POWER, GONE])
    assert "4 rows" in first[0]
    assert first[0].endswith("holds |")
    assert "**broken**" in table(first)
    before = {one["name"]: one["took_s"] for one in json.loads(kept.read_text(encoding="utf-8"))}
    assert run_all(0.1, 7, kept, [POWER, GONE])[0] == first[0]
    again = {one["name"]: one["took_s"] for one in json.loads(kept.read_text(encoding="utf-8"))}
    assert {name for name in before if again[name] != before[name]} == {"gone 0"}


DETACHES = """
import sys
from pathlib import Path
from daq.system import System
from daq.clock import wall_sleep
System().start_detached(["-c", "import time; time.sleep(60)"], Path("said.txt"))
print("started", flush=True)
wall_sleep(60)
"""


def test_what_was_started_is_ended_even_what_left_the_tree_and_outlived_a_kill(tmp_path: Path) -> None:
    work = tmp_path / "work"
    words = [sys.executable, "-c", DETACHES]
    with subprocess.Popen(words, env=leftovers.marked(work), cwd=tmp_path, stdout=subprocess.PIPE) as starter:
        assert starter.stdout is not None
        starter.stdout.readline()
        os.kill(starter.pid, signal.SIGKILL)
    left = leftovers.left_by(work)
    assert [one.cmdline()[-1] for one in left] == ["import time; time.sleep(60)"]
    (work / "of-a-portion").mkdir()
    assert leftovers.clear(work) == 1
    assert not left[0].is_running()
    assert not work.exists()


def test_the_counts_are_shared_out_each_with_a_seed_of_its_own() -> None:
    (kills,) = (part for part in PARTS if part.name == "kill -9 of the whole tree")
    shares = portions_of([kills], 0.14, 3)
    assert [one.count for one in shares] == [1] * 7
    assert len({one.seed for one in shares}) == 7
    assert set(PROCEDURES) == set(KINDS), "a procedure that nobody kills"
    assert set(STANDS) == set(SOAKED), "a stand that nobody soaks"


def test_counts_are_summed_and_the_worst_is_kept() -> None:
    lines = ['{"kills": 2, "slowest (s)": 0.5}', '{"kills": 3, "slowest (s)": 0.25}', "Traceback"]
    found = [tally.heard(line) for line in lines]
    assert found[2] is None
    assert tally.text(tally.merged(one for one in found if one)) == "5 kills, slowest (s): 0.5"


def test_the_table_goes_between_its_marks(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", encoding="utf-8")
    write_page(page, "new")
    assert page.read_text(encoding="utf-8") == f"before\n{BEGIN}\nnew\n{END}\nafter\n"
    page.write_text("no marks", encoding="utf-8")
    with pytest.raises(ValueError, match="lacks the marks"):
        write_page(page, "new")
