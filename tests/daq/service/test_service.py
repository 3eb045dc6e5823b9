"""The service as its clients and its enemies see it, in a process of its own on a simulated bench in real time."""

from __future__ import annotations

import os
import random
import signal
import socket
import string
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from host_bench import SIMULATED, ended_with_the_test, until, write_bench, write_plan

from daq import untold
from daq.bench import BenchConfig, load_bench
from daq.bench_lock import bench_folder
from daq.catalog import list_runs
from daq.errors import BadInput
from daq.host_note import find_host
from daq.runfile.reader import RunFile
from daq.service.client import BenchClient
from daq.service.live import parse_cursor
from daq.service.serving import listening
from daq.service.tokens import FULL, READ
from daq.system import System

SPEED = 900


@dataclass
class Service:
    """A service that answers; `config` is its bench."""

    folder: Path
    config: BenchConfig
    process: subprocess.Popen[bytes]
    address: str

    def token(self, which: str = FULL) -> str:
        return (bench_folder(self.config) / which).read_text(encoding="utf-8").strip()

    def client(self) -> BenchClient:
        return BenchClient.of(self.config)


@contextmanager
def serving(folder: Path, config: BenchConfig) -> Iterator[Service]:
    words = [sys.executable, "-P", "-m", "cellrig", "serve", "--bench", str(config.source), "--port", "0"]
    with subprocess.Popen(words, cwd=folder, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        line = process.stdout.readline().decode()
        address = next(word for word in line.split() if word.startswith("http")).rstrip("/")
        try:
            yield Service(folder, config, process, address)
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=20)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("service")
    before = os.environ.get("CELLRIG_STATE")
    os.environ["CELLRIG_STATE"] = str(folder / "state")
    config = write_bench(folder, SIMULATED, SPEED)
    try:
        with ended_with_the_test(config), serving(folder, config) as made:
            yield made
    finally:
        os.environ.pop("CELLRIG_STATE")
        if before is not None:
            os.environ["CELLRIG_STATE"] = before


def test_submit_wait_and_read_the_result(service: Service) -> None:
    plan = write_plan(service.folder, [40])
    with service.client() as bench:
        assert [step["title"] for step in bench.check(plan)[0]["steps"]] == ["40 °C (heating)"]
        run = bench.run(plan)
        assert run["outcome"] == "finished"
        sigma = {one["name"]: one["value"] for one in run["results"] if one["name"] == "conductivity"}
        assert sigma["conductivity"] == pytest.approx(1.27e-5, rel=0.03)
        until(lambda: bench.status()["state"] == "idle", 10, "it stays busy")
        until(lambda: bench.one_run(run["id"])["has_report"], 30, "it has no report")
        page = httpx.get(f"{service.address}/v1/runs/{run['id']}/report", headers=bearer(service))
        assert run["id"] in page.text


def test_a_watcher_gets_every_row_once_and_comes_back_by_cursor(service: Service) -> None:
    with service.client() as bench, service.client() as other:
        number = bench.submit(write_plan(service.folder, [30]))["id"]
        until(lambda: bench.status()["run"], 20, "nothing runs")
        run_id = bench.status()["run"]["id"]
        ids: dict[str, list[int]] = {}
        cursor, told = "", 0
        for chance in range(2):  # the second time from where the first was left
            for kind, table, reached in other.live(run_id, cursor):
                told, cursor = told + 1, reached
                if kind == "rows":
                    ids.setdefault(table["stream"], []).extend(row[0] for row in table["rows"])
                if kind == "end":
                    assert table["outcome"] == "finished"
                if chance == 0 and told > 12:
                    break
        assert bench.wait(number)["state"] == "finished"
        with RunFile.open(service.folder / "runs" / run_id) as run:
            stored = {one.name: one.rows for one in run.streams() if one.rows}
    assert {name: found[-1] for name, found in ids.items()} == stored
    assert all(found == list(range(1, len(found) + 1)) for found in ids.values())
    assert parse_cursor(cursor)["temperature"] == stored["temperature"]


def test_a_running_step_is_skipped_paused_and_stopped(service: Service) -> None:
    with service.client() as bench:
        number = bench.submit(write_plan(service.folder, [40, 60, 80]))["id"]
        until(lambda: (bench.status()["run"] or {}).get("step") == 1, 20, "nothing runs")
        with pytest.raises(BadInput, match="a run owns the bench"):
            bench.post("/instruments/furnace/command", {"command": "set_target", "target_C": 30})
        assert "next one" in bench.post("/run/skip")["done"]
        until(lambda: bench.status()["run"]["step"] == 2, 10, "it is not skipped")
        bench.post("/run/pause", {"on": True})
        assert bench.status()["state"] == "paused"
        assert "made safe" in bench.stop()
        entry = bench.wait(number)
        assert entry["state"] == "stopped"
        run = bench.one_run(Path(entry["runs"][0]["path"]).name)
        assert [step["state"] for step in run["steps"]] == ["skipped", "broken", "waiting"]
        assert all(one["verified"] for one in entry["runs"][0]["safety"])


def test_a_bench_file_that_changed_by_its_turn_holds_the_entry_untouched(service: Service) -> None:
    bench_file = service.folder / "bench.toml"
    before = bench_file.read_text(encoding="utf-8")
    with service.client() as bench:
        until(lambda: bench.status()["state"] == "idle", 10, "it stays busy")
        bench.post("/queue/hold", {"on": True})
        number = bench.submit(write_plan(service.folder, [30]))["id"]
        bench_file.write_text(before.replace("= 150", "= 140"), encoding="utf-8")
        bench.post("/queue/hold", {"on": False})
        until(lambda: bench.get(f"/queue/{number}")["state"] == "held", 10, "it is not held")
        entry = bench.get(f"/queue/{number}")
        assert "the bench file has changed since the plan was submitted" in entry["note"]
        assert entry["runs"] == []
        bench_file.write_text(before, encoding="utf-8")
        bench.post(f"/queue/{number}/hold", {"on": False})
        assert bench.wait(number)["state"] == "finished"


def test_what_was_asked_of_it_stands_in_its_log_and_no_token(service: Service) -> None:
    with service.client() as bench:
        bench.stop()
        bench.status()
    httpx.post(f"{service.address}/v1/run/stop", headers={"authorization": "Bearer not-mine"})
    said = (bench_folder(service.config) / "service.log").read_text(encoding="utf-8")
    assert f"serves {service.config.place}" in said
    assert "POST '/v1/run/stop': 200" in said
    assert "/v1/status" not in said, "whoever only looks fills no log"
    assert service.token() not in said
    assert "not-mine" not in said


def test_by_hand_while_nothing_runs(service: Service) -> None:
    with service.client() as bench:
        until(lambda: bench.status()["state"] == "idle", 10, "it stays busy")
        assert (
            "goes to 35"
            in bench.post("/instruments/furnace/command", {"command": "set_target", "target_C": 35})["done"]
        )
        card = next(one for one in bench.status()["instruments"] if one["name"] == "furnace")
        assert card["connected"]
        assert card["values"]["setpoint_C"] == 35
        assert "furnace" in bench.make_safe()
        for body, words in (
            ({"command": "set_target", "target_C": 900}, "900"),
            ({"command": "set_target"}, "missing"),
            ({"command": "melt"}, "set_target"),
        ):
            with pytest.raises(Exception, match=words):
                bench.post("/instruments/furnace/command", body)
        with pytest.raises(BadInput, match="no instrument 'oven'"):
            bench.post("/instruments/oven/connection", {"on": True})


def test_the_queue_is_edited_and_refuses_what_is_wrong(service: Service) -> None:
    plan = write_plan(service.folder, [30])
    with service.client() as bench:
        bench.post("/queue/hold", {"on": True})
        first, second = (bench.submit(plan)["id"] for _ in range(2))
        moved = bench.post(f"/queue/{second}/move", {"by": -1})["entries"]
        assert [one["id"] for one in moved] == [second, first]
        source = service.folder / "bench.toml"
        text = source.read_text(encoding="utf-8")
        source.write_text(text.replace("max_temperature_C = 150", "max_temperature_C = 25"), encoding="utf-8")
        bench.post(f"/queue/{first}/hold", {"on": True})
        with pytest.raises(BadInput, match="30"):  # what was fit for the old bench is not for this one
            bench.post(f"/queue/{first}/hold", {"on": False})
        source.write_text(text, encoding="utf-8")
        for path, status in ((f"/queue/{second}", 200), ("/queue/999999", 404), ("/runs/..%2f..%2fetc", 404)):
            reply = httpx.get(f"{service.address}/v1{path}", headers=bearer(service))
            assert reply.status_code == status
        for wrong in ({"run": []}, {"sample": 3}, {"bench": "../other.toml"}):
            with pytest.raises(BadInput):
                bench.submit(wrong)
        for number in (first, second):
            bench.remove(number)
        bench.post("/queue/hold", {"on": False})
        assert bench.status()["queue"] == []


def test_a_killed_service_touches_no_run_and_finds_it_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CELLRIG_STATE", str(tmp_path / "state"))
    config = write_bench(tmp_path, SIMULATED, 400)
    plan = write_plan(tmp_path, [30, 40])
    with ended_with_the_test(config):
        with serving(tmp_path, config) as first, first.client() as bench:
            number = bench.submit(plan)["id"]
            until(lambda: (bench.status()["run"] or {}).get("step"), 20, "nothing runs")
            host = bench.status()["pid"]
            first.process.kill()
        with serving(tmp_path, config) as second, second.client() as bench:
            assert bench.status()["pid"] == host
            assert bench.wait(number)["state"] == "finished"
    assert [one.outcome for one in list_runs(tmp_path / "runs")] == ["finished"]
    until(lambda: find_host(config) is None, 10, "the idle host stays")


def test_a_killed_host_is_replaced_and_the_run_offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CELLRIG_STATE", str(tmp_path / "state"))
    config = write_bench(tmp_path, SIMULATED, 400)
    plan = write_plan(tmp_path, [30])
    with ended_with_the_test(config), serving(tmp_path, config) as service, service.client() as bench:
        number, following = bench.submit(plan)["id"], bench.submit(plan)["id"]
        until(lambda: (bench.status()["run"] or {}).get("step"), 20, "nothing runs")
        note = find_host(config)
        assert note is not None
        System().end([note.process])
        until(lambda: "was interrupted" in bench.status()["held"], 30, "no new host holds the queue")
        until(lambda: bench.status()["state"] == "idle", 10, "the new host does not answer")
        status = bench.status()
        assert [one["id"] for one in status["queue"]] == [following]
        assert bench.entry(number)["state"] == "interrupted"
        (broken,) = bench.get("/about")["interrupted"]
        resumed = bench.post(f"/runs/{broken['id']}/resume")["entry"]["id"]
        assert bench.wait(resumed)["state"] == "finished"
        assert bench.wait(following)["state"] == "finished"


# ---------------------------------------------------------------- who may, and what is refused
def bearer(service: Service, which: str = FULL) -> dict[str, str]:
    return {"authorization": f"Bearer {service.token(which)}"}


@pytest.mark.parametrize(
    ("headers", "path", "method", "status"),
    [
        ({}, "/v1/status", "GET", 401),
        ({"authorization": "Bearer nonsense"}, "/v1/status", "GET", 401),
        ({"host": "evil.example"}, "/v1/status", "GET", 403),
        ({"origin": "http://evil.example"}, "/v1/run/stop", "POST", 403),
        ({"sec-fetch-site": "cross-site"}, "/", "GET", 403),
        ({}, "/v1/openapi.json", "GET", 200),
        ({}, "/", "GET", 200),
    ],
)
def test_who_may(headers: dict[str, str], path: str, method: str, status: int, service: Service) -> None:
    if status == 403:
        headers = {**bearer(service), **headers}
    reply = httpx.request(method, service.address + path, headers=headers)
    assert reply.status_code == status
    if status >= 400:
        assert len(reply.json()["error"]["message"]) > 20


def test_a_huge_body_is_refused(service: Service) -> None:
    reply = httpx.post(f"{service.address}/v1/queue", headers=bearer(service), content=b"x" * (2**20 + 1))
    assert reply.status_code == 413


def test_the_second_token_may_only_look(service: Service) -> None:
    looks = bearer(service, READ)
    assert httpx.get(f"{service.address}/v1/status", headers=looks).status_code == 200
    assert httpx.post(f"{service.address}/v1/run/make-safe", headers=looks).status_code == 403
    for which in (FULL, READ):  # Linux only: the mode of the file is looked at
        assert (bench_folder(service.config) / which).stat().st_mode & 0o77 == 0


def test_nonsense_is_never_a_bug(service: Service) -> None:
    """Seeded junk at every path of the OpenAPI document: no 5xx, and without the token no state changes."""
    chance = random.Random(7)
    document = httpx.get(f"{service.address}/v1/openapi.json").json()
    with service.client() as bench:
        before = bench.get("/queue")
        counts: dict[int, int] = {}
        for _ in range(12):
            for path, methods in document["paths"].items():
                for method in methods:
                    if "live" in path or "make-safe" in path:
                        continue
                    filled = "".join(part if i % 2 == 0 else _junk(chance) for i, part in enumerate(_split(path)))
                    with_token = chance.random() < 0.5
                    reply = httpx.request(
                        method,
                        service.address + filled,
                        headers=bearer(service) if with_token else {},
                        content=_body(chance) if method == "post" else None,
                        params={"after": _junk(chance), "limit": _junk(chance)},
                    )
                    counts[reply.status_code] = counts.get(reply.status_code, 0) + 1
                    assert reply.status_code < 500, (method, filled, reply.text)
                    assert with_token or reply.status_code in (401, 404)
        after = bench.get("/queue")
    assert _asked(after) == _asked(before)
    assert counts[401] > 50


def _asked(queue: dict[str, Any]) -> list[dict[str, Any]]:
    """The queue without the reports, which come seconds after their runs."""
    bare = [[{key: run[key] for key in run if key != "report"} for run in one["runs"]] for one in queue["entries"]]
    return [{**one, "runs": runs} for one, runs in zip(queue["entries"], bare, strict=True)]


def _split(path: str) -> list[str]:
    return [one for part in path.split("{") for one in part.split("}")]


def _junk(chance: random.Random) -> str:
    words = ["0", "-1", "1e9", "%2e%2e", "%00", "a" * 300, "..", "' OR 1=1", "é", "9" * 25, ""]
    return chance.choice(words) + chance.choice(string.ascii_letters)


def _body(chance: random.Random) -> str:
    plan = '{"plan": {"run": [{"procedure": "x"}]}}'
    return chance.choice(["{", "[]", "null", '{"on": 7}', '{"by": "x"}', plan, "1e999"])


@pytest.mark.parametrize("address", ["0.0.0.0", "192.168.1.4", "::"])
def test_only_this_computer(address: str) -> None:
    with pytest.raises(BadInput, match="this computer only"):
        listening(address, 0)


def test_a_port_in_use_is_told(service: Service, tmp_path: Path) -> None:
    port = int(service.address.rpartition(":")[2])
    with pytest.raises(BadInput, match=f"port {port} cannot be had"):
        listening("127.0.0.1", port)
    again = subprocess.run(
        [sys.executable, "-P", "-m", "cellrig", "serve", "--bench", str(service.config.source)],
        capture_output=True,
        check=False,
        text=True,
    )
    assert again.returncode == 2
    assert f"has a service already, at http://127.0.0.1:{port}" in again.stderr


def test_a_slow_body_and_half_a_request_hold_nobody_up(service: Service) -> None:
    port = int(service.address.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port)) as slow:
        head = f"POST /v1/queue HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {service.token()}\r\n"
        slow.sendall((head + "Content-Length: 100\r\n\r\n{").encode())
        with service.client() as bench:
            assert bench.status()["bench"]
        slow.settimeout(15)
        assert b" 408 " in slow.recv(1000)


def test_what_the_commands_say(service: Service) -> None:
    def said(*words: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "cellrig", *words], capture_output=True, check=False, text=True, timeout=60
        )
        return done.returncode, done.stdout + done.stderr

    bench = ["--bench", str(service.config.source)]
    status, text = said("submit", str(write_plan(service.folder, [30, 60, 90])))
    assert (status, "eis-sweep of K001" in text) == (0, True)
    status, text = said("watch", *bench)
    assert status == 0, text
    assert " of 3, " in text
    assert said("stop", *bench)[0] == 0
    untold.keep(service.config, ["the message 'x' did not get to address 1: no answer"])
    status, text = said("status", *bench)
    assert (status, "idle" in text) == (0, True)
    assert "did not get to address 1" in " ".join(text.split())
    untold.keep(service.config, [])
    with service.client() as client:
        assert client.status()["notes"] == []
    assert load_bench(None).source is None
    status, text = said("status")
    assert (status, "start it with: cellrig serve" in text) == (1, True)
