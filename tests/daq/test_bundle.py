"""A bug report says what happened and not whose computer it was."""

from __future__ import annotations

import re
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path

import pytest
from damaged_run import make_run, page_of, wipe

from daq.bench import BenchConfig
from daq.bench_lock import bench_folder
from daq.bundle import Whose, bundle, cleaned
from daq.errors import BadInput
from daq.runfile.reader import RunFile
from daq.runfile.text_log import TextLog

HOME = "/home/annamaria"
SECRETS = ("annamaria", "lab-pc-17", "k7Jx92hhsNbq", "hunter2222")


@pytest.fixture(autouse=True)
def somebody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", HOME)
    monkeypatch.setenv("USERPROFILE", HOME)
    monkeypatch.setenv("USER", "annamaria")
    monkeypatch.setattr("platform.node", lambda: "lab-pc-17")


def told(folder: Path) -> Path:
    """A run whose texts are full of what nobody else should know."""
    writer = make_run(folder, 20_000)
    writer.remember("world", f"{HOME}/runs/state")
    writer.remember("service-token", "k7Jx92hhsNbq")
    writer.remember("notify", {"password": "hunter2222", "to": "the lab"})
    writer.event(3.0, "error", "engine", f"{HOME}/runs/x could not be written; C:\\Users\\annamaria\\runs neither")
    writer.event(3.0, "error", "engine", "asked with Bearer k7Jx92hhsNbq\nby annamaria on lab-pc-17")
    writer.close("failed", f"no room at {HOME}", 4.0)
    return writer.path


def test_it_holds_the_run_and_nobody_s_name(tmp_path: Path) -> None:
    folder = told(tmp_path)
    names = bundle(folder, tmp_path / "b.zip")
    assert set(names) == {"README.txt", "run.log", "run.as-written.log", "checkup.txt", "machine.json", "run.db"}
    with zipfile.ZipFile(tmp_path / "b.zip") as packed:
        for name in names:
            data = packed.read(name)
            for secret in SECRETS:
                assert secret.encode() not in data, f"{secret} in {name}"
        assert b"K001" in packed.read("run.log"), "the sample keeps its name"
        assert b"no room at ~" in packed.read("run.log")
        assert packed.read("checkup.txt") == b"the file is whole\n"
        (tmp_path / "again").mkdir()
        (tmp_path / "again" / "run.db").write_bytes(packed.read("run.db"))
    with RunFile.open(tmp_path / "again") as run:
        assert run.table("cell")["voltage_V"].size == 20_000
        assert run.recall("notify") == {"password": "(left out)", "to": "the lab"}
        assert run.outcome == "failed"


def test_what_host_and_service_said_is_in_it_without_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CELLRIG_STATE", str(tmp_path / "state"))
    folder = told(tmp_path)
    with RunFile.open(folder) as run:
        place = bench_folder(BenchConfig.from_dict(run.bench))
    place.mkdir(parents=True)
    said = "the bench host died\nno message to tgram://k7Jx92hhsNbq/17; Bearer k7Jx92hhsNbq; by annamaria\n"
    (place / "host.log").write_text(said, encoding="utf-8")
    (place / "service.log").write_text("POST '/v1/run/stop': 200, token=k7Jx92hhsNbq\n", encoding="utf-8")
    assert {"host.log", "service.log"} <= set(bundle(folder, tmp_path / "b.zip"))
    with zipfile.ZipFile(tmp_path / "b.zip") as packed:
        host, service = (packed.read(name).decode() for name in ("host.log", "service.log"))
    assert "the bench host died" in host
    assert "POST '/v1/run/stop': 200" in service
    assert not any(secret in text for secret in SECRETS for text in (host, service))


def test_names_stay_when_that_is_asked_for_and_secrets_do_not(tmp_path: Path) -> None:
    folder = told(tmp_path)
    bundle(folder, tmp_path / "b.zip", with_names=True)
    with zipfile.ZipFile(tmp_path / "b.zip") as packed:
        everything = b"".join(packed.read(name) for name in packed.namelist())
    assert b"annamaria" in everything
    assert b"k7Jx92hhsNbq" not in everything
    assert b"hunter2222" not in everything


def test_a_damaged_run_can_be_reported(tmp_path: Path) -> None:
    folder = told(tmp_path)
    wipe(folder, page_of(folder, "cell", 0.5))
    bundle(folder, tmp_path / "b.zip")
    with zipfile.ZipFile(tmp_path / "b.zip") as packed:
        assert b"damage: the file's structure is broken" in packed.read("checkup.txt")
        data = packed.read("run.db")
        assert b"annamaria" not in data
    (tmp_path / "copy.db").write_bytes(data)
    with closing(sqlite3.connect(tmp_path / "copy.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_running_run_can_be_reported_and_nothing_is_replaced(tmp_path: Path) -> None:
    writer = make_run(tmp_path, 100)
    bundle(writer.path, tmp_path / "b.zip")
    with pytest.raises(BadInput, match="exists already"):
        bundle(writer.path, tmp_path / "b.zip")
    writer.close("finished", "", 1.0)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("grooting annamaria's run", "grooting somebody's run"),
        ('{"token": "abc", "sample": "annamaria-3"}', '{"token": "(left out)", "sample": "somebody-3"}'),
        ("/home/berta/x by berta", "~/x by somebody"),
        ("password=hunter2222 ok", "password=(left out) ok"),
        ("1.5", "1.5"),
        ("at https://berta:hunter2222@chat.lab/hooks/k7J failed", "at https://chat.lab/(left out) failed"),
        ("tgram://k7Jx92hhsNbq/17 refused", "tgram://(left out) refused"),
        (
            "asked http://127.0.0.1:8350/v1/status on socket://furnace:4001",
            "asked http://127.0.0.1:8350/v1/status on socket://furnace:4001",
        ),
    ],
)
def test_texts_are_cleaned_word_by_word(text: str, clean: str) -> None:
    assert cleaned(text, Whose((HOME,), ("annamaria",))) == clean


def test_the_log_of_a_run_is_text_that_a_person_reads(tmp_path: Path) -> None:
    folder = told(tmp_path)
    lines = (folder / "run.log").read_text(encoding="utf-8").splitlines()
    top = [line for line in lines if line.startswith("# ")]
    assert any(line.startswith("# versions") for line in top)
    assert any(line.startswith("# machine") and "lab-pc-17" in line for line in top)
    entry = re.compile(
        r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}Z \d\d:\d\d:\d\d[+-]\d{4} \+000:00:03\.0 error   engine +"
    )
    assert entry.match(lines[-4])
    assert lines[-3].endswith("asked with Bearer k7Jx92hhsNbq")
    assert lines[-2] == "    by annamaria on lab-pc-17"
    assert f"closed as failed: no room at {HOME}" in lines[-1]
    assert any("hold: finished (attempt 1)" in line for line in lines)


def test_the_log_is_no_condition_for_a_run(tmp_path: Path) -> None:
    """A log that can't be written is left out; the run stands."""
    (tmp_path / "run.log").mkdir()
    text = TextLog(tmp_path)
    text.line(0.0, "info", "engine", "said to nobody")
    text.close()
