"""The command line as a stranger meets it: help, nonsense, folders that stand in for ours. By subprocess."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from daq.clock import wall_monotonic


def cellrig(*words: str, cwd: Path, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "CELLRIG_RUNS"}
    environment["PYTHONUTF8"] = "1"
    if path is not None:
        environment["PYTHONPATH"] = str(path)
    return subprocess.run(
        [sys.executable, "-m", "cellrig", *words],
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        timeout=50,
        check=False,
    )


def test_help_is_printed_at_once(tmp_path: Path) -> None:
    cellrig("--help", cwd=tmp_path)  # the first time Python compiles what it imports
    began = wall_monotonic()
    done = cellrig("--help", cwd=tmp_path)
    assert wall_monotonic() - began < 2.0  # 0.1 s here; a loaded CI machine gets room, an import of scipy does not
    assert done.returncode == 0
    assert "analyse" in done.stdout
    assert cellrig(cwd=tmp_path).stdout == done.stdout


@pytest.mark.parametrize(
    "words",
    [
        ["nonsense"],
        ["--nonsense"],
        ["run"],
        ["run", "there-is-no-such-plan.toml"],
        ["run", "."],
        ["check", "a.toml", "b.toml"],
        ["show", "no-such-run"],
        ["resume", "no-such-run"],
        ["show", ""],
        ["analyse", "no-such-file.txt"],
        ["runs", "--runs"],
    ],
)
def test_a_mistake_is_one_line_and_status_2(words: list[str], tmp_path: Path) -> None:
    done = cellrig(*words, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("cellrig: ")
    assert len(done.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == [], "a mistake leaves nothing behind"


@pytest.mark.parametrize("floor", ["daq", "drivers", "procedures", "gui"])
@pytest.mark.parametrize("kind", ["package", "bare folder", "module"])
def test_a_folder_of_the_labs_own_that_hides_ours_is_named(floor: str, kind: str, tmp_path: Path) -> None:
    lab = tmp_path / "lab scripts"
    lab.mkdir()
    theirs = lab / (f"{floor}.py" if kind == "module" else floor)
    if kind == "module":
        theirs.write_text("raise RuntimeError('this must not be run')\n", encoding="utf-8")
    else:
        theirs.mkdir()
        if kind == "package":
            (theirs / "__init__.py").write_text("raise RuntimeError('this must not be run')\n", encoding="utf-8")
    for done in (cellrig("runs", cwd=lab), cellrig("runs", cwd=tmp_path, path=lab)):
        if kind == "bare folder" and done.returncode == 0:
            continue  # an installed package wins over a folder without __init__.py; an editable one does not
        assert done.returncode == 2
        assert str(theirs) in done.stderr
        assert "PYTHONPATH" in done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_a_folder_of_the_labs_own_beside_it_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "results.py").write_text("raise RuntimeError\n", encoding="utf-8")
    assert cellrig("runs", cwd=tmp_path).returncode == 0
