"""What is damaged is told in sentences, nothing is changed, and what can be read is copied."""

from __future__ import annotations

import hashlib
import random
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from damaged_run import ROWS, edit, finished_run, make_run, page_of, wipe

from daq.errors import BadInput, RunFileError
from daq.runfile.checkup import Finding, check_up
from daq.runfile.log_check import read_log
from daq.runfile.reader import RunFile
from daq.runfile.salvage import salvage


def told(found: list[Finding]) -> str:
    return "\n".join(f"{one.kind}: {one.what}" for one in found)


def digest(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def test_a_whole_run_has_nothing_to_tell(tmp_path: Path) -> None:
    folder = finished_run(tmp_path)
    before = digest(folder)
    assert check_up(folder) == []
    assert digest(folder) == before


def test_a_run_that_is_written_is_no_damaged_run(tmp_path: Path) -> None:
    writer = make_run(tmp_path)
    assert told(check_up(writer.path)) == "note: the run is being written now"
    writer.abandon()
    assert "note: the run was interrupted" in told(check_up(writer.path))
    assert "damage" not in told(check_up(writer.path))


def test_damage_in_the_middle_is_found_shown_and_salvaged(tmp_path: Path) -> None:
    """The rows around the damage come through, each as it was; the copy says what it is and what it lacks."""
    folder = finished_run(tmp_path / "runs")
    wipe(folder, page_of(folder, "cell", 0.5))
    before = digest(folder)
    found = check_up(folder)
    assert "structure is broken" in told(found)
    assert "--salvage" in found[0].do
    with RunFile.open(folder) as run:
        assert run.damage()
        with pytest.raises(RunFileError, match=r"is damaged: .* `cellrig fsck` says what is left"):
            run.table("cell")
    saved = salvage(folder, tmp_path / "runs" / "saved")
    assert digest(folder) == before, "the damaged run is evidence, it stays as it is"
    assert 0 < saved.lost["cell"] < 0.02 * ROWS
    assert saved.rows["cell"] == ROWS - saved.lost["cell"]
    with RunFile.open(saved.path) as run:
        assert run.damage() == ""
        assert run.outcome == "failed"
        assert run.reason.startswith(f"salvaged from a damaged file (lost: {saved.lost['cell']} of cell)")
        assert run.sample == {"name": "K001"}
        rows = run.table("cell")
        np.testing.assert_array_equal(rows["voltage_V"], rows["id"] - 0.5)
        assert run.results()[0].name == "voltage"
        with pytest.raises(BadInput, match="run its plan anew"):
            run.check_can_resume()


def test_a_table_without_ids_that_is_lost_is_told_too(tmp_path: Path) -> None:
    """Which attempts were made is kept in such a table: how many of them are lost nobody knows, but some are."""
    folder = finished_run(tmp_path / "runs")
    with closing(sqlite3.connect(folder / "run.db")) as database:
        (page,) = database.execute("SELECT rootpage FROM sqlite_master WHERE name = 'attempt'").fetchone()
    wipe(folder, (page - 1) * 8192)
    saved = salvage(folder, tmp_path / "saved")
    assert saved.rows["attempt"] == 0
    assert saved.text == "lost: an unknown number of attempt"
    assert saved.rows["cell"] == ROWS


@pytest.mark.parametrize("seed", range(8))
def test_no_damage_makes_a_wrong_number(tmp_path: Path, seed: int) -> None:
    """Pages wiped at random: whatever is salvaged is what was recorded, whatever isn't is refused in one sentence."""
    folder = finished_run(tmp_path / "runs", 5000)
    chance = random.Random(seed)
    pages = (folder / "run.db").stat().st_size // 8192
    for _ in range(3):
        wipe(folder, 8192 * chance.randrange(1, pages))
    found = check_up(folder)
    assert any(one.kind == "damage" for one in found)
    saved = salvage(folder, tmp_path / "saved")
    with RunFile.open(saved.path) as run:
        for stream in run.streams():
            rows = run.table(stream.name)
            if stream.name == "cell":
                assert stream.units == ("V", "")
                np.testing.assert_array_equal(rows["voltage_V"], rows["id"] - 0.5)


def test_a_file_that_is_cut_off_is_told(tmp_path: Path) -> None:
    folder = finished_run(tmp_path)
    data = (folder / "run.db").read_bytes()
    (folder / "run.db").write_bytes(data[: len(data) // 2])
    assert any(one.kind == "damage" for one in check_up(folder))


def test_a_file_damaged_at_its_start_is_refused_in_a_sentence(tmp_path: Path) -> None:
    folder = finished_run(tmp_path)
    wipe(folder, 100, 8000)
    with pytest.raises(RunFileError, match="nothing can be salvaged"):
        salvage(folder, tmp_path / "saved")
    assert not (tmp_path / "saved").exists()
    assert any(one.kind == "damage" for one in check_up(folder))
    wipe(folder, 0, 100)
    with pytest.raises(RunFileError, match="is not a run of cellrig"):
        check_up(folder)


@pytest.mark.parametrize(
    ("sql", "sentence"),
    [
        ("DELETE FROM cell WHERE id BETWEEN 100 AND 109", "10 of 2000 rows of cell are missing"),
        ("DELETE FROM cell WHERE id > 1990", "10 of 2000 rows of cell are missing"),
        ("INSERT INTO cell (step, attempt, t_s) VALUES (1, 1, 5)", "cell has 2001 rows, 2000 were recorded"),
        ("UPDATE cell SET voltage_V = 'high' WHERE id = 7", "1 rows of cell hold something else"),
        ("UPDATE cell SET t_s = 1e300 WHERE id = 7", "1 rows of cell have impossible times"),
        ("UPDATE oven SET step = 9", "1 rows of oven belong to no step"),
        ("UPDATE attempt SET state = 'running'", "says finished, but step hold is still running"),
        ("DELETE FROM attempt", "says finished, but step hold was not done"),
        ("UPDATE attempt SET attempt = 3", "of 3 attempts at step hold only 1"),
        ("UPDATE event SET id = 5", "4 of 5 lines of the log are missing"),
        ("UPDATE run SET value = '{' WHERE key = 'sample'", "says of its sample is not readable"),
        ("DELETE FROM run WHERE key = 'bench'", "does not say its bench"),
        ("DROP TABLE result", "the table result is missing"),
        ("DROP TABLE cell", "the rows of cell can't be read"),
    ],
)
def test_what_somebody_did_to_the_file_is_told(tmp_path: Path, sql: str, sentence: str) -> None:
    folder = finished_run(tmp_path, 2000)
    edit(folder, sql)
    found = check_up(folder)
    assert sentence in told(found)
    assert found[0].kind == "damage"


def test_leftovers_are_told_and_are_no_damage(tmp_path: Path) -> None:
    folder = finished_run(tmp_path)
    (folder / "run.lock").write_bytes(b"")
    (folder / "reserve.bin").write_bytes(b"")
    found = check_up(folder)
    assert {one.kind for one in found} == {"note"}
    assert "run.lock was left behind" in told(found)
    assert "reserve.bin was left behind" in told(found)


def test_the_log_of_a_killed_run_is_read_by_its_checksums(tmp_path: Path) -> None:
    """Copied while it was written, as a power cut would leave it; then a byte of it is turned."""
    writer = make_run(tmp_path / "runs", 2000)
    for number in range(20):
        writer.record("oven", "hold", 1, float(number), {"temperature_C": 60.0})
        writer.flush()
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("run.db", "run.db-wal"):
        (copy / name).write_bytes((writer.path / name).read_bytes())
    writer.close("finished", "", 2000.0)
    state = read_log(copy / "run.db-wal")
    assert state is not None
    assert state.whole == state.committed > 20
    assert state.unreadable == 0
    found = check_up(copy)
    assert {one.kind for one in found} == {"note"}
    assert "the newest rows are in run.db-wal" in told(found)
    log = bytearray((copy / "run.db-wal").read_bytes())
    log[len(log) // 2] ^= 1
    (copy / "run.db-wal").write_bytes(log)
    assert "run.db-wal breaks off" in told(check_up(copy))
    (copy / "run.db-wal").write_bytes(b"nonsense")
    assert "it is no log of this file" in told(check_up(copy))


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    folder = finished_run(tmp_path, 100)
    with pytest.raises(BadInput, match="exists already"):
        salvage(folder, folder)
