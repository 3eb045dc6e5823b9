"""The service and its host: how quick, how late, how idle, and a thousand runs one after the other.

    python benchmarks/service.py [--only status,fresh,crowd,idle,queue] [--runs 1000] [--seconds 30]

Each figure is printed beside its limit. A bench of simulated instruments in real time, host and service in processes of
their own, everything over HTTP with a token, as a client has it:

* status: `GET /v1/status` over a kept connection, the median of 300, idle and with a run in progress;
* fresh: one `cellrig`-run sweep at speed 1; a row's lateness is from the moment in its `t_s` (turned into Unix time by
  the run's anchor) to the moment in which a watching client has it;
* crowd: a process that writes 1 000 rows/s into a run through `RunWriter`, 20 clients that watch it; the same lateness,
  for each row at each client; more than 20 ms beyond the limit of `fresh` counts as late;
* idle: processor time of each process over `--seconds`, nothing queued, nobody watching;
* queue: `--runs` runs of half a second's bench time; the run folders' order, and the memory of host and service.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from _watchers import Seen, feed, watch

from daq.bench import load_bench
from daq.bench_lock import bench_folder
from daq.host_note import find_host
from daq.runfile.reader import RunFile
from daq.service.client import BenchClient
from daq.service.note import ServiceNote
from daq.service.tokens import FULL
from daq.system import System

BENCH = """
[bench]
name = "benchmark"
speed = {speed}
[instruments.furnace]
driver = "simulated-furnace"
[instruments.potentiostat]
driver = "simulated-potentiostat"
[simulation]
preset = "K001"
"""
SAMPLE = {"name": "K001", "pellet": {"thickness_mm": 0.9, "diameter_mm": 10}}
SWEEP = {"sample": SAMPLE, "run": [{"procedure": "eis-sweep", "temperatures_C": [120]}]}
SHORT = {"procedure": "open-circuit", "duration_h": 1.4e-4, "interval_s": 0.05}
STATUS_ms, FRESH_ms, LATE_ms, IDLE_percent, FLAT_percent = 5.0, 150.0, 20.0, 1.0, 5.0
CLIENTS, ROWS_PER_S = 20, 1000


@dataclass
class Up:
    """A service that answers, and its host."""

    folder: Path
    client: BenchClient
    port: int
    token: str
    service: psutil.Process
    host: psutil.Process


@contextmanager
def serving(speed: float) -> Iterator[Up]:
    """A service on a new bench in a new folder, ended with its host at the end."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as made:
        folder = Path(made)
        os.environ["CELLRIG_STATE"] = str(folder / "state")
        (folder / "bench.toml").write_text(BENCH.format(speed=speed), encoding="utf-8")
        config = load_bench(folder / "bench.toml")
        words = [sys.executable, "-P", "-m", "cellrig", "serve", "--bench", str(config.source), "--port", "0"]
        with subprocess.Popen(words, cwd=folder, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            service, host = ServiceNote.read(bench_folder(config)), find_host(config)
            assert service is not None
            assert host is not None
            token = (bench_folder(config) / FULL).read_text(encoding="utf-8").strip()
            try:
                with BenchClient.of(config) as client:
                    yield Up(
                        folder,
                        client,
                        service.port,
                        token,
                        psutil.Process(process.pid),
                        psutil.Process(host.process.pid),
                    )
            finally:
                process.terminate()
                process.communicate(timeout=30)
                System().end([host.process], patience_s=5.0)


def line(what: str, value: float, unit: str, limit: float, more: str = "") -> None:
    verdict = "holds" if value <= limit else "MISSED"
    print(f"{what}: {value:.3g} {unit} (at most {limit:g} {unit}: {verdict}){'; ' if more else ''}{more}", flush=True)


def until(what: Callable[[], object], seconds: float = 60.0) -> None:
    end_s = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end_s:
            raise SystemExit("it did not come so far in time")
        time.sleep(0.05)


# ------------------------------------------------------------ the measurements
def status() -> None:
    with serving(600) as up:
        line("status, idle", *_asked(up))
        up.client.submit(SWEEP)
        until(lambda: up.client.status()["run"])
        line("status, a run in progress", *_asked(up))
        up.client.post("/run/make-safe")
        up.client.post("/queue/hold", {"on": True})
        for _ in range(200):
            up.client.submit(SWEEP)
        line("status, 200 plans in the queue", *_asked(up))


def _asked(up: Up, count: int = 300) -> tuple[float, str, float, str]:
    taken_ms = []
    before = [_processor_s(one) for one in (up.service, up.host)]
    for _ in range(count):
        began_s = time.perf_counter()
        up.client.status()
        taken_ms.append(1e3 * (time.perf_counter() - began_s))
        time.sleep(0.006)  # below the service's rate limit
    service_ms, host_ms = (
        1e3 * (_processor_s(one) - used) / count for one, used in zip((up.service, up.host), before, strict=True)
    )
    told = f"processor time of the service {service_ms:.1f} ms, of the host {host_ms:.1f} ms a call"
    return statistics.median(taken_ms), "ms", STATUS_ms, told


def fresh(seconds: float) -> None:
    with serving(1) as up:
        up.client.submit(SWEEP)
        until(lambda: (up.client.status()["run"] or {}).get("step"))
        run_id = up.client.status()["run"]["id"]
        used_s = _processor_s(up.service)
        seen = asyncio.run(watch(up.port, up.token, run_id, 1, seconds))
        percent = 100 * (_processor_s(up.service) - used_s) / seconds
        with RunFile.open(up.folder / "runs" / run_id) as run:
            lateness = _lateness(seen, run)
        up.client.post("/run/make-safe")
    told = f"{_spread(lateness)}; the service took {percent:.1f} % of a core"
    line("a new row at a client, latest", max(lateness), "ms", FRESH_ms, told)


def crowd(seconds: float) -> None:
    with serving(600) as up:
        with feed(up.folder / "runs", ROWS_PER_S, seconds + 6) as run_id:
            used_s = _processor_s(up.service)
            seen = asyncio.run(watch(up.port, up.token, run_id, CLIENTS, seconds))
            percent = 100 * (_processor_s(up.service) - used_s) / seconds
        with RunFile.open(up.folder / "runs" / run_id) as run:
            lateness = _lateness(seen, run)
    late = sum(one > FRESH_ms + LATE_ms for one in lateness)
    told = f"{late} of {len(lateness)} arrivals later; {_spread(lateness)}; the service took {percent:.0f} % of a core"
    line(f"{ROWS_PER_S} rows/s at {CLIENTS} clients, latest", max(lateness), "ms", FRESH_ms + LATE_ms, told)


def _lateness(seen: Sequence[Seen], run: RunFile) -> list[float]:
    """Milliseconds from when a row was taken to when a client had it; the first second is not counted: a client
    that comes is told first of what was there.
    """
    anchor = run.anchors()[0]
    began = min(one.unix for one in seen)
    return [
        1e3 * (one.unix - (anchor.unix + t_s - anchor.t_s)) for one in seen if one.unix > began + 1 for t_s in one.t_s
    ]


def _spread(values: Sequence[float]) -> str:
    ordered = sorted(values)
    return f"median {ordered[len(ordered) // 2]:.0f} ms, 99 % below {ordered[int(0.99 * len(ordered))]:.0f} ms"


def idle(seconds: float) -> None:
    with serving(1) as up:
        time.sleep(3.0)
        before = [_processor_s(one) for one in (up.service, up.host)]
        time.sleep(seconds)
        for name, one, used_s in zip(("service", "host"), (up.service, up.host), before, strict=True):
            percent = 100 * (_processor_s(one) - used_s) / seconds
            line(f"idle {name}", percent, "% of a core", IDLE_percent, f"over {seconds:g} s")


def _processor_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def queue(count: int) -> None:
    with serving(1000) as up:
        began_s = time.monotonic()
        plans = [{"sample": {**SAMPLE, "name": f"n{number:04d}"}, "run": [SHORT]} for number in range(count)]
        numbers = [_submitted(up, plan) for plan in plans]
        memory: dict[int, list[float]] = {}
        marks = [mark for mark in (100, count // 2, count) if mark <= count]
        for mark in marks:
            up.client.wait(numbers[mark - 1])
            memory[mark] = [_resident_MB(one) for one in (up.service, up.host)]
            print(
                f"  {mark} runs after {time.monotonic() - began_s:.0f} s: service, host {memory[mark]} MB", flush=True
            )
        per_run_ms = 1e3 * _processor_s(up.host) / count
        told = up.client.get("/runs", limit=10_000)["runs"]
    names = [one["sample"] for one in told]
    wrong = sum(a != b for a, b in zip(names, (plan["sample"]["name"] for plan in plans), strict=False))
    unfinished = sum(one["outcome"] != "finished" for one in told)
    line(f"{count} queued runs: lost, out of order or unfinished", count - len(names) + wrong + unfinished, "runs", 0)
    print(f"  host: {per_run_ms:.0f} ms of processor time a run")
    for which, name in enumerate(("service", "host")):
        grown = 100 * abs(memory[marks[-1]][which] / memory[marks[0]][which] - 1)
        line(f"{name}, its memory between run {marks[0]} and {marks[-1]}", grown, "%", FLAT_percent)


def _submitted(up: Up, plan: dict[str, Any]) -> int:
    time.sleep(0.006)
    return up.client.submit(plan)["id"]


def _resident_MB(process: psutil.Process) -> float:
    return round(process.memory_info().rss / 1e6, 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="status,fresh,crowd,idle,queue")
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=30.0)
    options = parser.parse_args()
    parts = {
        "status": status,
        "fresh": lambda: fresh(options.seconds),
        "crowd": lambda: crowd(options.seconds),
        "idle": lambda: idle(options.seconds),
        "queue": lambda: queue(options.runs),
    }
    for name in options.only.split(","):
        parts[name]()
    print(f"{os.cpu_count()} cores; load over the last minute {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
