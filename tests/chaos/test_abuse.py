"""The short seeded form of `abuse.py`; `make abuse` runs it at full length."""

from __future__ import annotations

from pathlib import Path

import pytest
from abuse import abuse


@pytest.mark.timeout(180)
def test_no_request_is_a_bug_and_none_without_the_token_changes_anything(tmp_path: Path) -> None:
    counts = abuse(50, 3, tmp_path)
    assert counts.bad == []
    assert counts.total > 140
    assert counts.statuses[401] > 40
    assert counts.by_token["full"] > 60
