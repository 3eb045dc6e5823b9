"""The short seeded form of `kill_run.py`: one kill of a procedure of two sorts; `make chaos` kills all, and often."""

from __future__ import annotations

from pathlib import Path

import pytest
from kill_kinds import KINDS
from kill_run import kill_many

from daq import plugins


def test_no_procedure_is_left_out() -> None:
    assert set(KINDS) == set(plugins.names(plugins.PROCEDURES))


# Taken anew, gone on with by charge; cyclers are killed in tests/procedures/test_several_cells.py.
SORTS = ("eis-sweep", "critical-current")


@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", SORTS)
def test_what_was_killed_is_taken_up_as_promised(name: str, tmp_path: Path) -> None:
    (kill,) = kill_many(name, 1, 7, tmp_path / "killed")
    assert not kill.told, str(kill)
