"""The short seeded form of `run_truths.py`; `make truths` runs it at full length."""

from __future__ import annotations

from pathlib import Path

import pytest
from run_truths import Truth, judge, random_truths, several_truths, summary, transition_truths

SIX = random_truths(6, 2026, (25.0, 50.0, 80.0, 110.0))


@pytest.mark.timeout(180)
def test_six_random_truths_are_found(tmp_path: Path) -> None:
    verdicts = [judge(truth, tmp_path) for truth in SIX]
    assert sum(truth.sample_sensor for truth in SIX) == 3
    text, held = summary("six truths", verdicts)
    assert held, "\n".join([text, *map(str, verdicts)])


@pytest.mark.parametrize("truth", transition_truths(2, 2026), ids=["sensor", "no sensor"])
def test_the_transition_of_li2ohcl_is_found(truth: Truth, tmp_path: Path) -> None:
    verdict = judge(truth, tmp_path)
    assert verdict.holds, str(verdict)
    assert sum(f.covered for f in verdict.findings) >= len(verdict.findings) - 1, str(verdict)


@pytest.mark.parametrize("truth", several_truths(1, 2026), ids=["three"])
def test_three_samples_in_one_furnace_are_found(truth: Truth, tmp_path: Path) -> None:
    verdict = judge(truth, tmp_path)
    assert verdict.holds, str(verdict)
