"""The short seeded form of `disk_full.py`; `make disk-full` runs it at full length. Linux only: RLIMIT_FSIZE."""

from __future__ import annotations

from pathlib import Path

import pytest
from disk_full import fill_many


@pytest.mark.timeout(120)
def test_a_full_disk_ends_a_sweep_safely_with_its_file_whole(tmp_path: Path) -> None:
    found = fill_many(1, 5, tmp_path, ("limit",))
    assert [one.holds for one in found] == [True], found
