"""Where a report goes, what it may replace, and what it does with runs of other procedures."""

from __future__ import annotations

from pathlib import Path

import pytest
from report_page import read_page
from sweep_records import Taken, blocking_cell, write_record

from daq.contracts import Result
from daq.errors import BadInput, RunFileError
from daq.runfile.writer import RunWriter
from procedures.report import write_report


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return write_record(tmp_path / "runs", [Taken(60, blocking_cell(60))], procedure="temperature-hold")


def test_by_default_it_lies_in_the_run_and_is_made_anew(run: Path) -> None:
    path = write_report(run)
    assert path == run / "report.html"
    path.write_text("of yesterday", encoding="utf-8")
    assert write_report(run / "run.db") == path
    assert "of yesterday" not in path.read_text(encoding="utf-8")
    assert sorted(one.name for one in run.iterdir()) == ["report.html", "run.db", "run.log"]


def test_a_file_of_somebody_else_is_not_replaced_by_mistake(run: Path, tmp_path: Path) -> None:
    mine = tmp_path / "thesis.html"
    mine.write_text("three years of work", encoding="utf-8")
    with pytest.raises(BadInput, match=r"is there already.*--overwrite"):
        write_report(run, mine, png=True)
    assert mine.read_text(encoding="utf-8") == "three years of work"
    assert not (tmp_path / "thesis_figures").exists()
    assert write_report(run, mine, overwrite=True) == mine
    assert "temperature-hold" in read_page(mine).text


def test_into_a_folder_it_has_the_name_of_the_run(run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "reports"
    folder.mkdir()
    path = write_report(run, folder, png=True)
    assert path == folder / f"{run.name}.html"
    assert [one.name for one in (folder / f"{run.name}_figures").iterdir()] == ["temperature.png"]


def test_what_is_no_run_is_said_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(RunFileError, match="no run here"):
        write_report(tmp_path)


def test_a_procedure_without_figures_of_its_own_has_the_temperature(run: Path) -> None:
    page = read_page(write_report(run))
    assert page.headings == ["Temperature", "Sample", "Settings", "Steps", "Instruments", "Versions", "Log"]


def test_a_procedure_nobody_here_has_heard_of_shows_its_results(tmp_path: Path) -> None:
    results = [
        Result("breakdown_voltage", 12.5, "V", 0.5, (11.5, 13.5), {"cycle": 3}, "by ear"),
        Result("breakdown_current", None, "A", at={"cycle": 4}, reason="it was too loud"),
    ]
    path = write_record(tmp_path, procedure="spark-gap", results=results)
    page = read_page(write_report(path))
    assert page.row("breakdown voltage") == ["breakdown voltage", "cycle 3", "12.50 ± 0.50 V", "11.5 … 13.5", "by ear"]
    assert page.row("breakdown current")[2] == "–a"
    assert "a it was too loud" in page.text


def test_of_a_long_log_the_errors_are_kept_and_the_rest_is_counted(tmp_path: Path) -> None:
    def talk(writer: RunWriter) -> None:
        for number in range(1000):
            level = "error" if number % 100 == 50 else "info"
            writer.event(float(number), level, "engine", f"line number {number}.")

    page = read_page(write_report(write_record(tmp_path, say=talk)))
    for number in range(50, 1000, 100):
        assert f"line number {number}." in page.text
    assert "line number 0." in page.text
    assert "line number 999." in page.text
    assert "750 of 1000 lines are left out here" in page.text
