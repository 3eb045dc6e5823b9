"""Runs on disk over HTTP: list, one, its rows and events by cursor, live, its report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Query
from fastapi.responses import FileResponse, StreamingResponse

from daq.catalog import read_catalog
from daq.runfile.reader import RunFile
from daq.service.answers import Answer, NotThere
from daq.service.live import Tails, parse_cursor

REPORT = "report.html"
LONGEST_NAME = 255  # bytes; longer ones no file system has
_CSP = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'none'"


def run_folder(runs_folder: Path, run_id: str) -> Path:
    """The folder of one run, by its name and in no other way. Raises NotThere."""
    root = runs_folder.resolve()
    is_name = run_id == Path(run_id).name and "\0" not in run_id and len(run_id.encode()) < LONGEST_NAME
    found = (root / run_id).resolve() if is_name else root
    if found.parent != root or not (found / "run.db").is_file():
        raise NotThere(f"there is no run {run_id[:80]!r}", place="runs")
    return found


def run_routes(runs_folder: Path) -> APIRouter:
    """`/v1/runs…`; nothing outside `runs_folder` is ever opened."""
    router = APIRouter(prefix="/v1/runs", tags=["runs"], default_response_class=Answer)

    def folder_of(run_id: str) -> Path:
        return run_folder(runs_folder, run_id)

    @router.get("")
    def runs(limit: int = Query(200, ge=1, le=10_000)) -> Any:
        """The latest runs, oldest first, and folders that can't be read."""
        catalog = read_catalog(runs_folder)
        return Answer(
            {
                "runs": [{**asdict(one), "path": str(one.path)} for one in catalog.runs[-limit:]],
                "unreadable": [{"path": str(one.path), "problem": one.problem} for one in catalog.unreadable],
            }
        )

    @router.get("/{run_id}")
    def one_run(run_id: str) -> Any:
        """Its head, steps, results and streams."""
        with RunFile.open(folder_of(run_id)) as run:
            return Answer(_run_table(run))

    @router.get("/{run_id}/report", response_class=FileResponse)
    def report(run_id: str) -> Any:
        path = folder_of(run_id) / REPORT
        if not path.is_file():
            raise NotThere("the run has no report yet", place=run_id, allowed="cellrig report makes one")
        return FileResponse(path, media_type="text/html", headers={"content-security-policy": _CSP})

    _add_rows(router, folder_of)
    return router


def _add_rows(router: APIRouter, folder_of: Callable[[str], Path]) -> None:
    """What a run records: by cursor, and live."""
    tails = Tails()

    @router.get("/{run_id}/streams/{stream}")
    def rows(
        run_id: str, stream: str, after: int = Query(0, ge=0, le=2**62), limit: int = Query(1000, ge=1, le=10_000)
    ) -> Any:
        """Rows with an id above `after`; `next` is where to go on."""
        with RunFile.open(folder_of(run_id)) as run:
            info = {one.name: one for one in run.streams()}
            if stream not in info:
                raise NotThere(f"the run has no stream {stream[:80]!r}", place=run_id, allowed=", ".join(info))
            found = run.rows(stream, after, limit)
            columns = ["id", "step", "attempt", "t_s", *info[stream].columns]
            return Answer({"columns": columns, "rows": found, "next": found[-1][0] if found else after})

    @router.get("/{run_id}/events")
    def events(run_id: str, after: int = Query(0, ge=0, le=2**62)) -> Any:
        with RunFile.open(folder_of(run_id)) as run:
            found = run.events(after)
        return Answer({"events": [vars(one) for one in found], "next": found[-1].id if found else after})

    @router.get("/{run_id}/live", response_class=StreamingResponse)
    async def live(run_id: str, after: str = Query("", max_length=2000)) -> Any:
        """Rows and events from the cursor on, as server-sent events (rows, events, end), until the run has ended."""
        follow = tails.of(folder_of(run_id)).follow(parse_cursor(after))
        return StreamingResponse(follow, media_type="text/event-stream")


def _run_table(run: RunFile) -> dict[str, Any]:
    return {
        "id": run.path.name,
        "path": str(run.path),
        "procedure": run.procedure,
        "outcome": run.outcome,
        "reason": run.reason,
        "started": run.started,
        "sample": run.sample,
        "parameters": run.parameters,
        "steps": [vars(one) for one in run.steps()],
        "results": [asdict(one) for one in run.results()],
        "streams": [asdict(one) for one in run.streams()],
        "has_report": (run.path / REPORT).is_file(),
    }
