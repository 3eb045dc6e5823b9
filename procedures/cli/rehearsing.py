"""`cellrig rehearse`: what a plan would do on its bench, seen on the bench's simulated twin before the week begins."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console
from rich.markup import escape

from daq.errors import BadInput
from daq.plan import Plan, check_plan, is_bench_file, load_plan
from daq.runner import Watcher, run_plan
from daq.twin import Twin
from procedures.cli import text
from procedures.cli.conduct import conduct
from procedures.cli.console import print_json, remark, say, stderr, stdout, table
from procedures.cli.progress import display_for
from procedures.cli.wall import Status
from procedures.rehearsal import Rehearsed, on_twin, seen_in

WARNINGS_SHOWN = 8


def rehearse_command(files: Sequence[Path], bench: Path | None, keep: Path | None, json: bool) -> int:
    """All plans are checked against the real bench first. Raises BadInput as `check`, and for a bench without a twin.

    Of several files those that are bench files are passed over: a folder of plans has its benches beside them.
    """
    plans = [load_plan(file, bench) for file in files if len(files) == 1 or not _is_passed_over(file)]
    if not plans:
        raise BadInput("none of these files is a plan", place=str(files[0]), allowed="plan files")
    asked = [len(check_plan(plan)) for plan in plans]
    twins = [on_twin(plan) for plan in plans]
    tables, are_done = [], True
    for plan, count, (rehearsal, twin) in zip(plans, asked, twins, strict=True):
        with TemporaryDirectory(prefix="cellrig-rehearsal-") as nowhere:
            runs = _rehearse(rehearsal, keep or Path(nowhere), stderr() if json else stdout())
        if json:
            tables.append(_table(plan, twin, runs))
        else:
            _print(stdout(), plan, twin, runs, count)
        are_done = are_done and len(runs) == count and all(one.outcome == "finished" for one in runs)
    if json:
        print_json(tables if len(files) > 1 else tables[0])
    return Status.DONE if are_done else Status.FAILED


def _is_passed_over(file: Path) -> bool:
    if not is_bench_file(file):
        return False
    remark(stderr(), f"{file} is a bench file: passed over")
    return True


def _table(plan: Plan, twin: Twin, runs: Sequence[Rehearsed]) -> dict[str, Any]:
    told = [{**vars(one), "steps": list(one.steps), "interlocks": list(one.interlocks)} for one in runs]
    return {"plan": plan.place, "bench": plan.bench.name, "drivers": twin.drivers, "notes": twin.notes, "runs": told}


def _rehearse(plan: Plan, runs: Path, console: Console) -> list[Rehearsed]:
    def work(watcher: Watcher) -> list[Any]:
        return run_plan(plan, runs, watcher, held=True)  # the real bench may be at work meanwhile

    return [seen_in(one.path) for one in conduct(work, display_for(console))]


# ---------------------------------------------------------------- for people
def _print(console: Console, plan: Plan, twin: Twin, runs: Sequence[Rehearsed], asked: int) -> None:
    console.print()
    say(console, f"{plan.place} on the twin of {plan.bench.name}; nothing real was touched")
    for note in twin.notes:
        remark(console, note)
    for number, one in enumerate(runs, 1):
        _print_run(console, number, one)
    seconds, disk = sum(one.seconds for one in runs), sum(one.disk_bytes for one in runs)
    console.print(f"\nin all {text.duration(seconds)} of bench time, {text.size(disk)} of disk")
    if len(runs) < asked:
        say(console, f"{asked - len(runs)} of {asked} runs were not begun: the one before did not finish")


def _print_run(console: Console, number: int, one: Rehearsed) -> None:
    console.print(f"\nrun {number}: {one.procedure} {one.outcome} after {text.duration(one.seconds)}")
    if one.outcome != "finished":
        remark(console, one.reason)
    shown = table("begins after", "step", "state", "takes", right=("begins after", "takes"))
    for step in one.steps:
        shown.add_row(
            text.duration(step["began_s"]), escape(step["title"]), step["state"], text.duration(step["seconds"])
        )
    console.print(shown)
    facts = [f"{one.rows} rows", text.size(one.disk_bytes)]
    facts += [f"{one.spectra} spectra"] if one.spectra else []
    facts += [f"{one.cycles} cycles"] if one.cycles else []
    if one.temperature_C is not None:
        facts.append(f"{one.temperature_C[0]:.1f} to {one.temperature_C[1]:.1f} °C")
    console.print(", ".join(facts))
    for trip in one.interlocks:
        cleared = trip["cleared_t_s"]
        lasted = "does not clear" if cleared is None else f"clears after {text.duration(cleared - trip['tripped_t_s'])}"
        did = str(trip["action"]).replace("_", " ")
        remark(console, f"interlock after {text.duration(trip['tripped_t_s'])}: {text.trip(trip)}; {did}, {lasted}")
    others = [line for line in one.warnings if not line.startswith("interlock:")]
    for line in others[:WARNINGS_SHOWN]:
        remark(console, f"warning: {line}")
    if len(others) > WARNINGS_SHOWN:
        more = len(others) - WARNINGS_SHOWN
        remark(console, f"and {more} more warning{'s' if more > 1 else ''}")
