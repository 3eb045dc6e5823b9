"""The rows of the paper: plans that pass the check, numbers that come back, and a page that says so when not."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from daq.contracts import Result
from daq.plan import check_plan, load_plan
from procedures.report import write_report

PAPER = Path(__file__).parents[2] / "examples" / "paper"


@pytest.fixture(scope="module")
def paper() -> ModuleType:
    spec = importlib.util.spec_from_file_location("paper_run_all", PAPER / "run_all.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    "plan", ["arrhenius_k001", "arrhenius_k010", "arrhenius_li2ohcl", "cv", "lsv", "ccd", "symmetric", "lfp"]
)
def test_the_plans_pass_the_check(plan: str) -> None:
    (checked,) = check_plan(load_plan(PAPER / f"{plan}.toml"))
    assert sum(checked.seconds.values()) > 2000


@pytest.mark.parametrize("plan", ["lsv", "ccd", "lfp"])
def test_the_numbers_come_back_and_the_report_draws_them(plan: str, paper: ModuleType, tmp_path: Path) -> None:
    measured = paper.run_one(plan, tmp_path)
    results, trouble = measured.results, measured.trouble
    mine = [paper.judge(claim, results, trouble) for claim in paper.CLAIMS if claim.plan == plan]
    assert len(mine) >= 2
    assert [one.ours for one in mine if not one.agrees] == []
    wrong = paper.judge(replace(mine[0].claim, paper=9.9), results, trouble)
    assert not wrong.agrees
    assert "class='no'" in paper.page_of([wrong])
    assert paper.page_of(mine, {plan: measured.path}).count("<figure>") == len(paper.FIGURES[plan])
    (run,) = tmp_path.iterdir()
    html = write_report(run).read_text(encoding="utf-8")
    assert {"lsv": "onset", "ccd": "short circuit at", "lfp": "capacity retention"}[plan] in html
    assert "data:image/svg+xml" in html


def test_a_refused_number_agrees_only_where_the_paper_s_data_do_not_carry_it(paper: ModuleType) -> None:
    refused = [Result("bulk_resistance", None, "ohm", at={"temperature_C": 25.0}, reason="outside of the range")]
    claim = next(one for one in paper.CLAIMS if one.name == "bulk_resistance")
    assert paper.judge(claim, refused, "").agrees
    assert not paper.judge(replace(claim, or_refused=False), refused, "").agrees
    assert paper.judge(claim, [], "the bench is busy").ours == "the bench is busy"
