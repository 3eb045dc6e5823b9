"""What the pages show can be run: plans and bench files in them pass the check."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from daq import plugins
from daq.bench import dry_bench, load_bench
from daq.plan import check_plan, load_plan
from daq.tables import read_toml

ROOT = Path(__file__).parents[1]
PAGES = ["README.md", "docs/tutorial.md", "docs/reference/plan.md", "docs/reference/bench.md"]


def blocks() -> list[tuple[str, str]]:
    found = []
    for page in PAGES:
        text = (ROOT / page).read_text(encoding="utf-8")
        for number, block in enumerate(re.findall(r"```toml\n(.*?)```", text, re.S), 1):
            found.append((f"{page} {number}", block))
    return found


@pytest.mark.parametrize(("where", "block"), blocks(), ids=[where for where, _ in blocks()])
def test_what_a_page_shows_passes_the_check(where: str, block: str, tmp_path: Path) -> None:
    path = tmp_path / "shown.toml"
    path.write_text(block, encoding="utf-8")
    if "instruments" in read_toml(path):
        assert dry_bench(load_bench(path)).instruments
    else:
        built_in = re.sub(r'^bench = ".*$', "", block, flags=re.M)
        path.write_text(built_in, encoding="utf-8")
        assert check_plan(load_plan(path))


@pytest.mark.parametrize("plan", sorted((ROOT / "examples").glob("*.toml")), ids=lambda path: path.name)
def test_the_examples_pass_the_check(plan: Path) -> None:
    if "instruments" in read_toml(plan):
        assert dry_bench(load_bench(plan)).instruments
    else:
        assert check_plan(load_plan(plan))


def test_links_between_pages_lead_somewhere() -> None:
    for page in [ROOT / "README.md", *ROOT.glob("docs/**/*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("procedure", sorted(plugins.names(plugins.PROCEDURES)))
def test_every_parameter_of_every_procedure_is_on_a_page(procedure: str) -> None:
    pages = [(ROOT / "docs" / "reference" / name).read_text(encoding="utf-8") for name in ("plan.md", "procedures.md")]
    (page,) = [text for text in pages if f'## `procedure = "{procedure}"`' in text]
    own = page.partition(f'## `procedure = "{procedure}"`')[2].partition("\n## `procedure")[0]
    common = page.rpartition("## What they have in common")[2]
    found = plugins.load(plugins.PROCEDURES, procedure, "test")().parameter_objects()
    missing = [key for key in found if f"`{key}`" not in own and f"`{key}`" not in common]
    assert missing == []
