"""A plan that came over HTTP: made, checked against the bench, and frozen for the queue."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from daq.bench import BenchConfig, load_bench
from daq.disk import bytes_needed, check_room
from daq.errors import BadInput
from daq.frozen_plan import bench_now, check_same_bench, freeze, on_bench, thaw, titles
from daq.notify_file import recipients
from daq.plan import CheckedRun, Plan, check_plan, make_plan
from daq.run_queue import Entry, RunQueue
from daq.service.bodies import PlanBody


def plan_of(body: PlanBody, bench: BenchConfig) -> Plan:
    """Raises BadInput for a plan that won't do, or that names another bench."""
    source = Path(body.source) if body.source else None
    table = dict(body.plan)
    named = table.pop("bench", None)
    if named is not None and not isinstance(named, str):
        raise BadInput(f"{named!r} is no file name", place="plan.bench")
    now = bench_now(bench)
    place = body.source or "plan"
    if named is not None:
        folder = source.parent if source else Path()
        on_bench(replace(make_plan(table, now, place), bench=load_bench(folder / named)), now)
    return replace(make_plan(table, now, place), source=source)


def checked_table(checked: list[CheckedRun]) -> list[dict[str, Any]]:
    """What `cellrig check` tells, as JSON."""
    return [
        {
            "procedure": one.procedure.procedure_name,
            "steps": [{"key": step.key, "title": step.title} for step in one.procedure.steps()],
            "seconds": sum(one.seconds.values()),
            "rows": one.rows,
            "bytes": bytes_needed(one.rows),
            "warnings": list(one.warnings),
            "told": list(one.told),
        }
        for one in checked
    ]


def submit(plan: Plan, runs_folder: Path, queue: RunQueue) -> tuple[Entry, list[CheckedRun]]:
    """Check the plan and put it at the end of the queue; on disk when this returns. Raises BadInput."""
    checked = check_plan(plan)
    check_room(runs_folder, sum(one.rows for one in checked))
    recipients(plan.bench.model.notify.to, plan.bench.place)
    title, sample = titles(plan)
    return queue.add("plan", title, sample, freeze(plan, runs_folder)), checked


def let_go(queue: RunQueue, number: int, bench: BenchConfig) -> None:
    """An entry that was held runs again in its turn; one whose bench has changed is checked against the new one."""
    entry = queue.get(number)
    if entry.kind == "plan":
        now = bench_now(bench)
        try:
            check_same_bench(entry.work, now)
        except BadInput:
            plan = thaw(entry.work, now)
            check_plan(plan)
            queue.replace_work(number, freeze(plan, Path(entry.work["runs_folder"])))
    queue.hold(number, False)
