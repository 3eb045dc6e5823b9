"""The service: bench, queue and control over HTTP, `/v1/…`. The host does the work; this passes on and looks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, Response, StreamingResponse
from starlette.exceptions import HTTPException

from daq.bench import BenchConfig
from daq.errors import BadInput, CellrigError
from daq.interruption import offered, resume
from daq.lines import Unreachable
from daq.plan import check_plan
from daq.run_queue import RunQueue
from daq.runner import versions
from daq.service.answers import Answer, NotThere, dumped, of_cellrig, of_http, of_validation
from daq.service.bodies import ManualBody, MoveBody, OnBody, PlanBody
from daq.service.host_door import HostDoor
from daq.service.plans import checked_table, let_go, plan_of, submit
from daq.service.queue_view import QueueView
from daq.service.run_routes import run_folder, run_routes

STATUS_S = 0.25
PAGE = Path(__file__).with_name("page.html")
_CSP = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; img-src data:"


@dataclass(frozen=True)
class Parts:
    """What the routes work on."""

    config: BenchConfig
    runs_folder: Path
    queue: RunQueue
    host: HostDoor
    view: QueueView

    def status(self) -> str:
        """JSON: of the host, or that it is away; the queue, which lies on disk, in any case."""
        try:
            told = self.host.status()
        except Unreachable as error:
            told = {"state": "away", "bench": self.config.name, "run": None, "instruments": [], "problem": str(error)}
        seen = self.view.look()
        told = {"problem": "", **told, "notes": [*told.get("notes", ()), *seen.notes], "held": seen.held}
        return f'{dumped(told)[:-1]},"queue":{seen.text}}}'

    def changed(self) -> None:
        """Tell the host that the queue has changed; one that is away finds out by itself."""
        try:
            self.host.ask("look")
        except Unreachable:
            return


def make_app(parts: Parts) -> FastAPI:
    """The application without its walls (`daq.service.walls`)."""
    app = FastAPI(
        title="cellrig bench service",
        version="1",
        openapi_url="/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        default_response_class=Answer,
    )
    app.add_exception_handler(CellrigError, of_cellrig)
    app.add_exception_handler(RequestValidationError, of_validation)
    app.add_exception_handler(HTTPException, of_http)
    for routes in (_looking(parts), _queue(parts), _control(parts), run_routes(parts.runs_folder)):
        app.include_router(routes)

    @app.get("/", response_class=HTMLResponse, include_in_schema=False)
    def page() -> Any:
        return HTMLResponse(PAGE.read_text(encoding="utf-8"), headers={"content-security-policy": _CSP})

    return app


def _looking(parts: Parts) -> APIRouter:
    routes = APIRouter(prefix="/v1", tags=["bench"], default_response_class=Answer)

    @routes.get("/status")
    def status() -> Any:
        """Bench, run in progress, instruments with their last readings, what should be known (`notes`), queue."""
        return Response(parts.status(), media_type="application/json")

    @routes.get("/status/live", response_class=StreamingResponse)
    async def status_live() -> Any:
        """The status whenever it has changed, as server-sent events."""
        return StreamingResponse(_changes(parts.status), media_type="text/event-stream")

    @routes.get("/about")
    def about() -> Any:
        """Versions, folders, the bench file as it was read, runs that were interrupted."""
        interrupted = [{"id": one.id, "procedure": one.procedure, "sample": one.sample} for one in _offered(parts)]
        return Answer(
            {
                "versions": versions(),
                "bench": parts.config.as_dict(),
                "runs_folder": str(parts.runs_folder),
                "interrupted": interrupted,
            }
        )

    return routes


def _offered(parts: Parts) -> list[Any]:
    try:
        return offered(parts.runs_folder)
    except BadInput:
        return []


async def _changes(status: Callable[[], str]) -> AsyncIterator[str]:
    before, quiet = "", 0
    while True:
        now = await asyncio.to_thread(status)
        quiet = quiet + 1 if now == before else 0
        if now != before:
            yield f"event: status\ndata: {now}\n\n"
        elif quiet % 40 == 0:
            yield ": alive\n\n"
        before = now
        await asyncio.sleep(STATUS_S)


def _queue(parts: Parts) -> APIRouter:
    routes = APIRouter(prefix="/v1", tags=["queue"], default_response_class=Answer)
    queue = parts.queue

    def there(number: int) -> int:
        try:
            return queue.get(number).id
        except BadInput as error:
            raise NotThere(error.problem, place=error.place) from error

    @routes.post("/check")
    def check(body: PlanBody) -> Any:
        """The plan against the bench, touching nothing: steps, seconds, rows, bytes, warnings of each run."""
        return Answer({"runs": checked_table(check_plan(plan_of(body, parts.config)))})

    @routes.get("/queue")
    def entries() -> Any:
        """All entries: what has ended, oldest first, what runs, what is ahead in its order; why the queue is held."""
        return Answer({"entries": queue.tables(), "held": queue.held})

    @routes.get("/queue/{number}")
    def entry(number: int) -> Any:
        return Answer(queue.get(there(number)).as_table())

    @routes.post("/queue", status_code=201)
    def add(body: PlanBody) -> Any:
        """Check the plan and queue it, frozen as it is."""
        added, checked = submit(plan_of(body, parts.config), parts.runs_folder, queue)
        parts.changed()
        return Answer({"entry": added.as_table(), "runs": checked_table(checked)}, status_code=201)

    @routes.post("/queue/hold")
    def hold_all(body: OnBody) -> Any:
        """Start nothing more from the queue; `on` false: go on."""
        queue.hold_all("held by the user" if body.on else "")
        parts.changed()
        return Answer({"held": queue.held})

    @routes.post("/queue/{number}/hold")
    def hold(number: int, body: OnBody) -> Any:
        """Pass this entry over; `on` false: let it go, checked against the bench as it is now."""
        if body.on:
            queue.hold(there(number), True, "held by the user")
        else:
            let_go(queue, there(number), parts.config)
        parts.changed()
        return Answer(queue.get(number).as_table())

    @routes.post("/queue/{number}/move")
    def move(number: int, body: MoveBody) -> Any:
        queue.move(there(number), body.by)
        return Answer({"entries": queue.tables(("waiting", "held"))})

    @routes.delete("/queue/{number}")
    def remove(number: int) -> Any:
        queue.remove(there(number))
        return Answer({"removed": number})

    @routes.post("/runs/{run_id}/resume", status_code=201)
    def resume_run(run_id: str) -> Any:
        """Go on with an interrupted, stopped or failed run before anything else in the queue."""
        added = resume(queue, run_folder(parts.runs_folder, run_id))
        parts.changed()
        return Answer({"entry": added.as_table()}, status_code=201)

    return routes


def _control(parts: Parts) -> APIRouter:
    routes = APIRouter(prefix="/v1", tags=["control"], default_response_class=Answer)

    def told(what: str, **details: Any) -> Answer:
        return Answer({"done": parts.host.ask(what, **details)})

    @routes.post("/run/stop")
    def stop() -> Any:
        """Leave the step in order, make safe, analyse what is there; when nothing runs, make the bench safe."""
        return told("stop")

    @routes.post("/run/make-safe")
    def make_safe() -> Any:
        """Make the bench safe now, whatever it does; an idle bench is opened for it."""
        return told("make_safe")

    @routes.post("/run/pause")
    def pause(body: OnBody) -> Any:
        """Hold when this step is over; `on` false: go on."""
        return told("pause", on=body.on)

    @routes.post("/run/skip")
    def skip() -> Any:
        """Leave this step, go on with the next."""
        return told("skip")

    @routes.post("/instruments/{name}/connection")
    def connection(name: str, body: OnBody) -> Any:
        return told("connect", instrument=name, on=body.on)

    @routes.post("/instruments/{name}/command")
    def command(name: str, body: ManualBody) -> Any:
        """Work an instrument by hand; refused while a run owns the bench."""
        return told("manual", instrument=name, **body.model_dump(exclude_none=True))

    return routes
