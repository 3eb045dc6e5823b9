"""Clients that watch a run and note when each row came, and a process that writes rows at a rate for them to watch.

    python benchmarks/_watchers.py RUNS_FOLDER ROWS_PER_S SECONDS

is the process; it prints the run's id. The clients read the stream of server-sent events from a bare socket, so that
what is measured is the service and not a client library.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from daq.clock import wall_unix
from daq.contracts import Step
from daq.runfile.writer import RunWriter
from daq.stream import Column, Stream

STREAM = "points"
TICK_S = 0.005


@dataclass(frozen=True)
class Seen:
    """Rows that came together: when, and when each of them was taken."""

    unix: float
    t_s: list[float]


async def watch(port: int, token: str, run_id: str, clients: int, seconds: float) -> list[Seen]:
    """What `clients` that watch the run for `seconds` saw, all of them together. Raises ConnectionError."""
    found = await asyncio.gather(*(_watch(port, token, run_id, seconds) for _ in range(clients)))
    return [one for raw in found for one in _rows(raw)]


async def _watch(port: int, token: str, run_id: str, seconds: float) -> list[tuple[float, bytes]]:
    """Data lines with the moment in which they came; they are parsed when the watching is over."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**24)
    head = f"GET /v1/runs/{run_id}/live HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n\r\n"
    writer.write(head.encode())
    if b" 200 " not in await reader.readline():
        raise ConnectionError("the service refused")
    found: list[tuple[float, bytes]] = []
    try:
        async with asyncio.timeout(seconds):
            while text := await reader.readline():
                if text.startswith(b"data: "):
                    found.append((wall_unix(), text))
    except TimeoutError:
        pass
    writer.close()
    return found


def _rows(raw: list[tuple[float, bytes]]) -> Iterator[Seen]:
    for unix, text in raw:
        table = json.loads(text[len(b"data: ") :])
        if "rows" in table:
            at = table["columns"].index("t_s")
            yield Seen(unix, [row[at] for row in table["rows"]])


@contextmanager
def feed(runs_folder: Path, rows_per_s: float, seconds: float) -> Iterator[str]:
    """A run that somebody writes at this rate, as long as the context lasts; its id."""
    words = [sys.executable, __file__, str(runs_folder), str(rows_per_s), str(seconds)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, encoding="utf-8") as child:
        assert child.stdout is not None
        yield child.stdout.readline().strip()
        child.wait(seconds + 30)


def write(runs_folder: Path, rows_per_s: float, seconds: float) -> None:
    """Each row when it is due, with the time at which it was handed over."""
    unix = wall_unix()
    names = ("voltage_V", "current_A", "charge_C", "temperature_C")
    writer = RunWriter.create(
        runs_folder,
        procedure="benchmark",
        sample={"name": "none"},
        parameters={},
        bench={},
        streams=[Stream(STREAM, tuple(Column(name) for name in names))],
        steps=[Step("one", "one")],
        plan={},
        versions={},
        started_unix=unix,
        bench_unix=unix,
    )
    began_s = time.monotonic()
    writer.anchor(0.0, wall_unix(), "start")
    print(writer.path.name, flush=True)
    written = 0
    while (now_s := time.monotonic() - began_s) < seconds:
        while written < now_s * rows_per_s:
            t_s = time.monotonic() - began_s
            writer.record(STREAM, "one", 1, t_s, dict.fromkeys(names, 0.1 * written))
            written += 1
        time.sleep(TICK_S)
    writer.close("finished", "written", seconds)


if __name__ == "__main__":
    write(Path(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]))
