"""`runs`, `show`: look at what is on disk; nothing here writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from daq.catalog import RunSummary, find_run, read_catalog
from daq.contracts import Outcome
from daq.runfile.reader import EventRecord, RunFile, StepRecord
from procedures.cells_told import CELLS
from procedures.cli import text
from procedures.cli.console import print_json, remark, say, stdout, table
from procedures.cli.results import as_json, cells_of_run, print_geometry, print_results
from procedures.cli.wall import complain
from procedures.result_place import on_its_clock

STYLE: Mapping[Outcome, str] = {"finished": "green", "failed": "red", "interrupted": "yellow", "stopped": "yellow"}
NEWS_SHOWN = 12


# ---------------------------------------------------------------- runs
def runs_command(runs: Path, json: bool) -> None:
    """Every run in a folder. One that can't be read is complained about and left out: the others are still there."""
    found = read_catalog(runs)
    if json:
        print_json([_summary_as_json(one) for one in found.runs])
    else:
        _print_runs(stdout(), runs, found.runs)
    for broken in found.unreadable:
        complain(f"{broken.path}: {broken.problem}")


def _summary_as_json(one: RunSummary) -> dict[str, Any]:
    return {
        "id": one.id,
        "procedure": one.procedure,
        "sample": one.sample,
        "outcome": one.outcome,
        "started": one.started,
        "path": one.path.absolute(),
    }


def _print_runs(console: Console, folder: Path, runs: Sequence[RunSummary]) -> None:
    if not runs:
        say(console, f"no runs in {folder}")
        return
    shown = table("outcome", "started", "run")
    for one in runs:
        outcome = f"[{STYLE.get(one.outcome, 'default')}]{one.outcome}[/]"
        shown.add_row(outcome, one.started[:16].replace("T", " "), escape(one.id))
    console.print(shown)


# ---------------------------------------------------------------- show
def show_command(name: str, runs: Path, json: bool) -> None:
    with RunFile.open(find_run(runs, name)) as run:
        if json:
            print_json(run_as_json(run))
        else:
            _print_run(stdout(), run)


def run_as_json(run: RunFile) -> dict[str, Any]:
    """The contract's object. Times of steps are bench time: by the calendar, and in seconds since the start."""
    return {
        "id": run.id,
        "procedure": run.procedure,
        "outcome": run.outcome,
        "reason": run.reason,
        "damage": run.damage() or None,
        "started": run.started,
        "path": run.path.absolute(),
        "sample": run.sample,
        "parameters": run.parameters,
        "bench": run.bench,
        "instruments": run.instruments,
        "versions": run.versions,
        "steps": [
            {
                "key": step.key,
                "title": step.title,
                "state": step.state,
                "attempt": step.attempt,
                "started": _calendar(run, step.started_t_s),
                "ended": _calendar(run, step.ended_t_s),
                "started_t_s": step.started_t_s,
                "ended_t_s": step.ended_t_s,
            }
            for step in run.steps()
        ],
        "cells": list(run.recall(CELLS, {}).values()),
        "results": as_json(on_its_clock(run.results(), run.procedure)),
        "interlocks": run.interlocks,
        "streams": [
            {"name": one.name, "columns": one.columns, "units": one.units, "rows": one.rows} for one in run.streams()
        ],
    }


def _calendar(run: RunFile, t_s: float | None) -> str | None:
    if t_s is None:
        return None
    return datetime.fromtimestamp(run.unix_of(t_s), UTC).astimezone().isoformat(timespec="seconds")


def _sample_name(run: RunFile) -> str:
    return str(run.sample.get("name", ""))


def _print_run(console: Console, run: RunFile) -> None:
    outcome = run.outcome
    console.print(f"[bold]{escape(run.id)}[/]", soft_wrap=True)
    reason = run.reason or ("its process ended without a word" if outcome == "interrupted" else "")
    console.print(f"[{STYLE.get(outcome, 'default')}]{outcome}[/]" + (f": {escape(reason)}" if reason else ""))
    console.print(f"{run.procedure} of {escape(_sample_name(run))}, started {run.started}")
    console.print(f"on {escape(str(run.bench.get('bench', {}).get('name', 'a bench')))}\n")
    damage = run.damage()
    if damage:
        console.print("[red]the run file is damaged[/]")
        remark(console, f"{damage}; some rows are lost. Look at it with: cellrig fsck {text.quoted(run.path)}")
        console.print()
    _print_parameters(console, run.parameters)
    _print_steps(console, run.steps())
    _print_interlocks(console, run.interlocks)
    results = on_its_clock(run.results(), run.procedure)
    cells = cells_of_run(run)
    if results or cells:
        print_results(console, results, cells)
        print_geometry(console, run.sample, results)
        console.print()
    streams = table("table", "rows", "columns", right=("rows",))
    for one in run.streams():
        streams.add_row(one.name, str(one.rows), escape(", ".join(one.columns)))
    console.print(streams)
    console.print()
    print_news(console, run.events())
    say(console, str(run.path))
    if run.is_salvaged:
        say(console, "what was left of a damaged run can't go on; run its plan anew")
    elif outcome in ("interrupted", "stopped", "failed"):
        say(console, f"go on with: cellrig resume {text.quoted(run.path)}")


def _print_parameters(console: Console, parameters: Mapping[str, Any]) -> None:
    shown = table("parameter", "value")
    for key, value in parameters.items():
        shown.add_row(key, escape(text.one_line(value)))
    console.print(shown)
    console.print()


def _print_steps(console: Console, steps: Sequence[StepRecord]) -> None:
    shown = table("step", "state", "attempt", "took", right=("attempt", "took"))
    for step in steps:
        took = None if step.started_t_s is None or step.ended_t_s is None else step.ended_t_s - step.started_t_s
        shown.add_row(
            escape(step.title or step.key),
            step.state,
            str(step.attempt) if step.attempt > 1 else "",
            "" if took is None else text.duration(took),
        )
    console.print(shown)
    console.print()


def _print_interlocks(console: Console, trips: Sequence[Mapping[str, Any]]) -> None:
    """What has tripped, and for how long. Nothing where nothing has."""
    if not trips:
        return
    shown = table("interlock", "after", "did", "lasted", right=("after", "lasted"))
    for one in trips:
        cleared = one["cleared_t_s"]
        lasted = "did not clear" if cleared is None else text.duration(cleared - one["tripped_t_s"])
        did = one["action"].replace("_", " ")
        shown.add_row(escape(text.trip(one)), text.duration(one["tripped_t_s"]), did, lasted)
    console.print(shown)
    console.print()


def print_news(console: Console, events: Sequence[EventRecord]) -> None:
    """The last warnings and errors: the whole log is in the run file."""
    news = [one for one in events if one.level in ("warning", "error")]
    if not news:
        return
    more = f" (the last {NEWS_SHOWN} of {len(news)})" if len(news) > NEWS_SHOWN else ""
    console.print(f"warnings{more}")
    for one in news[-NEWS_SHOWN:]:
        last_line = one.text.strip().splitlines()[-1] if one.text.strip() else ""
        remark(console, f"after {text.duration(one.t_s)}, {one.source}: {last_line}")
    console.print()
