"""The service's client for scripts, and for cellrig's own commands and window.

with BenchClient.of_bench(Path("bench.toml")) as bench:
    run = bench.run(plan)                      # submitted, waited for
    print(run["results"])
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote

import httpx

from daq.bench import BenchConfig, load_bench
from daq.bench_lock import bench_folder
from daq.clock import wall_sleep
from daq.errors import BadInput, CellrigError
from daq.host_note import find_host
from daq.lines import Unreachable, error_of
from daq.service.note import ServiceNote
from daq.service.tokens import FULL
from daq.tables import read_toml

TIMEOUT_S = 130.0  # longer than the slowest command
OVER = ("finished", "stopped", "failed", "interrupted", "refused")


class BenchClient:
    """One service. Not for several threads at once. Errors are those of `daq.errors`; Unreachable when it is gone."""

    def __init__(self, address: str, token: str) -> None:
        self._http = httpx.Client(
            base_url=address, headers={"authorization": f"Bearer {token}"}, timeout=TIMEOUT_S, trust_env=False
        )

    @classmethod
    def of_bench(cls, bench: Path | None = None) -> BenchClient:
        """The service of this bench file (None: of the built-in bench). Raises Unreachable when there is none."""
        return cls.of(load_bench(bench))

    @classmethod
    def of(cls, config: BenchConfig) -> BenchClient:
        folder = bench_folder(config)
        note = ServiceNote.read(folder)
        if note is None:
            words = f" --bench {config.source}" if config.source else ""
            how = f"start it with: cellrig serve{words}"
            if find_host(config) is not None:
                how = f"a run is in progress: Ctrl-C where it was started ends it in order; or {how}, and ask again"
            raise Unreachable(f"{config.place}: no service runs for this bench; {how}")
        try:
            token = (folder / FULL).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise BadInput(f"the service's token cannot be read: {error}", place=str(folder / FULL)) from error
        return cls(f"http://127.0.0.1:{note.port}", token)

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> BenchClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ------------------------------------------------------------ requests
    def get(self, path: str, **query: Any) -> Any:
        return self._asked("GET", path, params=query)

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        return self._asked("POST", path, json=dict(body) if body is not None else None)

    def _asked(self, method: str, path: str, **more: Any) -> Any:
        try:
            reply = self._http.request(method, f"/v1{path}", **more)
            told = reply.json()
        except (httpx.HTTPError, ValueError) as error:
            raise Unreachable(f"the bench's service does not answer: {error}") from error
        if reply.is_error:
            error = error_of(told.get("error", {}))
            raise Unreachable(str(error)) if reply.status_code == 503 else error
        return told

    # ------------------------------------------------------------ the bench
    def status(self) -> dict[str, Any]:
        return self.get("/status")

    def submit(self, plan: Path | Mapping[str, Any]) -> dict[str, Any]:
        """Queue a plan file, or a plan as a table; returns its entry. Raises BadInput for one that won't do."""
        return self.post("/queue", plan_body(plan))["entry"]

    def check(self, plan: Path | Mapping[str, Any]) -> list[dict[str, Any]]:
        """What `cellrig check` tells of each run: procedure, steps, seconds, rows, bytes, warnings."""
        return self.post("/check", plan_body(plan))["runs"]

    def entry(self, number: int) -> dict[str, Any]:
        return self.get(f"/queue/{number}")

    def wait(self, number: int, every_s: float = 0.5) -> dict[str, Any]:
        """Until this entry is over; returns it. A service that is restarted meanwhile is waited for."""
        missed = 0
        while True:
            try:
                entry = self.entry(number)
                missed = 0
            except Unreachable:
                missed += 1
                if missed * every_s > 60:
                    raise
                entry = {"state": "unknown"}
            if entry["state"] in OVER:
                return entry
            wall_sleep(every_s)

    def run(self, plan: Path | Mapping[str, Any]) -> dict[str, Any]:
        """Submit, wait, and return the last run of the plan: id, outcome, reason, steps, results, streams.

        Raises CellrigError when no run came of it.
        """
        entry = self.wait(self.submit(plan)["id"])
        if not entry["runs"]:
            raise CellrigError(f"the plan was not run: {entry['note']}")
        return self.one_run(Path(entry["runs"][-1]["path"]).name)

    def remove(self, number: int) -> int:
        """Take an entry out of the queue before it was started. Raises BadInput."""
        return self._asked("DELETE", f"/queue/{number}")["removed"]

    def one_run(self, run_id: str) -> dict[str, Any]:
        return self.get(f"/runs/{quote(run_id, safe='')}")

    def stop(self) -> str:
        """Stop the run in progress in order; returns what was done."""
        return self.post("/run/stop")["done"]

    def make_safe(self) -> str:
        return self.post("/run/make-safe")["done"]

    def live(self, run_id: str, after: str = "") -> Iterator[tuple[str, dict[str, Any], str]]:
        """What a run records, as it does: (`rows` | `events` | `end`, table, cursor to go on with after a gap)."""
        return self._stream(f"/v1/runs/{quote(run_id, safe='')}/live", after)

    def status_live(self) -> Iterator[dict[str, Any]]:
        """The status, whenever it changes."""
        return (table for _, table, _ in self._stream("/v1/status/live", ""))

    def _stream(self, path: str, after: str) -> Iterator[tuple[str, dict[str, Any], str]]:
        kind, cursor = "", after
        try:
            with self._http.stream("GET", path, params={"after": after} if after else None) as reply:
                if reply.is_error:
                    reply.read()
                    raise error_of(reply.json().get("error", {}))
                for line in reply.iter_lines():
                    field, _, value = line.partition(": ")
                    if field == "event":
                        kind = value
                    elif field == "id":
                        cursor = value
                    elif field == "data":
                        yield kind, json.loads(value), cursor
        except httpx.HTTPError as error:
            raise Unreachable(f"the bench's service is gone: {error}") from error


def plan_body(plan: Path | Mapping[str, Any]) -> dict[str, Any]:
    """A plan file or table as the service takes it. Raises BadInput for a file that can't be read."""
    if isinstance(plan, Path):
        return {"plan": read_toml(plan), "source": str(plan.absolute())}
    return {"plan": dict(plan)}
