"""Messages: they get there, not too many, and whatever becomes of them no run notices; addresses stay secret."""

from __future__ import annotations

import json
import logging
import os
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from host_bench import SIMULATED, WIRE, ended_with_the_test, peer, until, write_bench, write_plan
from message_server import Hook, message_server

from daq.bench import BenchConfig
from daq.bench_lock import bench_folder
from daq.catalog import list_runs
from daq.clock import wall_monotonic
from daq.errors import BadInput
from daq.host_client import run_in_host, start_host
from daq.host_note import QUEUE, find_host
from daq.notifier import Notifier
from daq.notify_file import recipients
from daq.plan import load_plan
from daq.run_queue import RunQueue
from daq.runfile.reader import RunFile
from daq.runner import Ended, Watcher
from daq.untold import in_words
from procedures.cli.app import run_app


@pytest.fixture
def hook() -> Iterator[Hook]:
    with message_server() as one:
        yield one


@pytest.fixture(autouse=True)
def own_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CELLRIG_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("CELLRIG_NOTIFY", str(tmp_path / "notify.toml"))
    monkeypatch.chdir(tmp_path)


def write_file(*urls: str) -> None:
    Path("notify.toml").write_text(f"[to.me]\nurls = {json.dumps(list(urls))}\n", encoding="utf-8")


def run_app_status(*words: str) -> object:
    with pytest.raises(SystemExit) as end:
        run_app(list(words))
    return end.value.code


# ------------------------------------------------------------ the messages
def test_a_message_gets_there(hook: Hook) -> None:
    notifier = Notifier("glovebox 2", [hook.url])
    notifier.tell("failed", "furnace: no reading for 60 s")
    notifier.close()
    assert hook.texts == ["cellrig, glovebox 2: FAILED: furnace: no reading for 60 s"]


def test_many_of_a_kind_are_sent_as_two(hook: Hook) -> None:
    """The first at once, the rest together: a chattering interlock fills nobody's mailbox."""
    notifier = Notifier("bench", [hook.url], every_s=3600)
    notifier.tell("interlock", "trip 0")
    until(lambda: hook.received, 10, "no message")
    for number in range(1, 200):
        notifier.tell("interlock", f"trip {number}")
    notifier.tell("finished", "another kind has a turn of its own")
    until(lambda: len(hook.received) == 2, 10, "no second kind")
    notifier.close()
    first, _, rest = hook.texts
    assert first.endswith("trip 0")
    assert "187 more before these" in rest
    assert "trip 199" in rest
    assert len(hook.received) == 3


def test_what_nobody_asked_for_is_not_sent(hook: Hook) -> None:
    notifier = Notifier("bench", [hook.url], about=("failed",))
    notifier.tell("finished", "x")
    notifier.close()
    assert hook.received == []


def test_one_that_refuses_or_hangs_keeps_nobody_waiting(hook: Hook, caplog: pytest.LogCaptureFixture) -> None:
    with message_server() as other:
        hook.held.set()
        notifier = Notifier("bench", [hook.url, other.url], send_s=0.5)
        began_s = wall_monotonic()
        notifier.tell("failed", "x")
        assert wall_monotonic() - began_s < 0.2
        until(lambda: other.received, 10, "the other got nothing")
        other.status = 500
        notifier.tell("operator", "y")
        began_s = wall_monotonic()
        notifier.close()
        assert wall_monotonic() - began_s < 11
    assert "address 1: no answer within" in caplog.text
    assert "address 2: it was refused" in caplog.text
    assert "secret-word" not in caplog.text


def test_a_notifier_with_a_bug_raises_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def broken(address: str, title: str, text: str) -> bool:
        raise ZeroDivisionError(address)

    notifier = Notifier("bench", ["json://secret-word@h"], send=broken)
    notifier.tell("failed", "x")
    notifier.close()
    assert "it failed (ZeroDivisionError)" in caplog.text
    assert "secret-word" not in caplog.text


# ------------------------------------------------------------ the file
@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[to.me]\nurls = ["jsn://secret-word@h/x"]', ["no kind of address jsn://", "json://"]),
        ('[to.me]\nurls = ["json://h", "mailto://"]', ["number 2", "mailto://… is not complete"]),
        ('[to.me]\nurls = ["secret-word"]', ["is no address"]),
        ("[to.me]\nurls = []", ["to.me.urls"]),
        ('[to.you]\nurls = ["json://h"]', ["'me' is not in", "you"]),
        ('[to.me]\nurl = ["json://secret-word@h"]', ["to.me.urls: is missing"]),
        ('[to.me]\nurls = "json://secret-word@h"', ["to.me.urls", "expected a list"]),
        ('[to.me]\nurls = ["json://secret-word@h', ["is not valid TOML"]),
    ],
)
def test_a_mistake_is_told_in_one_line_without_the_address(
    text: str, told: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Apprise's own log, which the command line would print, is silent as well."""
    logging.getLogger("apprise").setLevel(logging.NOTSET)
    Path("notify.toml").write_text(text, encoding="utf-8")
    with pytest.raises(BadInput) as caught:
        recipients(["me"], "bench.toml")
    said = str(caught.value)
    assert "\n" not in said
    assert "secret-word" not in said + caplog.text
    for part in told:
        assert part in said


def test_without_a_file_nobody_is_told_unless_somebody_was_named() -> None:
    assert recipients(None, "bench.toml") == {}
    assert recipients([], "bench.toml") == {}
    with pytest.raises(BadInput, match="there is no file of recipients"):
        recipients(["me"], "bench.toml")


def test_check_finds_a_mistake_before_anything_starts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_bench(tmp_path, SIMULATED, 100, '[notify]\nto = ["me"]')
    write_plan(tmp_path, [30])
    write_file("jsn://h/x")
    for words in (["check", "plan.toml"], ["run", "plan.toml"], ["doctor", "bench.toml"]):
        with pytest.raises(SystemExit) as end:
            run_app(words)
        assert end.value.code == 2
        assert "no kind of address jsn://" in capsys.readouterr().err
    assert not Path("runs").exists()


def test_notify_test_sends_one_and_says_what_does_not_get_there(
    tmp_path: Path, hook: Hook, capsys: pytest.CaptureFixture[str]
) -> None:
    write_bench(tmp_path, SIMULATED, 100)
    write_file(hook.url)
    for status, exit_code in ((200, 0), (500, 1)):
        hook.status = status
        assert run_app_status("notify", "--bench", "bench.toml", "--test") == exit_code
        said = capsys.readouterr()
        assert "secret-word" not in said.out + said.err
    assert len(hook.received) == 2
    assert "come this way" in hook.texts[0]


# ------------------------------------------------------------ with a host
WARM = '[[interlock]]\nname = "warm"\nquantity = "furnace.temperature_C"\nmaximum = 25\naction = "warn"\n'


def ended_in_a_host(config: BenchConfig, folder: Path) -> Ended:
    plan = load_plan(write_plan(folder, [30]))
    with ended_with_the_test(config):
        (ended,) = run_in_host(plan, folder / "runs", Watcher())
        until(lambda: find_host(config) is None, 20, "the host stays")
    assert ended.end.outcome == "finished"
    return ended


def test_a_run_in_a_host_tells_of_interlock_and_end_and_keeps_no_secret(tmp_path: Path, hook: Hook) -> None:
    config = write_bench(tmp_path, SIMULATED, 600, WARM)
    write_file(hook.url)
    ended = ended_in_a_host(config, tmp_path)
    titles = [one["title"].rpartition(": ")[2] for one in hook.received]
    assert titles.count("finished") == 1
    assert "interlock" in titles
    assert any("warm: furnace.temperature_C = 25" in text for text in hook.texts)
    kept = [one for one in tmp_path.rglob("*") if one.is_file() and one.name != "notify.toml"]
    assert not [one for one in kept if b"secret-word" in one.read_bytes()]
    with sqlite3.connect(ended.path / "run.db") as run:
        assert not [row for row in run.iterdump() if "secret-word" in row]


def test_a_message_that_does_not_get_there_is_an_event_of_the_run(tmp_path: Path, hook: Hook) -> None:
    """That of its end comes too late for that: it is told with the bench until another one gets through."""
    config = write_bench(tmp_path, SIMULATED, 600, WARM)
    hook.status = 500
    write_file(hook.url)
    ended = ended_in_a_host(config, tmp_path)
    with RunFile.open(ended.path) as run:
        said = [event.text for event in run.events() if event.source == "messages"]
    assert said
    assert "interlock' did not get to address 1: it was refused" in said[0]
    queue = RunQueue(bench_folder(config) / QUEUE)
    kept = in_words(queue.untold)
    assert any("finished' did not get to address 1: it was refused" in one for one in kept)
    assert "secret-word" not in said[0] + "".join(kept)
    hook.status = 200
    assert run_app_status("notify", "--bench", "bench.toml", "--test") == 0
    assert queue.untold == []
    queue.close()


def test_a_hanging_hook_does_not_hold_up_a_run(tmp_path: Path, hook: Hook) -> None:
    config = write_bench(tmp_path, SIMULATED, 600)
    hook.held.set()
    write_file(hook.url)
    plan = load_plan(write_plan(tmp_path, [30]))
    with ended_with_the_test(config):
        (ended,) = run_in_host(plan, tmp_path / "runs", Watcher())
        assert ended.end.outcome == "finished"
        until(lambda: find_host(config) is None, 25, "the host stays")


def test_the_guard_tells_what_it_did(tmp_path: Path, hook: Hook) -> None:
    config = write_bench(tmp_path, WIRE, 300)
    write_file(hook.url)
    with ended_with_the_test(config), peer(tmp_path / "bench.toml"):
        note = start_host(config, tmp_path / "runs")
        assert note is not None
        client = note.client()
        until(lambda: client.ask("status")["guard"] == "watching", 20, "no guard")
        client.close()
        os.kill(note.process.pid, signal.SIGKILL)
        until(lambda: any("the guard acted" in text for text in hook.texts), 30, "the guard said nothing")
    assert any("furnace: made safe" in text for text in hook.texts)
    assert list_runs(tmp_path / "runs") == []
    logging.getLogger("apprise").setLevel(logging.NOTSET)
