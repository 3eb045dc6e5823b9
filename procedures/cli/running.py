"""`demo`, `run`, `resume`: from a plan to results, with the person kept informed."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from daq.bench import BenchConfig, is_virtual
from daq.catalog import find_run
from daq.plan import Plan, load_plan, make_plan
from daq.runfile.reader import RunFile
from daq.runner import Ended, Watcher, resume_run, run_plan
from daq.safety import SafeOutcome
from procedures.cli.conduct import conduct
from procedures.cli.console import print_json, say, stderr, stdout
from procedures.cli.looking import print_news, run_as_json
from procedures.cli.progress import display_for
from procedures.cli.reporting import report_at_end
from procedures.cli.results import cells_of_run, print_geometry, print_results
from procedures.cli.text import quoted, seconds_of
from procedures.cli.wall import Status, abandon_stdout, complain
from procedures.result_place import on_its_clock

log = logging.getLogger(__name__)
DEMO = {
    "sample": {
        "name": "(Li2OH)0.99K0.01Cl",
        "pellet": {"thickness_mm": 0.9, "diameter_mm": 10},
        "notes": "simulated: stainless steel on both sides",
    },
    "run": [
        {
            "procedure": "eis-sweep",
            "temperatures_C": [25, 30, 35, 40, 50, 60, 70, 80, 90, 100, 105, 110, 115, 120],
        }
    ],
}
STATUS = {"finished": Status.DONE, "failed": Status.FAILED, "stopped": Status.STOPPED}


def demo_command(runs: Path, json: bool) -> int:
    if not json:
        stdout().print("An impedance sweep from 25 to 120 °C, on simulated instruments, in virtual time.\n")
    plan = make_plan(DEMO, place="demo")
    return _run(lambda watcher: run_plan(plan, runs, watcher), json, single=True)


def run_command(plan_file: Path, bench: Path | None, runs: Path, json: bool) -> int:
    plan: Plan = load_plan(plan_file, bench)
    if is_virtual(plan.bench):
        return _run(lambda watcher: run_plan(plan, runs, watcher), json)
    from daq.host_client import run_in_host

    return _run(lambda watcher: run_in_host(plan, runs, watcher), json)


def resume_command(name: str, runs: Path, down_for: str | None, json: bool) -> int:
    down_for_s = None if down_for is None else seconds_of(down_for, place="--down-for")
    path = find_run(runs, name)
    with RunFile.open(path) as run:
        run.check_can_resume()
        in_process = is_virtual(BenchConfig.from_dict(run.bench))
    if in_process or down_for_s is not None:  # the latter is refused there, in its own words
        return _run(lambda watcher: [resume_run(path, watcher, down_for_s)], json, single=True)
    from daq.host_client import resume_in_host

    return _run(lambda watcher: resume_in_host(path, watcher), json, single=True)


def _run(work: Callable[[Watcher], list[Ended]], json: bool, *, single: bool = False) -> int:
    """Do it, show what came out, and say by the exit status how it ended, whoever still listens."""
    console = stderr() if json else stdout()
    ended = conduct(work, display_for(console))
    reports = {one.path: one.report or (None if one.end.cut_short else report_at_end(one.path)) for one in ended}
    try:
        if json:
            shown = [_shown(one.path) for one in ended]
            print_json(shown[0] if single else shown)
        else:
            for one in ended:
                _print_end(console, one, reports[one.path])
        sys.stdout.flush()
        _complain(ended)
    except OSError:
        log.info("nobody listens any more", exc_info=True)
        abandon_stdout()
    return _status(ended)


def _status(ended: list[Ended]) -> Status:
    """How the last run ended; where all is done, but something may still be hot or polarised, it is a failure."""
    status = STATUS.get(ended[-1].end.outcome, Status.STOPPED)
    if status == Status.DONE and any(_not_verified(one) for one in ended):
        return Status.FAILED
    return status


def _not_verified(ended: Ended) -> list[SafeOutcome]:
    return [safety for safety in ended.end.safety if not safety.verified]


def _complain(ended: list[Ended]) -> None:
    for one in ended:
        if one.end.outcome == "failed":
            complain(f"{one.path}: the run failed: {one.end.reason}")
        for safety in _not_verified(one):
            complain(f"{safety.instrument}: {safety.text}")


def _shown(path: Path) -> dict[str, object]:
    with RunFile.open(path) as run:
        return run_as_json(run)


def _print_end(console: Console, ended: Ended, report: Path | None) -> None:
    console.print()
    with RunFile.open(ended.path) as run:
        results = on_its_clock(run.results(), run.procedure)
        events = run.events()
        sample = run.sample
        cells = cells_of_run(run)
    if results or cells:
        print_results(console, results, cells)
        print_geometry(console, sample, results)
        console.print()
    print_news(console, events)
    say(console, f"{ended.end.outcome}: {ended.end.reason}")
    for safety in _not_verified(ended):
        say(console, f"but {safety.instrument} could not be verified safe: look at it now")
    if report is not None:
        say(console, f"the report is {report}")
    say(console, f"the run is in {ended.path}")
    if ended.end.outcome != "finished":
        say(console, f"go on with: cellrig resume {quoted(ended.path)}")
