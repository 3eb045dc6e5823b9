"""The short seeded form of `kill_host.py`; `make kill-host` runs it at full length."""

from __future__ import annotations

from pathlib import Path

import pytest
from kill_host import kill_many


@pytest.mark.timeout(240)
def test_a_killed_host_leaves_the_bench_safe_and_its_run_whole(tmp_path: Path) -> None:
    (killed,) = kill_many(1, 5, tmp_path, [40])
    assert killed.holds, killed
