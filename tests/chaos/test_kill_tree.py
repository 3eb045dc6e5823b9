"""The short seeded form of `kill_tree.py`; `make chaos` runs it at greater length."""

from __future__ import annotations

from pathlib import Path

import pytest
from kill_tree import fell_many


@pytest.mark.timeout(240)
def test_a_killed_process_tree_leaves_its_run_whole(tmp_path: Path) -> None:
    (felled,) = fell_many(1, 5, tmp_path)
    assert felled.holds, felled
