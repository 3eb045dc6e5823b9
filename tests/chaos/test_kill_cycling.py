"""Two kills of `kill_cycling.py`, until the time for which the furnace is kept is over; `make kill-host` does more."""

from __future__ import annotations

from pathlib import Path

import pytest
from kill_cycling import End, once


@pytest.mark.timeout(240)
@pytest.mark.parametrize("end", ["over", "refused"])
def test_cells_cycle_on_in_a_warm_furnace_until_the_time_is_over(end: End, tmp_path: Path) -> None:
    """`refused`: guard, host and client were killed together, and the next run was none."""
    assert once(tmp_path, end, 0.0).wrong == []
