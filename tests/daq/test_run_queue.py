"""The queue: order kept, nothing lost, whoever dies or reads it at the same time."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daq.errors import BadInput
from daq.run_queue import RunQueue


@pytest.fixture
def queue(tmp_path: Path):
    made = RunQueue(tmp_path / "queue.db")
    yield made
    made.close()


def add(queue: RunQueue, *titles: str) -> list[int]:
    return [queue.add("plan", title, "K001", {"title": title}).id for title in titles]


def ahead(queue: RunQueue) -> list[str]:
    return [one.title for one in queue.entries(("waiting", "held"))]


def test_first_in_first_run_but_for_what_is_held(queue: RunQueue) -> None:
    first, second, third = add(queue, "a", "b", "c")
    queue.hold(first, True, "the cell is not in yet")
    taken = queue.take()
    assert taken is not None
    assert (taken.id, taken.state, taken.work) == (second, "running", {"title": "b"})
    queue.end(second, "finished", "all steps done")
    queue.hold(first, False)
    again = queue.take()
    assert again is not None
    assert again.id == first
    with pytest.raises(BadInput, match="can't be removed"):
        queue.remove(first)
    queue.remove(third)
    assert queue.take() is None


@given(moves=st.lists(st.tuples(st.integers(0, 5), st.integers(-8, 8)), max_size=12))
@settings(max_examples=30, deadline=None)
def test_a_move_is_a_move_in_a_list(moves: list[tuple[int, int]], tmp_path_factory: pytest.TempPathFactory) -> None:
    queue = RunQueue(tmp_path_factory.mktemp("queue") / "queue.db")
    numbers = add(queue, *"abcdef")
    expected = list(numbers)
    for which, by in moves:
        at = expected.index(numbers[which])
        expected.insert(max(0, min(5, at + by)), expected.pop(at))
        queue.move(numbers[which], by)
    assert [one.id for one in queue.entries(("waiting",))] == expected
    queue.close()


def test_what_is_told_of_a_run_later_leaves_the_order_as_it_was(queue: RunQueue) -> None:
    (number,) = add(queue, "a")
    for path in ("runs/1", "runs/2"):
        queue.add_run(number, {"path": path, "outcome": "finished"})
    queue.add_run(number, {"path": "runs/1", "outcome": "finished", "report": "runs/1/report.html"})
    assert [one["path"] for one in queue.get(number).runs] == ["runs/1", "runs/2"]
    assert "report" in queue.get(number).runs[0]


def test_two_processes_at_once_lose_nothing(queue: RunQueue) -> None:
    words = (
        "import sys; from pathlib import Path; from daq.run_queue import RunQueue; q = RunQueue(Path(sys.argv[1]))\n"
        "for n in range(100): q.add('plan', f'theirs {n}', '', {})"
    )
    with subprocess.Popen([sys.executable, "-P", "-c", words, str(queue.path)]) as other:
        add(queue, *[f"ours {n}" for n in range(100)])
        assert other.wait(30) == 0
    titles = ahead(queue)
    for whose in ("ours", "theirs"):
        assert [one for one in titles if one.startswith(whose)] == [f"{whose} {n}" for n in range(100)]


def test_what_a_dead_host_was_running_reads_so(queue: RunQueue) -> None:
    (number,) = add(queue, "a")
    queue.take()
    queue.add_run(number, {"path": "runs/a", "outcome": "running"})
    queue.close()
    again = RunQueue(queue.path)
    (broken,) = again.interrupted()
    assert broken.runs == [{"path": "runs/a", "outcome": "running"}]
    assert again.get(number).state == "interrupted"
    again.hold_all("look at it first")
    assert again.held == "look at it first"
    again.close()


@pytest.mark.parametrize("version", [0, 99])
def test_a_foreign_file_is_told_and_left_alone(version: int, tmp_path: Path) -> None:
    path = tmp_path / "queue.db"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE mine (a)")
        db.execute(f"PRAGMA user_version = {version}")
        db.execute("PRAGMA application_id = 7")
    db.close()
    with pytest.raises(BadInput, match="is no queue"):
        RunQueue(path)
    path.write_bytes(b"not a database at all, but long enough to be looked at" * 20)
    with pytest.raises(BadInput, match="cannot be read"):
        RunQueue(path)
