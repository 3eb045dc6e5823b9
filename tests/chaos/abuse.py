"""The service under abuse: thousands of requests made from its own OpenAPI document, and a list of things people try.

    python tests/chaos/abuse.py --count 10000 --seed 1

prints counts by status; exit status 1 when one request got a 5xx, or one without the full token changed anything.
The requests are schemathesis's, right ones and wrong ones, with the full token, the read-only one, a wrong one, none.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import schemathesis
import tally
from host_bench import SIMULATED, ended_with_the_test, until, write_bench
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from schemathesis import GenerationMode
from schemathesis.core.result import Ok

from daq.bench import BenchConfig
from daq.bench_lock import bench_folder
from daq.clock import wall_monotonic, wall_sleep
from daq.service.tokens import FULL, READ

CLIENT = httpx.Client(verify=False)  # plain HTTP on loopback; certificates take 30 ms to load, for each client
PER_S = 150.0  # below what the service takes in all, so that what is asked is looked at
MOST_TURNS = 20
ENDLESS = ("/live",)  # server-sent events: asked for by hand, for they have no end
ALLOWED_WITHOUT = (401, 403, 404, 405)


@dataclass
class Counts:
    """What came back. `bad` holds what must not have been, in words."""

    statuses: Counter[int] = field(default_factory=Counter)
    by_token: Counter[str] = field(default_factory=Counter)
    bad: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        return sum(self.statuses.values())

    def take(self, token: str, what: str, status: int, text: str) -> None:
        self.statuses[status] += 1
        self.by_token[token] += 1
        if status >= 500:
            self.bad.append(f"{status} for {what} ({token} token): {text[:200]}")
        elif token in ("no", "wrong") and status not in ALLOWED_WITHOUT and " /v1/openapi.json" not in what:
            self.bad.append(f"{status} without a token for {what}")


class Service:
    """`cellrig serve` in a process of its own, on a simulated bench in real time."""

    def __init__(self, config: BenchConfig, address: str) -> None:
        self.config, self.address = config, address
        self.port = int(address.rpartition(":")[2])
        self.tokens = {
            "full": self._token(FULL),
            "read": self._token(READ),
            "wrong": "a-token-that-nobody-gave-out",
            "no": "",
        }
        self._next_s = wall_monotonic()

    def _token(self, which: str) -> str:
        return (bench_folder(self.config) / which).read_text(encoding="utf-8").strip()

    def headers(self, token: str) -> dict[str, str]:
        return {"authorization": f"Bearer {self.tokens[token]}"} if self.tokens[token] else {}

    def in_turn(self) -> None:
        """Wait, so that no more than `PER_S` are asked in a second."""
        wall_sleep(max(0.0, self._next_s - wall_monotonic()))
        self._next_s = max(self._next_s, wall_monotonic()) + 1 / PER_S

    def state(self) -> dict[str, Any]:
        """All that a request could have changed."""
        headers = self.headers("full")
        paths = ("/status", "/queue", "/runs")
        status, queue, runs = (CLIENT.get(f"{self.address}/v1{path}", headers=headers).json() for path in paths)
        connected = {one["name"]: one["connected"] for one in status["instruments"]}
        return {"state": status["state"], "connected": connected, "queue": queue, "runs": runs}


@contextmanager
def serving(folder: Path) -> Iterator[Service]:
    before = os.environ.get("CELLRIG_STATE")
    os.environ["CELLRIG_STATE"] = str(folder / "state")
    config = write_bench(folder, SIMULATED, 60)
    words = [sys.executable, "-P", "-m", "cellrig", "serve", "--bench", str(config.source), "--port", "0"]
    try:
        with ended_with_the_test(config), subprocess.Popen(words, cwd=folder, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            line = process.stdout.readline().decode()
            try:
                yield Service(config, next(word for word in line.split() if word.startswith("http")).rstrip("/"))
            finally:
                process.send_signal(signal.SIGINT)
                process.communicate(timeout=20)
    finally:
        os.environ.pop("CELLRIG_STATE")
        if before is not None:
            os.environ["CELLRIG_STATE"] = before


# ---------------------------------------------------------------- from the OpenAPI document
def generated(service: Service, count: int, seed: int, counts: Counts) -> None:
    """`count` requests, shared out evenly over operations and kinds; without the full token first."""
    document = CLIENT.get(f"{service.address}/v1/openapi.json").json()
    document["paths"] = {path: one for path, one in document["paths"].items() if not path.endswith(ENDLESS)}
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=service.address)
    operations = [one.ok() for one in schema.get_all_operations() if isinstance(one, Ok)]
    modes = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    each = max(1, count // (2 * len(operations)))
    rounds = ((("no", "wrong", "read"), each), (("full",), each))
    for tokens, examples in rounds:
        before = service.state()
        for operation in operations:
            few = examples < len(modes)  # one kind or the other, then
            for mode in (modes[(seed + len(operation.label)) % 2],) if few else modes:
                _ask(service, operation, mode, tokens, 1 if few else examples // len(modes), seed, counts)
        if "full" not in tokens and service.state() != before:
            counts.bad.append(f"requests with {', '.join(tokens)} token changed something")


def _ask(
    service: Service, operation: Any, mode: Any, tokens: Sequence[str], examples: int, seed: int, counts: Counts
) -> None:
    chance = random.Random(f"{seed} {operation.label} {mode}")

    @seeded(seed)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        token = chance.choice(tokens)
        service.in_turn()
        case.headers = {key: one for key, one in (case.headers or {}).items() if key.lower() != "authorization"}
        reply = case.call(headers=service.headers(token), timeout=20)
        counts.take(token, operation.label, reply.status_code, reply.text)

    try:
        ask()
    except Exception as error:  # noqa: BLE001  what can't be asked (no such wrong request, say) is told, not hidden
        if "Unsatisfiable" not in type(error).__name__:
            counts.bad.append(f"{operation.label}, {mode}: {type(error).__name__}: {str(error)[:200]}")


# ---------------------------------------------------------------- by hand
DEEP = b'{"plan":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
TRICKS = [
    ("GET", "/v1/runs/..%2f..%2fetc%2fpasswd"),
    ("GET", "/v1/runs/%2e%2e"),
    ("GET", "/v1/runs/%00"),
    ("GET", "/v1/runs/C:%5CWindows"),
    ("GET", f"/v1/runs/{'a' * 5000}"),
    ("GET", "/v1/runs/x/streams/impedance%22;DROP%20TABLE%20run"),
    ("GET", "/v1/runs/x/live?after=" + "9" * 1500),
    ("GET", "/v1/queue/" + "9" * 400),
    ("GET", "//etc/passwd"),
    ("GET", "/../../etc/passwd"),
    ("TRACE", "/v1/status"),
    ("PUT", "/v1/queue"),
    ("POST", "/v1/instruments/%2e%2e%2f/command"),
]
BODIES = [
    ("deep", DEEP),
    ("half", b'{"plan": {'),
    ("no JSON", b"\x00\xff\xfe"),
    ("infinite", b'{"plan": {"run": [{"x": 1e999}]}}'),
    ("NaN", b'{"by": NaN}'),
    ("a list", b"[]"),
    ("huge number", b'{"by": ' + b"9" * 5000 + b"}"),
    ("half a character", b'{"plan": {"run": [{"procedure": "\\ud800"}]}}'),
    ("too long", b"x" * (2**20 + 1)),
    ("source elsewhere", b'{"plan": {"bench": "/etc/passwd", "run": []}, "source": "/etc/shadow"}'),
]


def by_hand(service: Service, counts: Counts) -> None:
    """Paths, bodies and headers that people try; each without and with the full token."""
    before = service.state()
    for token in ("no", "full"):
        headers = service.headers(token)
        for method, path in TRICKS:
            service.in_turn()
            status, text = _raw(service, f"{method} {path} HTTP/1.1", headers, b"")
            counts.take(token, f"{method} {path[:60]}", status, text)
        for name, body in BODIES:
            for path in ("/v1/check", "/v1/queue", "/v1/queue/1/move", "/v1/run/pause"):
                service.in_turn()
                reply = CLIENT.post(service.address + path, headers=headers, content=body, timeout=30)
                counts.take(token, f"POST {path}, body {name}", reply.status_code, reply.text)
    foreign = [{"host": "evil.example"}, {"origin": "http://evil.example"}, {"sec-fetch-site": "cross-site"}]
    for headers in foreign:
        service.in_turn()
        reply = CLIENT.post(f"{service.address}/v1/run/make-safe", headers={**service.headers("full"), **headers})
        counts.take("foreign", "POST from elsewhere", reply.status_code, reply.text)
        if reply.status_code != 403:
            counts.bad.append(f"{reply.status_code} for a request with {headers}")
    _half_requests(service, counts)
    if service.state() != before:
        counts.bad.append("the list of tricks changed something")


def _raw(service: Service, line: str, headers: dict[str, str], body: bytes) -> tuple[int, str]:
    """A request as it is, without a client that corrects it."""
    lines = [line, f"Host: 127.0.0.1:{service.port}", *(f"{key}: {value}" for key, value in headers.items())]
    request = "\r\n".join([*lines, f"Content-Length: {len(body)}", "Connection: close", "", ""]).encode() + body
    with socket.create_connection(("127.0.0.1", service.port), timeout=20) as one:
        one.sendall(request)
        answer = b""
        while part := one.recv(65536):
            answer += part
    return int(answer.split(b" ", 2)[1]), answer.decode("latin-1")


def _half_requests(service: Service, counts: Counts) -> None:
    """Twenty that begin and say no more; the others are answered meanwhile."""
    head = f"POST /v1/queue HTTP/1.1\r\nHost: 127.0.0.1:{service.port}\r\nContent-Length: 100\r\n"
    slow = [socket.create_connection(("127.0.0.1", service.port)) for _ in range(20)]
    try:
        for one in slow:
            one.sendall(head.encode())
        reply = CLIENT.get(f"{service.address}/v1/status", headers=service.headers("full"), timeout=5)
        counts.take("full", "GET /v1/status beside half requests", reply.status_code, reply.text)
    finally:
        for one in slow:
            one.close()


def abuse(count: int, seed: int, folder: Path) -> Counts:
    """The list by hand, then `count` generated requests. The service answers as before at the end."""
    counts = Counts()
    with serving(folder) as service:
        until(lambda: service.state()["state"] == "idle", 30, "the service does not come up")
        by_hand(service, counts)
        wanted = counts.total + count
        for turn in range(MOST_TURNS):  # of some operations there are few different requests: once more, then
            if counts.total < wanted:
                generated(service, wanted - counts.total, seed + turn, counts)
        reply = CLIENT.get(f"{service.address}/v1/status", headers=service.headers("full"), timeout=10)
        if reply.status_code != 200 or reply.json()["state"] == "away":
            counts.bad.append(f"after all this the service answers {reply.status_code}: {reply.text[:200]}")
    return counts


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        counts = abuse(options.count, options.seed, Path(folder))
    print("by status:", json.dumps(dict(sorted(counts.statuses.items()))))
    print("by token:", json.dumps(dict(counts.by_token)))
    for one in counts.bad[:40]:
        print("BAD:", one)
    failed = sum(n for s, n in counts.statuses.items() if s >= 500)
    tally.say({"requests": counts.total, "answered with 5xx": failed, "bad": len(counts.bad)})
    return 1 if counts.bad else 0


if __name__ == "__main__":
    sys.exit(main())
