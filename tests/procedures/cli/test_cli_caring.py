"""A damaged run, at the prompt: it is told in sentences, and what can be read is copied."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from damaged_run import edit, finished_run, page_of, wipe

from procedures.cli.app import run_app


def asked(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    capsys.readouterr()
    with pytest.raises(SystemExit) as end:
        run_app(list(words))
    told = capsys.readouterr()
    assert isinstance(end.value.code, int)
    return end.value.code, told.out, told.err


def test_fsck_of_a_whole_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = finished_run(tmp_path, 100)
    status, out, _ = asked(capsys, "fsck", folder.name, "--runs", str(tmp_path))
    assert (status, out) == (0, f"{folder}: whole\n")


def test_show_and_fsck_notice_damage_in_the_middle(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = finished_run(tmp_path / "runs")
    wipe(folder, page_of(folder, "cell", 0.5))
    status, out, _ = asked(capsys, "show", str(folder))
    assert status == 0
    assert "the run file is damaged" in out
    assert "cellrig fsck" in out
    shown = json.loads(asked(capsys, "show", str(folder), "--json")[1])
    assert shown["damage"]
    status, out, _ = asked(capsys, "fsck", str(folder), "--salvage", str(tmp_path / "saved"))
    assert status == 1
    assert out.startswith(f"{folder}: DAMAGED")
    assert "the file's structure is broken" in out
    assert f"salvaged into {tmp_path / 'saved'}" in out
    status, out, _ = asked(capsys, "fsck", str(tmp_path / "saved"))
    assert status == 0
    assert "go on with" not in asked(capsys, "show", str(tmp_path / "saved"))[1]
    status, _, err = asked(capsys, "resume", str(tmp_path / "saved"))
    assert status == 2
    assert "run its plan anew" in err


def test_fsck_for_programs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = finished_run(tmp_path, 100)
    edit(folder, "DELETE FROM cell WHERE id = 7")
    status, out, _ = asked(capsys, "fsck", str(folder), "--json")
    told = json.loads(out)
    assert status == 1
    assert told["damaged"] is True
    assert told["findings"][0] == {
        "kind": "damage",
        "what": "1 of 100 rows of cell are missing",
        "do": "copy what can be read with `cellrig fsck RUN --salvage NEWFOLDER`; keep this folder",
    }
    assert told["salvaged"] is None


def test_fsck_of_nothing_is_a_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = asked(capsys, "fsck", "nothing", "--runs", str(tmp_path))
    assert status == 2
    assert "there is no run 'nothing'" in err


def test_an_export_of_a_damaged_run_says_what_it_lacks_and_is_no_success(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = finished_run(tmp_path / "runs", 100)
    out_folder = tmp_path / "out"
    words = ("export", str(folder), "--format", "csv", "--to", str(out_folder), "--overwrite")
    assert asked(capsys, *words)[0] == 0
    edit(folder, "DELETE FROM cell WHERE id = 7")
    status, out, err = asked(capsys, *words)
    assert status == 1
    assert "cell.csv" in out  # what there is
    assert "1 of 100 rows of cell are missing" in err
    assert "do not take them for whole" in err
    status, out, _ = asked(capsys, *words, "--json")
    assert (status, json.loads(out)["damage"]) == (1, ["1 of 100 rows of cell are missing"])


def test_an_export_of_what_cannot_be_read_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = finished_run(tmp_path / "runs")
    wipe(folder, page_of(folder, "cell", 0.5))
    status, _, err = asked(capsys, "export", str(folder), "--format", "csv", "--to", str(tmp_path / "out"))
    assert status == 2
    assert "is damaged" in err
    assert "--salvage" in err
    assert not (tmp_path / "out").exists()
