"""The short seeded form of `run_dc_truths.py`; `make truths` runs it at full length."""

from __future__ import annotations

from pathlib import Path

import pytest
from run_dc_truths import KINDS, DcVerdict, dc_truths, judge, summary


@pytest.mark.parametrize("kind", list(KINDS))
def test_truths_are_found_and_nothing_else(kind: str, tmp_path: Path) -> None:
    one_of_each = dc_truths(kind, 3, 2026)[1:]  # by the potentiostat and by the cycler
    verdicts = [judge(truth, tmp_path) for truth in one_of_each]
    lines, good = summary(verdicts)
    assert good, "\n".join([*lines, *map(str, verdicts)])


def test_a_healthy_cell_with_a_short_and_a_truth_that_is_missed_count_against_it(tmp_path: Path) -> None:
    (healthy,) = dc_truths("healthy", 1, 1)
    (short,) = dc_truths("hard short", 1, 1)
    found = judge(short, tmp_path)
    assert found.holds
    lines, good = summary([DcVerdict(healthy, found.outcome, found.found), found])
    assert not good
    assert lines[0] == "healthy: 0 of 1 without a short reported, NOT AS PROMISED"
