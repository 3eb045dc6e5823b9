"""A disk that fills up is warned of, and ends the run while its file can still be closed."""

from __future__ import annotations

from pathlib import Path

from host_bench import until

from daq.contracts import Level
from daq.disk import STOP_BYTES, WARN_BYTES, bytes_needed
from daq.disk_watch import DiskWatch
from daq.errors import BadInput, CellrigError, StorageError


class Told:
    """What a watch said and did, with a disk of our own making."""

    def __init__(self, folder: Path, free: int) -> None:
        self.free = free
        self.events: list[tuple[str, str]] = []
        self.broken: list[CellrigError] = []
        (folder / "run.db").write_bytes(b"")
        self.watch = DiskWatch(folder, self._tell, self.broken.append, lambda _: self.free)

    def _tell(self, source: str, level: Level, text: str) -> None:
        assert source == "disk"
        self.events.append((level, text))


def test_it_warns_once_at_each_half_then_ends_the_run(tmp_path: Path) -> None:
    told = Told(tmp_path, WARN_BYTES + 1)
    assert not told.watch.look()
    assert not told.events
    for share in (0.9, 0.8, 0.44, 0.43):
        told.free = int(share * WARN_BYTES)
        assert not told.watch.look()
    assert [level for level, _ in told.events] == ["warning", "warning"]
    assert "only 180 MB are free" in told.events[0][1]
    told.free = STOP_BYTES - 1
    assert told.watch.look()
    (error,) = told.broken
    assert isinstance(error, StorageError)
    assert "almost full (8.4 MB free" in str(error)
    assert "Free some space and resume it" in str(error)


def test_room_that_comes_back_is_told_and_warned_of_anew(tmp_path: Path) -> None:
    told = Told(tmp_path, WARN_BYTES // 2)
    for free in (WARN_BYTES // 2, 3 * WARN_BYTES, WARN_BYTES // 2):
        told.free = free
        told.watch.look()
    assert [level for level, _ in told.events] == ["warning", "info", "warning"]


def test_a_run_file_that_is_removed_ends_the_run(tmp_path: Path) -> None:
    """An open file goes on taking rows after it was removed, and all of them are lost."""
    told = Told(tmp_path, 10 * WARN_BYTES)
    told.watch.start()
    (tmp_path / "run.db").unlink()
    until(lambda: told.broken, 5, "it was not noticed")
    told.watch.stop()
    assert "somebody removed or renamed it" in str(told.broken[0])


def test_a_disk_that_cannot_be_reached_ends_the_run(tmp_path: Path) -> None:
    def gone(_: Path) -> int:
        raise BadInput("no run can be stored here: no such device")

    told = Told(tmp_path, 0)
    watch = DiskWatch(tmp_path, lambda *_: None, told.broken.append, gone)
    assert watch.look()
    assert "no such device" in str(told.broken[0])


def test_a_plan_that_is_let_in_is_not_ended_by_its_own_reserve() -> None:
    reserve_and_log = 2 * STOP_BYTES
    assert bytes_needed(0) - reserve_and_log >= STOP_BYTES


def test_the_watch_ends_before_it_has_begun(tmp_path: Path) -> None:
    Told(tmp_path, WARN_BYTES).watch.stop()
