"""The short seeded form of `clock_jumps.py`; `make chaos` makes three hundred such runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from clock_jumps import jump_many

from daq.calendar_watch import CalendarWatch


def test_no_jump_of_the_clock_makes_a_wrong_duration_or_a_missed_limit(tmp_path: Path) -> None:
    found = jump_many(6, 5, tmp_path)
    assert not [told for one in found for told in one.told]
    assert sum(one.jumps for one in found) > 8
    assert any(one.trips_wanted for one in found)


def test_a_jump_that_nobody_notices_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CalendarWatch, "look", lambda self: None)
    assert any("calendar of the end" in told for one in jump_many(3, 5, tmp_path) for told in one.told)
