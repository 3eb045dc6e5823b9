"""docs/explanation/promises.md names a test or a make target for each promise of the design; what it names exists."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "explanation" / "promises.md").read_text(encoding="utf-8")
DESIGN = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
ROWS = {int(number): row for number, row in re.findall(r"^\| (\d+) \|(.*)\|$", PAGE, re.M)}


def paths_in(text: str) -> list[str]:
    return re.findall(r"`(tests/[\w/.]+)`", text)


def test_every_promise_of_the_design_has_a_test_of_its_own() -> None:
    promised = DESIGN.partition("## 5. Promises")[2].partition("\n## ")[0]
    numbers = [int(one) for one in re.findall(r"^(\d+)\. ", promised, re.M)]
    assert len(numbers) >= 10
    assert sorted(ROWS) == numbers
    for number, row in ROWS.items():
        assert paths_in(row) or re.search(r"`make [a-z-]+`", row), f"nothing is named that can break promise {number}"


def test_what_the_page_names_exists_and_is_run_by_something() -> None:
    called = MAKEFILE + (ROOT / "tests" / "chaos" / "chaos.py").read_text(encoding="utf-8")
    for name in paths_in(PAGE):
        path = ROOT / name
        assert path.exists(), f"promises.md names {name}"
        if path.is_file() and not path.name.startswith("test_"):
            assert path.name in called, f"no make target runs {name}"
        else:
            tests = [path] if path.is_file() else list(path.rglob("test_*.py"))
            assert any("def test_" in one.read_text(encoding="utf-8") for one in tests), f"{name} tests nothing"


def test_every_part_of_the_chaos_has_its_script() -> None:
    """A part without one would be told as broken only after an hour."""
    told = (ROOT / "tests" / "chaos" / "chaos.py").read_text(encoding="utf-8")
    scripts = re.findall(r'"(\w+\.py)"', told)
    assert scripts
    assert [one for one in scripts if not (ROOT / "tests" / "chaos" / one).exists()] == []
