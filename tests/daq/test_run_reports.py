"""The host has reports made of its runs: one after the other, beside its work, and whatever happens to them."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from host_bench import until

from daq.plan import make_plan
from daq.run_reports import RunReports, installed
from daq.runner import Watcher, run_plan

ANNEALING = {
    "sample": {"name": "pellet"},
    "run": [{"procedure": "temperature-hold", "temperature_C": 40, "duration_h": 0.05}],
}


def test_each_run_has_its_report_in_the_order_asked_and_a_folder_that_is_none_holds_nobody_up(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    plan = make_plan(ANNEALING, place="test")
    first, second = (run_plan(plan, tmp_path, Watcher())[0].path for _ in range(2))
    reports, made = RunReports(), []
    with caplog.at_level(logging.WARNING, "daq.run_reports"):
        for run in (first, tmp_path / "nothing here", second):
            reports.make(run, made.append)
        reports.close()
    assert made == [first / "report.html", second / "report.html"]
    assert all("pellet" in page.read_text(encoding="utf-8") for page in made)
    (said,) = (one.message for one in caplog.records if one.name == "daq.run_reports")
    assert f"no report of {tmp_path / 'nothing here'}" in said


def test_what_makes_them_is_found_by_entry_point() -> None:
    assert "procedures.report.at_end" in installed()


def test_a_report_that_hangs_is_ended_and_the_rest_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "endless_report.py").write_text("import time\ntime.sleep(600)\n", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    slow, closed = (RunReports(lambda: ["endless_report"], longest_s=seconds) for seconds in (0.5, 600))
    with caplog.at_level(logging.WARNING, "daq.run_reports"):
        slow.make(tmp_path)
        slow.close()
        assert f"no report of {tmp_path}" in caplog.text
        assert closed.pid is None
        closed.make(tmp_path / "a")
        until(lambda: closed.pid, 10, "it is not begun")
        closed.make(tmp_path / "b")
        closed.close(patience_s=1.0)
    assert str(tmp_path / "b") in caplog.text


def test_closing_without_any_is_nothing() -> None:
    RunReports().close()
