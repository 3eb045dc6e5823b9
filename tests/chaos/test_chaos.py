"""The driver of `make chaos`: it goes on where it was broken off, and a part that fails is told and run again."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest
from chaos import BEGIN, END, Done, Part, run_all, table, write_page

POWER = Part("power loss", "power_loss.py", "--rows", 20, "1, 2")
GONE = Part("gone", "there_is_no_such_script.py", "--count", 1, "3")


def test_it_goes_on_where_it_was_broken_off_and_runs_what_failed_again(tmp_path: Path) -> None:
    kept = tmp_path / "chaos" / "kept.json"
    kept.parent.mkdir()
    before = Done("power loss", "1, 2", 20, 7, True, 1.0, "measured before")
    kept.write_text(json.dumps([asdict(before)]), encoding="utf-8")
    found = run_all(1.0, 7, kept, [POWER, GONE])
    assert found[0] == before
    assert not found[1].holds
    assert "**broken**" in table(found)
    again = run_all(1.0, 7, kept, [POWER, GONE])
    assert again[0] == before
    assert again[1].took_s != found[1].took_s


def test_the_counts_are_scaled_and_the_part_is_really_run(tmp_path: Path) -> None:
    (done,) = run_all(0.1, 7, tmp_path / "kept.json", [POWER])
    assert done.holds, done.said
    assert done.asked == 2
    assert "0 bad" in done.said


def test_the_table_goes_between_its_marks(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", encoding="utf-8")
    write_page(page, "new")
    assert page.read_text(encoding="utf-8") == f"before\n{BEGIN}\nnew\n{END}\nafter\n"
    page.write_text("no marks", encoding="utf-8")
    with pytest.raises(ValueError, match="lacks the marks"):
        write_page(page, "new")
