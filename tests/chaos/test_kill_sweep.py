"""The short seeded form of `kill_sweep.py`; `make kill` runs it at full length."""

from __future__ import annotations

from pathlib import Path

import pytest
from kill_sweep import kill_many


@pytest.mark.timeout(180)
def test_killed_sweeps_lose_nothing_and_are_resumed(tmp_path: Path) -> None:
    verdicts = kill_many(3, 7, tmp_path)
    assert len(verdicts) == 3
    for verdict in verdicts:
        assert verdict.holds, verdict
    assert any(verdict.attempts == 2 for verdict in verdicts)
