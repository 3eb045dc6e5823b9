"""Runs that were broken off by the death of their host: offered, or gone on with, as the bench file says."""

from __future__ import annotations

from pathlib import Path

from daq.catalog import RunSummary, list_runs
from daq.errors import BadInput, RunFileError
from daq.run_queue import Entry, RunQueue
from daq.runfile.reader import RunFile

WHY = "was interrupted: resume it, or let the queue go on without it"
LATEST = 20  # runs of the folder that are looked at


def after_a_death(queue: RunQueue, policy: str) -> None:
    """What a dead host was running: resumed first (policy `resume`), or the queue is held until a person asks."""
    for entry in reversed(queue.interrupted()):
        broken = [run for run in entry.runs if is_interrupted(Path(run["path"]))]
        if not broken:
            queue.end(entry.id, "interrupted", "the bench host died before the run began; submit it again")
        elif policy == "resume":
            resume(queue, Path(broken[-1]["path"]))
        else:
            queue.hold_all(f"{Path(broken[-1]['path']).name} {WHY}")


def resume(queue: RunQueue, path: Path) -> Entry:
    """Go on with this run before anything else in the queue, and after it with what its plan had left.

    Lets the queue go when it was held for an interruption. Raises BadInput when there is nothing to resume.
    """
    with RunFile.open(path) as run:
        run.check_can_resume()
        title, sample = f"resume {run.procedure}", str(run.sample.get("name", ""))
    if any(one.kind == "resume" and one.work["path"] == str(path) for one in queue.entries(("waiting", "held"))):
        raise BadInput("it is in the queue already", place=str(path))
    _rest_of_its_plan(queue, path)
    entry = queue.add("resume", title, sample, {"path": str(path)})
    queue.move(entry.id, -(10**6))
    if queue.held.endswith(WHY):
        queue.hold_all("")
    return entry


def offered(runs_folder: Path) -> list[RunSummary]:
    """The latest runs that could be resumed because they were interrupted."""
    return [run for run in list_runs(runs_folder)[-LATEST:] if run.outcome == "interrupted"]


def _rest_of_its_plan(queue: RunQueue, path: Path) -> None:
    for entry in queue.entries(("interrupted",)):
        begun = [run["path"] for run in entry.runs]
        if entry.kind != "plan" or str(path) not in begun:
            continue
        rest = entry.work["plan"]["run"][len(begun) :]
        if rest:
            work = {**entry.work, "plan": {**entry.work["plan"], "run": rest}}
            title = ", ".join(one["procedure"] for one in rest)
            queue.move(queue.add("plan", title, entry.sample, work).id, -(10**6))
        queue.end(entry.id, "interrupted", "resumed")


def is_interrupted(path: Path) -> bool:
    try:
        with RunFile.open(path) as run:
            return run.outcome == "interrupted"
    except RunFileError:
        return False
