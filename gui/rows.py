"""The table's rows from what the bench says and what lies on disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from daq.catalog import RunSummary
from daq.clock import wall_unix
from gui.model.bench_status import BenchStatus
from gui.model.run_view import RunView
from gui.panels.runs_model import RunRow
from gui.words import span


def rows_of(
    status: BenchStatus, runs: Sequence[RunSummary], views: Mapping[Path, RunView], files: Sequence[RunRow]
) -> list[RunRow]:
    """What goes on first, then what waits, then the runs on disk, the newest first, then loaded files."""
    live = status.run
    rows: list[RunRow] = []
    if live is not None:
        left = span(live.remaining_s) if live.remaining_s is not None else ""
        state = "paused" if status.state in ("paused", "waiting") else "running"
        started = next((one.started for one in runs if one.path == live.path), "")
        rows.append(
            RunRow(
                key=str(live.path),
                procedure=live.procedure,
                sample=live.sample,
                state=state,
                started=_short(started),
                left=left,
                share=live.share,
                path=live.path,
            )
        )
    rows += [
        RunRow(
            key=f"queue {one.id}",
            procedure=one.procedure,
            sample=one.sample,
            state=one.state,
            queue_id=one.id,
            note=one.note,
        )
        for one in status.queue
    ]
    for one in reversed(runs):
        if live is not None and one.path == live.path:
            continue
        rows.append(_past(one, views.get(one.path)))
    known = {row.key for row in rows}
    for one in files:
        view = views.get(one.path) if one.path is not None else None
        if view is not None:
            one.share = 1.0 if view.outcome == "finished" else view.share_done
    return [*rows, *(one for one in files if one.key not in known)]


def _past(one: RunSummary, view: RunView | None) -> RunRow:
    share = 1.0 if one.outcome == "finished" else view.share_done if view is not None else 0.0
    return RunRow(
        key=str(one.path),
        procedure=one.procedure,
        sample=one.sample,
        state=one.outcome,
        started=_short(one.started),
        share=share,
        path=one.path,
    )


def _short(iso: str) -> str:
    """`26 Nov 14:05`, of another year with it."""
    if not iso:
        return ""
    when = datetime.fromisoformat(iso)
    is_now = when.year == datetime.fromtimestamp(wall_unix()).year
    return f"{when:%d %b %H:%M}" if is_now else f"{when:%d %b %Y %H:%M}"
