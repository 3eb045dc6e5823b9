"""`cellrig check`: what a plan would do, found out without touching any instrument."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from daq.bench import is_virtual
from daq.disk import bytes_needed, free_bytes
from daq.guarding import policy_text
from daq.interlock import Interlock
from daq.notify_file import recipients
from daq.plan import CheckedRun, Plan, check_plan, load_plan
from daq.run_interlocks import check_disk
from procedures.cli import text
from procedures.cli.console import print_json, say, stdout, table


def check_command(plan_file: Path, bench: Path | None, runs: Path, json: bool) -> None:
    plan = load_plan(plan_file, bench)
    checked = check_plan(plan)
    free = free_bytes(runs)
    if not is_virtual(plan.bench):
        recipients(plan.bench.model.notify.to, plan.bench.place)
    check_disk((lock for one in checked for lock in one.interlocks), free, plan.place)
    if json:
        print_json(_as_json(plan, checked, free))
    else:
        _print(stdout(), plan, checked, free)


def _as_json(plan: Plan, checked: list[CheckedRun], free: int) -> dict[str, Any]:
    return {
        "plan": plan.place,
        "bench": plan.bench.name,
        "simulated": is_virtual(plan.bench),
        "samples": [sample.label for sample in plan.samples],
        "runs": [
            {
                "procedure": one.procedure.procedure_name,
                "parameters": one.procedure.parameter_table(),
                "steps": [
                    {"key": step.key, "title": step.title, "seconds": one.seconds.get(step.key)}
                    for step in one.procedure.steps()
                ],
                "seconds": sum(one.seconds.values()),
                "rows": one.rows,
                "disk_bytes": bytes_needed(one.rows),
                "warnings": list(one.warnings),
                "told": list(one.told),
                "interlocks": [_lock_as_json(lock) for lock in one.interlocks],
            }
            for one in checked
        ],
        "disk_free_bytes": free,
        "if_lost": policy_text(plan.bench) or None,
    }


def _lock_as_json(lock: Interlock) -> dict[str, Any]:
    return {"name": lock.name, "quantity": lock.quantity.text, "limits": lock.bounds_text, "action": lock.action}


def _print(console: Console, plan: Plan, checked: list[CheckedRun], free: int) -> None:
    samples = ", ".join(sample.label for sample in plan.samples)
    where = "simulated, virtual time" if is_virtual(plan.bench) else "instruments"
    say(console, f"{plan.place} is in order")
    console.print(f"sample  {escape(samples)}\nbench   {escape(plan.bench.name)} ({where})")
    for number, one in enumerate(checked, 1):
        console.print(f"\nrun {number}: {one.procedure.procedure_name}")
        shown = table("", "step", "takes about", right=("", "takes about"))
        for index, step in enumerate(one.procedure.steps(), 1):
            shown.add_row(str(index), escape(step.title), text.duration(one.seconds.get(step.key)))
        console.print(shown)
        _print_interlocks(console, one.interlocks)
        for line in one.told:
            say(console, line)
        for warning in one.warnings:
            console.print(f"warning: {escape(warning)}")
    seconds = sum(sum(one.seconds.values()) for one in checked)
    needed = sum(bytes_needed(one.rows) for one in checked)
    policy = policy_text(plan.bench)
    if policy:
        say(console, f"\nif cellrig itself is lost: {policy}")
    console.print(
        f"\nin all about {text.duration(seconds)} of bench time, {text.size(needed)} of disk ({text.size(free)} free)"
    )
    if needed > free:
        console.print("warning: the disk is too full for this plan; make room before it is run")


def _print_interlocks(console: Console, interlocks: Sequence[Interlock]) -> None:
    shown = table("watched all the time", "within", "else")
    for one in interlocks:
        what = one.quantity.text if one.name == one.quantity.text else f"{one.name}: {one.quantity.text}"
        after = f" after {text.duration(one.delay_s)}" if one.delay_s else ""
        shown.add_row(escape(what), one.bounds_text, one.action.replace("_", " ") + after)
    console.print(shown)
