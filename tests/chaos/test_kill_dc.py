"""The short seeded form of `kill_dc.py`; `make kill` runs it at full length."""

from __future__ import annotations

from pathlib import Path

import pytest
from kill_dc import KINDS, kill_many


@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", [name for name in KINDS if name != "critical current"])  # that one takes a minute
def test_what_was_killed_is_taken_up_as_promised(name: str, tmp_path: Path) -> None:
    (kill,) = kill_many(name, 1, 7, tmp_path / "killed")
    assert kill.rows_after > 0
    assert not kill.told, str(kill)
