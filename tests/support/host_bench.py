"""A bench in real time with its furnace in another process, and a host to kill. Linux only: kill -9, a pty."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from daq.bench import BenchConfig, load_bench
from daq.clock import wall_monotonic, wall_sleep
from daq.host_note import find_host
from daq.system import System

WIRE = """
[bench]
name = "wire"
speed = {speed}
lost_after_s = 900
{tables}
[instruments.furnace]
driver = "eurotherm"
port = "{port}"
timeout_s = 0.05
limits = {{ max_temperature_C = 150 }}
[instruments.potentiostat]
driver = "simulated-potentiostat"
{instruments}
[simulation]
preset = "K001"
furnace = "peer"
"""
SIMULATED = """
[bench]
name = "simulated, in real time"
speed = {speed}
[instruments.furnace]
driver = "simulated-furnace"
limits = {{ max_temperature_C = 150 }}
[instruments.potentiostat]
driver = "simulated-potentiostat"
{tables}
[simulation]
preset = "K001"
"""
PLAN = """
bench = "bench.toml"
[sample]
name = "K001"
pellet = {{ thickness_mm = 0.9, diameter_mm = 10 }}
[[run]]
procedure = "eis-sweep"
temperatures_C = {temperatures}
"""


def write_bench(folder: Path, text: str, speed: float, tables: str = "", instruments: str = "") -> BenchConfig:
    made = text.format(speed=speed, port=folder / "eurotherm", tables=tables, instruments=instruments)
    (folder / "bench.toml").write_text(made, encoding="utf-8")
    return load_bench(folder / "bench.toml")


def write_plan(folder: Path, temperatures: list[int]) -> Path:
    (folder / "plan.toml").write_text(PLAN.format(temperatures=temperatures), encoding="utf-8")
    return folder / "plan.toml"


def guards_of(folder: Path) -> list[psutil.Process]:
    """The guards of the bench in `folder`."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if "daq.guard" in words and str(folder) in words[-1]:
            found.append(process)
    return found


def until(what: Callable[[], object], seconds: float, why: str) -> None:
    """Wait until `what()` is true. Raises AssertionError with `why`."""
    end_s = wall_monotonic() + seconds
    while not what():
        if wall_monotonic() > end_s:
            raise AssertionError(why)
        wall_sleep(0.05)


@contextmanager
def peer(bench: Path, kind: str = "eurotherm") -> Iterator[subprocess.Popen[str]]:
    """`cellrig simulate KIND`, answering where the bench file says; `show` typed at it tells what it does."""
    words = [sys.executable, "-P", "-m", "cellrig", "simulate", kind, "--bench", str(bench)]
    child = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8", env=os.environ)
    assert child.stdout is not None
    assert "answers at" in child.stdout.readline()
    try:
        yield child
    finally:
        child.communicate("quit\n", timeout=10)


def shown(child: subprocess.Popen[str]) -> str:
    """What the peer itself does now."""
    return typed(child, "show")


def typed(child: subprocess.Popen[str], words: str) -> str:
    """What the peer answers to a command that is typed at it."""
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(f"{words}\n")
    child.stdin.flush()
    return child.stdout.readline()


@contextmanager
def ended_with_the_test(config: BenchConfig) -> Iterator[None]:
    """A host and a guard that a failed test leaves behind are ended."""
    try:
        yield
    finally:
        note = find_host(config)
        if note is not None:
            System().end([note.process])
