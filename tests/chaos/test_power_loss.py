"""The short seeded form of `power_loss.py`; `make power-loss` runs it at full length."""

from __future__ import annotations

from pathlib import Path

from power_loss import lose_power, record, replay
from sqlite_tape import Sync


def test_every_power_cut_leaves_a_run_that_opens_with_all_its_committed_rows(tmp_path: Path) -> None:
    found = lose_power(12, 3, tmp_path)
    assert found.bad == []
    assert found.disks["in order"] > 24
    assert found.disks["shuffled"] == found.disks["in order"]
    assert found.disks["only what was synced"] > 12


def test_a_writer_that_does_not_sync_is_found_out(tmp_path: Path) -> None:
    """The replay itself can fail: the same tape without its syncs loses rows."""
    runs = tmp_path / "runs"
    runs.mkdir()
    tape = record(runs, 5)
    assert [entry for entry in tape if isinstance(entry, Sync)]
    bad = replay([entry for entry in tape if not isinstance(entry, Sync)], 3, tmp_path / "after").bad
    assert any("committed rows are missing" in one or "does not open" in one for one in bad)
