"""The report as a person at the prompt meets it: left behind by every run, made anew on request, never in the way."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import procedures.report
from daq.errors import StorageError
from procedures.cli.app import run_app
from procedures.cli.reporting import report_at_end

SWEEP = """
[sample]
name = "K001 pellet"
pellet = { thickness_mm = 0.9, diameter_mm = 10 }
[[run]]
procedure = "eis-sweep"
temperatures_C = [40, 60]
"""
ANNEALING = """
[sample]
name = "<b>pellet</b> & Söhne"
[[run]]
procedure = "temperature-hold"
temperature_C = 40
duration_h = 0.05
"""


@dataclass
class Said:
    status: int
    out: str
    err: str


class Prompt:
    """The command line, in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *words: str) -> Said:
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            run_app(list(words))
        told = self._capsys.readouterr()
        assert isinstance(end.value.code, int)
        return Said(end.value.code, told.out, told.err)


@pytest.fixture
def cellrig(capsys: pytest.CaptureFixture[str]) -> Prompt:
    return Prompt(capsys)


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CELLRIG_STATE", str(tmp_path / "state"))
    monkeypatch.delenv("CELLRIG_RUNS", raising=False)
    monkeypatch.chdir(tmp_path)


def planned(text: str) -> str:
    Path("plan.toml").write_text(text, encoding="utf-8")
    return "plan.toml"


def the_run() -> Path:
    (folder,) = Path("runs").iterdir()
    return folder


def test_a_run_leaves_its_report_and_says_where(cellrig: Prompt) -> None:
    told = cellrig("run", planned(SWEEP))
    assert told.status == 0
    (named,) = re.findall(r"report is (.+)", told.out)
    assert Path(named).resolve() == (the_run() / "report.html").resolve()
    page = Path(named).read_text(encoding="utf-8")
    assert "K001 pellet" in page
    shown = json.loads(cellrig("show", "last", "--json").out)
    (energy,) = [one for one in shown["results"] if one["name"] == "activation_energy"]
    assert f"{energy['value']:.2f}" in page

    Path(named).unlink()
    again = cellrig("report", "last", "--png")
    assert (again.status, again.err) == (0, "")
    assert Path(again.out.strip()).resolve() == Path(named).resolve()
    figures = {one.stem: one.read_bytes() for one in (the_run() / "figures").iterdir()}
    assert {"arrhenius", "nyquist", "bode", "temperature"} <= set(figures)
    assert all(content.startswith(b"\x89PNG") for content in figures.values())


def test_an_annealing_has_a_report_whatever_its_sample_is_called(cellrig: Prompt) -> None:
    told = cellrig("run", planned(ANNEALING), "--json")
    assert told.status == 0
    assert isinstance(json.loads(told.out), list), "the report does not disturb the JSON"
    page = (the_run() / "report.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;pellet&lt;/b&gt; &amp; Söhne" in page
    assert "<b>pellet</b>" not in page


def test_what_is_there_is_replaced_on_demand_only(cellrig: Prompt) -> None:
    cellrig("run", planned(ANNEALING))
    assert cellrig("report", "last").status == 0, "the run's own report is made anew without asking"
    mine = Path("mine.html")
    mine.write_text("my notes", encoding="utf-8")
    told = cellrig("report", "last", "--to", "mine.html")
    assert told.status == 2
    assert "mine.html" in told.err
    assert "--overwrite" in told.err
    assert mine.read_text(encoding="utf-8") == "my notes"
    assert json.loads(cellrig("report", "last", "--to", "mine.html", "--overwrite", "--json").out) == {
        "report": "mine.html"
    }
    assert mine.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_a_report_of_nothing_is_one_line(cellrig: Prompt) -> None:
    told = cellrig("report", "no-such-run")
    assert told.status == 2
    assert told.out == ""
    (line,) = told.err.splitlines()
    assert "no-such-run" in line


@pytest.mark.parametrize(
    "trouble",
    [
        ZeroDivisionError("of a figure"),
        StorageError("report.html: the disk is full"),
        KeyboardInterrupt(),
        MemoryError(),
    ],
    ids=lambda one: type(one).__name__,
)
def test_a_report_that_fails_does_not_touch_the_run(
    trouble: BaseException, cellrig: Prompt, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*words: Any, **options: Any) -> Path:
        raise trouble

    monkeypatch.setattr(procedures.report, "write_report", broken)
    told = cellrig("run", planned(ANNEALING))
    assert told.status == 0
    assert "the run is in" in told.out
    assert "report is" not in told.out
    (line,) = told.err.splitlines()
    assert "report" in line
    assert json.loads(cellrig("show", "last", "--json").out)["outcome"] == "finished"


def test_a_folder_that_is_gone_at_the_end_is_a_line_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert report_at_end(tmp_path / "gone") is None
    (line,) = capsys.readouterr().err.splitlines()
    assert "gone" in line
