"""The short seeded form of `kill_bystanders.py`: one kill of each; `make chaos` kills a hundred."""

from __future__ import annotations

from pathlib import Path

import pytest
from kill_bystanders import VICTIMS, kill_all

TURNS = 1


@pytest.mark.timeout(240)
def test_a_run_does_not_notice_who_is_killed_beside_it(tmp_path: Path) -> None:
    stand = kill_all(VICTIMS, TURNS * len(VICTIMS), 5, tmp_path, [40])
    assert stand.kills == TURNS * len(VICTIMS)
    assert not stand.told, stand.told
