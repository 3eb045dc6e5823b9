"""Which instruments the suite walks: every driver found by entry point, or those of `--bench FILE` on real hardware."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from conformance_cases import Case, cases, open_case


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "case_name" in metafunc.fixturenames:
        metafunc.parametrize("case_name", cases(bench_file(metafunc.config)), scope="function")


def bench_file(config: pytest.Config) -> Path | None:
    named = config.getoption("--bench", default=None)
    return Path(named) if named else None


@pytest.fixture
def case(case_name: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Case]:
    with open_case(case_name, bench_file(request.config), tmp_path) as opened:
        yield opened
