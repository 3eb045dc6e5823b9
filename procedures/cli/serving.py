"""`serve`, `submit`, `status`, `watch`, `stop`: the bench service and its clients at the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from daq.bench import load_bench
from daq.lines import Unreachable
from daq.service.client import BenchClient
from daq.service.serving import serve
from daq.tables import read_toml
from procedures.cli.console import print_json, say, stdout
from procedures.cli.text import duration
from procedures.cli.wall import Status


def serve_command(bench: Path | None, runs: Path, host: str, port: int) -> int:
    console = stdout()
    serve(load_bench(bench), runs, host, port, lambda text: say(console, text))
    return Status.DONE


def submit_command(plan: Path, bench: Path | None, json: bool) -> int:
    with BenchClient.of_bench(_bench_of(plan, bench)) as client:
        entry = client.submit(plan)
    if json:
        print_json(entry)
    else:
        say(stdout(), f"entry {entry['id']} of the queue: {entry['title']} of {entry['sample']}")
    return Status.DONE


def status_command(bench: Path | None, json: bool) -> int:
    with BenchClient.of_bench(bench) as client:
        status = client.status()
    if json:
        print_json(status)
        return Status.DONE
    console = stdout()
    for line in status_lines(status):
        say(console, line)
    return Status.DONE


def watch_command(bench: Path | None) -> int:
    """Follow the bench until nothing runs and nothing waits; a lost service is told and looked for again."""
    console = stdout()
    before: list[str] = []
    with BenchClient.of_bench(bench) as client:
        try:
            for status in client.status_live():
                lines = status_lines(status)
                for line in lines:
                    if line not in before:
                        say(console, line)
                before = lines
                waiting = [one for one in status["queue"] if one["state"] == "waiting"]
                if status["state"] == "idle" and (not waiting or status["held"]):
                    return Status.DONE
        except Unreachable as error:
            say(console, f"{error}; what runs goes on without it")
            return Status.STOPPED
    return Status.DONE


def stop_command(bench: Path | None, now: bool) -> int:
    with BenchClient.of_bench(bench) as client:
        say(stdout(), client.make_safe() if now else client.stop())
    return Status.DONE


def status_lines(status: dict[str, Any]) -> list[str]:
    """The status in words, one thing a line."""
    lines = [f"{status['bench']}: {status['state']}" + (f" ({status['problem']})" if status["problem"] else "")]
    run = status["run"]
    if run:
        left = f", {duration(run['remaining_s'])} left" if run["remaining_s"] is not None else ""
        where = f"step {run['step']} of {run['steps']}, {run['title']}" if run["steps"] else run["text"]
        lines.append(f"  {run['id']}: {where}{left}")
    lines += [f"  {note}" for note in status["notes"]]
    for one in status["instruments"]:
        if one["connected"]:
            values = ", ".join(f"{key} {_short(value)}" for key, value in one["values"].items() if value is not None)
            lines.append(f"  {one['name']}: {values}")
        lines += [f"  {one['name']} reports: {fault}" for fault in one["faults"]]
    if status["held"]:
        lines.append(f"  the queue is held: {status['held']}")
    for one in status["queue"]:
        if one["state"] != "running":
            note = f" ({one['note']})" if one["note"] else ""
            lines.append(f"  {one['state']}: entry {one['id']}, {one['title']} of {one['sample']}{note}")
    return lines


def _short(value: Any) -> str:
    return f"{value:.5g}" if isinstance(value, float) else str(value)


def _bench_of(plan: Path, bench: Path | None) -> Path | None:
    """The bench named with the command, else in the plan."""
    named = read_toml(plan).get("bench")
    return bench or (plan.parent / named if isinstance(named, str) else None)
