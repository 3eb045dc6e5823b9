"""One kill of `kill_cycling.py`, until the time for which the furnace is kept is over; `make kill-host` does more."""

from __future__ import annotations

from pathlib import Path

import pytest
from kill_cycling import once


@pytest.mark.timeout(240)
def test_cells_cycle_on_in_a_warm_furnace_until_the_time_is_over(tmp_path: Path) -> None:
    assert once(tmp_path, "over", 0.0).wrong == []
