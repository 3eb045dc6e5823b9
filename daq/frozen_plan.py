"""A plan as it lies in the queue: all that it says, copies of the files it names, the bench it was checked against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from daq.bench import BenchConfig, load_bench
from daq.bench_lock import bench_folder
from daq.errors import BadInput
from daq.plan import Plan, PlanModel
from daq.plan_files import PlanFiles
from daq.tables import parse


def freeze(plan: Plan, runs_folder: Path) -> dict[str, Any]:
    """`plan` for the queue: whole, with copies of the files that it names; `files` are their names among the copies.

    Raises BadInput for a file that is not there, StorageError when there is no room for its copy.
    """
    files = PlanFiles(bench_folder(plan.bench))
    return {
        "plan": {**plan.model.model_dump(exclude_none=True, exclude={"bench"}), "run": plan.anchored(files.keep)},
        "files": sorted(files.kept),
        "source": str(plan.source) if plan.source else None,
        "bench": plan.bench.as_dict(),
        "runs_folder": str(runs_folder.absolute()),
    }


def thaw(work: Mapping[str, Any], bench: BenchConfig) -> Plan:
    """The plan again, on the bench as it is now. Raises BadInput when this version can't read it."""
    source = work.get("source")
    place = source or "queued plan"
    return Plan(parse(PlanModel, work["plan"], str(place)), bench, Path(source) if source else None)


def bench_now(bench: BenchConfig) -> BenchConfig:
    """The bench file as it is on disk now. Raises BadInput."""
    return load_bench(bench.source)


def check_same_bench(work: Mapping[str, Any], now: BenchConfig) -> None:
    """Raises BadInput when the bench file has changed since the plan was checked against it."""
    before = BenchConfig.from_dict(work["bench"])
    if before.source != now.source:
        raise BadInput(f"the plan was made for the bench {before.place}", place=now.place)
    if before.model != now.model:
        raise BadInput(
            "the bench file has changed since the plan was submitted",
            place=now.place,
            allowed="check the plan against it once more, then let the entry go",
        )


def on_bench(plan: Plan, bench: BenchConfig) -> Plan:
    """`plan` on this bench, when it names no other. Raises BadInput."""
    if plan.bench.source not in (None, bench.source):
        raise BadInput(
            f"the plan names the bench {plan.bench.place}, this service has {bench.place}",
            place=plan.place,
            allowed="submit it there, or leave the bench out of the plan",
        )
    return replace(plan, bench=bench)


def titles(plan: Plan) -> tuple[str, str]:
    """What its runs and samples are called, in a line each."""
    procedures = ", ".join(table.procedure for table in plan.model.run)
    return procedures, ", ".join(one.name for one in plan.samples)
