"""kill -9 of what stands by a run: its guard, the service, a client that watches, the window. The run does not notice.

    python tests/chaos/kill_bystanders.py --victim guard --count 25 --seed 1

Sweeps on a furnace on the wire follow each other, as many as it takes; in each as many kills as fit. A sweep has to
finish with every step in its first attempt and with the conductivities of one that nobody disturbed (5 %), all of them
in the same host. Prints a line for each sweep and the counts; exit status 1 when one promise did not hold. Linux only.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import tally
from host_bench import WIRE, ended_with_the_test, guards_of, peer, until, write_bench, write_plan
from kill_host import own_state

from daq.bench import BenchConfig
from daq.clock import wall_sleep
from daq.host_note import find_host
from daq.lines import LineClient
from daq.runfile.reader import RunFile
from daq.service.client import BenchClient

SPEED = 120
VICTIMS = ("guard", "service", "client", "window")
WITHIN = 0.05  # as of the truth in kill_host.py: a single spectrum at each temperature
PATIENCE_S = 60.0
PYTHON = [sys.executable, "-P", "-m"]


@dataclass
class Stand:
    """One bench with its host and its service. `kills`: of the victims, in turn, so far."""

    folder: Path
    config: BenchConfig
    host: LineClient
    victims: Sequence[str]
    draw: random.Random
    service: psutil.Popen
    kills: int = 0
    sweeps: int = 0
    told: list[str] = field(default_factory=list)

    def client(self) -> BenchClient:
        return BenchClient.of(self.config)


def service_of(config: BenchConfig, folder: Path) -> psutil.Popen:
    """`cellrig serve`, answering."""
    words = [*PYTHON, "cellrig", "serve", "--bench", str(config.source), "--runs", str(folder / "runs"), "--port", "0"]
    process = psutil.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    with process.stdout:
        assert b"http" in process.stdout.readline()
    return process


def kill_one(stand: Stand) -> None:
    """The victim is at work, then it is killed at a random moment, then it is there again, or another is."""
    moment_s = stand.draw.uniform(0.0, 0.5)
    victim = stand.victims[stand.kills % len(stand.victims)]
    if victim == "guard":
        guards = guards_of(stand.folder)
        until(lambda: stand.host.ask("status")["guard"] == "watching", PATIENCE_S, "no guard watches")
        wall_sleep(moment_s)
        for one in guards:
            _kill(one)
        until(lambda: guards_of(stand.folder), PATIENCE_S, "no guard is started anew")
    elif victim == "service":
        with stand.client() as client:
            client.status()
        wall_sleep(moment_s)
        _kill(stand.service)
        stand.service = service_of(stand.config, stand.folder)
    else:
        words = {
            "client": ["cellrig", "watch", "--bench", str(stand.config.source)],
            "window": ["gui.app", "--bench", str(stand.config.source), "--runs", str(stand.folder / "runs")],
        }[victim]
        env = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "XDG_CONFIG_HOME": str(stand.folder / "settings")}
        watcher = psutil.Popen([*PYTHON, *words], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(lambda: _is_attached(watcher), PATIENCE_S, f"the {victim} does not reach the service")
        wall_sleep(moment_s)
        _kill(watcher)
    stand.kills += 1


def _is_attached(process: psutil.Popen) -> bool:
    """Whether it talks with somebody; one that has ended before never will."""
    if process.poll() is not None:
        return True
    return any(one.status == psutil.CONN_ESTABLISHED for one in process.net_connections(kind="tcp"))


def _kill(process: psutil.Process | psutil.Popen) -> None:
    with suppress(psutil.NoSuchProcess):
        process.kill()
        process.wait(10)


# ---------------------------------------------------------------- runs, one after the other
def sweep(stand: Stand, plan: Path, most: int) -> dict[int, float]:
    """One run, with kills while it lasts, until there were `most` of them; its conductivity at each temperature."""
    began = stand.kills
    with stand.client() as client:
        number = client.submit(plan)["id"]
    while (entry := _entry(stand, number))["state"] in ("waiting", "running"):
        if stand.kills < most and entry["state"] == "running":
            kill_one(stand)
        wall_sleep(0.1)
    path = Path(entry["runs"][-1]["path"])
    with RunFile.open(path) as run:
        found = {
            round(one.at["temperature_C"]): one.value or 0.0 for one in run.results() if one.name == "conductivity"
        }
        disturbed = [f"{one.key}: attempt {one.attempt}, {one.state}" for one in run.steps() if one.attempt != 1]
        if run.outcome != "finished":
            disturbed.append(f"{run.outcome}: {run.reason}")
    stand.told += disturbed
    print(
        f"{stand.kills - began} kills of {' and '.join(stand.victims)}: {'; '.join(disturbed) or 'not noticed'}",
        flush=True,
    )
    return found


def _entry(stand: Stand, number: int) -> dict[str, Any]:
    with stand.client() as client:
        return client.entry(number)


@contextmanager
def standing(folder: Path, victims: Sequence[str], seed: int) -> Iterator[Stand]:
    with own_state(folder):
        config = write_bench(folder, WIRE, SPEED)
        with ended_with_the_test(config), peer(folder / "bench.toml"):
            service = service_of(config, folder)
            until(lambda: find_host(config), PATIENCE_S, "the service has no host")
            note = find_host(config)
            assert note is not None
            stand = Stand(folder, config, note.client(), victims, random.Random(f"{victims} {seed}"), service)
            try:
                yield stand
            finally:
                stand.host.ask("end", even_running=True)
                stand.host.close()
                _kill(stand.service)


def kill_all(
    victims: Sequence[str], count: int, seed: int, folder: Path, temperatures: Sequence[int] = (40, 50)
) -> Stand:
    """`count` kills, of the victims in turn; the first sweep is undisturbed. `told`: what was not as promised."""
    with standing(folder, victims, seed) as stand:
        host = stand.host.ask("status")["pid"]
        plan = write_plan(folder, list(temperatures))
        calm = sweep(stand, plan, 0)
        while stand.kills < count and not stand.told:
            found = sweep(stand, plan, count)
            stand.sweeps += 1
            off = {at: found.get(at, 0.0) / value - 1 for at, value in calm.items()}
            stand.told += [f"{at} degC: {100 * one:+.1f} %" for at, one in off.items() if abs(one) > WITHIN]
            if stand.host.ask("status")["pid"] != host:
                stand.told.append("another host than before")
        return stand


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--victim", choices=VICTIMS, required=True)
    parser.add_argument("--count", type=int, default=25)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        stand = kill_all([options.victim], options.count, options.seed, Path(folder))
    for one in stand.told:
        print("BAD:", one)
    tally.say({"kills": stand.kills, "sweeps meanwhile": stand.sweeps, "disturbed": len(stand.told)})
    return 1 if stand.told or stand.kills < options.count else 0


if __name__ == "__main__":
    sys.exit(main())
