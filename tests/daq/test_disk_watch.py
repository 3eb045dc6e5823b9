"""A disk that fills up is warned of, and ends the run while its file can still be closed."""

from __future__ import annotations

from pathlib import Path

import pytest
from host_bench import until

from daq.contracts import Level
from daq.disk import STOP_BYTES, WARN_BYTES, bytes_needed
from daq.disk_forecast import DiskForecast, in_words
from daq.disk_watch import DiskWatch
from daq.errors import BadInput, CellrigError, StorageError


class Told:
    """What a watch said and did, with a disk of our own making."""

    def __init__(self, folder: Path, free: int) -> None:
        self.free = free
        self.events: list[tuple[str, str]] = []
        self.broken: list[CellrigError] = []
        (folder / "run.db").write_bytes(b"")
        self.now_s, self.left_s = 0.0, 0.0
        self.watch = DiskWatch(
            folder, self._tell, self.broken.append, lambda _: self.free, lambda: self.left_s, lambda: self.now_s
        )

    def fill(self, bytes_per_s: float, seconds: int) -> None:
        """Time goes on, a look every ten seconds."""
        for _ in range(seconds // 10):
            self.now_s += 10
            self.free -= int(10 * bytes_per_s)
            assert not self.watch.look()

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


HOUR_S, GB = 3600, 10**9


def test_a_disk_that_would_be_full_before_the_run_s_end_is_told_hours_before(tmp_path: Path) -> None:
    told = Told(tmp_path, 20 * GB)
    told.left_s = 12 * HOUR_S
    told.fill(GB / HOUR_S, 1800)
    assert told.events == [], "19.5 h of room for a run of 12 h"
    told.fill(2 * GB / HOUR_S, HOUR_S)
    ((level, text),) = told.events
    assert level == "warning"
    assert "fills by " in text
    assert "and the run has 12.0 h to go" in text
    expected_h = (told.free - STOP_BYTES) / (2 * GB)
    assert told.watch.full_in_s == pytest.approx(expected_h * HOUR_S, rel=0.01)
    assert told.watch.words == f"disk full in about {expected_h:.0f} h, before the run is over: make room"
    told.left_s = 60
    assert told.watch.words == f"disk full in about {expected_h:.0f} h"
    told.fill(0, HOUR_S)
    assert told.watch.full_in_s is None
    assert told.watch.words == ""
    assert told.events[-1] == ("info", "at its present rate the disk lasts until the run is over")


def test_a_forecast_is_told_once_and_again_when_half_of_it_is_left(tmp_path: Path) -> None:
    told = Told(tmp_path, 4 * GB)
    told.left_s = 100 * HOUR_S
    told.fill(GB / HOUR_S, 3 * HOUR_S + 600)
    full_h = [float(text.partition("full in ")[2].split()[0]) for _, text in told.events]
    assert full_h == [4.0, 2.0, 1.0]


def test_a_large_file_that_somebody_copies_is_no_rate(tmp_path: Path) -> None:
    told = Told(tmp_path, 50 * GB)
    told.left_s = 200 * HOUR_S
    told.fill(0, 600)
    told.free -= 10 * GB
    told.fill(0, 2 * HOUR_S)
    told.free += 10 * GB
    told.fill(0, 600)
    assert told.events == []


@pytest.mark.parametrize(
    ("full_h", "left_h", "words"),
    [
        (100, 10, ""),
        (100, None, ""),
        (100, 200, "disk full in about 100 h, before the run is over: make room"),
        (1.5, None, "disk full in about 90 min"),
    ],
)
def test_a_disk_that_lasts_long_enough_is_no_news(full_h: float, left_h: float | None, words: str) -> None:
    assert in_words(full_h * HOUR_S, None if left_h is None else left_h * HOUR_S) == words


def test_two_minutes_are_seen_before_anything_is_foretold(tmp_path: Path) -> None:
    told = Told(tmp_path, 50 * GB)
    told.left_s = 1e9
    told.fill(GB / 60, 100)
    assert told.watch.full_in_s is None
    assert told.events == []


def test_a_computer_that_slept_has_seen_too_little() -> None:
    forecast = DiskForecast()
    forecast.feed(0, 4 * GB)
    forecast.feed(600, 3 * GB)
    assert forecast.full_in_s is None
    forecast.feed(660, 2 * GB)
    assert forecast.full_in_s is not None
